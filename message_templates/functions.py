"""Functions of the leaves: words of the catalogue and of the plan, names, mentions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jinja2
from babel.lists import format_list

from message_templates import datetimes, notification_text, review_document, writers
from message_templates.environment import STATE, is_missing
from message_templates.filters import word
from message_templates.review_builder import Composer
from message_templates.state import State, TemplateFailed
from message_templates.text_parts import (
    GLUE,
    NOT_KNOWN,
    Link,
    Mention,
    Ours,
    clean,
    data,
    first_sentence,
    parse,
)
from plan.holdings import holding
from plan.languages import row

_FIRST_LETTER = re.compile("[\ue000\\s]*[a-z]")
_ENDED = re.compile("[.?!:…。？！：][\ue001\\s]*$")


@jinja2.pass_context
def _t(context: jinja2.runtime.Context, key: str, scope: Any = None, **extra: Any) -> Ours:
    """The catalogue's entry in the scope around it. Raises TemplateFailed if there is none."""
    given = {} if is_missing(scope) else dict(scope)
    around = {**context.get_all(), **given, **extra}
    found: Ours | None = context[STATE].text(key, around)
    if found is None:
        raise TemplateFailed(f"the catalogue has no “{key}”")
    return found


@jinja2.pass_context
def _command(context: jinja2.runtime.Context, name: str) -> Ours:
    """A slash command as it is called in this workspace."""
    state: State = context[STATE]
    return Ours(clean(state.commands.get(name, f"/{name}")))


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
    state: State = context[STATE]
    text = writers.plain(state.parts(state.words(words, scope)))
    return Ours(clean(notification_text.feeling(text)))


def _first(text: object) -> Ours:
    """The first sentence of a rendered text, without its full stop; marks stay whole."""
    return Ours(first_sentence(text)) if isinstance(text, Ours) else Ours("")


def _leads(text: object) -> bool:
    """Whether a rendered text leads somewhere, to a thread or a channel: then its place must be
    one that takes such elements."""
    return isinstance(text, str) and any(isinstance(p, (Link, Mention)) for p in parse(text))


def _name(person: Any) -> Ours:
    """Somebody as a plain name: a person's view, or the name itself."""
    if is_missing(person):
        return Ours(NOT_KNOWN)
    return data(clean(str(getattr(person, "name", person))))


@jinja2.pass_context
def _names(context: jinja2.runtime.Context, people: Any) -> Ours:
    """`Mei, Kai and Jo`, `Mei、Kai和Jo`."""
    several = people if isinstance(people, (list, tuple)) else [people] if people else []
    shown = [_name(person) for person in several]
    return Ours(format_list(shown, locale=row(context[STATE].language).locale))


@jinja2.pass_context
def _said(context: jinja2.runtime.Context, thing: Any, scope: Any = None) -> Ours:
    """A plan's text, or a value as it is: what a parameter of an answer may be either of."""
    if hasattr(thing, "in_"):
        return _words(context, thing, scope)
    return Ours(NOT_KNOWN) if is_missing(thing) else data(clean(str(thing)))


def _cut(text: object, limit: int) -> str:
    """What was typed before, within the length that Slack takes back."""
    return str(clean(str(text)))[: int(limit)]


def _epoch(value: object) -> int:
    """Seconds since 1970, for a date-and-time picker."""
    found = datetimes.read(value)
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day, tzinfo=UTC)
    return int(found.timestamp())


@jinja2.pass_context
def _plain_words(context: jinja2.runtime.Context, words: Any, scope: Any = None) -> str:
    state: State = context[STATE]
    return writers.plain(state.parts(state.words(words, {} if is_missing(scope) else scope)))


@jinja2.pass_context
def _case_facts(context: jinja2.runtime.Context, facts: Any) -> Ours:
    """The figures of a case that the catalogue has words for, in its order."""
    state: State = context[STATE]
    said: list[str] = []
    for key in state.catalogue.keys_of("case_facts"):
        value = {} if is_missing(facts) else facts.get(key)
        if value not in (None, "", {}):
            said.append(_t(context, f"case_facts.{key}", value=value))
    return Ours(" · ".join(said))


@jinja2.pass_context
def _sentence(context: jinja2.runtime.Context, text: object) -> Ours:
    """The text with a full stop, unless it ends with a mark already."""
    said = text if isinstance(text, Ours) else data(clean(str(text)))
    if _ENDED.search(said):
        return said
    return Ours(said.rstrip() + row(context[STATE].language).full_stop)


@jinja2.pass_context
def _log_line(context: jinja2.runtime.Context, view: Any) -> Ours:
    """What a log line says after its time: the plan's words, else the catalogue's for its kind.

    `took` in the scope joins "took it and" to what the person did. Nobody is mentioned: who must
    act is told directly.
    """
    given = dict(view.scope)
    who: Any = _name(view.actor) if view.actor is not None else given.get("actor")
    actor = _t(context, "log.took", who=who) if given.get("took") else who
    named = {**given, "actor": actor}
    if view.words is None:
        return _t(context, f"log.{view.kind}", {**named, "scope": given})
    line: Ours = context[STATE].words(view.words, named)
    return Ours("❔ " + line) if view.kind == "action_unknown" else line


def _capital(text: object) -> Ours:
    """The text as the beginning of a sentence; marks at its start stay before it."""
    said = text if isinstance(text, Ours) else data(clean(str(text)))
    found = _FIRST_LETTER.match(said)
    return (
        Ours(said[: found.end() - 1] + said[found.end() - 1].upper() + said[found.end() :])
        if (found)
        else said
    )


@jinja2.pass_context
def _doing(context: jinja2.runtime.Context, doing: Any, scope: Any = None) -> Ours:
    """What somebody is doing, within a sentence: "Switching to Harborpay" goes on small."""
    said = writers.plain(context[STATE].parts(_said(context, doing, scope))).strip()
    return data(said[:1].lower() + said[1:])


@jinja2.pass_context
def _label(context: jinja2.runtime.Context, field: Any, scope: Any = None) -> Ours:
    """What a field is called: the plan's label, else the catalogue's word for its name."""
    if isinstance(field, str):
        return word(context, field, "fields")
    return _said(context, field, scope)


@jinja2.pass_context
def _review_screen(context: jinja2.runtime.Context, view: Any) -> str:
    return review_document.screen(Composer(view, context[STATE]).document())


@jinja2.pass_context
def _language(context: jinja2.runtime.Context) -> str:
    return str(context[STATE].language)


FUNCTIONS: Mapping[str, Any] = {
    "holding": holding,
    "t": _t,
    "has": _has,
    "command": _command,
    "words": _words,
    "said": _said,
    "feels": _feels,
    "leads": _leads,
    "language": _language,
    "log_line": _log_line,
    "review_screen": _review_screen,
    "glue": Ours(GLUE),
    "cut": _cut,
    "epoch": _epoch,
    "plain_words": _plain_words,
    "case_facts": _case_facts,
    "mark": lambda severity: Ours(notification_text.MARKS.get(severity, "⚪")),
}
AS_FILTERS: Mapping[str, Any] = {
    "t": _t,
    "said": _said,
    "name": _name,
    "names": _names,
    "label": _label,
    "doing": _doing,
    "capital": _capital,
    "sentence": _sentence,
    "first_sentence": _first,
}
