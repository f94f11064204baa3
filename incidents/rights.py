"""Rights: who may what, one table, from which the checks, the documentation and the attack on them
are made (docs/decisions/0032).

A row says which roles it asks for and where it is asked: of the house before anything is looked
at, or of one incident. A command of the card adds its own row (`command_table.command`); a step
and an action ask for the roles of the plan. A right that there is not is nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Rule:
    """`roles`: any of these; "handler" is the role of the incident's type, "owners" are the
    section's `owner_roles`, "any" is every role of the configuration. `owner`: the owner may,
    whatever their role. `anyone`: every member of the workspace. Nobody may what has none of them,
    and nobody may anything who is a guest or comes from another workspace (decision 25)."""

    roles: tuple[str, ...] = ()
    owner: bool = False
    anyone: bool = False
    of_incident: bool = True  # else of the house
    reads: bool = False  # it changes nothing: a button may lead to another incident than its own
    slack: bool = False  # Slack itself tells it, and nobody asks for it


# The owner may hand over, wait, note, escalate and resolve (decision 23); all else is by role.
OWNERS = Rule(("owners",))
RESPONDERS = Rule(("handler", "oncall", "managers"))
OR_OWNER = Rule(("handler", "oncall", "managers"), owner=True)
ANYBODY_ON_DUTY = Rule(("any",), owner=True)


class Right(StrEnum):
    """What needs a right and is no command of the card."""

    # of the house
    DECLARE = "declare"
    COMPLAINT = "complaint"
    LIST = "list"
    ORDER = "order"  # whether an order is affected, and what may be said of it
    WEEK = "week"  # the figures of a week
    RETRY = "retry"
    ISOLATE = "isolate"  # a message in which customer data stands
    OWN = "own"  # one's own home, language and help
    NEWS = "news"  # what has happened in the workspace
    # of an incident
    SHOW = "show"
    REVIEW = "read_review"
    CASES = "cases"
    EXPORT = "export"
    ASK = "ask"  # somebody who may, to do what one may not
    LINK = "link"
    FOLLOW_UP = "follow_up"
    APPROVE = "approve"
    # by the plan's own roles
    STEP = "step"
    ACTION = "action"


_READING = Rule(("any",), owner=True, reads=True)

TABLE: dict[str, Rule] = {
    Right.DECLARE: Rule(anyone=True, of_incident=False),
    Right.COMPLAINT: Rule(("cs", "managers", "oncall"), of_incident=False),
    Right.LIST: Rule(anyone=True, of_incident=False, reads=True),
    Right.ORDER: Rule(("cs", "any"), of_incident=False, reads=True),
    Right.WEEK: Rule(("managers",), of_incident=False),
    Right.RETRY: Rule(("oncall",), of_incident=False),
    Right.ISOLATE: Rule(("oncall", "cs", "managers"), of_incident=False),
    Right.OWN: Rule(anyone=True, of_incident=False, reads=True),
    Right.NEWS: Rule(of_incident=False, slack=True),
    Right.SHOW: Rule(anyone=True, reads=True),
    Right.REVIEW: _READING,
    Right.CASES: _READING,
    Right.EXPORT: _READING,
    Right.ASK: Rule(anyone=True),
    Right.LINK: RESPONDERS,
    Right.FOLLOW_UP: ANYBODY_ON_DUTY,
    Right.APPROVE: Rule(("approver", "managers")),
}
"""Every right with its rule. Commands add theirs; `STEP` and `ACTION` have none of their own."""

BY_THE_PLAN: Mapping[str, str] = {
    Right.STEP: "the step's `role`",
    Right.ACTION: "one of the action's `roles`",
}


def add(name: str, rule: Rule) -> None:
    """A command's row. Raises ValueError for a name that there is already."""
    if name in TABLE or name in BY_THE_PLAN:
        raise ValueError(f"there is a command or right “{name}” already")
    TABLE[name] = rule


def rule_of(right: str) -> Rule:
    """Who may; nobody, where there is no such right."""
    return TABLE.get(right, Rule())
