"""Rendering: a template, a view, a language and a zone make a message, a modal or a home tab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from typing import Any

import jinja2
import structlog

from message_templates import limits, notice, outputs
from message_templates.catalogue import Catalogue, catalogue, normal, read_yaml
from message_templates.environment import STATE, environment, is_missing
from message_templates.filters import FILTERS
from message_templates.marks import (
    GLUE,
    NOT_KNOWN,
    Mention,
    Ours,
    Part,
    clean,
    data,
    first_sentence,
    parse,
)
from message_templates.structure import Expansion, Pending

_log = structlog.get_logger(__name__)

_EMPTY: Mapping[str, Any] = {}


class TemplateFailed(Exception):
    """A template could not be rendered; delivery sends plain text instead."""


@dataclass(frozen=True)
class Message:
    """What goes to Slack: the notification text and the blocks, or a whole view."""

    text: str
    blocks: list[dict[str, Any]]
    view: dict[str, Any] | None = None  # a modal or a home tab
    metadata_extra: dict[str, Any] = field(default_factory=dict)


class _State:
    """The language, zone and catalogue of one render, at hand in every leaf."""

    def __init__(self, language: str, zone: tzinfo | None) -> None:
        self.language = language
        self.zone = zone
        self.catalogue: Catalogue = catalogue(language)

    def text(self, key: str, scope: Mapping[str, Any]) -> Ours | None:
        """The catalogue's entry rendered in the scope; None where there is no such entry."""
        source = self.catalogue.get(key)
        return None if source is None else self.leaf(source, scope)

    def leaf(self, source: str, scope: Mapping[str, Any]) -> Ours:
        return Ours(_compiled(source).render({**scope, STATE: self}))

    def evaluate(self, expression: str, scope: Mapping[str, Any]) -> Any:
        return _expression(expression)(**{**scope, STATE: self})

    def parts(self, text: str) -> list[Part]:
        unknown = self.catalogue.get("not_known") or "?"
        return parse(text.replace(NOT_KNOWN, unknown))

    def words(self, words: Any, scope: Mapping[str, Any]) -> Ours:
        """A bilingual text of the plan; what cannot be worked out is "not known", and logged."""
        source = words if isinstance(words, str) else words.in_(self.language)
        try:
            return self.leaf(source, clean(scope))
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            _log.warning("template.words_failed", source=source, error=str(error))
            return Ours(NOT_KNOWN)


@jinja2.pass_context
def _t(context: jinja2.runtime.Context, key: str, scope: Any = None, **extra: Any) -> Ours:
    """The catalogue's entry in the scope around it. Raises TemplateFailed if there is none."""
    given = {} if is_missing(scope) else dict(scope)
    around = {**context.get_all(), **clean(given), **clean(extra)}
    found: Ours | None = context[STATE].text(key, around)
    if found is None:
        raise TemplateFailed(f"the catalogue has no “{key}”")
    return found


@jinja2.pass_context
def _has(context: jinja2.runtime.Context, key: str) -> bool:
    return context[STATE].catalogue.get(key) is not None


@jinja2.pass_context
def _words(
    context: jinja2.runtime.Context, words: Any, scope: Any = None, extra: Any = None
) -> Ours:
    if is_missing(words):
        return Ours("")
    given = {} if is_missing(scope) else dict(scope)
    more = {} if is_missing(extra) else dict(extra)
    found: Ours = context[STATE].words(words, {**given, **more})
    return found


@jinja2.pass_context
def _feels(context: jinja2.runtime.Context, words: Any, scope: Any) -> Ours:
    """The first sentence of a ring text: what the customer feels, with its count."""
    state: _State = context[STATE]
    text = outputs.plain(state.parts(state.words(words, scope)))
    return Ours(clean(notice.feeling(text)))


def _first(text: object) -> Ours:
    """The first sentence of a rendered text, without its full stop; marks stay whole."""
    return Ours(first_sentence(text)) if isinstance(text, Ours) else Ours("")


def _rings(text: object) -> bool:
    """Whether a rendered text already mentions somebody."""
    return isinstance(text, str) and any(isinstance(part, Mention) for part in parse(text))


def _name(person: Any) -> Ours:
    """Somebody as a plain name: a person's view, or the name itself."""
    if is_missing(person):
        return Ours(NOT_KNOWN)
    return data(clean(str(getattr(person, "name", person))))


@jinja2.pass_context
def _names(context: jinja2.runtime.Context, people: Any) -> Ours:
    """`Mei, Kai and Jo`, `Mei、Kai、Jo`."""
    shown = [_name(person) for person in (people or ())]
    if context[STATE].language == "zh-Hant":
        return Ours("、".join(shown))
    if len(shown) < 2:
        return Ours("".join(shown))
    return Ours(", ".join(shown[:-1]) + " and " + shown[-1])


@jinja2.pass_context
def _said(context: jinja2.runtime.Context, thing: Any, scope: Any = None) -> Ours:
    """A plan's text, or a value as it is: what a parameter of an answer may be either of."""
    if hasattr(thing, "in_"):
        return _words(context, thing, scope)
    return Ours(NOT_KNOWN) if is_missing(thing) else data(clean(str(thing)))


@jinja2.pass_context
def _language(context: jinja2.runtime.Context) -> str:
    return str(context[STATE].language)


_ENVIRONMENT = environment(
    FILTERS,
    {
        **FILTERS,
        "t": _t,
        "has": _has,
        "words": _words,
        "feels": _feels,
        "first": _first,
        "language": _language,
        "rings": _rings,
        "name": _name,
        "glue": Ours(GLUE),
        "names": _names,
        "said": _said,
        "mark": lambda severity: Ours(notice.MARKS.get(severity, "⚪")),
    },
)
_ENVIRONMENT.filters.update(t=_t, name=_name, names=_names)


@lru_cache(maxsize=8192)
def _compiled(source: str) -> jinja2.Template:
    return _ENVIRONMENT.from_string(source)


@lru_cache(maxsize=4096)
def _expression(source: str) -> Any:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


@lru_cache(maxsize=256)
def _load(name: str) -> Any:
    return read_yaml("templates", f"{name}.yaml")


class Templates:
    """Renders the templates of this package. `zone` is the house's, for readers without one."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone

    def render(
        self,
        template: str,
        view: Any,
        *,
        language: str,
        zone: tzinfo | None = None,
        params: Mapping[str, Any] = _EMPTY,
    ) -> Message:
        """A message, or with `Message.view` a modal or home tab.

        `view` is plain data with the attributes of `incidents.views`; `params` are further names.
        Raises TemplateFailed if the template does not exist or cannot be rendered.
        """
        state = _State(normal(language), zone or self._zone)
        try:
            structure = _load(template)
            made = Expansion(_Shown(state), _load).expand(
                structure, {"view": clean(view), "params": clean(dict(params))}
            )
            return self._message(made, state, template)
        except TemplateFailed:
            raise
        except FileNotFoundError:
            raise TemplateFailed(f"there is no template “{template}”") from None
        except (jinja2.TemplateError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise TemplateFailed(f"template “{template}”: {error}") from error

    def _message(self, made: dict[str, Any], state: _State, template: str) -> Message:
        reference = str(made.pop("reference", "") or "") or None
        told = made.pop("text", "")
        text = outputs.notice(told.parts) if isinstance(told, Pending) else str(told)
        text = notice.shorten(text, reference, state.language)
        if made.get("type") in ("modal", "home"):
            view = limits.finish(made)
            view["blocks"] = limits.fit(view["blocks"], limits.VIEW_BLOCKS)
            return Message(text, [], view)
        blocks = limits.fit(limits.finish(made.get("blocks", [])))
        return Message(text, blocks)

    def answer(
        self,
        code: str,
        params: Mapping[str, Any],
        *,
        language: str,
        zone: tzinfo | None = None,
    ) -> Message:
        """What is said to one person only: the entry `answers.<code>` of the catalogue."""
        return self.render(
            "answer", None, language=language, zone=zone, params={"code": code, "params": params}
        )

    def words(
        self,
        words: Any,
        scope: Mapping[str, Any],
        *,
        language: str,
        zone: tzinfo | None = None,
    ) -> str:
        """A bilingual text of the plan as plain text."""
        state = _State(normal(language), zone or self._zone)
        return outputs.plain(state.parts(state.words(words, scope)))

    def text(
        self,
        key: str,
        *,
        language: str,
        zone: tzinfo | None = None,
        **params: Any,
    ) -> str:
        """An entry of the catalogue as plain text. Raises TemplateFailed if there is none."""
        state = _State(normal(language), zone or self._zone)
        found = state.text(key, clean(params))
        if found is None:
            raise TemplateFailed(f"the catalogue has no “{key}”")
        return outputs.plain(state.parts(found))


class _Shown:
    """Leaves whose unknown facts are already said in the render's language."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._unknown = state.catalogue.get("not_known") or "?"

    def evaluate(self, expression: str, scope: Mapping[str, Any]) -> Any:
        return self._state.evaluate(expression, scope)

    def leaf(self, source: str, scope: Mapping[str, Any]) -> str:
        return self._state.leaf(source, scope).replace(NOT_KNOWN, self._unknown)
