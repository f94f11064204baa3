"""A review as text, for the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.settings import Settings
from bot.wiring.organisation import build_house, build_roles, check_titles
from incidents import read
from incidents.views import ReviewView
from message_templates.engine import Templates
from message_templates.review import review_html, review_json, review_markdown
from plan.command_names import CommandNames
from plan.loader import load_plan
from storage.database import Database
from storage.models import Incident


class UnknownIncident(LookupError):
    """There is no incident of that number."""


def review_text(
    settings: Settings, database: Database, number: int, form: str, language: str
) -> str:
    """The review of an incident as md, html or json. Raises UnknownIncident."""
    house = build_house(settings, load_plan(settings.plan.extra), build_roles(settings, {}))
    zone = ZoneInfo(settings.time_zone)
    templates = Templates(
        zone=zone,
        checks=check_titles(settings),
        commands=CommandNames(settings.slack.commands).shown,
    )

    def find(session: Session) -> ReviewView:
        found = session.scalar(select(Incident.id).where(Incident.number == number))
        if found is None:
            raise UnknownIncident(
                f"There is no INC-{number}; muster incidents list --all shows what there is."
            )
        return read.review(session, house, found, datetime.now(UTC))

    view = database.read_now(find)
    if form == "json":
        return json.dumps(review_json(templates, view, zone=zone), ensure_ascii=False, indent=2)
    write = review_html if form == "html" else review_markdown
    return write(templates, view, language=language, zone=zone)
