"""Environment: Jinja for the leaves, a sandbox where a missing fact is falsy and prints "not
known".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import jinja2

from message_templates.text_parts import NOT_KNOWN, Link, Ours, clean, data, element
from plan.bounds import BoundedEnvironment, weigh

STATE = "render__"  # the render's language, zone and catalogue, in every context

REFERENCE = re.compile(r"INC-\d{1,12}")  # how people call an incident
_MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})
_CLOSED = frozenset({"reveal", "format", "format_map"})  # personal data is revealed elsewhere


class Missing(jinja2.ChainableUndefined):
    """A fact that is not known: falsy, in no order to anything, kept by arithmetic."""

    __slots__ = ()

    def _keep(self, *_: object) -> Missing:
        return self

    def _never(self, _: object) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _keep  # type: ignore[assignment]
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _keep  # type: ignore[assignment]
    __mod__ = __rmod__ = __neg__ = __pos__ = _keep  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = _never  # type: ignore[assignment]

    def __call__(self, *_: object, **__: object) -> Missing:  # type: ignore[override]
        return self

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, jinja2.Undefined)

    __hash__ = jinja2.Undefined.__hash__

    def __str__(self) -> str:
        return NOT_KNOWN

    def __int__(self) -> int:  # type: ignore[override]
        raise TypeError("not known")

    def __float__(self) -> float:  # type: ignore[override]
        raise TypeError("not known")


def is_missing(value: object) -> bool:
    return value is None or isinstance(value, jinja2.Undefined)


def _is_field(obj: Any, attribute: str) -> bool:
    """Whether it is a field of a view: data, which needs no further look whether it is safe."""
    fields = getattr(type(obj), "__dataclass_fields__", ())
    return attribute in fields and attribute[0] != "_" and attribute not in _CLOSED


class LeafEnvironment(BoundedEnvironment):
    """Jinja where `facts.items` is the fact of that name, not the method of a mapping."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute not in _MAPPING_METHODS:
                return self.undefined(obj=obj, name=attribute)
        elif _is_field(obj, attribute):
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in _CLOSED and super().is_safe_attribute(obj, attr, value)


@jinja2.pass_context
def printed(context: jinja2.runtime.Context, value: Any) -> str:
    """What a `{{ … }}` writes: our own words as they are, everything else as data."""
    if isinstance(value, Ours):
        return value
    filters = context.environment.filters
    if is_missing(value):
        return NOT_KNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return value if value == NOT_KNOWN else _named(context, value)
    if isinstance(value, (datetime, date)):
        return str(filters["time"](context, value))
    if isinstance(value, Mapping) and {"minor", "currency"} <= value.keys():
        return str(filters["money"](context, value))
    weigh(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(printed(context, item) for item in value)
    name = getattr(value, "name", None)
    if isinstance(name, str) and hasattr(value, "user_id"):  # somebody, as a plain name
        return data(clean(name))
    return data(clean(str(value)))


def _named(context: jinja2.runtime.Context, value: str) -> Ours:
    """A value from outside; the number of an incident leads to its thread."""
    url = context[STATE].links(value) if REFERENCE.fullmatch(value) else None
    return data(value) if url is None else element(Link(url, value))


def environment(filters: Mapping[str, Any], functions: Mapping[str, Any]) -> LeafEnvironment:
    made = LeafEnvironment(
        undefined=Missing, autoescape=False, keep_trailing_newline=False, finalize=printed
    )
    made.filters.update(filters)
    made.globals.update(functions)
    return made
