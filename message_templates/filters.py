"""Filters and functions of the leaves, each in the reader's language and zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import jinja2
from babel import Locale
from babel.numbers import format_decimal
from babel.units import format_unit

from message_templates import datetimes, writers
from message_templates.environment import STATE, is_missing
from message_templates.text_parts import NOT_KNOWN, Link, Mention, Ours, clean, data, element
from plan.languages import DEFAULT, row
from storage.money import shown

_Context = jinja2.runtime.Context
_UNKNOWN = Ours(NOT_KNOWN)

# The units of a duration, with how many seconds each has.
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def amount(value: object, language: str = DEFAULT) -> str:
    """`NT$86,420`: the currency's sign, and its minor units only where there are any."""
    if isinstance(value, Mapping):
        minor, currency = int(value["minor"]), str(value["currency"])
    else:
        minor, currency = int(value.minor), str(value.currency)  # type: ignore[attr-defined]
    return shown(minor, currency, row(language).locale)


@jinja2.pass_context
def money(context: _Context, value: object) -> Ours:
    if is_missing(value):
        return _UNKNOWN
    is_money = isinstance(value, Mapping) or hasattr(value, "minor")
    return data(clean(amount(value, context[STATE].language) if is_money else str(value)))


@jinja2.pass_context
def moneys(context: _Context, values: object) -> Ours:
    """Sums of several currencies, one beside the other: they are never added."""
    several = values if isinstance(values, (list, tuple)) else ()
    reads = row(context[STATE].language)
    joiner = reads.listed if reads.dense else " + "
    return Ours(joiner.join(money(context, value) for value in several) or _UNKNOWN)


def _moment_filter(kind: str) -> Callable[..., Ours]:
    @jinja2.pass_context
    def shown(context: _Context, value: object) -> Ours:
        if is_missing(value) or value == "":
            return _UNKNOWN
        state = context[STATE]
        try:
            found = datetimes.read(value)
        except ValueError:
            return data(str(value))
        if not isinstance(found, datetime):
            return Ours(datetimes.day_words(found, state.language))
        return element(datetimes.moment(found, kind, language=state.language, zone=state.zone))

    shown.__name__ = kind
    return shown


time, date_, day = _moment_filter("time"), _moment_filter("date"), _moment_filter("day")


@jinja2.pass_context
def when(context: _Context, value: object, since: object = None) -> Ours:
    """The time of day, with its date where it falls on another day than `since`."""
    if is_missing(value):
        return _UNKNOWN
    same = True
    if not is_missing(since):
        zone = context[STATE].zone
        first, second = datetimes.read(value), datetimes.read(since)
        if isinstance(first, datetime) and isinstance(second, datetime):
            same = first.astimezone(zone).date() == second.astimezone(zone).date()
    return (time if same else date_)(context, value)


@jinja2.pass_context
def count(context: _Context, number: Any, one: str = "", many: str | None = None) -> Ours:
    """`1 order`, `41 orders`, `1,204 orders`; without a noun the number alone."""
    if is_missing(number):
        return _UNKNOWN
    reads = row(context[STATE].language)
    figure = format_decimal(int(number), locale=reads.locale)
    if not one:
        return Ours(figure)
    single = Locale.parse(reads.locale).plural_form(int(number)) == "one"
    return Ours(f"{figure} {one if single else (many or one + 's')}")


def _seconds(start: object, end: object) -> float | None:
    if is_missing(start) or is_missing(end):
        return None
    first, second = datetimes.read(start), datetimes.read(end)
    if isinstance(first, datetime) and isinstance(second, datetime):
        return (second - first).total_seconds()
    days = date(second.year, second.month, second.day) - date(first.year, first.month, first.day)
    return days.total_seconds()


@jinja2.pass_context
def minutes(context: _Context, start: object, end: object = None) -> Any:
    """Whole minutes between two moments, or of so many seconds; at least 1 if there are any."""
    if isinstance(start, (int, float)) and is_missing(end):
        seconds: float | None = float(start)
    else:
        seconds = _seconds(start, end)
    if seconds is None:
        return _UNKNOWN
    return max(1, round(seconds / 60)) if seconds else 0


@jinja2.pass_context
def duration(context: _Context, value: Any, end: object = None) -> Ours:
    """`45 seconds`, `8 minutes`, `2 hours 5 minutes`, `3 days` in the reader's language."""
    seconds = _seconds(value, end) if not is_missing(end) else value
    if seconds is None or is_missing(seconds):
        return _UNKNOWN
    rest = max(0, round(float(seconds)))
    if rest >= 90:
        rest = round(rest / 60) * 60
    locale = row(context[STATE].language).locale
    said: list[str] = []
    for unit, length in _UNITS:
        number, rest = divmod(rest, length)
        if number:
            said.append(format_unit(number, f"duration-{unit}", "long", locale=locale))
        if len(said) == 2:
            break
    return Ours(" ".join(said) or format_unit(0, "duration-second", "long", locale=locale))


@jinja2.pass_context
def percent(context: _Context, value: Any, of: Any = None) -> Ours:
    """`48.3 %` of a share (0…1), or of a part and its whole."""
    if is_missing(value) or (not is_missing(of) and not of):
        return _UNKNOWN
    share = float(value) / float(of) if not is_missing(of) else float(value)
    locale = row(context[STATE].language).locale
    return Ours(format_decimal(Decimal(f"{100 * share:.1f}"), "0.#", locale=locale) + " %")


@jinja2.pass_context
def word(context: _Context, code: object, group: str = "words") -> Ours:
    """The catalogue's word of a code; a code that has none is shown as it is."""
    if is_missing(code) or code == "":
        return _UNKNOWN
    found = context[STATE].text(f"{group}.{code}", {})
    return found if found is not None else data(clean(str(code).replace("_", " ")))


@jinja2.pass_context
def check_name(context: _Context, name: object) -> Ours:
    """What a check is called in the reader's language, by the configuration; else its own name."""
    state = context[STATE]
    titles = state.checks.get(str(name), {})
    return data(clean(titles.get(state.language) or str(name).replace("-", " ")))


def plain(value: object) -> Ours:
    """What a person wrote, or any value, as literal text."""
    return _UNKNOWN if is_missing(value) else data(clean(str(value)))


@jinja2.pass_context
def mention(context: _Context, person: Any, name: str = "") -> Ours:
    """Rings: a Slack id, or somebody with `user_id` and `name`."""
    identifier = getattr(person, "user_id", person)
    shown = getattr(person, "name", name) or str(identifier)
    return element(Mention(clean(str(identifier)), clean(str(shown))))


@jinja2.pass_context
def channel(context: _Context, identifier: object) -> Ours:
    """A channel by Slack's own name: the element where the place takes one, else what is known."""
    state = context[STATE]
    name = state.channels(str(identifier))
    known = f"#{name}" if name else writers.plain(state.parts(state.text("channel_unnamed", {})))
    return element(Mention(clean(str(identifier)), clean(known)))


def link(label: object, url: object) -> Ours:
    text = clean(str(label))
    return element(Link(clean(str(url)), text)) if not is_missing(url) else data(text)


FILTERS: dict[str, Any] = {
    "money": money,
    "moneys": moneys,
    "time": time,
    "date": date_,
    "day": day,
    "when": when,
    "n": count,
    "minutes": minutes,
    "duration": duration,
    "percent": percent,
    "word": word,
    "check_name": check_name,
    "plain": plain,
    "mention": mention,
    "channel": channel,
    "link": link,
}

# Those that may be written as functions too; no more, so that no fact's name hides behind one.
AS_FUNCTIONS: dict[str, Any] = {
    name: FILTERS[name]
    for name in ("n", "money", "minutes", "duration", "percent", "word", "mention")
}
