"""Cast: the workspace's fixed cast, people, groups, channels, and the app."""

from __future__ import annotations

from typing import Final, NamedTuple

TEAM_ID: Final = "T0SHOP"
TEAM_NAME: Final = "Formosa Goods"
TEAM_DOMAIN: Final = "formosa-goods"
ENTERPRISE_ID: Final = "E0FORMOSA"
APP_ID: Final = "A0MUSTER"
BOT_USER: Final = "U0MUSTER"
BOT_ID: Final = "B0MUSTER"
BOT_TOKEN: Final = "xoxb-sandbox-bot"  # noqa: S105 - the sandbox's fixed token
APP_TOKEN: Final = "xapp-sandbox-app"  # noqa: S105 - the sandbox's fixed token
SIGNING_SECRET: Final = "sandbox-signing-secret"  # noqa: S105 - the sandbox's fixed secret
VERIFICATION_TOKEN: Final = "sandbox-verification"  # noqa: S105 - in every payload, unused today


class PersonOfCast(NamedTuple):
    id: str
    name: str
    real_name: str
    title: str
    locale: str
    tz: str


PEOPLE: Final = (
    PersonOfCast("U0MEI", "mei", "Mei", "On-call engineer", "en-US", "Asia/Taipei"),
    PersonOfCast("U0KAI", "kai", "Kai", "Deputy on-call, approver", "en-US", "Asia/Taipei"),
    PersonOfCast("U0LIN", "lin", "Lin", "Customer-service lead", "zh-TW", "Asia/Taipei"),
    PersonOfCast("U0JO", "jo", "Jo", "Manager", "en-US", "Asia/Taipei"),
    PersonOfCast("U0SAM", "sam", "Sam", "Marketing", "en-US", "Asia/Taipei"),
)


class GroupOfCast(NamedTuple):
    id: str
    handle: str
    name: str
    users: tuple[str, ...]


GROUPS: Final = (
    GroupOfCast("S0ONCALL", "oncall", "On call", ("U0MEI", "U0KAI")),
    GroupOfCast("S0CSDESK", "cs", "Customer service", ("U0LIN",)),
    GroupOfCast("S0MGRS", "managers", "Managers", ("U0JO",)),
)


class ChannelOfCast(NamedTuple):
    id: str
    name: str
    is_private: bool
    members: tuple[str, ...]


EVERYONE: Final = tuple(person.id for person in PEOPLE)

CHANNELS: Final = (
    ChannelOfCast("C0INCIDENTS", "order-incidents", False, EVERYONE),
    ChannelOfCast("C0CSDESK", "cs-desk", False, EVERYONE),
    # The app starts as a member of the private channel alone: nobody could let it in later but
    # a member, while a public one it joins by itself.
    ChannelOfCast("C0CSINC", "cs-incidents", True, ("U0LIN", "U0JO", BOT_USER)),
    ChannelOfCast("C0GENERAL", "general", False, EVERYONE),
)


def direct_channel(user: str) -> str:
    """The id of the direct channel between a person and the app."""
    return f"D{user[1:]}"
