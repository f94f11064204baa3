"""Every method answers or refuses, whatever it is called with; none breaks."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.slack import cast
from sandbox.slack.clock import SandboxClock
from sandbox.slack.config import AppConfig
from sandbox.slack.errors import Refused
from sandbox.slack.methods import METHODS, Call
from sandbox.slack.state import Message
from sandbox.slack.world import World
from tests.sandbox_slack.conftest import GENERAL, INCIDENTS, PRIVATE

NOWHERE = st.sampled_from(["C0NOWHERE", "", "x"])
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "channel": st.sampled_from([INCIDENTS, PRIVATE, GENERAL, "D0MEI", "U0MEI"]) | NOWHERE,
    "channel_id": st.sampled_from([INCIDENTS, PRIVATE]) | NOWHERE,
    "user": st.sampled_from(["U0MEI", cast.BOT_USER, "U0NO"]),
    "user_id": st.sampled_from(["U0MEI", cast.BOT_USER, "U0NO"]),
    "users": st.lists(st.sampled_from(["U0MEI", "U0KAI", "U0NO", cast.BOT_USER]), max_size=10),
    "ts": st.sampled_from(["1.000001", "2.000002", "9.9"]),
    "thread_ts": st.sampled_from(["1.000001", "2.000002", "9.9"]),
    "timestamp": st.sampled_from(["1.000001", "9.9"]),
    "message_ts": st.sampled_from(["1.000001", "9.9"]),
    "usergroup": st.sampled_from(["S0ONCALL", "S0"]),
    "type": st.sampled_from(["link", "x"]),
    "name": st.sampled_from(["pushpin", "war-room", "Ünd", "order-incidents", "x" * 90]),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.text(max_size=4)
    | st.sampled_from(["modal", "home", "section", "divider", "plain_text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "blocks", "title", "id", "event_type", "event_payload"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=6),
    "integer": st.integers(-5, 2000),
    "boolean": st.booleans(),
    "json": JSON,
    "list": st.lists(st.text(max_size=4), max_size=3),
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(METHODS)))
    args: dict[str, Any] = {}
    for argument, kind in METHODS[name].arguments.kinds.items():
        if argument in ("token", "team_id", "pretty"):
            continue
        if argument in METHODS[name].arguments.required or draw(st.booleans()):
            args[argument] = draw(SPECIAL.get(argument, KINDS[kind]) | JSON)
    return name, args


def world() -> World:
    made = World(AppConfig(), clock=SandboxClock())
    made.base_url = "http://sandbox"
    channel = made.channel(INCIDENTS)
    channel.members[cast.BOT_USER] = None
    channel.add(Message("1.000001", INCIDENTS, cast.BOT_USER, "root", bot=True))
    channel.add(Message("2.000002", INCIDENTS, "U0MEI", "reply", thread_ts="1.000001"))
    return made


@given(st.lists(calls(), min_size=1, max_size=6))
@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_call_is_answered_or_refused(made: list[tuple[str, dict[str, Any]]]) -> None:
    async def run() -> None:
        place = world()
        for name, args in made:
            with suppress(Refused):  # whatever else is raised fails the test
                answer = METHODS[name].handler(Call(place, METHODS[name].arguments.read(args)))
                assert isinstance(answer, dict)
        await place.close()

    asyncio.run(run())


def test_every_method_that_is_promised_is_there() -> None:
    promised = {
        "auth.test",
        "api.test",
        "apps.connections.open",
        "chat.postMessage",
        "chat.update",
        "chat.delete",
        "chat.postEphemeral",
        "chat.getPermalink",
        "conversations.list",
        "conversations.info",
        "conversations.join",
        "conversations.open",
        "conversations.history",
        "conversations.replies",
        "conversations.members",
        "conversations.invite",
        "conversations.create",
        "conversations.archive",
        "users.info",
        "users.list",
        "users.conversations",
        "dnd.info",
        "dnd.teamInfo",
        "usergroups.list",
        "usergroups.users.list",
        "views.open",
        "views.update",
        "views.push",
        "views.publish",
        "reactions.add",
        "reactions.remove",
        "reactions.get",
        "pins.add",
        "pins.remove",
        "pins.list",
        "files.getUploadURLExternal",
        "files.completeUploadExternal",
        "files.info",
        "bookmarks.add",
        "bookmarks.edit",
        "bookmarks.list",
        "bookmarks.remove",
        "blocks.validate",
    }
    assert promised <= set(METHODS)
