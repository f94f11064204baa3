"""Command of an incident that is no step of its runbook: one row each, beside its function.

A row says its name, who may, when it is offered, what its form asks and what it does. Card, menu,
form, submission, errors and audit are served from the row; words stand under its name in the
catalogues (`more.…`, `forms.…`) and its form in `form_<name>.yaml`. Its right stands under its name
in the table of all rights (`incidents.rights`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from incidents import rights
from incidents.change import Change
from incidents.organisation import House
from incidents.outcome import Outcome
from incidents.rights import Rule
from plan.model import Plan
from storage.models import Incident, Status


class Stage(StrEnum):
    """Where an incident stands, as far as its commands go."""

    UNOWNED = "unowned"
    OWNED = "owned"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    DISMISSED = "dismissed"
    MERGED = "merged"  # it goes on in another thread, and nothing is done here


def stage_of(incident: Incident) -> Stage:
    ended = {
        Status.MERGED: Stage.MERGED,
        Status.DISMISSED: Stage.DISMISSED,
        Status.RESOLVED: Stage.RESOLVED,
        Status.REVIEWED: Stage.REVIEWED,
    }.get(Status(incident.status))
    return ended or (Stage.UNOWNED if incident.owner is None else Stage.OWNED)


@dataclass(frozen=True)
class Text:
    """A text of a command's form, and how long it may be."""

    field: str
    maximum: int = 500
    required: bool = True


@dataclass(frozen=True)
class Given:
    """What a person entered in a command's form, by field; `zone` is theirs."""

    values: Mapping[str, Any] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def text(self, name: str) -> str:
        """Trimmed; empty when nothing was typed."""
        value = self.values.get(name)
        return "" if value is None else str(value).strip()

    def whole(self, name: str) -> int:
        value = self.text(name)
        return int(value) if value.isdecimal() and len(value) < 10 else 0

    def moment(self, name: str) -> datetime | None:
        """Slack's picker speaks in the person's own zone and sends seconds."""
        value = self.values.get(name)
        return datetime.fromtimestamp(int(value), UTC) if value else None

    def day(self, name: str) -> datetime | None:
        """The end of the working day chosen, in UTC."""
        value = self.text(name)
        if not value:
            return None
        return datetime.combine(date.fromisoformat(value), time(18), self.zone).astimezone(UTC)


Arguments = Callable[[Given], dict[str, Any]]
Choices = Callable[[Session, House, Incident, datetime], dict[str, Any]]
Judge = Callable[[Given, "Plan | None", datetime], "Outcome | None"]
_Work = TypeVar("_Work", bound=Callable[..., Outcome])


@dataclass(frozen=True)
class Command:
    """One row. `work` is called with session, house, number, actor, now and its `arguments`."""

    name: str
    rule: Rule
    work: Callable[..., Outcome]
    offered: Mapping[Stage, int]  # in which stages the menu has it; the lowest stands first
    offered_if: Callable[[Change], bool]
    form: str | None  # its template; None: done at the press
    arguments: Arguments
    texts: tuple[Text, ...]
    choices: Choices  # what its form offers beyond the incident's own
    judge: Judge | None  # what is wrong with what was entered, known without a look-up
    looks: bool  # it needs fresh looks at the shop, when its form opens and when it is sent
    action: str  # the action id of its own button


TABLE: dict[str, Command] = {}


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


def _always(_: Change) -> bool:
    return True


def command(
    name: str,
    rule: Rule,
    *,
    offered: Mapping[Stage, int] | None = None,
    offered_if: Callable[[Change], bool] = _always,
    form: str | None = None,
    arguments: Arguments = _nothing,
    texts: tuple[Text, ...] = (),
    choices: Choices = _nothing,
    judge: Judge | None = None,
    looks: bool = False,
    action: str | None = None,
) -> Callable[[_Work], _Work]:
    """Writes the row of the function that it stands on. Raises ValueError for a name twice."""
    rights.add(name, rule)

    def take(work: _Work) -> _Work:
        TABLE[name] = Command(
            name,
            rule,
            work,
            offered or {},
            offered_if,
            form,
            arguments,
            texts,
            choices,
            judge,
            looks,
            action or f"incident.{name}",
        )
        return work

    return take


def offered(change: Change) -> tuple[str, ...]:
    """Every command that makes sense now, the likeliest first."""
    stage = stage_of(change.incident)
    rows = [row for row in TABLE.values() if stage in row.offered]
    rows.sort(key=lambda row: row.offered[stage])
    return tuple(row.name for row in rows if row.offered_if(change))
