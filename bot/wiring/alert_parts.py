"""Alert parts: the doors for other systems, what works on their alerts, and who counts refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.alert_settings import fact_kinds
from bot.clock import Clock
from bot.intake.alert_doors import AlertDoors
from bot.intake.alert_work import AlertWork
from bot.intake.refused_requests import RefusedRequests
from bot.settings import Settings
from incidents.organisation import House
from storage.database import Database
from storage.models import WorkItem


@dataclass(frozen=True)
class AlertParts:
    """What of the application belongs to alerts."""

    doors: AlertDoors
    work: AlertWork
    refused: RefusedRequests


def alert_parts(
    settings: Settings,
    house: House,
    database: Database,
    clock: Clock,
    *,
    owner: str,
    take: Callable[[WorkItem], None],
    heard: Callable[[str, str], None],
) -> AlertParts:
    """`take` gets each stored body, `heard` is told of each request (bot.web.meters)."""
    refused = RefusedRequests(settings.alerts, database=database, house=house, clock=clock)
    doors = AlertDoors(
        settings.alerts,
        fact_kinds(house.plan),
        database=database,
        clock=clock,
        owner=owner,
        take=take,
        heard=heard,
        refused=refused.note,
    )
    return AlertParts(doors, AlertWork(database, house, clock), refused)
