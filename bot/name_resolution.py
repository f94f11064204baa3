"""Resolution of the names by which the plan speaks of the configuration: roles and audiences.

A name that leads nowhere lets the bot start, refuses what it stands for and rings nobody. So the
start and `muster doctor` name each in one sentence, with the file and line where the plan uses it.
Looks and actions that the shop has not are no fault: `bot.section_gaps` says what is not offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from bot.alert_settings import plan_faults
from bot.settings import Settings
from plan import expressions
from plan.lint import placed
from plan.model import Action, IncidentType, Plan
from plan.problem import Problem
from plan.sources import read_sources

# A field of the plan's model that names something of the configuration.
_NAMED = {
    "role": "role",
    "roles": "role",
    "owner_roles": "role",
    "audience": "audience",
    "look": "look",
    "before": "look",
}
_ON_CALL = "oncall"
_LACKS = {
    "role": (
        "the role “{name}” is not in roles: who needs it is refused, and on-call is rung instead"
    ),
    "oncall": "the role “{name}” is not in roles: who needs it is refused, and nobody is rung",
    "audience": (
        "the audience “{name}” is not in slack.channels: its incidents are posted to “incidents”"
    ),
}
_Found = tuple[str, str, Problem]  # kind, name, where


def unresolved(plan: Plan, settings: Settings) -> list[Problem]:
    """Each name that leads nowhere, once, at the first place that uses it."""
    known: Mapping[str, frozenset[str]] = {
        "role": frozenset(settings.roles),
        "audience": frozenset(settings.slack.channels),
    }
    found: dict[tuple[str, str], Problem] = {}
    for kind, name, where in _uses(plan):
        if kind in known and name not in known[kind]:
            found.setdefault((kind, name), where)
    problems = [
        Problem(where.owner, where.keys, f"{_lack(kind, name)}; set it in muster.yaml.")
        for (kind, name), where in found.items()
    ]
    return [*problems, *_no_private_channel(plan, settings)]


def _lack(kind: str, name: str) -> str:
    return _LACKS[name if (kind, name) == ("role", _ON_CALL) else kind].format(name=name)


def _no_private_channel(plan: Plan, settings: Settings) -> Iterator[Problem]:
    if any(channel.private for channel in settings.slack.channels.values()):
        return
    for section in plan.sections.values():
        for index, kind in enumerate(section.types):
            if kind.private:
                yield Problem(
                    f"section {section.id}",
                    ("types", index),
                    f"“{kind.id}” is private and slack.channels has no private channel: its "
                    "incidents are kept and posted nowhere; set one in muster.yaml.",
                )
                return


def nobody_in(plan: Plan, settings: Settings) -> list[str]:
    """Roles of the configuration that have nobody; a department needs but a channel to be told in,
    unless the plan's steps use its role."""
    used = {name for kind, name, _ in _uses(plan) if kind == "role"}
    return [
        f"roles.{name} has nobody: give it people, duty or a group."
        for name, role in settings.roles.items()
        if not (role.people or role.duty or role.group) and (name in used or role.channel is None)
    ]


def sentences(plan: Plan, settings: Settings, extra: Path | None) -> list[str]:
    """What leads nowhere, each in one sentence with its place in the plan's files."""
    problems = unresolved(plan, settings)
    lines: list[str] = []
    if problems:
        sources = read_sources(extra)
        lines = [str(fault) for fault in sorted(placed(problems, sources))]
    return [*lines, *nobody_in(plan, settings), *opening_nothing(plan, settings)]


def opening_nothing(plan: Plan, settings: Settings) -> list[str]:
    """Checks and doors whose findings open an incident type that the plan does not have, or tell
    a fact that it does not know."""
    types = {kind.id for section in plan.sections.values() for kind in section.types}
    checks = [
        f"checks.{check.name} opens “{kind}”, which is no incident type of the plan: its findings "
        f"are lost; use one of {', '.join(sorted(types))}."
        for check in settings.checks
        for kind in check.opens
        if kind not in types
    ]
    return [*checks, *plan_faults(settings.alerts, plan)]


def _uses(plan: Plan) -> Iterator[_Found]:
    for section in plan.sections.values():
        yield from names_in(section, f"section {section.id}")
    for action in plan.actions.values():
        owner = f"action {action.id}"
        yield from names_in(action, owner)
        yield from _rung(action, owner)


def _rung(action: Action, owner: str) -> Iterator[_Found]:
    """The roles that an internal action rings, where they stand there as they are."""
    try:
        roles = expressions.value(action.params.get("roles", ""), {})
    except expressions.ExpressionError:
        return  # worked out from what the incident knows
    for name in roles if isinstance(roles, list) and action.kind == "internal" else ():
        yield "role", str(name), Problem(owner, ("params", "roles"), "")


def names_in(
    model: BaseModel, owner: str, keys: tuple[str | int, ...] = ()
) -> Iterator[tuple[str, str, Problem]]:
    """Every name in a part of the plan that speaks of the configuration: kind, name, place."""
    for name in type(model).model_fields:
        value, at = getattr(model, name), (*keys, name)
        kind = _NAMED.get(name)
        if kind is not None and isinstance(value, str):
            if not (kind == "audience" and isinstance(model, IncidentType) and model.private):
                yield kind, value, Problem(owner, at, "")
        elif isinstance(value, BaseModel):
            yield from names_in(value, owner, at)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, BaseModel):
                    yield from names_in(item, owner, (*at, index))
                elif kind is not None and isinstance(item, str):
                    yield kind, item, Problem(owner, (*at, index), "")
