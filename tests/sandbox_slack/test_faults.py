"""Every fault kind, seen through the unchanged client."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import cast
from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import DESK, INCIDENTS, Hand, until

LOST = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)


@pytest.fixture
def client(client: AsyncWebClient) -> AsyncWebClient:
    """Without the SDK's own retry of a broken connection."""
    client.retry_handlers.clear()
    return client


async def texts(hand: Hand) -> list[str]:
    return [m["text"] for m in await hand.messages("U0MEI", INCIDENTS)]


@pytest.mark.parametrize("kind", ["rate_limited", "no_retry_after"])
async def test_429(client: AsyncWebClient, hand: Hand, kind: str) -> None:
    await hand.post("faults", method="chat.postMessage", kind=kind, retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=INCIDENTS, text="x")
    response = caught.value.response
    assert response.status_code == 429
    assert response["error"] == "ratelimited"
    assert response.headers.get("Retry-After") == ("7" if kind == "rate_limited" else None)
    assert await texts(hand) == []
    await client.chat_postMessage(channel=INCIDENTS, text="y")
    assert await texts(hand) == ["y"]


async def test_a_burst_is_ridden_out_by_the_sdks_handler(
    client: AsyncWebClient, hand: Hand
) -> None:
    await hand.post("burst", n=1, retry_after=1)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    await client.chat_postMessage(channel=INCIDENTS, text="x")
    log = await hand.get("log", method="chat.postMessage")
    assert [r["status"] for r in log["requests"]] == [429, 200]
    assert [r["retry"] for r in log["requests"]] == [0, 1]


@pytest.mark.parametrize(("kind", "status"), [("http_500", 500), ("http_503", 503)])
async def test_5xx(client: AsyncWebClient, hand: Hand, kind: str, status: int) -> None:
    await hand.post("faults", method="*", kind=kind)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert caught.value.response.status_code == status
    assert await texts(hand) == []


async def test_a_named_error_for_one_channel_alone(client: AsyncWebClient, hand: Hand) -> None:
    await hand.post(
        "faults",
        method="chat.postMessage",
        kind="error",
        error="fatal_error",
        times=-1,
        match={"channel": INCIDENTS, "contains": "card"},
    )
    with pytest.raises(SlackApiError, match="fatal_error"):
        await client.chat_postMessage(channel=INCIDENTS, text="the card")
    await client.chat_postMessage(channel=INCIDENTS, text="other")
    await client.chat_postMessage(channel=DESK, text="the card")


@pytest.mark.parametrize("kind", ["lost_reply", "malformed"])
async def test_the_effect_without_its_reply(client: AsyncWebClient, hand: Hand, kind: str) -> None:
    await hand.post("faults", method="chat.postMessage", kind=kind)
    with pytest.raises((*LOST, SlackApiError, json.JSONDecodeError)):
        await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert await texts(hand) == ["x"]


async def test_the_sdks_own_retry_posts_twice(
    sandbox: SlackSandbox, hand: Hand, session: aiohttp.ClientSession
) -> None:
    """AsyncConnectionErrorRetryHandler, on by default, does not know that the effect landed."""
    await hand.post("faults", method="chat.postMessage", kind="lost_reply")
    client = AsyncWebClient(cast.BOT_TOKEN, base_url=f"{sandbox.url}/api/", session=session)
    await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert await texts(hand) == ["x", "x"]


async def test_a_late_effect(client: AsyncWebClient, hand: Hand) -> None:
    await hand.post("faults", method="chat.postMessage", kind="late_effect", seconds=60)
    with pytest.raises(LOST):
        await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert await texts(hand) == []
    await hand.post("clock", advance=61)
    await until(lambda: texts(hand))


async def test_reset(client: AsyncWebClient, hand: Hand) -> None:
    await hand.post("faults", method="chat.postMessage", kind="reset")
    with pytest.raises(LOST):
        await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert await texts(hand) == []


async def test_never_an_answer(sandbox: SlackSandbox, hand: Hand) -> None:
    await hand.post("faults", method="chat.postMessage", kind="timeout_before")
    impatient = AsyncWebClient(cast.BOT_TOKEN, base_url=f"{sandbox.url}/api/", timeout=1)
    with pytest.raises(asyncio.TimeoutError):
        await impatient.chat_postMessage(channel=INCIDENTS, text="x")
    assert await texts(hand) == []
    entry = sandbox.world.log.requests[-1]
    assert not entry.effect
    await until(lambda: entry.error)  # the sandbox has seen that the caller is gone


async def test_delay_and_latency(client: AsyncWebClient, hand: Hand) -> None:
    loop = asyncio.get_running_loop()
    await hand.post("faults", method="chat.postMessage", kind="delay", seconds=0.2)
    await hand.post("options", latency=0.1)
    before = loop.time()
    await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert loop.time() - before >= 0.3
    before = loop.time()
    await client.chat_postMessage(channel=INCIDENTS, text="y")
    assert 0.1 <= loop.time() - before < 0.3


async def test_down_until_removed(client: AsyncWebClient, hand: Hand) -> None:
    fault = await hand.post("faults", kind="down")
    for _ in range(4):
        with pytest.raises((*LOST, SlackApiError)):
            await client.chat_postMessage(channel=INCIDENTS, text="x")
    with pytest.raises((*LOST, SlackApiError)):
        await client.users_info(user="U0MEI")
    await hand.delete(f"faults/{fault['id']}")
    await client.chat_postMessage(channel=INCIDENTS, text="x")
    assert await texts(hand) == ["x"]


async def test_faults_are_listed_and_refused_when_wrong(hand: Hand) -> None:
    await hand.post("faults", method="views.open", kind="http_500", times=3)
    listed = (await hand.get("faults"))["faults"]
    assert [(f["method"], f["kind"], f["times"]) for f in listed] == [("views.open", "http_500", 3)]
    await hand.delete("faults")
    assert (await hand.get("faults"))["faults"] == []
    for wrong in (
        {"kind": "nothing"},
        {"kind": "reset", "metod": "x"},
        {"kind": "dead_socket", "method": "chat.update"},
        {"kind": "reset", "method": "socket"},
    ):
        assert (await hand.post("faults", **wrong))["error"] == "invalid_arguments"


async def test_a_lost_response_url_and_a_failed_upload(
    sandbox: SlackSandbox, client: AsyncWebClient, hand: Hand, session: aiohttp.ClientSession
) -> None:
    await hand.post("faults", method="response_url", kind="lost_reply")
    key = sandbox.world.responses.issue("U0MEI", INCIDENTS)
    with pytest.raises(LOST):
        await session.post(f"{sandbox.url}/response/{key}", json={"text": "said"})
    assert await texts(hand) == ["said"]
    await hand.post("faults", method="upload", kind="http_500")
    given = await client.files_getUploadURLExternal(filename="a.txt", length=1)
    async with session.post(given["upload_url"], data=b"a") as response:
        assert response.status == 500
    async with session.post(given["upload_url"], data=b"a") as response:
        assert response.status == 200


async def test_rate_limits_like_slacks(client: AsyncWebClient, hand: Hand) -> None:
    await hand.post("options", rate_limits=True)
    for n in range(5):
        await client.chat_postMessage(channel=INCIDENTS, text=str(n))
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=INCIDENTS, text="one too many")
    assert caught.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel=DESK, text="another channel")
    await hand.post("clock", advance=1)
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="again"))["ts"]
    for n in range(50):
        await client.chat_update(channel=INCIDENTS, ts=ts, text=str(n))
    with pytest.raises(SlackApiError) as caught:
        await client.chat_update(channel=INCIDENTS, ts=ts, text="51")
    assert 55 <= int(caught.value.response.headers["Retry-After"]) <= 60
    await client.users_info(user="U0MEI")  # Slack: one method's limit blocks that method alone
    await hand.post("clock", advance=60)
    await client.chat_update(channel=INCIDENTS, ts=ts, text="51")
