"""Views: triggers, hash, stack, state, acknowledgements."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import INCIDENTS, Hand, until
from tests.sandbox_slack.test_blocks import button, field, mrkdwn, option, plain

ME = {"as": "U0MEI"}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("Title"),
        "submit": plain("Send"),
        "blocks": list(blocks) or [{"type": "divider"}],
        **more,
    }


TEXT = field({"type": "plain_text_input", "action_id": "i", "initial_value": "first"}, block_id="b")


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def opened(sandbox: SlackSandbox, client: AsyncWebClient, **view: Any) -> dict[str, Any]:
    trigger = sandbox.world.triggers.issue("U0MEI")
    return dict((await client.views_open(trigger_id=trigger, view=modal(**view)))["view"])


async def test_triggers_live_three_seconds_and_once(
    sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    trigger = sandbox.world.triggers.issue("U0MEI")
    await client.views_open(trigger_id=trigger, view=modal())
    assert await refused(client.views_open(trigger_id=trigger, view=modal())) == (
        "exchanged_trigger_id"
    )
    late = sandbox.world.triggers.issue("U0MEI")
    await hand.post("clock", advance=3.1)
    assert await refused(client.views_open(trigger_id=late, view=modal())) == ("expired_trigger_id")
    assert await refused(client.views_open(trigger_id="x", view=modal())) == ("invalid_trigger_id")


async def test_a_refused_view_does_not_use_the_trigger_up(
    sandbox: SlackSandbox, client: AsyncWebClient
) -> None:
    trigger = sandbox.world.triggers.issue("U0MEI")
    wrong = {**modal(), "title": plain("x" * 25)}
    assert await refused(client.views_open(trigger_id=trigger, view=wrong)) == "invalid_arguments"
    assert (await client.views_open(trigger_id=trigger, view=modal()))["ok"]


async def test_the_hash_protects_against_a_race(
    sandbox: SlackSandbox, client: AsyncWebClient
) -> None:
    view = await opened(sandbox, client)
    first = await client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    assert first["view"]["hash"] != view["hash"]
    stale = client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    assert await refused(stale) == "hash_conflict"
    await client.views_update(view_id=view["id"], view=modal())
    assert await refused(client.views_update(view_id="V0", view=modal())) == "not_found"


async def test_an_update_keeps_what_was_typed(
    sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    trigger = sandbox.world.triggers.issue("U0MEI")
    press = {"type": "actions", "block_id": "acts", "elements": [button(action_id="more")]}
    view = (await client.views_open(trigger_id=trigger, view=modal(TEXT, press)))["view"]
    assert view["state"]["values"]["b"]["i"]["value"] == "first"
    typed = {"b": {"i": {"type": "plain_text_input", "value": "typed"}}}
    await hand.post("click", **ME, view_id=view["id"], action_id="more", values=typed)
    updated = await client.views_update(
        view_id=view["id"],
        view=modal(TEXT, field({"type": "datepicker", "action_id": "d"}, block_id="when")),
    )
    values = updated["view"]["state"]["values"]
    assert values["b"]["i"]["value"] == "typed"
    assert values["when"]["d"] == {"type": "datepicker", "selected_date": None}


async def test_external_ids_are_unique(sandbox: SlackSandbox, client: AsyncWebClient) -> None:
    view = await opened(sandbox, client, external_id="one")
    trigger = sandbox.world.triggers.issue("U0KAI")
    call = client.views_open(trigger_id=trigger, view=modal(external_id="one"))
    assert await refused(call) == "duplicate_external_id"
    found = await client.views_update(external_id="one", view=modal(external_id="one"))
    assert found["view"]["id"] == view["id"]


async def test_three_modals_and_no_more(sandbox: SlackSandbox, client: AsyncWebClient) -> None:
    view = await opened(sandbox, client)
    loose = sandbox.world.triggers.issue("U0MEI")
    assert await refused(client.views_push(trigger_id=loose, view=modal())) == "not_found"
    for _ in range(2):
        trigger = sandbox.world.triggers.issue("U0MEI", view["id"])
        pushed = (await client.views_push(trigger_id=trigger, view=modal()))["view"]
        assert pushed["root_view_id"] == view["id"]
    trigger = sandbox.world.triggers.issue("U0MEI", view["id"])
    assert await refused(client.views_push(trigger_id=trigger, view=modal())) == (
        "push_limit_reached"
    )


async def test_home(connected: AsyncApp, client: AsyncWebClient, hand: Hand) -> None:
    events: list[dict[str, Any]] = []

    @connected.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        events.append(event)
        await client.views_publish(
            user_id=event["user"],
            view={"type": "home", "blocks": [{"type": "section", "text": mrkdwn("Quiet")}]},
        )

    await hand.post("home/open", **ME)

    async def shown() -> Any:
        return (await hand.get("home", **ME))["view"]

    view = await until(shown)
    assert view["blocks"][0]["text"]["text"] == "Quiet"
    assert "view" not in events[0]
    await hand.post("home/open", **ME)
    await until(lambda: len(events) == 2)
    assert events[1]["view"]["id"] == view["id"]
    call = client.views_publish(user_id="U0MEI", hash="1.x", view={"type": "home", "blocks": []})
    assert await refused(call) == "hash_conflict"
    assert await refused(client.views_publish(user_id="U0MEI", view=modal())) == (
        "invalid_arguments"
    )


@pytest.mark.parametrize(
    ("ack", "stack"),
    [
        ({}, 1),
        ({"response_action": "clear"}, 0),
        ({"response_action": "update", "view": modal(callback_id="new")}, 2),
        ({"response_action": "push", "view": modal(callback_id="new")}, 3),
    ],
)
async def test_what_a_submission_may_be_answered(
    connected: AsyncApp,
    sandbox: SlackSandbox,
    client: AsyncWebClient,
    hand: Hand,
    ack: dict[str, Any],
    stack: int,
) -> None:
    connected.view("form")(_acking(ack))
    root = await opened(sandbox, client)
    trigger = sandbox.world.triggers.issue("U0MEI", root["id"])
    top = (await client.views_push(trigger_id=trigger, view=modal()))["view"]
    answer = await hand.post("submit", **ME, view_id=top["id"])
    assert answer["ok"], answer
    views = (await hand.get("views", **ME))["views"]
    assert len(views) == stack
    if "view" in ack:
        assert views[-1]["callback_id"] == "new"
        assert views[-1]["hash"] != top["hash"]


def _acking(payload: dict[str, Any]) -> Any:
    async def listener(ack: Any) -> None:
        await ack(**copy.deepcopy(payload))

    return listener


@pytest.mark.parametrize(
    "ack",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "errors", "errors": {"b": ""}},
        {"response_action": "update", "view": {**modal(), "title": plain("x" * 25)}},
        {"response_action": "update", "view": {"type": "home", "blocks": []}},
    ],
)
async def test_an_answer_that_slack_cannot_use_leaves_the_view(
    connected: AsyncApp,
    sandbox: SlackSandbox,
    client: AsyncWebClient,
    hand: Hand,
    ack: dict[str, Any],
) -> None:
    connected.view("form")(_acking(ack))
    trigger = sandbox.world.triggers.issue("U0MEI")
    view = (await client.views_open(trigger_id=trigger, view=modal(TEXT)))["view"]
    answer = await hand.post("submit", **ME, view_id=view["id"])
    assert (answer["ok"], answer["error"]) == (False, "dispatch_failed")
    assert (await hand.get("views", **ME))["views"][0]["hash"] == view["hash"]
    assert "refused" in sandbox.world.log.deliveries[-1].error


async def test_closing_tells_the_app_when_it_asked(
    connected: AsyncApp, sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    closed: list[bool] = []

    @connected.view_closed("form")
    async def on_close(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        closed.append(body["is_cleared"])

    silent = await opened(sandbox, client)
    await hand.post("close", **ME, view_id=silent["id"])
    loud = await opened(sandbox, client, notify_on_close=True)
    await hand.post("close", **ME, view_id=loud["id"])
    await until(lambda: closed == [False])
    both = await opened(sandbox, client, notify_on_close=True, clear_on_close=True)
    await hand.post("close", **ME, view_id=both["id"])
    await until(lambda: closed == [False, True])


@pytest.mark.parametrize(
    ("element", "value", "sentence"),
    [
        ({"type": "plain_text_input", "min_length": 3}, {"value": "ab"}, "at least 3"),
        ({"type": "plain_text_input", "max_length": 3}, {"value": "abcd"}, "at most 3"),
        ({"type": "plain_text_input"}, {"value": "  "}, "required"),
        ({"type": "number_input", "is_decimal_allowed": False}, {"value": "1,200"}, "whole number"),
        ({"type": "number_input", "is_decimal_allowed": True}, {"value": "abc"}, "valid number"),
        (
            {"type": "number_input", "is_decimal_allowed": False, "max_value": "5"},
            {"value": "6"},
            "at most 5",
        ),
        ({"type": "email_text_input"}, {"value": "nobody"}, "valid email"),
        ({"type": "url_text_input"}, {"value": "example"}, "valid URL"),
        ({"type": "datepicker"}, {"selected_date": "tomorrow"}, "valid date"),
        (
            {"type": "multi_users_select", "max_selected_items": 1},
            {"selected_users": ["U0MEI", "U0KAI"]},
            "at most 1",
        ),
    ],
)
async def test_the_client_checks_before_it_sends(
    sandbox: SlackSandbox,
    client: AsyncWebClient,
    hand: Hand,
    element: dict[str, Any],
    value: dict[str, Any],
    sentence: str,
) -> None:
    trigger = sandbox.world.triggers.issue("U0MEI")
    shown = modal(field({**element, "action_id": "i"}, block_id="b"))
    view = (await client.views_open(trigger_id=trigger, view=shown))["view"]
    answer = await hand.post("submit", **ME, view_id=view["id"], values={"b": {"i": value}})
    assert answer["error"] == "invalid_input"
    assert sentence in answer["errors"]["b"]
    assert not sandbox.world.log.deliveries, "nothing was sent to the app"


async def test_choices_and_unknown_fields(
    connected: AsyncApp, sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    seen: list[Any] = []

    @connected.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        seen.append(view["state"]["values"]["b"]["i"])

    trigger = sandbox.world.triggers.issue("U0MEI")
    pick = field(
        {"type": "static_select", "action_id": "i", "options": [option("a"), option("b")]},
        block_id="b",
    )
    view = (await client.views_open(trigger_id=trigger, view=modal(pick)))["view"]
    for values in (
        {"b": {"i": {"selected_option": {"value": "c"}}}},
        {"c": {"i": {}}},
        {"b": {"i": {"value": "a"}}},
    ):
        answer = await hand.post("submit", **ME, view_id=view["id"], values=values)
        assert answer["error"] == "bad_values"
    await hand.post(
        "submit", **ME, view_id=view["id"], values={"b": {"i": {"selected_option": {"value": "b"}}}}
    )
    assert seen == [{"type": "static_select", "selected_option": option("b")}]


async def test_only_the_owner_and_only_the_top(
    sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    root = await opened(sandbox, client)
    trigger = sandbox.world.triggers.issue("U0MEI", root["id"])
    await client.views_push(trigger_id=trigger, view=modal())
    assert (await hand.post("submit", **ME, view_id=root["id"]))["error"] == "not_on_top"
    answer = await hand.post("submit", **{"as": "U0KAI"}, view_id=root["id"])
    assert answer["error"] == "not_found"


async def test_an_external_select_asks_the_app(
    connected: AsyncApp, sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    @connected.options("i")
    async def options(ack: Any, payload: dict[str, Any]) -> None:
        await ack(options=[option(payload["value"])] if payload["value"] != "bad" else [{}])

    trigger = sandbox.world.triggers.issue("U0MEI")
    pick = field({"type": "external_select", "action_id": "i", "min_query_length": 2}, block_id="b")
    view = (await client.views_open(trigger_id=trigger, view=modal(pick)))["view"]
    ask = {**ME, "view_id": view["id"], "block_id": "b", "action_id": "i"}
    assert (await hand.post("suggest", **ask, value="x"))["options"] == []
    assert (await hand.post("suggest", **ask, value="FG"))["options"] == [option("FG")]
    assert (await hand.post("suggest", **ask, value="bad"))["error"] == "dispatch_failed"


async def test_shortcuts(connected: AsyncApp, client: AsyncWebClient, hand: Hand) -> None:
    seen: list[dict[str, Any]] = []

    @connected.shortcut("note")
    @connected.shortcut("declare")
    async def shortcut(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body)

    said = await hand.post("say", **ME, channel=INCIDENTS, text="look here")
    await hand.post("shortcut", **ME, callback_id="note", channel=INCIDENTS, ts=said["ts"])
    await hand.post("shortcut", **ME, callback_id="declare")
    await until(lambda: len(seen) == 2)
    assert seen[0]["type"] == "message_action"
    assert seen[0]["message"]["text"] == "look here"
    assert seen[1]["type"] == "shortcut"
    assert seen[1]["trigger_id"]
    assert (await hand.post("shortcut", **ME, callback_id="x"))["error"] == "unknown_shortcut"


async def test_a_file_input_takes_the_persons_file(
    connected: AsyncApp, sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    seen: list[Any] = []

    @connected.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        seen.append(view["state"]["values"]["b"]["i"]["files"])

    trigger = sandbox.world.triggers.issue("U0MEI")
    shown = modal(field({"type": "file_input", "action_id": "i", "max_files": 1}, block_id="b"))
    view = (await client.views_open(trigger_id=trigger, view=shown))["view"]
    submit = {**ME, "view_id": view["id"]}
    assert (await hand.post("submit", **submit))["error"] == "invalid_input"
    for wrong in ({"b": []}, {"b": {"i": "x"}}):
        assert (await hand.post("submit", **submit, values=wrong))["error"] == "bad_values"
    values = {"b": {"i": {"files": [{"name": "photo.png", "content": "AAAA"}]}}}
    assert (await hand.post("submit", **submit, values=values))["ok"]
    assert (seen[0][0]["name"], seen[0][0]["size"]) == ("photo.png", 3)
