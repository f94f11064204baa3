"""Who is no member: who only looks in, guests, people of another organisation, who has left."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import INCIDENTS, PRIVATE, Hand

GUEST, OUTSIDER = "U0ANN", "U0BEN"


@pytest.fixture
async def strangers(hand: Hand) -> None:
    """A guest in #general, and somebody of another organisation in #order-incidents."""
    await hand.post("person", id=GUEST, name="ann", guest="single", channels=["C0GENERAL"])
    await hand.post("person", id=OUTSIDER, name="ben", team="T0POST", channels=[INCIDENTS])


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("say", {"text": "x"}),
        ("command", {"command": "/incident", "text": "list"}),
        ("react", {"ts": "1.1", "name": "eyes"}),
    ],
)
async def test_who_only_looks_in_has_to_join_first(
    hand: Hand, path: str, more: dict[str, Any]
) -> None:
    await hand.post("channel", id=INCIDENTS, remove=["U0SAM"])
    assert await hand.messages("U0SAM", INCIDENTS) == []  # a public channel is open to look at
    refused = await hand.post(path, **{"as": "U0SAM"}, channel=INCIDENTS, **more)
    assert refused["error"] == "not_in_channel"
    assert "U0SAM" in (await hand.post("join", **{"as": "U0SAM"}, channel=INCIDENTS))["members"]
    said = await hand.post("say", **{"as": "U0SAM"}, channel=INCIDENTS, text="x")
    assert said["ok"]


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(("who", "sees"), [(GUEST, ["general"]), (OUTSIDER, ["order-incidents"])])
async def test_a_guest_sees_no_channel_that_they_were_not_let_into(
    hand: Hand, who: str, sees: list[str]
) -> None:
    shown = (await hand.get("channels", **{"as": who}))["channels"]
    assert [channel["name"] for channel in shown if not channel["is_im"]] == sees
    refused = await hand.post("join", **{"as": who}, channel="C0CSDESK")
    assert refused["error"] == "channel_not_found"


@pytest.mark.usefixtures("strangers")
async def test_slack_says_who_they_are(client: AsyncWebClient) -> None:
    guest = (await client.users_info(user=GUEST))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, True)
    outsider = (await client.users_info(user=OUTSIDER))["user"]
    assert (outsider["team_id"], outsider["is_restricted"]) == ("T0POST", False)
    assert outsider["is_stranger"] is True  # the app is not in the channel that they share
    await client.conversations_join(channel=INCIDENTS)
    assert (await client.users_info(user=OUTSIDER))["user"]["is_stranger"] is False
    channel = (await client.conversations_info(channel=INCIDENTS))["channel"]
    assert (channel["is_shared"], channel["is_ext_shared"]) == (True, True)


@pytest.mark.usefixtures("strangers")
async def test_what_they_press_says_where_they_are_from(
    connected: AsyncApp, sandbox: SlackSandbox, hand: Hand, client: AsyncWebClient
) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "x"}, "action_id": "x"}
    await client.conversations_join(channel=INCIDENTS)
    posted = await client.chat_postMessage(
        channel=INCIDENTS, text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    await hand.post("click", **{"as": OUTSIDER}, channel=INCIDENTS, ts=posted["ts"], action_id="x")
    [pressed] = [one for one in sandbox.world.log.deliveries if one.type == "interactive"]
    payload = pressed.payload
    assert (payload["team"]["id"], payload["user"]["team_id"]) == ("T0SHOP", "T0POST")


async def test_who_has_left_does_nothing_and_is_written_to_by_nobody(
    hand: Hand, client: AsyncWebClient
) -> None:
    await hand.post("people", id="U0SAM", deleted=True)
    said = await hand.post("say", **{"as": "U0SAM"}, channel=INCIDENTS, text="x")
    assert said["error"] == "user_not_found"
    with pytest.raises(SlackApiError, match="user_disabled"):
        await client.conversations_open(users="U0SAM")


@pytest.mark.parametrize("shared", [True, "pending"])
async def test_a_channel_is_shared_or_about_to_be(
    hand: Hand, client: AsyncWebClient, shared: object
) -> None:
    await hand.post("channel", id=PRIVATE, shared=shared)
    found = (await client.conversations_info(channel=PRIVATE))["channel"]
    assert (found["is_ext_shared"], found["is_pending_ext_shared"]) == (
        shared is True,
        shared == "pending",
    )


async def test_an_app_token_without_its_scope_opens_no_socket(
    sandbox: SlackSandbox, client: AsyncWebClient
) -> None:
    sandbox.world.app_scopes = frozenset({"authorizations:read"})
    with pytest.raises(SlackApiError) as refused:
        await client.apps_connections_open(app_token="xapp-sandbox-app")
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "connections:write"
