"""Socket Mode with the unchanged Bolt app over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import INCIDENTS, Hand, until

BUTTONS = [
    {
        "type": "actions",
        "block_id": "b1",
        "elements": [
            {
                "type": "button",
                "action_id": "take",
                "value": "INC-1:1",
                "style": "primary",
                "text": {"type": "plain_text", "text": "Take"},
            },
        ],
    }
]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Declare"},
    "submit": {"type": "plain_text", "text": "Declare"},
    "private_metadata": "{}",
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": {"type": "plain_text", "text": "What"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


async def test_a_command_reaches_the_app_and_its_answer_the_person(
    connected: AsyncApp, hand: Hand
) -> None:
    seen: list[dict[str, Any]] = []

    @connected.command("/incident")
    async def incident(ack: Any, body: dict[str, Any]) -> None:
        seen.append(body)
        await ack("All quiet.")

    answer = await hand.post(
        "command", **{"as": "U0MEI"}, channel=INCIDENTS, command="/incident", text="list"
    )
    assert answer["ok"]
    assert answer["response"]["text"] == "All quiet."
    assert answer["response"]["ephemeral"] is True
    assert seen[0]["text"] == "list"
    assert seen[0]["user_id"] == "U0MEI"
    assert [m["text"] for m in await hand.messages("U0MEI", INCIDENTS)] == ["All quiet."]
    assert await hand.messages("U0KAI", INCIDENTS) == []


async def test_a_click_carries_message_state_and_place(
    connected: AsyncApp, client: AsyncWebClient, hand: Hand
) -> None:
    seen: list[dict[str, Any]] = []

    @connected.action("take")
    async def take(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        seen.append(body)
        await respond(text="Taken.", replace_original=False)

    posted = await client.chat_postMessage(channel=INCIDENTS, text="Card", blocks=BUTTONS)
    assert (
        await hand.post(
            "click", **{"as": "U0KAI"}, channel=INCIDENTS, ts=posted["ts"], action_id="take"
        )
    )["ok"]
    await until(lambda: seen)
    body = seen[0]
    assert body["user"]["id"] == "U0KAI"
    assert body["actions"][0]["value"] == "INC-1:1"
    assert body["message"]["ts"] == posted["ts"]
    assert body["channel"]["id"] == INCIDENTS
    assert body["container"]["message_ts"] == posted["ts"]

    async def answered() -> bool:
        return any(
            m["text"] == "Taken." and m["ephemeral"]
            for m in await hand.messages("U0KAI", INCIDENTS)
        )

    await until(answered)


async def test_a_modal_is_opened_refused_corrected_and_closed(
    connected: AsyncApp, hand: Hand
) -> None:
    submitted: list[Any] = []

    @connected.command("/incident")
    async def incident(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @connected.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        value = view["state"]["values"]["what"]["text"]["value"]
        if value == "bad":
            await ack(response_action="errors", errors={"what": "Say more."})
            return
        submitted.append(value)
        await ack()

    me = {"as": "U0MEI"}
    assert (await hand.post("command", **me, channel=INCIDENTS, command="/incident"))["ok"]

    async def opened() -> Any:
        return (await hand.get("views", **me))["views"]

    view = (await until(opened))[0]
    refused = await hand.post("submit", **me, view_id=view["id"])
    assert refused["errors"] == {"what": "Please complete this required field."}
    values = {"what": {"text": {"type": "plain_text_input", "value": "bad"}}}
    answer = await hand.post("submit", **me, view_id=view["id"], values=values)
    assert answer["response_action"] == "errors"
    assert answer["errors"] == {"what": "Say more."}
    values["what"]["text"]["value"] = "Payments fail"
    assert (await hand.post("submit", **me, view_id=view["id"], values=values))["ok"]
    assert submitted == ["Payments fail"]
    assert await opened() == []


async def test_what_is_not_acknowledged_is_never_sent_again(
    connected: AsyncApp, sandbox: SlackSandbox, hand: Hand
) -> None:
    seen: list[int] = []
    done = asyncio.Event()

    @connected.command("/incident")
    async def incident(ack: Any) -> None:
        seen.append(1)
        await done.wait()
        await ack("too late")

    await hand.post("options", ack_seconds=0.3)  # Bolt itself gives up after 3 s
    answer = await hand.post("command", **{"as": "U0MEI"}, channel=INCIDENTS, command="/incident")
    assert answer == {"ok": False, "error": "operation_timeout"}
    done.set()
    await until(lambda: sandbox.world.log.deliveries[-1].late)
    await hand.post("clock", advance=600)
    assert seen == [1]
    assert await hand.messages("U0MEI", INCIDENTS) == []


async def test_nobody_connected_is_a_failure_at_once(hand: Hand) -> None:
    answer = await hand.post("command", **{"as": "U0MEI"}, channel=INCIDENTS, command="/order")
    assert answer == {"ok": False, "error": "dispatch_failed"}


async def test_the_app_comes_back_after_disconnect(
    connected: AsyncApp, sandbox: SlackSandbox, hand: Hand
) -> None:
    @connected.command("/order")
    async def order(ack: Any) -> None:
        await ack("found")

    await hand.post("socket", do="disconnect", reason="refresh_requested")
    await until(lambda: len(sandbox.world.sockets) == 1)

    async def works() -> bool:
        answer = await hand.post(
            "command", **{"as": "U0MEI"}, channel=INCIDENTS, command="/order", text="1"
        )
        return bool(answer["ok"])

    await until(works, seconds=10)
