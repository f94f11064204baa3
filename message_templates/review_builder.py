"""The review of an incident as a document: what it says, before it is written in a format.

Every line comes from the log, the steps, the actions or the cases of the view; what a person added
stands as data with their name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from message_templates.datetimes import zone_words
from message_templates.state import State
from message_templates.text_parts import Data, Part, Text, clean, first_sentence, literal
from plan.languages import row

Cell = list[Part]

_SETTLED = ("succeeded", "done", "verified")
_NOT_DONE = ("failed", "refused")  # a known end
_TEN = 10
_TOLD_ELSEWHERE = (
    "follow_up",
    "follow_up_done",
)  # they stand under "What changes" and "Still open"
_KEYS = ("id", "url", "link", "token")  # of the shop's answer: a pay link is its customer's alone


@dataclass(frozen=True)
class Table:
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Document:
    """The review, ready to be written: the first screen, then the record."""

    language: str
    title: Cell
    identity: Cell
    summary: Cell
    times: tuple[tuple[str, Cell], ...]
    points: tuple[tuple[str, Cell], ...]
    changes: tuple[Cell, ...]
    changes_heading: str
    tables: tuple[Table, ...]
    closing: tuple[Cell, ...]


class Composer:
    """Puts a view's review into words, in the language of one render."""

    def __init__(self, view: Any, state: State) -> None:
        self._view = clean(view)
        self._state = state
        self._reads = row(state.language)

    def document(self) -> Document:
        view = self._view
        return Document(
            language=self._state.language,
            title=self._words(view.title, view.scope),
            identity=self._say("identity", section_title=self._plain(view.section_title)),
            summary=self._words(view.summary, view.scope),
            times=tuple((self._word(name), self._time(at)) for name, at in view.times),
            points=tuple(self._points()),
            changes=tuple(self._changes()),
            changes_heading=self._word("changes"),
            tables=tuple(table for table in self._tables() if table.rows),
            closing=(self._say("written"), self._say("times", zone=self._zone())),
        )

    # -- words -----------------------------------------------------------------------------

    def _say(self, key: str, **extra: Any) -> Cell:
        found = self._state.text(f"review.{key}", {"view": self._view, **extra})
        return self._state.parts(found if found is not None else key)

    def _word(self, key: str) -> str:
        """A fixed word; a name that the catalogue does not know is shown as it is."""
        entry = self._state.catalogue.get(f"review.{key}")
        return entry if entry is not None else key.replace("_", " ")

    def _words(self, words: Any, scope: Mapping[str, Any], **extra: Any) -> Cell:
        return self._state.parts(self._state.words(words, {**scope, **extra}))

    def _plain(self, words: Any) -> str:
        return "".join(literal(part) for part in self._words(words, self._view.scope))

    def _leaf(self, source: str, **scope: Any) -> Cell:
        return self._state.parts(self._state.leaf(source, {"view": self._view, **scope}))

    def _time(self, at: datetime | None) -> Cell:
        if at is None:
            return [Text(self._word("unknown_time"))]
        return self._leaf("{{ at | when(view.scope.incident.started_at) }}", at=at)

    def _zone(self) -> str:
        zone = self._state.zone
        local = self._view.written_at.astimezone(zone or UTC)
        return zone_words(local)

    def _joined(self, sentences: Iterable[Cell]) -> Cell:
        """Sentences one after the other; Chinese sets no space between them."""
        space = [Text(found)] if (found := self._reads.space) else []
        made: Cell = []
        for sentence in sentences:
            made += [*space, *sentence] if made else sentence
        return made

    def _item(self, item: Any) -> Cell:
        """Something still open: the plan's words, with or without a scope, or a text."""
        words, scope = item if isinstance(item, tuple) else (item, {})
        if hasattr(words, "in_"):
            return self._words(words, {**self._view.scope, **scope})
        return [Data(str(words))]

    # -- the first screen ------------------------------------------------------------------

    def _points(self) -> Iterator[tuple[str, Cell]]:
        yield self._word("cause"), self._cause()
        yield self._word("followed"), self._followed()
        yield self._word("worked"), self._joined(self._worked()) or self._say("nothing")
        yield self._word("did_not"), self._joined(self._did_not()) or self._say("nothing")

    def _cause(self) -> Cell:
        view = self._view
        if view.cause is None:
            return self._say("no_cause")
        said = self._words(view.cause, view.scope)
        if not view.cause_text:
            return said
        by = self._say("by", name=view.cause_by.name) if view.cause_by else []
        colon = Text(self._state.catalogue.get("colon") or ": ")
        return [*said, colon, Data(view.cause_text), *by]

    def _followed(self) -> Cell:
        view = self._view
        late = "acknowledged" if view.acknowledged_after is not None else "not_acknowledged"
        if not view.touched:
            return [*self._say("followed_untouched"), *self._say(late)]
        good = view.in_order and not view.steps_left and view.end != "failing"
        said = [*self._say("followed_yes" if good else "followed_no"), *self._say("followed_how")]
        return [*said, *self._say(late)]

    def _worked(self) -> Iterator[Cell]:
        view = self._view
        verified = [one for one in view.actions if one.looked_at and one.state in _SETTLED]
        if verified:
            yield self._say("all_verified", count=len(verified))
        if view.found_after is not None and view.found_after < 60:
            yield self._say("found_at_once")
        if self._in_limit():
            yield self._say("in_limit")
        if view.solution_after is not None and not self._solution_late():
            yield self._say("solution_in_limit")

    def _in_limit(self) -> bool:
        after, limit = self._view.acknowledged_after, self._view.acknowledge_limit
        return after is not None and limit is not None and after <= limit

    def _solution_late(self) -> bool:
        after, limit = self._view.solution_after, self._view.solution_limit
        return after is not None and limit is not None and after > limit

    def _did_not(self) -> Iterator[Cell]:
        view = self._view
        if view.end != "seen":
            yield self._say(f"end_{view.end}")
        if view.found_after is not None and view.found_after >= 60:
            yield self._say("found_after")
        if view.acknowledged_after is None:
            yield self._say("nobody")
        elif view.acknowledge_limit is not None and not self._in_limit():
            yield self._say("over_limit")
        if self._solution_late():
            yield self._say("solution_late")
        elif view.solution_due:
            yield self._say("no_solution")
        for key, states in (("not_done", _NOT_DONE), ("not_verified", None)):
            found = [one for one in view.actions if _is_one(one.state, states)]
            if found:
                names = [self._words(one.title, one.scope) for one in found]
                yield self._say_list(key, names, count=len(found))
        if view.steps_left:
            names = [self._words(title, scope) for title, scope in view.steps_left]
            yield self._say_list("left", names, count=len(view.steps_left))
        skipped = [step for step in view.steps if step.state == "skipped"]
        if skipped:
            names = [self._words(step.title, step.scope) for step in skipped]
            yield self._say_list("skipped", names, count=len(skipped))
        if view.open_items:
            yield self._say_list("still_open", [self._item(item) for item in view.open_items])

    def _say_list(self, key: str, items: Sequence[Cell], **extra: Any) -> Cell:
        comma = self._reads.listed
        whole = ("".join(literal(part) for part in item) for item in items)
        which = comma.join(first_sentence(item).strip() for item in whole)
        return self._say(key, which=which, **extra)

    def _changes(self) -> Iterator[Cell]:
        view = self._view
        if not view.follow_ups:
            yield self._say("no_changes")
        for index, (text, owner, due, done) in enumerate(view.follow_ups, start=1):
            name = owner.name if owner else None
            yield self._say("change", index=index, text=text, owner=name, due=due, done=done)

    # -- the record ------------------------------------------------------------------------

    def _tables(self) -> Iterator[Table]:
        word = self._word
        yield Table(word("timeline"), (word("when"), word("what")), tuple(self._timeline()))
        yield Table(
            word("steps"),
            (word("step"), word("state"), word("who"), word("when"), word("what")),
            tuple(self._steps()),
        )
        yield Table(
            word("actions"),
            (
                word("action"),
                word("who"),
                word("when"),
                word("state"),
                word("before"),
                word("after"),
            ),
            tuple(self._actions()),
        )
        answered = any(case.answers for case in self._view.cases)
        said = (word("what"),) if answered else ()
        yield Table(
            word("cases"),
            (word("case"), word("state"), word("outcome"), word("amount"), *said),
            tuple(self._cases(answered=answered)),
        )
        yield Table(
            word("rings"),
            (word("person"), word("times_rung")),
            tuple(([Data(name)], [Data(str(n))]) for name, n in self._view.rings.items()),
        )
        yield Table(
            word("notes"),
            (word("when"), word("who"), word("what")),
            tuple(
                (self._time(at), [Data(who.name)], [Data(text)])
                for who, at, text in self._view.notes
            ),
        )
        yield Table(
            word("open"),
            (word("what"),),
            tuple((self._item(item),) for item in self._view.open_items),
        )

    def _timeline(self) -> Iterator[tuple[Cell, ...]]:
        colon = Text(self._state.catalogue.get("colon") or ": ")
        for entry in self._view.timeline:
            if entry.kind in _TOLD_ELSEWHERE:
                continue
            line = self._leaf("{{ log_line(entry) }}", entry=entry)
            said: Cell = [colon, Data(entry.text)] if entry.text else []
            yield self._time(entry.at), [*_without_colon(line, bool(said)), *said]

    def _steps(self) -> Iterator[tuple[Cell, ...]]:
        for step in self._view.steps:
            title = self._words(step.title, step.scope)
            reason: Cell = [Data(step.reason)] if step.reason else []
            detail = self._words(step.detail, step.scope) if step.detail and step.at else []
            yield (
                [Text(f"{step.number} "), *title, Text(" (§"), Data(step.section), Text(")")],
                self._leaf("{{ step.state | word }}", step=step),
                [Data(step.actor.name)] if step.actor else [Text(self._who(step.actor_kind))],
                self._done_at(step),
                reason or detail,
            )

    def _done_at(self, step: Any) -> Cell:
        if step.at is None:
            return []
        if step.verified_at is None:
            return self._time(step.at)
        comma = Text(self._reads.comma)
        return [*self._time(step.at), comma, *self._say("verified", at=step.verified_at)]

    def _who(self, kind: str | None) -> str:
        return self._word(kind) if kind in ("system", "check") else ""

    def _actions(self) -> Iterator[tuple[Cell, ...]]:
        for action in self._view.actions:
            state = self._leaf("{{ action.state | word('attempt') }}", action=action)
            if action.undone:
                state = [*state, Text(", " + self._word("undone"))]
            yield (
                self._words(action.title, action.scope),
                [Data(action.actor.name)] if action.actor else [Text(self._word("system"))],
                self._time(action.requested_at),
                state,
                [Data(figures(action.before))],
                [Data(figures(action.after))],
            )

    def _cases(self, *, answered: bool) -> Iterator[tuple[Cell, ...]]:
        for case in self._view.cases:
            yield (
                [Data(case.key)],
                self._leaf("{{ case.state | word }}", case=case),
                self._leaf("{{ case.outcome | word }}", case=case) if case.outcome else [],
                self._leaf("{{ case.amount | money }}", case=case) if case.amount else [],
                *([self._answers(case)] if answered else []),
            )

    def _answers(self, case: Any) -> Cell:
        """What was found out of one case: each question with its answer."""
        made: Cell = []
        between = Text(self._reads.semicolon)
        for one in case.answers:
            said = self._leaf(
                "{{ t('cases.answer', label=words(one.label, view.scope), "
                "said=words(one.words, view.scope), value=one.value) }}",
                one=one,
            )
            made = [*made, *([between] if made else []), *said]
        return made


def _is_one(state: str, states: Sequence[str] | None) -> bool:
    """Whether the action ended so; None: in no known way."""
    return state in states if states else state not in (*_SETTLED, *_NOT_DONE)


def without_keys(state: Mapping[str, Any]) -> dict[str, Any]:
    """A look's or an answer's figures without what opens something: pay links, tokens."""
    return {
        str(key): value
        for key, value in state.items()
        if key not in _KEYS and "://" not in str(value)
    }


def figures(state: Mapping[str, Any] | None) -> str:
    """A look's figures on one line: `channel: northpay, ok: yes`; nested ones are left out."""
    if not state:
        return ""
    shown = [
        f"{key}: {value}"
        for key, value in without_keys(state).items()
        if isinstance(value, (str, int, float, bool)) and str(value)
    ]
    return ", ".join(shown[:_TEN])


def _without_colon(line: Cell, followed: bool) -> Cell:
    """The plan's line before a quotation ends with a colon, which the quotation brings itself."""
    if followed and line and isinstance(line[-1], Text):
        return [*line[:-1], Text(line[-1].text.rstrip(" :："))]
    return line
