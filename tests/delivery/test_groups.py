"""Who is in the user groups: also while Slack is away, and when people come and go."""

from __future__ import annotations

from bot.groups import Groups
from tests.delivery.conftest import Postbox

ON_CALL = "S0ONCALL"


def _groups(postbox: Postbox) -> Groups:
    return Groups([ON_CALL], postbox.office.sender, postbox.database)


async def test_it_is_asked_until_slack_tells(postbox: Postbox) -> None:
    groups, told = _groups(postbox), []
    groups.changed = lambda: told.append(dict(groups.members))
    postbox.fault("usergroups.list", "http_503")
    await groups.load()
    await groups.look()
    assert groups.unknown == [ON_CALL]
    await groups.look()
    assert groups.unknown == []
    assert told == [{ON_CALL: ("U0MEI", "U0KAI")}]


async def test_what_slack_said_last_holds_while_it_is_away(postbox: Postbox) -> None:
    """A restart during an outage: on-call is still who it was."""
    await _groups(postbox).look()
    postbox.fault("*", "down")
    again = _groups(postbox)
    await again.load()
    await again.look()
    assert again.members == {ON_CALL: ("U0MEI", "U0KAI")}


async def test_who_joins_later_is_known_later(postbox: Postbox) -> None:
    groups = _groups(postbox)
    await groups.look()
    await postbox.people.post("/hand/group", json={"id": ON_CALL, "users": ["U0KAI"]})
    await groups.look()
    assert groups.members[ON_CALL] == ("U0KAI",)
