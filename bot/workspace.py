"""Workspace: what the configuration takes for granted of Slack, held against what Slack says.

Channels that are private and nobody else's, roles whose people are there, are of the shop and stand
in the channel in which their incidents are posted, groups that exist. The start asks the parts that
it works with and logs what is amiss; `muster doctor` asks the same and prints it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import structlog

from bot import groups
from bot.channels import Channels, Seen
from bot.delivery.errors import SlackError, SlackRefused
from bot.delivery.presence import standing_of
from bot.delivery.sender import Sender
from bot.settings import Settings
from handlers.identity import Identity
from incidents.people import Standing

log = structlog.get_logger(__name__)

Mark = Literal["ok", "look", "wrong"]
Line = tuple[Mark, str]

_INVITE = "invite the bot there"
_NO_CHANNEL = {
    "channel_not_found": "Slack does not show it to the bot; correct slack.channels",
    "missing_scope": "the app may not look at it; install the manifest again",
}


async def told(sender: Sender) -> groups.Members | None:
    """Who is in each user group; None where Slack does not tell."""
    try:
        return await groups.told_by(sender)
    except SlackError as error:
        log.info("groups_not_told", error=str(error))
        return None


class Members(Protocol):
    """Who is in a channel (bot.delivery.membership)."""

    async def of(self, channel: str) -> frozenset[str] | None: ...


class Users(Protocol):
    """A person as Slack knows them; raises SlackError (bot.delivery.presence)."""

    async def __call__(self, user_id: str) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Workspace:
    """What is compared, as the parts of the bot know it."""

    settings: Settings
    channels: Channels
    members: Members
    users: Users
    identity: Identity
    groups: Mapping[str, tuple[str, ...]] | None  # of the workspace; None: Slack does not tell
    # The keys of the channels in which the incidents of a role's sections are posted.
    posted_in: Mapping[str, frozenset[str]] = field(default_factory=dict)

    async def lines(self) -> list[Line]:
        """Everything, one sentence each."""
        found = [_channel(key, self) for key in self.settings.slack.channels]
        found += list(_groups(self))
        people = self._people()
        asked = await asyncio.gather(*(_person(self.users, who, self.identity) for who in people))
        names = {one.user_id: one.name for one in asked}
        found += [one.line(self._roles_of(one.user_id)) for one in asked if one.problem]
        in_channels = await self._in_channels()
        return [*found, *_absent(self, in_channels, names)]

    def _people(self) -> list[str]:
        return list(
            dict.fromkeys(who for role in self.settings.roles for who in self.people_of(role))
        )

    def people_of(self, role: str) -> tuple[str, ...]:
        """Everybody who has the role, those of its group included."""
        found = self.settings.roles[role]
        of_group = (self.groups or {}).get(found.group or "", ())
        return tuple(dict.fromkeys([*found.duty, *found.people, *of_group]))

    def _roles_of(self, user_id: str) -> list[str]:
        return [name for name in self.settings.roles if user_id in self.people_of(name)]

    async def _in_channels(self) -> dict[str, frozenset[str]]:
        """The people of each channel that Slack tells of."""
        found: dict[str, frozenset[str]] = {}
        for key, channel in self.settings.slack.channels.items():
            if key in self.channels.seen:
                there = await self.members.of(channel.id)
                if there is not None:
                    found[key] = there
        return found


def _channel(key: str, workspace: Workspace) -> Line:
    channel, seen = workspace.settings.slack.channels[key], workspace.channels.seen.get(key)
    place = f"Channel {key} ({channel.id})"
    if seen is None:
        code = workspace.channels.refused.get(key)
        if code is None:
            return ("wrong", f"{place}: Slack does not say what it is; try again in a minute.")
        remedy = _NO_CHANNEL.get(code, "correct slack.channels")
        if channel.private and code == "channel_not_found":
            remedy = f"{_INVITE} (/invite), or correct slack.channels"
        return ("wrong", f"{place}: {code}; {remedy}.")
    named = f"Channel {key} (#{seen.name})"
    if seen.archived:
        return ("wrong", f"{named} is archived; name another, or open it again.")
    return _promise(named, seen, private=channel.private)


def _promise(named: str, seen: Seen, *, private: bool) -> Line:
    """Who reads it, beside what was promised."""
    if private and not seen.private:
        return (
            "wrong",
            (
                f"{named} is public, and slack.channels promises a private one: nothing is posted "
                "there. Make it private in Slack, or name another."
            ),
        )
    if private and seen.shared:
        return (
            "wrong",
            (
                f"{named} is shared with another organisation (Slack Connect), and slack.channels "
                "promises a private one: nothing is posted there. Name one that only yours read."
            ),
        )
    if private and not seen.member:
        return ("wrong", f"{named}: the bot is not in it; {_INVITE} (/invite).")
    if seen.shared:
        return (
            "look",
            (
                f"{named} is shared with another organisation (Slack Connect): its people read "
                "every incident there. Name one that only yours read, unless that is meant."
            ),
        )
    joins = "" if seen.member else " (Muster joins it when it starts)"
    return ("ok", f"{named}{joins}.")


def _groups(workspace: Workspace) -> Iterator[Line]:
    roles = workspace.settings.roles
    for group in dict.fromkeys(role.group for role in roles.values() if role.group):
        named = ", ".join(f"roles.{name}" for name, role in roles.items() if role.group == group)
        if workspace.groups is None:
            yield ("look", f"{named}: Slack does not tell who is in group {group}; try again.")
        elif group not in workspace.groups:
            yield (
                "wrong",
                (
                    f"{named}: there is no user group {group}, or it is disabled. Its people have "
                    "no right and are not rung. Correct group, or name people."
                ),
            )
        elif not workspace.groups[group]:
            yield ("wrong", f"{named}: group {group} has nobody in it: add people to it in Slack.")


@dataclass(frozen=True)
class _Asked:
    """A person of a role, and what is amiss."""

    user_id: str
    name: str
    problem: str | None = None
    mark: Mark = "wrong"

    def line(self, roles: list[str]) -> Line:
        named = ", ".join(f"roles.{role}" for role in roles)
        who = self.user_id if self.name == self.user_id else f"{self.name} ({self.user_id})"
        return (self.mark, f"{named}: {who} {self.problem}.")


async def _person(users: Users, user_id: str, identity: Identity) -> _Asked:
    try:
        user = await users(user_id)
    except SlackRefused as error:
        return _Asked(user_id, user_id, f"is not known to Slack ({error.code}); name another")
    except SlackError as error:
        return _Asked(user_id, user_id, f"cannot be asked for now ({error})", "look")
    name = str(user.get("real_name") or user.get("name") or user_id)
    if user.get("deleted"):
        return _Asked(user_id, name, "has left the workspace; name another")
    if user.get("is_bot"):
        return _Asked(user_id, name, "is a bot, which nothing rings; name a person")
    standing = standing_of(user, identity)
    if standing is Standing.EXTERNAL:
        said = "belongs to another organisation and would read what is not for it; name your own"
        return _Asked(user_id, name, said, "look")
    if standing is Standing.GUEST:
        said = "is a guest, who sees few channels and may do little here; name a full member"
        return _Asked(user_id, name, said, "look")
    return _Asked(user_id, name)


def _absent(
    workspace: Workspace, there: Mapping[str, frozenset[str]], names: Mapping[str, str]
) -> Iterator[Line]:
    """Who has a role and is not where its incidents are posted, by channel."""
    for key, present in there.items():
        missing: dict[str, list[str]] = {}
        for role in workspace.settings.roles:
            if key in workspace.posted_in.get(role, ()):
                for person in workspace.people_of(role):
                    if person not in present:
                        missing.setdefault(person, []).append(role)
        if missing:
            who = "; ".join(f"{names.get(p, p)} ({', '.join(r)})" for p, r in missing.items())
            seen = workspace.channels.seen[key]
            how = "cannot open its threads" if seen.private else "do not see it by themselves"
            yield (
                "look",
                (
                    f"Not in #{seen.name}: {who}. They are rung by direct message and {how}: "
                    "invite them there."
                ),
            )
