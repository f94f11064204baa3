"""The people's side: what they see, what Slack refuses them, live events, files, the CLI."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import cast
from sandbox.slack.config import AppConfig, ManifestError
from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import GENERAL, INCIDENTS, PRIVATE, Hand, until

ME = {"as": "U0MEI"}
MANIFEST: dict[str, Any] = {
    "display_information": {"name": "Muster"},
    "features": {
        "bot_user": {"display_name": "muster"},
        "slash_commands": [{"command": "/incident", "description": "x", "should_escape": True}],
        "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": True},
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "reactions:read"]}},
    "settings": {
        "socket_mode_enabled": True,
        "interactivity": {"is_enabled": True},
        "event_subscriptions": {"bot_events": ["reaction_added"]},
    },
}


async def test_the_workspace(hand: Hand) -> None:
    workspace = await hand.get("workspace")
    assert {p["id"] for p in workspace["people"]} == {
        "U0MEI",
        "U0KAI",
        "U0LIN",
        "U0JO",
        "U0SAM",
        cast.BOT_USER,
    }
    assert {c["id"] for c in workspace["channels"] if not c["is_im"]} == {
        INCIDENTS,
        "C0CSDESK",
        PRIVATE,
        GENERAL,
    }
    private = next(c for c in workspace["channels"] if c["id"] == PRIVATE)
    assert private["members"] == ["U0LIN", "U0JO", cast.BOT_USER]
    assert [c["command"] for c in workspace["app"]["commands"]] == [
        "/incident",
        "/order",
        "/complaint",
    ]


async def test_a_person_sees_their_own_places_alone(client: AsyncWebClient, hand: Hand) -> None:
    await client.chat_postMessage(channel=PRIVATE, text="x")

    async def seen(who: str) -> set[str]:
        return {c["id"] for c in (await hand.get("channels", **{"as": who}))["channels"]}

    assert PRIVATE in await seen("U0LIN")
    assert PRIVATE not in await seen("U0MEI")
    assert {c for c in await seen("U0MEI") if c.startswith("D")} == {"D0MEI"}
    for who, error in (
        ("U0MEI", "channel_not_found"),
        ("U0NO", "user_not_found"),
        (cast.BOT_USER, "user_not_found"),
    ):
        answer = await hand.get("messages", **{"as": who}, channel=PRIVATE)
        assert answer["error"] == error


async def test_commands_that_slack_refuses(hand: Hand) -> None:
    said = await hand.post("say", **ME, channel=INCIDENTS, text="x")
    for wish, error in (
        ({"command": "/nothing"}, "unknown_command"),
        ({"command": "/incident", "thread_ts": said["ts"]}, "not_supported_in_threads"),
        ({"command": "/incident", "channel": PRIVATE}, "channel_not_found"),
    ):
        answer = await hand.post("command", **ME, **{"channel": INCIDENTS, **wish})
        assert answer["error"] == error


async def test_a_click_on_what_is_not_there(client: AsyncWebClient, hand: Hand) -> None:
    ts = (
        await client.chat_postMessage(
            channel=INCIDENTS,
            text="x",
            blocks=[
                {
                    "type": "actions",
                    "elements": [
                        {
                            "type": "button",
                            "action_id": f"a{n}",
                            "text": {"type": "plain_text", "text": "x"},
                        }
                        for n in range(2)
                    ],
                }
            ],
        )
    )["ts"]
    for wish, error in (
        ({"action_id": "b"}, "element_not_found"),
        ({"action_id": "a0", "block_id": "no"}, "element_not_found"),
        ({"action_id": "a0", "ts": "1.1"}, "message_not_found"),
    ):
        answer = await hand.post("click", **ME, channel=INCIDENTS, **{"ts": ts, **wish})
        assert answer["error"] == error


async def test_choices_in_a_message_are_in_its_state(
    connected: AsyncApp, client: AsyncWebClient, hand: Hand
) -> None:
    seen: list[dict[str, Any]] = []

    @connected.action("pick")
    @connected.action("go")
    @connected.action("more")
    async def listener(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body)

    text = {"type": "plain_text", "text": "x"}
    option = {"text": text, "value": "v"}
    ts = (
        await client.chat_postMessage(
            channel=INCIDENTS,
            text="x",
            blocks=[
                {
                    "type": "actions",
                    "block_id": "b",
                    "elements": [
                        {"type": "static_select", "action_id": "pick", "options": [option]},
                        {"type": "button", "action_id": "go", "text": text},
                        {"type": "overflow", "action_id": "more", "options": [option]},
                    ],
                }
            ],
        )
    )["ts"]
    press = {**ME, "channel": INCIDENTS, "ts": ts}
    await hand.post("click", **press, action_id="pick", selected_option=option)
    await hand.post("click", **press, action_id="go")
    await hand.post("click", **press, action_id="more", selected_option=option)
    await until(lambda: len(seen) == 3)
    assert seen[0]["actions"][0]["selected_option"] == option
    assert seen[1]["state"]["values"]["b"]["pick"]["selected_option"] == option
    assert seen[2]["actions"][0]["selected_option"]["value"] == "v"
    await hand.post("click", **{**press, "as": "U0KAI"}, action_id="go")
    await until(lambda: len(seen) == 4)
    assert seen[3]["state"]["values"]["b"]["pick"]["selected_option"] is None


async def test_an_ephemeral_message_is_replaced_by_its_response_url(
    connected: AsyncApp, client: AsyncWebClient, hand: Hand
) -> None:
    @connected.action("ok")
    async def listener(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        assert "message" not in body
        await respond(text="done", replace_original=True)

    await client.chat_postEphemeral(
        channel=INCIDENTS,
        user="U0MEI",
        text="x",
        blocks=[
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "ok",
                        "text": {"type": "plain_text", "text": "x"},
                    }
                ],
            }
        ],
    )
    ts = (await hand.messages("U0MEI", INCIDENTS))[0]["ts"]
    assert (await hand.post("click", **ME, channel=INCIDENTS, ts=ts, action_id="ok"))["ok"]

    async def replaced() -> bool:
        return [m["text"] for m in await hand.messages("U0MEI", INCIDENTS)] == ["done"]

    await until(replaced)


async def test_live_events(
    sandbox: SlackSandbox, session: aiohttp.ClientSession, client: AsyncWebClient
) -> None:
    seen: dict[str, list[dict[str, Any]]] = {"U0MEI": [], "U0LIN": []}
    sockets = {who: await session.ws_connect(f"{sandbox.url}/hand/live?as={who}") for who in seen}

    async def listen(who: str) -> None:
        async for message in sockets[who]:
            seen[who].append(json.loads(message.data))

    readers = [asyncio.create_task(listen(who)) for who in seen]
    await until(lambda: all(seen.values()))
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="<@U0MEI>"))["ts"]
    await client.chat_update(channel=INCIDENTS, ts=ts, text="edited")
    await client.chat_postEphemeral(channel=INCIDENTS, user="U0LIN", text="x")
    await client.chat_postMessage(channel=PRIVATE, text="x")
    await client.views_publish(user_id="U0MEI", view={"type": "home", "blocks": []})
    await until(
        lambda: (
            [e["type"] for e in seen["U0MEI"]]
            == ["connection", "message", "ring", "update", "home"]
        )
    )
    await until(
        lambda: (
            [e["type"] for e in seen["U0LIN"]]
            == ["connection", "message", "update", "ephemeral", "message"]
        )
    )
    assert seen["U0MEI"][1]["message"]["bot"] == cast.BOT_USER
    for socket in sockets.values():
        await socket.close()
    await asyncio.gather(*readers)


async def test_files_of_people(
    hand: Hand, session: aiohttp.ClientSession, sandbox: SlackSandbox
) -> None:
    content = base64.b64encode("訂單".encode()).decode()
    said = await hand.post(
        "say",
        **{"as": "U0LIN"},
        channel=PRIVATE,
        text="",
        files=[{"name": "list.txt", "content": content}],
    )
    file = said["message"]["files"][0]
    url = f"{sandbox.url}/hand/files/{file['id']}"
    async with session.get(url, params={"as": "U0JO"}) as response:
        assert await response.text() == "訂單"
    async with session.get(url, params=ME) as response:
        assert response.status == 404
    async with session.get(file["url_private"]) as response:
        assert response.status == 403
    headers = {"Authorization": f"Bearer {cast.BOT_TOKEN}"}
    async with session.get(file["url_private"], headers=headers) as response:
        assert await response.read() == "訂單".encode()


async def test_editing_ones_own_words(hand: Hand) -> None:
    said = await hand.post("say", **ME, channel=INCIDENTS, text="x")
    wish = {"channel": INCIDENTS, "ts": said["ts"]}
    assert (await hand.post("edit", **ME, **wish, text="y"))["message"]["text"] == "y"
    assert (await hand.post("edit", **{"as": "U0KAI"}, **wish, text="z"))["error"] == (
        "cant_update_message"
    )
    await hand.post("edit", **ME, **wish, delete=True)
    assert await hand.messages("U0MEI", INCIDENTS) == []


async def test_what_a_manager_changes(client: AsyncWebClient, hand: Hand) -> None:
    await hand.post("channel", id=PRIVATE, remove=[cast.BOT_USER])
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await client.chat_postMessage(channel=PRIVATE, text="x")
    await hand.post("channel", id=PRIVATE, add=[cast.BOT_USER])
    await client.chat_postMessage(channel=PRIVATE, text="x")
    await hand.post("channel", id=INCIDENTS, archived=True)
    with pytest.raises(SlackApiError, match="is_archived"):
        await client.chat_postMessage(channel=INCIDENTS, text="x")
    await hand.post("group", id="S0ONCALL", users=["U0KAI"])
    assert (await client.usergroups_users_list(usergroup="S0ONCALL"))["users"] == ["U0KAI"]
    assert (await hand.post("group", id="S0ONCALL", users=["U0NO"]))["error"] == "user_not_found"


async def test_the_page_and_nothing_beside_it(
    sandbox: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    for path in ("/", f"/archives/{INCIDENTS}/p1700000000000001"):
        async with session.get(sandbox.url + path) as response:
            assert response.content_type == "text/html"
    for path in ("/%2e%2e/server.py", "/nothing.js", "/..%2fcast.py"):
        async with session.get(sandbox.url + path) as response:
            assert response.status == 404


async def test_the_guide(hand: Hand) -> None:
    await hand.post("guide", steps=[{"en": "Break the channel", "zh-Hant": "弄壞通路"}])
    assert (await hand.get("guide"))["steps"][0]["en"] == "Break the channel"


def test_a_manifest_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(MANIFEST))
    config = AppConfig.read(path)
    assert config.scopes == {"commands", "chat:write", "reactions:read"}
    assert config.messages_read_only
    for part, value, words in (
        ("oauth_config", {"scopes": {"bot": ["commands"]}}, "reaction_added needs the scope"),
        (
            "oauth_config",
            {"scopes": {"bot": ["chat:wrong", "commands", "reactions:read"]}},
            "chat:wrong is unknown",
        ),
        ("features", {"slash_commands": [{"command": "incident"}], "bot_user": {}}, "no command"),
        ("display_information", {}, "name is missing"),
        ("display_information", {"name": "x" * 36}, "at most 35"),
    ):
        with pytest.raises(ManifestError, match=words):
            AppConfig.from_manifest({**MANIFEST, part: value})


async def test_commands_escape_when_the_manifest_asks(session: aiohttp.ClientSession) -> None:
    server = SlackSandbox(app_config=MANIFEST)
    await server.start()
    try:
        hand = Hand(server.url, session)
        await hand.post(
            "command", **ME, channel=INCIDENTS, command="/incident", text="@kai <b> #general"
        )
        assert server.world.log.deliveries[0].payload["text"] == (
            "<@U0KAI|kai> &lt;b&gt; <#C0GENERAL|general>"
        )
        answer = await hand.post("say", **ME, channel="D0MEI", text="hello")
        assert answer["error"] == "restricted_action"
    finally:
        await server.stop()


async def test_the_command_line_says_where_it_is_and_ends(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.slack",
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = json.loads(await process.stdout.readline())["url"]
    port = url.rpartition(":")[2]
    second = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.slack",
        "--port",
        port,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await second.communicate()
    assert second.returncode == 1
    assert f"port {port} is taken" in errors.decode()
    async with aiohttp.ClientSession() as session, session.post(f"{url}/api/api.test") as answer:
        assert (await answer.json())["ok"]
    process.terminate()
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_a_manager_makes_a_channel(client: AsyncWebClient, hand: Hand) -> None:
    """It is public, everybody is in it, the app must join it; names are as strict as in Slack."""
    made = await hand.post("channels", name="night-shift")
    assert made["ok"], made
    seen = (await hand.get("channels", **{"as": "U0SAM"}))["channels"]
    assert made["id"] in {c["id"] for c in seen if c["is_member"] and not c["is_private"]}
    joined = await client.conversations_join(channel=made["id"])
    assert joined["channel"]["is_member"]
    for name, error in (
        ("night-shift", "name_taken"),
        ("Night Shift", "invalid_name_specials"),
        ("x" * 81, "invalid_name_maxlength"),
    ):
        assert (await hand.post("channels", name=name))["error"] == error


async def test_a_log_of_chosen_fields(client: AsyncWebClient, hand: Hand) -> None:
    await client.auth_test()
    log = await hand.get("log", fields="n,method")
    assert log["requests"][-1].keys() == {"n", "method"}
