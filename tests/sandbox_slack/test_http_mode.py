"""HTTP mode: signed requests to the unchanged Bolt app on aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import cast
from sandbox.slack.http_events import signature
from sandbox.slack.server import SlackSandbox
from tests.sandbox_slack.conftest import CONFIG, INCIDENTS, Hand, until
from tests.sandbox_slack.test_socket_mode import BUTTONS, MODAL

ME = {"as": "U0MEI"}


class Site:
    """The app's own server, with what arrived at it."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.status = 0
        self.answer_headers: dict[str, str] = {}
        self.app: AsyncApp | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.headers.append(dict(request.headers))
        if self.status:
            return web.Response(status=self.status, headers=self.answer_headers)
        assert self.app is not None
        return await to_aiohttp_response(
            await self.app.async_dispatch(await to_bolt_request(request))
        )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    application = web.Application()
    application.router.add_post("/slack/events", site.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield site
    await runner.cleanup()


@pytest.fixture
async def sandbox(site: Site) -> AsyncIterator[SlackSandbox]:
    server = SlackSandbox(app_config=CONFIG, http_events=site.url)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def bolt(site: Site, client: AsyncWebClient) -> AsyncApp:
    site.app = AsyncApp(client=client, signing_secret=cast.SIGNING_SECRET)
    return site.app


def test_the_signature_is_the_one_that_the_sdk_verifies() -> None:
    verifier = SignatureVerifier(cast.SIGNING_SECRET)
    made = signature(cast.SIGNING_SECRET, "1700000000", "a=b")
    assert made == verifier.generate_signature(timestamp="1700000000", body="a=b")


async def test_a_command_a_click_and_a_modal(
    bolt: AsyncApp, client: AsyncWebClient, hand: Hand, site: Site
) -> None:
    submitted: list[str] = []

    @bolt.command("/order")
    async def order(ack: Any, command: dict[str, Any]) -> None:
        await ack(f"found {command['text']} & more")

    @bolt.action("take")
    async def take(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @bolt.view("form")
    async def form(ack: Any, view: dict[str, Any]) -> None:
        submitted.append(view["state"]["values"]["what"]["text"]["value"])
        await ack(response_action="clear")

    answer = await hand.post("command", **ME, channel=INCIDENTS, command="/order", text="FG-1")
    assert answer["response"]["text"] == "found FG-1 & more"
    ts = (await client.chat_postMessage(channel=INCIDENTS, text="x", blocks=BUTTONS))["ts"]
    assert (await hand.post("click", **ME, channel=INCIDENTS, ts=ts, action_id="take"))["ok"]

    async def views() -> Any:
        return (await hand.get("views", **ME))["views"]

    view = (await until(views))[0]
    answer = await hand.post(
        "submit", **ME, view_id=view["id"], values={"what": {"text": {"value": "訂單卡住了"}}}
    )
    assert answer["response_action"] == "clear"
    assert submitted == ["訂單卡住了"]
    assert "X-Slack-Retry-Num" not in site.headers[0]


async def test_an_event_is_sent_again_with_its_number_and_reason(
    hand: Hand, site: Site, sandbox: SlackSandbox
) -> None:
    site.status = 500
    await hand.post("home/open", **ME)
    await until(lambda: len(site.headers) == 2)
    await hand.post("clock", advance=60)
    await until(lambda: len(site.headers) == 3)
    assert [h.get("X-Slack-Retry-Num") for h in site.headers] == [None, "1", "2"]
    assert site.headers[2]["X-Slack-Retry-Reason"] == "http_error"
    site.answer_headers = {"X-Slack-No-Retry": "1"}
    await hand.post("clock", advance=300)
    await until(lambda: len(site.headers) == 4)
    await hand.post("home/open", **ME)
    await until(
        lambda: (
            sandbox.world.log.deliveries[-1].error == "dispatch_failed" and len(site.headers) == 5
        )
    )
    await hand.post("clock", advance=3600)
    assert len(site.headers) == 5


async def test_a_volley_of_clicks_over_http(
    bolt: AsyncApp, client: AsyncWebClient, hand: Hand, site: Site
) -> None:
    seen: list[str] = []

    @bolt.action("take")
    async def take(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body["trigger_id"])

    ts = (await client.chat_postMessage(channel=INCIDENTS, text="x", blocks=BUTTONS))["ts"]
    answer = await hand.post("volley", **ME, channel=INCIDENTS, ts=ts, action_id="take", n=20)
    assert (answer["sent"], answer["acked"]) == (20, 20)
    await until(lambda: len(set(seen)) == 20)
    site.status = 500
    answer = await hand.post("volley", **ME, channel=INCIDENTS, ts=ts, action_id="take", n=2)
    assert (answer["acked"], answer["errors"]) == (0, 2)


async def test_what_the_app_refuses_or_does_not_hear_the_person_sees_fail(
    hand: Hand, site: Site
) -> None:
    site.status = 401
    answer = await hand.post("command", **ME, channel=INCIDENTS, command="/order")
    assert answer["error"] == "dispatch_failed"


async def test_socket_mode_is_off(sandbox: SlackSandbox, session: aiohttp.ClientSession) -> None:
    client = AsyncWebClient(base_url=f"{sandbox.url}/api/", session=session)
    with pytest.raises(SlackApiError, match="socket_mode_not_enabled"):
        await client.apps_connections_open(app_token=cast.APP_TOKEN)
