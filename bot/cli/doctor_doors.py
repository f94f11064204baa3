"""Doctor's doors: which stand open for other systems, what they open, and when one last spoke."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import select

from bot.settings import Secrets, Settings
from checks.alerts.settings import DoorSettings
from storage.database import Database
from storage.errors import StorageError
from storage.models import CheckState
from storage.models.alerts import ALERT

_AUTH = {"hmac": "signed requests", "bearer": "a bearer secret"}
Line = tuple[Literal["ok", "look"], str]


def doors(settings: Settings, secrets: Secrets) -> Iterator[Line]:
    """A line for each. A secret that is not set has kept the configuration from being read."""
    if not settings.alerts:
        yield ("ok", "No door for other systems is configured (alerts).")
        return
    base = settings.web.public_url or f"http://{settings.web.host}:{settings.web.port}"
    heard = _heard(settings, secrets)
    for name, door in settings.alerts.items():
        yield ("ok", f"{_told(name, door, base)} {_last(heard.get(name))}")
    if settings.web.public_url is None and settings.web.host in ("127.0.0.1", "localhost", "::1"):
        yield (
            "look",
            (
                "The doors are reached on this machine alone (web.host): let a proxy pass /alerts/ "
                "on, and name its address in web.public_url."
            ),
        )


def _told(name: str, door: DoorSettings, base: str) -> str:
    ends = "" if door.resolved is not None else "; it never says that something is over"
    return (
        f"Door {name}: POST {base.rstrip('/')}/alerts/{name} takes {_AUTH[door.auth]}, its secret "
        f"is set; it opens {', '.join(door.opens)}{ends}."
    )


def _last(at: datetime | None) -> str:
    if at is None:
        return "No alert has come yet."
    return f"Its last alert came {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC."


def _heard(settings: Settings, secrets: Secrets) -> dict[str, datetime | None]:
    """When each door's last alert came; what the database cannot say is said of the database."""
    try:
        database = Database.open(settings.database.url, key=secrets.key)
    except StorageError:
        return {}
    try:
        rows = database.read_now(
            lambda session: session.execute(
                select(CheckState.name, CheckState.last_run_at).where(
                    CheckState.name.like(f"{ALERT}%"), CheckState.subject == ""
                )
            ).all()
        )
    except StorageError:
        return {}
    finally:
        database.close_now()
    return {row.name.removeprefix(ALERT): row.last_run_at for row in rows}
