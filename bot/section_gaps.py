"""Section gaps: what each section of the plan would use and this shop has not, and so which buttons
are not offered; and in which channels its roles meet it.

A shop may begin with a database alone, so a missing action or look is nothing wrong: its button is
not there, and what to do by hand is. It is said once for each section, before the night comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import structlog

from bot.name_resolution import names_in, sentences
from bot.settings import Settings
from incidents.doors import Doors
from incidents.organisation import House
from plan.languages import DEFAULT
from plan.model import Action, Plan, Section

log = structlog.get_logger(__name__)


def gaps(plan: Plan, doors: Doors, settings: Settings) -> list[str]:
    """A sentence for each section that lacks something, in the plan's order."""
    return [
        f"§{section.id} {section.title.in_(DEFAULT)}: {'; '.join(said)}."
        for section in plan.sections.values()
        if (said := list(_said(plan, section, doors, settings)))
    ]


def _said(plan: Plan, section: Section, doors: Doors, settings: Settings) -> Iterator[str]:
    actions = actions_of(plan, section)
    for place, titles in _not_offered(actions, doors).items():
        yield f"without {place} no {', '.join(f'“{title}”' for title in titles)}"
    looks = {name for kind, name, _ in names_in(section, "") if kind == "look"}
    looks |= {one.verify.look for one in actions if one.verify is not None}
    lacking = {f"shop.looks.{name}" for name in looks if not doors.can_look(name)}
    blind = sorted(lacking - _not_offered(actions, doors).keys())
    if blind:
        yield f"without {', '.join(blind)} a person is asked what is to be seen there"
    vacant = sorted(name for name in roles_of(plan, section) if _nobody(settings, name))
    if vacant:
        named = ", ".join(f"roles.{name}" for name in vacant)
        yield f"nobody has {named}, so their steps and buttons refuse whoever presses"


def _not_offered(actions: Collection[Action], doors: Doors) -> dict[str, list[str]]:
    """By the place in muster.yaml that is empty: what cannot be done for want of it."""
    found: dict[str, list[str]] = {}
    for action in actions:
        for place in doors.lacks(action):
            found.setdefault(place, []).append(action.title.in_(DEFAULT))
    return {place: list(dict.fromkeys(titles)) for place, titles in found.items()}


def _nobody(settings: Settings, name: str) -> bool:
    role = settings.roles.get(name)
    return role is None or not (role.people or role.duty or role.group)


def actions_of(plan: Plan, section: Section) -> list[Action]:
    """What its buttons do, with the ways back and what follows by itself."""
    wanted = [button.action for step in section.steps for button in step.buttons]
    wanted += [button.action for later in section.later for button in later.buttons]
    found: dict[str, Action] = {}
    while wanted:
        name = wanted.pop(0)
        action = plan.actions.get(name or "")
        if action is not None and action.id not in found:
            found[action.id] = action
            wanted += [action.undo, action.then]
    return list(found.values())


def roles_of(plan: Plan, section: Section) -> frozenset[str]:
    """Who is rung for it, has its steps, or may press one of its buttons."""
    named = {name for kind, name, _ in names_in(section, "") if kind == "role"}
    return frozenset(named.union(*(action.roles for action in actions_of(plan, section))))


def posted_in(house: House) -> Mapping[str, frozenset[str]]:
    """For each role: the channels in which incidents stand that it is rung for or works on."""
    found: dict[str, set[str]] = {}
    for section in house.plan.sections.values():
        channels = {house.audience_of(one.audience, private=one.private) for one in section.types}
        for name in {one.role for one in section.types} | {step.role for step in section.steps}:
            role = name if not house.role(name).nobody else "oncall"
            found.setdefault(role, set()).update(channels)
    return {role: frozenset(channels) for role, channels in found.items()}


def name_gaps(plan: Plan, doors: Doors, settings: Settings) -> None:
    """In the log, at the start: what leads nowhere, and what will not be offered for it."""
    for sentence in sentences(plan, settings, settings.plan.extra):
        log.warning("not_configured", sentence=sentence)
    for sentence in gaps(plan, doors, settings):
        log.info("not_offered", sentence=sentence)
