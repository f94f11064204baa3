"""Impact of a fault: whether the customers feel it now, by checks and by what stands against it.

What a failing check means is the type's own word (`felt`): a payment channel that fails is not felt
while the payments go through another.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from incidents.change import Change
from incidents.shop_actions import effects
from plan import expressions
from plan.expressions import ExpressionError
from storage.models import Incident

log = structlog.get_logger(__name__)


def felt(change: Change, *, failing: bool | None = None) -> bool:
    """Whether it is felt. `failing`: whether a check fails, where the caller knows better."""
    fails = change.incident.failing if failing is None else failing
    scope = change.scope_with(
        failing=fails, beside=change.incident.fails_beside, effect=effects.mitigating(change)
    )
    try:
        return bool(expressions.evaluate(change.kind.felt, scope))
    except ExpressionError as error:
        log.warning("felt_not_known", type=change.kind.id, error=str(error))
        return fails


def check_failed(incident: Incident, at: datetime, open_after: int, *, felt: bool) -> bool:
    """One more failed run that speaks of the incident; whether it fails N in a row by now."""
    incident.failed_runs += 1
    incident.fails_beside = not felt
    incident.checked_at = at
    incident.failing = incident.failing or incident.failed_runs >= open_after
    return incident.failing


def check_passed(incident: Incident, at: datetime) -> None:
    """A run that saw the incident's subject in order."""
    incident.failed_runs, incident.failing, incident.fails_beside = 0, False, False
    incident.checked_at = at
