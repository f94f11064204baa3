"""`muster incidents`: the record, beside a running bot."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli.errors import UserError
from bot.cli.options import config_option, database_of, settings_of
from bot.cli.terminal import Lines, Terminal, say
from bot.reviews import UnknownIncident, review_text
from plan.languages import DEFAULT, LANGUAGES
from storage.models import LIVE_STATUSES, Incident


@click.group("incidents")
def command() -> None:
    """List, show and review incidents."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@config_option
def list_command(everything: bool, config: Path) -> None:
    """The open incidents, worst first."""
    settings = settings_of(config)
    zone = ZoneInfo(settings.time_zone)
    table = Lines("Incident", "Severity", "Status", "Section", "Subject", "Since")
    with_rows = False
    for row in database_of(settings).read_now(lambda session: _rows(session, everything)):
        with_rows = True
        reference, severity, status, section, subject, since = row
        shown = since.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        table.row(reference, f"SEV{severity}", status, f"§{section}", subject, shown)
    if with_rows:
        Terminal().show(table)
    else:
        say("No incident is open.")


def _rows(session: Session, everything: bool) -> list[tuple[str, int, str, str, str, datetime]]:
    query = select(Incident).order_by(Incident.severity, Incident.detected_at)
    if not everything:
        query = query.where(Incident.status.in_(LIVE_STATUSES))
    return [
        (i.reference, i.severity, i.status, i.section, i.subject, i.detected_at)
        for i in session.scalars(query)
    ]


@command.command("show")
@click.argument("number")
@config_option
def show_command(number: str, config: Path) -> None:
    """An incident with its whole timeline."""
    click.echo(_review(number, "md", DEFAULT, config))


@command.command("review")
@click.argument("number")
@click.option("--format", "form", type=click.Choice(["md", "html", "json"]), default="md")
@click.option("--language", type=click.Choice(LANGUAGES), default=DEFAULT)
@config_option
def review_command(number: str, form: str, language: str, config: Path) -> None:
    """The review of an incident, written from its log."""
    click.echo(_review(number, form, language, config), nl=False)


def _review(number: str, form: str, language: str, config: Path) -> str:
    settings = settings_of(config)
    digits = number.upper().removeprefix("INC-")
    if not digits.isdigit():
        raise UserError(f"“{number}” is not an incident; write its number, like 412 or INC-412.")
    try:
        return review_text(settings, database_of(settings), int(digits), form, language)
    except UnknownIncident as error:
        raise UserError(str(error)) from None
