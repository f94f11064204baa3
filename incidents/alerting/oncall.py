"""On-call: who is rung for a role at a moment, one after the other. Every ring asks here.

A role's own list is all that there is so far; a rota would answer in its place. Who *has* a role,
and so its rights, is another question (`House.roles_of`).
"""

from __future__ import annotations

from datetime import datetime

from incidents.organisation import House

ONCALL = "oncall"


def in_role(house: House, role: str, at: datetime) -> tuple[str, ...]:
    """Those of the role alone; nobody, where it is not configured or has nobody."""
    return house.role(role).chain


def who(house: House, role: str, at: datetime) -> tuple[str, ...]:
    """Those of the role; where it has nobody, those of on-call."""
    return in_role(house, role, at) or in_role(house, ONCALL, at)
