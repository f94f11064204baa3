"""Probe verdict: what an exchange says of the service. Only its own answer counts against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.exchange import LONGEST, Exchange
from checks.kinds.probe_settings import HealthWord, HttpProbeSettings
from checks.shop.source import ShopUnavailable

_SHOWN = 40  # characters of a word that nobody knows


@dataclass(frozen=True)
class Verdict:
    """`problem`: a word of the catalogue; None: it is well."""

    problem: str | None
    degraded: bool = False  # it answers, though slowly or not as it should: it is not down


WELL = Verdict(None)


def verdict(seen: Exchange, settings: HttpProbeSettings) -> Verdict:
    """How it is. Raises ShopUnavailable where the answer says nothing of the service."""
    if not seen.asked:
        raise ShopUnavailable(f"{settings.url} could not be asked: its proxy (via) failed")
    if seen.problem is not None:
        return Verdict(seen.problem)
    status = seen.status or 0
    takes = settings.takes(status)
    if takes is None:
        raise ShopUnavailable(
            f"{settings.url} answered {status}, which says nothing of {settings.service}: correct "
            "the address, or name the good ones in status"
        )
    if not takes:
        return Verdict(f"http_{status}")
    _can_be_read(seen, settings)
    if not seen.holds:
        return Verdict("wrong_body")
    said = WELL if settings.health is None else _said(seen.page or b"", settings.health, settings)
    if said is not WELL:
        return said
    if seen.milliseconds is not None and seen.milliseconds > settings.slow_after * 1000:
        return Verdict("slow", degraded=True)
    return WELL


def _can_be_read(seen: Exchange, settings: HttpProbeSettings) -> None:
    """What stops the reader is no fault of the page."""
    wanted = settings.contains is not None and not seen.holds
    if (wanted or settings.health is not None) and 300 <= (seen.status or 0) < 400:
        raise ShopUnavailable(
            f"{settings.url} leads elsewhere ({seen.status}), and redirects are not followed: "
            "give the address where it leads to"
        )
    if wanted and not seen.whole:
        raise ShopUnavailable(
            f"{settings.url} is longer than {LONGEST // 1024} KB and its beginning does "
            f"not hold “{settings.contains}”: look at a shorter page"
        )


def _said(page: bytes, health: HealthWord, settings: HttpProbeSettings) -> Verdict:
    """What the health page says of itself, in a word that is known."""
    try:
        found: Any = json.loads(page)
    except ValueError:
        raise ShopUnavailable(f"{settings.url} is not the JSON that health.at speaks of") from None
    for part in health.at.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    word = str(found).lower() if isinstance(found, str | bool) else None
    if word is None:
        raise ShopUnavailable(f"{settings.url} says no word at “{health.at}” (health.at)")
    if word in (one.lower() for one in health.well):
        return WELL
    if word in (one.lower() for one in health.degraded):
        return Verdict("degraded", degraded=True)
    if word in (one.lower() for one in health.down):
        return Verdict("says_down")
    raise ShopUnavailable(
        f"{settings.url} says “{word[:_SHOWN]}” at “{health.at}”, which is neither among well nor "
        "degraded nor down of health: add it"
    )
