"""Severity from the plan's rules; what a person has set stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from incidents import timeline
from plan import expressions
from plan.model import IncidentType
from storage.models import Incident


def by_rules(kind: IncidentType, scope: Mapping[str, Any]) -> int:
    """The severity of the first rule that holds, else the type's own."""
    for rule in kind.severity_rules:
        if expressions.holds(rule.when, scope):
            return rule.severity
    return kind.severity


def set_by_a_person(session: Session, incident: Incident) -> bool:
    return timeline.last_of(session, incident.id, "severity") is not None
