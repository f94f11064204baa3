"""Heartbeat of the running bot, where the configuration has an address for it."""

from __future__ import annotations

from functools import partial

import httpx

from bot.schedule.scheduler import Scheduler
from bot.settings import Settings
from bot.web.health import Health
from bot.web.heartbeat import Heartbeat
from bot.web.meters import Meters
from storage import audit_proof
from storage.database import Database


def beat(
    settings: Settings,
    scheduler: Scheduler,
    http: httpx.AsyncClient,
    health: Health,
    meters: Meters,
    database: Database,
) -> None:
    """Has it sent at its times; nothing, where nobody listens."""
    if settings.heartbeat is None:
        return
    heart = Heartbeat(
        http,
        url=settings.heartbeat.url,
        health=health,
        counted=meters.heartbeat,
        head=partial(database.read, audit_proof.head),
    )
    scheduler.every(settings.heartbeat.every, heart.ping, name="heartbeat")
