"""Rights page: the table of rights as the documentation shows it, made of the table itself and of
what every entry asks for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from handlers import register_all
from handlers.commands import rights_of_words
from handlers.registry import Registry
from incidents.rights import BY_THE_PLAN, TABLE, Rule

_KINDS = {
    "action": "",
    "submission": "",
    "command": "/",
    "shortcut": "shortcut ",
    "event": "event ",
}
_ROLES = {
    "handler": "the role of the incident's type",
    "owners": "the section's `owner_roles`",
    "any": "anybody with a role",
}


def rights_page() -> Iterator[str]:
    """The lines of the table."""
    yield "| right | who may | asked of | by |"
    yield "|---|---|---|---|"
    asked = _asked()
    for right, rule in sorted(TABLE.items()):
        of = "the incident" if rule.of_incident else "the house"
        yield f"| `{right}` | {_who(rule)} | {of} | {_by(asked[right])} |"
    for right, whose in sorted(BY_THE_PLAN.items()):
        yield f"| `{right}` | {whose} | the incident | {_by(asked[right])} |"


def _who(rule: Rule) -> str:
    if rule.slack:
        return "Slack itself"
    if rule.anyone:
        return "every member of the workspace"
    roles = [_ROLES.get(role, f"`{role}`") for role in dict.fromkeys(rule.roles)]
    if "any" in rule.roles:
        roles = [_ROLES["any"]]
    return ", ".join([*roles, *(["the owner"] if rule.owner else [])]) or "nobody"


def _by(entries: list[str]) -> str:
    return ", ".join(f"`{entry}`" for entry in sorted(entries)) or "what leads from one to another"


def _asked() -> dict[str, list[str]]:
    registry = Registry()
    register_all(registry)
    found: dict[str, list[str]] = defaultdict(list)
    for (kind, name), asks in registry.rights().items():
        found[asks.right].append(f"{_KINDS[kind]}{name}")
    for word, right in rights_of_words().items():
        found[right].append(f"/incident {word}")
    return found
