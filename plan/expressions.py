"""Expressions and parameter templates of the plan, evaluated in a sandbox.

What the plan writes is Jinja: an expression (`when`, `holds`, `cases`) gives an object, a template
(`params`, a vendor's message) gives text. Both see only the scope that is handed in (see
`plan.scope`). A missing fact is falsy, smaller and greater than nothing, and passes through
arithmetic; only *printing* one is an error, so that no half sentence and no empty identifier
ever leaves the house.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import jinja2
from jinja2 import meta
from jinja2.nodes import (
    Compare,
    Const,
    Filter,
    List,
    Node,
    Output,
    Template,
    TemplateData,
    Test,
    Tuple,
)

from plan import bounds, filters, jinja_leaves

_MAPPING_METHODS = frozenset({"get", "items", "keys", "values"})


class ExpressionError(ValueError):
    """An expression or template cannot be read, or prints a fact that is not known."""


class Missing(jinja2.ChainableUndefined):
    """A fact that is not known: falsy, in no order to anything, kept by arithmetic.

    Printing it raises ExpressionError, so a template must ask first (`{% if facts.vendor %}`).
    """

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

    def _refuse(self) -> NoReturn:
        name = self._undefined_name
        raise ExpressionError(f"“{name}” is not known" if name else "a value is not known")

    def __str__(self) -> str:
        self._refuse()

    def __int__(self) -> int:  # type: ignore[override]
        raise TypeError("not known")  # jinja's `int` filter takes its default then

    def __float__(self) -> float:  # type: ignore[override]
        raise TypeError("not known")


def _known(value: object) -> object:
    """What is printed must be known: a fact that is None is as missing as one that is not there."""
    if value is None:
        raise ExpressionError("a value is not known")
    return bounds.weigh(value)


class PlanEnvironment(bounds.BoundedEnvironment):
    """Jinja in a sandbox where `facts.items` is the fact of that name, not dict's method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping):
            if attribute in obj:
                return obj[attribute]
            if attribute not in _MAPPING_METHODS:
                return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def environment() -> PlanEnvironment:
    """A fresh environment with the plan's filters; the engine of the messages adds its own."""
    made = PlanEnvironment(
        undefined=Missing, autoescape=False, keep_trailing_newline=False, finalize=_known
    )
    made.filters.update(filters.FILTERS)
    made.globals.update(filters.FUNCTIONS)
    return made


_ENVIRONMENT = environment()


@lru_cache(maxsize=16384)
def parsed(text: str) -> Template:
    """The tree of a text, to be looked at alone: it is shared. Raises TemplateSyntaxError."""
    return _ENVIRONMENT.parse(text)


@lru_cache(maxsize=16384)
def undeclared(text: str) -> frozenset[str]:
    """What a text reads of its scope. Raises TemplateSyntaxError.

    Of a tree of its own: Jinja folds what it works out, and `('a', 'b')` is no two words any more.
    """
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))


@lru_cache(maxsize=4096)
def _expression(source: str) -> Callable[..., Any]:
    try:
        return jinja_leaves.expression(_ENVIRONMENT, source)
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(f"“{source}” is not an expression: {error.message}") from None


@lru_cache(maxsize=4096)
def _template(source: str) -> Callable[[Mapping[str, object]], str]:
    try:
        return jinja_leaves.template(_ENVIRONMENT, source)
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(f"“{source}” is not a template: {error.message}") from None


@lru_cache(maxsize=4096)
def _single(source: str) -> str | None:
    """The expression of a template that is nothing but one `{{ … }}`, else None."""
    text = source.strip()
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    try:
        body = parsed(text).body
    except jinja2.TemplateSyntaxError:
        return None
    alone = len(body) == 1 and isinstance(body[0], Output) and len(body[0].nodes) == 1
    if not alone or isinstance(body[0].nodes[0], TemplateData):  # type: ignore[attr-defined]
        return None
    return text[2:-2].strip("-+ \n\t")


def _failed(source: str, error: Exception) -> ExpressionError:
    return ExpressionError(f"“{source}” cannot be worked out: {error}")


def evaluate(expression: str, scope: Mapping[str, object]) -> object:
    """The value of the expression; a missing fact gives None.

    Raises ExpressionError if it cannot be read or worked out.
    """
    compiled = _expression(expression)
    try:
        value = compiled(scope)
    except ExpressionError:
        raise
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _failed(expression, error) from None
    return None if isinstance(value, jinja2.Undefined) else value


def holds(expression: str | None, scope: Mapping[str, object]) -> bool:
    """Whether the expression is true; None holds always, what cannot be worked out never.

    A shop's look may say "false" where it means false: the word is not true because it is a text.
    """
    if expression is None:
        return True
    try:
        found = evaluate(expression, scope)
    except ExpressionError:
        return False
    return found.strip().lower() not in _NOT_TRUE if isinstance(found, str) else bool(found)


_NOT_TRUE = frozenset({"", "false", "no", "off", "0", "null", "none"})


def fill(template: str, scope: Mapping[str, object]) -> str:
    """The template's text. Raises ExpressionError if it prints a fact that is not known."""
    compiled = _template(template)
    try:
        return compiled(scope)
    except ExpressionError:
        raise
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _failed(template, error) from None


def value(template: str, scope: Mapping[str, object]) -> object:
    """As `fill`, but a template that is one `{{ … }}` keeps its type: a number, a list, money.

    Raises ExpressionError if the value is not known, as `fill` does.
    """
    single = _single(template)
    if single is None:
        return fill(template, scope)
    found = evaluate(single, scope)
    if found is None:
        raise ExpressionError(f"“{single}” is not known")
    return found


def check(source: str, *, expression: bool) -> None:
    """Compiles without running. Raises ExpressionError if it cannot be read."""
    if expression:
        _expression(source)
    else:
        _template(source)


@lru_cache(maxsize=4096)
def names(source: str, *, expression: bool) -> frozenset[str]:
    """What it reads of the scope: `facts`, `cases`. Everything, where it cannot be read."""
    try:
        return undeclared("{{ " + source + " }}" if expression else source)
    except jinja2.TemplateSyntaxError:
        return frozenset({"facts", "cases", "steps", "incident"})


_COMPARES_WITH_WORD = frozenset(
    {"equalto", "eq", "==", "ne", "!=", "in", "sameas"}
)  # the tests of selectattr, rejectattr and `is`


def reads_word(expression: str) -> bool:
    """Whether it compares something with a word in quotes: `look.status == 'paid'`.

    False for what cannot be read: lint says that elsewhere.
    """
    try:
        tree = parsed("{{ " + expression + " }}")
    except jinja2.TemplateSyntaxError:
        return False
    return any(_compares_with_word(node) for node in tree.find_all((Compare, Filter, Test)))


def _compares_with_word(node: Node) -> bool:
    if isinstance(node, Compare):
        return any(_is_word(side) for side in (node.expr, *(one.expr for one in node.ops)))
    if isinstance(node, Test):
        return node.name in _COMPARES_WITH_WORD and any(map(_is_word, node.args))
    if isinstance(node, Filter) and node.name in ("selectattr", "rejectattr"):
        return len(node.args) > 2 and any(map(_is_word, node.args[2:]))
    return False


def _is_word(node: Node) -> bool:
    if isinstance(node, List | Tuple):
        return any(map(_is_word, node.items))
    return isinstance(node, Const) and isinstance(node.value, str) and node.value != ""
