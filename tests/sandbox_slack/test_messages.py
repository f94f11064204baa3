"""Messages by the unchanged AsyncWebClient."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox.slack import cast
from sandbox.slack.config import AppConfig
from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import DESK, GENERAL, INCIDENTS, PRIVATE, Hand

SECTION = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]


async def refused(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        await call
    return dict(caught.value.response.data)


async def test_posted_updated_deleted(client: AsyncWebClient, hand: Hand) -> None:
    posted = await client.chat_postMessage(channel=INCIDENTS, text="one", blocks=SECTION)
    assert posted["message"]["bot_id"] == cast.BOT_ID
    assert posted["message"]["blocks"][0]["block_id"]
    ts = posted["ts"]
    updated = await client.chat_update(channel=INCIDENTS, ts=ts, text="two")
    assert updated["message"]["blocks"], "Slack: blocks that are left out are retained"
    await client.chat_update(channel=INCIDENTS, ts=ts, text="three", blocks=[])
    shown = (await hand.messages("U0MEI", INCIDENTS))[0]
    assert (shown["text"], shown["blocks"]) == ("three", [])
    assert shown["edited_ts"] > ts
    await client.chat_delete(channel=INCIDENTS, ts=ts)
    assert await hand.messages("U0MEI", INCIDENTS) == []
    assert (await refused(client.chat_update(channel=INCIDENTS, ts=ts, text="x")))[
        "error"
    ] == "message_not_found"


async def test_threads_and_tombstones(client: AsyncWebClient, hand: Hand) -> None:
    await client.conversations_join(channel=INCIDENTS)
    root = (await client.chat_postMessage(channel=INCIDENTS, text="root"))["ts"]
    reply = (await client.chat_postMessage(channel=INCIDENTS, text="r", thread_ts=root))["ts"]
    await client.chat_postMessage(channel=INCIDENTS, text="b", thread_ts=root, reply_broadcast=True)
    answer = await client.conversations_replies(channel=INCIDENTS, ts=root)
    assert [m["text"] for m in answer["messages"]] == ["root", "r", "b"]
    assert answer["messages"][0]["reply_count"] == 2
    history = await client.conversations_history(channel=INCIDENTS)
    assert [m["text"] for m in history["messages"]] == ["b", "root"]
    await client.chat_delete(channel=INCIDENTS, ts=root)
    shown = await hand.messages("U0MEI", INCIDENTS, thread_ts=root)
    assert shown[0]["deleted"]
    assert [m["text"] for m in shown[1:]] == ["r", "b"]
    for thread, error in (("1.000001", "thread_not_found"), (reply, "cannot_reply_to_message")):
        call = client.chat_postMessage(channel=INCIDENTS, text="x", thread_ts=thread)
        assert (await refused(call))["error"] == error
    link = await client.chat_getPermalink(channel=INCIDENTS, message_ts=reply)
    assert link["permalink"].endswith(f"?thread_ts={root}&cid={INCIDENTS}")


async def test_a_permalink_is_told_of_what_stands_and_asked_for_without_json(
    client: AsyncWebClient,
) -> None:
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="root"))["ts"]
    link = await client.chat_getPermalink(channel=INCIDENTS, message_ts=ts)
    assert link["permalink"].endswith(f"/archives/{INCIDENTS}/p{ts.replace('.', '')}")
    as_json = client.api_call("chat.getPermalink", json={"channel": INCIDENTS, "message_ts": ts})
    assert (await refused(as_json))["error"] == "invalid_arguments"
    nowhere = client.chat_getPermalink(channel="C0NOWHERE", message_ts=ts)
    assert (await refused(nowhere))["error"] == "channel_not_found"
    await client.chat_delete(channel=INCIDENTS, ts=ts)
    gone = client.chat_getPermalink(channel=INCIDENTS, message_ts=ts)
    assert (await refused(gone))["error"] == "message_not_found"


async def test_metadata_is_read_back_only_when_asked_for(client: AsyncWebClient) -> None:
    tag = {"event_type": "muster", "event_payload": {"key": "INC-1/card", "n": 1}}
    await client.conversations_join(channel=INCIDENTS)
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="a", metadata=tag))["ts"]
    plain = await client.conversations_history(channel=INCIDENTS)
    assert "metadata" not in plain["messages"][0]
    full = await client.conversations_history(
        channel=INCIDENTS, include_all_metadata=True, oldest=ts, inclusive=True, limit=1
    )
    assert full["messages"][0]["metadata"] == tag
    await client.chat_update(channel=INCIDENTS, ts=ts, text="b")
    kept = await client.conversations_history(channel=INCIDENTS, include_all_metadata=True)
    assert kept["messages"][0]["metadata"] == tag
    for wrong, error in (
        ({"event_type": "m", "event_payload": {"a": None}}, "invalid_metadata_schema"),
        ({"event_type": "m"}, "invalid_metadata_format"),
        ({"event_type": "", "event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "m", "event_payload": {"a": "x" * 9000}}, "metadata_too_large"),
    ):
        call = client.api_call(
            "chat.postMessage", json={"channel": INCIDENTS, "text": "x", "metadata": wrong}
        )
        assert (await refused(call))["error"] == error


async def test_history_pages_newest_first(client: AsyncWebClient) -> None:
    await client.conversations_join(channel=GENERAL)
    for n in range(5):
        await client.chat_postMessage(channel=GENERAL, text=str(n))
    texts = []
    async for page in await client.conversations_history(channel=GENERAL, limit=2):
        texts += [m["text"] for m in page["messages"]]
    assert texts == ["4", "3", "2", "1", "0"]


async def test_an_ephemeral_message_is_its_readers_alone(
    client: AsyncWebClient, hand: Hand
) -> None:
    answer = await client.chat_postEphemeral(channel=DESK, user="U0LIN", text="only you")
    assert "ts" not in answer.data
    assert [m["text"] for m in await hand.messages("U0LIN", DESK)] == ["only you"]
    assert await hand.messages("U0MEI", DESK) == []
    assert await hand.rings("U0LIN") == []
    call = client.chat_update(channel=DESK, ts=answer["message_ts"], text="x")
    assert (await refused(call))["error"] == "message_not_found"
    call = client.chat_postEphemeral(channel=PRIVATE, user="U0MEI", text="x")
    assert (await refused(call))["error"] == "user_not_in_channel"


async def test_where_the_app_may_post(client: AsyncWebClient, hand: Hand) -> None:
    assert (await client.chat_postMessage(channel=PRIVATE, text="x"))["ok"]
    assert (await client.chat_postMessage(channel="U0MEI", text="x"))["channel"] == "D0MEI"
    created = (await client.conversations_create(name="war-room"))["channel"]["id"]
    await client.conversations_archive(channel=created)
    for channel, error in (("C0NOWHERE", "channel_not_found"), (created, "not_in_channel")):
        if channel == created:
            error = "is_archived"
        call = client.chat_postMessage(channel=channel, text="x")
        assert (await refused(call))["error"] == error
    theirs = (await hand.post("say", **{"as": "U0MEI"}, channel=INCIDENTS, text="hi"))["ts"]
    call = client.chat_update(channel=INCIDENTS, ts=theirs, text="x")
    assert (await refused(call))["error"] == "cant_update_message"
    call = client.chat_delete(channel=INCIDENTS, ts=theirs)
    assert (await refused(call))["error"] == "cant_delete_message"


async def test_without_the_public_scope_the_app_must_join(session: aiohttp.ClientSession) -> None:
    scopes = frozenset({"chat:write", "channels:join", "channels:read"})
    server = SlackSandbox(app_config=AppConfig(scopes=scopes))
    await server.start()
    client = AsyncWebClient(cast.BOT_TOKEN, base_url=f"{server.url}/api/", session=session)
    try:
        call = client.chat_postMessage(channel=INCIDENTS, text="x")
        assert (await refused(call))["error"] == "not_in_channel"
        await client.conversations_join(channel=INCIDENTS)
        assert (await client.chat_postMessage(channel=INCIDENTS, text="x"))["ok"]
        missing = await refused(client.users_info(user="U0MEI"))
        assert missing["error"] == "missing_scope"
        assert missing["needed"] == "users:read"
        assert missing["provided"] == "channels:join,channels:read,chat:write"
    finally:
        await server.stop()


async def test_a_private_channel_without_the_app_does_not_exist_for_it(
    client: AsyncWebClient, sandbox: SlackSandbox
) -> None:
    del sandbox.world.workspace.channels[PRIVATE].members[cast.BOT_USER]
    for call in (
        client.chat_postMessage(channel=PRIVATE, text="x"),
        client.conversations_info(channel=PRIVATE),
        client.conversations_history(channel=PRIVATE),
    ):
        assert (await refused(call))["error"] == "channel_not_found"


async def test_history_needs_membership(client: AsyncWebClient) -> None:
    call = client.conversations_history(channel=GENERAL)
    assert (await refused(call))["error"] == "not_in_channel"


async def test_tokens(sandbox: SlackSandbox, session: aiohttp.ClientSession) -> None:
    for token, method, error in (
        (None, "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        (cast.APP_TOKEN, "chat.postMessage", "not_allowed_token_type"),
        (cast.BOT_TOKEN, "apps.connections.open", "not_allowed_token_type"),
        (cast.BOT_TOKEN, "chat.nothing", "unknown_method"),
    ):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with session.post(f"{sandbox.url}/api/{method}", headers=headers) as response:
            assert (await response.json())["error"] == error


async def test_arguments_by_json_form_and_query(
    sandbox: SlackSandbox, session: aiohttp.ClientSession
) -> None:
    url = f"{sandbox.url}/api/chat.postMessage"
    headers = {"Authorization": f"Bearer {cast.BOT_TOKEN}"}
    given = {"channel": INCIDENTS, "text": "x", "blocks": '[{"type":"divider"}]'}
    for request in (
        session.post(url, json=given, headers=headers),
        session.post(url, data=given, headers=headers),
        session.post(url, data={**given, "token": cast.BOT_TOKEN}),
        session.get(url, params=given, headers=headers),
    ):
        async with request as response:
            assert (await response.json())["message"]["blocks"][0]["type"] == "divider"
    for wrong, word in (
        ({"channel": INCIDENTS, "txt": "x"}, "unknown argument: txt"),
        ({"text": "x"}, "missing required field: channel"),
        ({"channel": INCIDENTS, "text": None}, "null is no value"),
        ({"channel": INCIDENTS, "text": "x", "unfurl_links": "maybe"}, "must be a boolean"),
    ):
        async with session.post(url, json=wrong, headers=headers) as response:
            body = await response.json()
            assert body["error"] == "invalid_arguments"
            assert word in body["response_metadata"]["messages"][0]
    async with session.post(
        url, data=b"{", headers={**headers, "Content-Type": "application/json"}
    ) as response:
        assert (await response.json())["error"] == "invalid_json"


async def test_long_texts(client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(channel=INCIDENTS, text="x" * 50_000)
    assert len(answer["message"]["text"]) == 40_000
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2700}}] * 5
    call = client.chat_postMessage(channel=INCIDENTS, text="x", blocks=blocks)
    assert (await refused(call))["error"] == "msg_blocks_too_long"
    call = client.api_call("chat.postMessage", json={"channel": INCIDENTS, "text": " "})
    assert (await refused(call))["error"] == "no_text"


async def test_people_and_groups(client: AsyncWebClient, hand: Hand) -> None:
    lin = (await client.users_info(user="U0LIN", include_locale=True))["user"]
    assert (lin["locale"], lin["tz"], lin["tz_offset"]) == ("zh-TW", "Asia/Taipei", 28_800)
    assert "locale" not in (await client.users_info(user="U0LIN"))["user"]
    assert (await refused(client.users_info(user="U0NO")))["error"] == "user_not_found"
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert {g["handle"]: g["users"] for g in groups} == {
        "oncall": ["U0MEI", "U0KAI"],
        "cs": ["U0LIN"],
        "managers": ["U0JO"],
    }
    assert (await client.usergroups_users_list(usergroup="S0ONCALL"))["users"] == ["U0MEI", "U0KAI"]
    assert (await client.dnd_info(user="U0MEI"))["dnd_enabled"] is False
    now = (await hand.get("clock"))["now"]
    await hand.post("people", id="U0MEI", dnd_until=now + 600)
    dnd = await client.dnd_info(user="U0MEI")
    assert dnd["next_dnd_start_ts"] <= now + 5 < dnd["next_dnd_end_ts"]
    await hand.post("clock", advance=601)
    assert (await client.dnd_teamInfo(users=["U0MEI"]))["users"]["U0MEI"]["dnd_enabled"] is False


async def test_marks(client: AsyncWebClient, hand: Hand) -> None:
    await client.conversations_join(channel=INCIDENTS)
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="x"))["ts"]
    await client.reactions_add(channel=INCIDENTS, timestamp=ts, name="pushpin")
    call = client.reactions_add(channel=INCIDENTS, timestamp=ts, name="pushpin")
    assert (await refused(call))["error"] == "already_reacted"
    await hand.post("react", **{"as": "U0MEI"}, channel=INCIDENTS, ts=ts, name="pushpin")
    got = await client.reactions_get(channel=INCIDENTS, timestamp=ts)
    assert got["message"]["reactions"] == [
        {"name": "pushpin", "users": [cast.BOT_USER, "U0MEI"], "count": 2}
    ]
    await client.pins_add(channel=INCIDENTS, timestamp=ts)
    assert len((await client.pins_list(channel=INCIDENTS))["items"]) == 1
    added = await client.bookmarks_add(
        channel_id=INCIDENTS, title="Review", type="link", link="https://example.org"
    )
    assert (await client.bookmarks_list(channel_id=INCIDENTS))["bookmarks"][0]["id"] == added[
        "bookmark"
    ]["id"]


async def test_an_upload_in_three_steps(client: AsyncWebClient, hand: Hand) -> None:
    await client.conversations_join(channel=INCIDENTS)
    root = (await client.chat_postMessage(channel=INCIDENTS, text="x"))["ts"]
    done = await client.files_upload_v2(
        channel=INCIDENTS,
        thread_ts=root,
        filename="cases.csv",
        title="Cases",
        content="order,amount\nFG-1,100\n",
        initial_comment="All cases",
    )
    file_id = done["file"]["id"]
    assert (await client.files_info(file=file_id))["file"]["shares"] == {}  # it is on its way
    assert len(await hand.messages("U0MEI", INCIDENTS, thread_ts=root)) == 1
    await hand.post("clock", advance=1)
    await asyncio.sleep(0)
    shares = (await client.files_info(file=file_id))["file"]["shares"]
    assert shares["public"][INCIDENTS][0]["thread_ts"] == root
    shown = await hand.messages("U0MEI", INCIDENTS, thread_ts=root)
    assert shown[1]["files"][0]["title"] == "Cases"
    got = await hand.get("files/nothing", **{"as": "U0MEI"})
    assert got["error"] == "file_not_found"


async def test_a_response_url_serves_five_times_in_thirty_minutes(
    sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    def url() -> str:
        return f"{sandbox.url}/response/{sandbox.world.responses.issue('U0MEI', INCIDENTS)}"

    hook = AsyncWebhookClient(url())
    for n in range(5):
        answer = await hook.send(text=str(n))
        assert (answer.status_code, answer.body) == (200, "ok")
    last = await hook.send(text="6")
    assert last.status_code == 404
    assert "used_url" in last.body
    late = AsyncWebhookClient(url())
    await hand.post("clock", advance=1801)
    assert "expired_url" in (await late.send(text="x")).body
    public = await AsyncWebhookClient(url()).send(text="all", response_type="in_channel")
    assert public.status_code == 200
    assert [m["text"] for m in await hand.messages("U0KAI", INCIDENTS)] == ["all"]
    wrong = await AsyncWebhookClient(url()).send(text="x", blocks=[{"type": "nothing"}])
    assert wrong.status_code == 400


async def test_a_response_url_and_the_thread_and_message_it_belongs_to(
    sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand
) -> None:
    root = (await client.chat_postMessage(channel=INCIDENTS, text="card"))["ts"]
    key = sandbox.world.responses.issue("U0MEI", INCIDENTS, ts=root)
    hook = AsyncWebhookClient(f"{sandbox.url}/response/{key}")
    await hook.send_dict(
        {
            "text": "in thread",
            "response_type": "in_channel",
            "thread_ts": root,
            "replace_original": False,
        }
    )
    await hook.send_dict({"text": "whispered", "thread_ts": root})
    assert [m["text"] for m in await hand.messages("U0MEI", INCIDENTS)] == ["card", "whispered"]
    assert [m["text"] for m in await hand.messages("U0MEI", INCIDENTS, thread_ts=root)] == [
        "card",
        "in thread",
    ]
    await hook.send_dict({"text": "instead", "response_type": "in_channel"})
    await hook.send_dict({"delete_original": True, "text": ""})
    shown = await hand.messages("U0MEI", INCIDENTS)
    assert [(m["text"], m["deleted"]) for m in shown] == [
        ("This message was deleted.", True),
        ("whispered", False),
    ]
