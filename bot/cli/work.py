"""`muster work`: what could not be delivered or done, beside a running bot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from bot.cli.errors import UserError
from bot.cli.options import config_option, database_of, settings_of
from bot.cli.terminal import Lines, Terminal, say
from incidents.alerting import dead_letters
from incidents.organisation import Actor
from storage import work
from storage.work import Stuck

_ACTOR = Actor("command line")


@dataclass(frozen=True)
class _Row:
    id: int
    kind: str
    state: str
    what: str
    incident: str | None
    since: datetime
    attempts: int
    why: str


@click.group("work")
def command() -> None:
    """List what waits for an operator, and have it tried again."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Stable JSON, documented in operations.md.")
@config_option
def list_command(as_json: bool, config: Path) -> None:
    """What was set aside (parked), and what is being looked up (unclear)."""
    settings = settings_of(config)
    rows = database_of(settings).read_now(_rows)
    if as_json:
        data = [{**vars(row), "since": row.since.isoformat(timespec="seconds")} for row in rows]
        click.echo(json.dumps({"work": data}, ensure_ascii=False, indent=2))
        return
    if not rows:
        say("Nothing waits for an operator.")
        return
    zone = ZoneInfo(settings.time_zone)
    table = Lines("Id", "State", "What", "Incident", "Since", "Tries", "Why")
    for row in rows:
        since = row.since.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        what = row.what if row.what == row.kind else f"{row.kind}: {row.what}"
        cells = (str(row.id), row.state, what, row.incident or "", since, str(row.attempts))
        table.row(*cells, row.why)
    Terminal().show(table)
    say("Mend the cause, then: muster work retry ID… or --all. Unclear ones go on alone.")


def _rows(session: Session) -> list[_Row]:
    return [_row(session, item) for item in [*work.parked(session), *work.unclear_now(session)]]


def _row(session: Session, item: Stuck) -> _Row:
    incident = dead_letters.incident_of(session, item)
    return _Row(
        id=item.id,
        kind=item.kind,
        state=item.state,
        what=dead_letters.what_of(item),
        incident=incident.reference if incident is not None else None,
        since=item.since,
        attempts=item.attempts,
        why=dead_letters.detail_of(item),
    )


@command.command("retry")
@click.argument("ids", nargs=-1, type=int, metavar="ID…")
@click.option("--all", "everything", is_flag=True, help="Everything that is parked.")
@config_option
def retry_command(ids: tuple[int, ...], everything: bool, config: Path) -> None:
    """Have parked items tried again; a running bot takes them up within a second."""
    if bool(ids) == everything:
        raise UserError("Name the ids that muster work list shows, or --all; not both.")
    database = database_of(settings_of(config))
    now = datetime.now(UTC)
    again = database.write_now(
        lambda s: dead_letters.retry_items(s, _ACTOR, None if everything else ids, now)
    )
    missing = sorted(set(ids) - {item.id for item in again})
    if missing:
        named = ", ".join(str(one) for one in missing)
        say(f"Not parked, so left alone: {named}.", error=True)
    say(f"Tried again: {len(again)}.")
