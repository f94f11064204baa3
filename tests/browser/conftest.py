"""A real sandbox on real sockets, a small Slack app on it, and Chromium to look at the page.

One Chromium serves a module, in the module's own loop (`LOOP`): starting it costs more than most
tests do. Each page has a context of its own, so nothing of one test is seen by the next.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.server import SlackSandbox

LOOP = pytest.mark.asyncio(loop_scope="module")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BOT_TOKEN = "xoxb-sandbox-bot"
APP_TOKEN = "xapp-sandbox-app"
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; without one these tests count as skipped."""
    pytest.importorskip("playwright", reason="not run: no Playwright")
    for name in BROWSERS:
        path = shutil.which(name)
        if path:
            return path
    pytest.skip("not run: no Chromium")


@dataclass
class Sandbox:
    """A sandbox Slack, and its people's side."""

    slack: SlackSandbox
    http: httpx.AsyncClient

    @property
    def url(self) -> str:
        return self.slack.url

    @property
    def web(self) -> AsyncWebClient:
        return AsyncWebClient(token=BOT_TOKEN, base_url=f"{self.url}/api/")

    async def hand(self, method: str, path: str, **values: Any) -> dict[str, Any]:
        """One call of the people's side. Raises on a refusal."""
        kind = {"params": values} if method == "GET" else {"json": values}
        answer = await self.http.request(method, f"{self.url}/hand/{path}", **kind)
        answer.raise_for_status()
        return answer.json()

    async def post(self, channel: str = "C0INCIDENTS", **message: Any) -> str:
        """Posts as the app; the new message's ts."""
        answer = await self.web.chat_postMessage(channel=channel, **{"text": "-", **message})
        return str(answer["ts"])


async def start_sandbox(port: int = 0) -> Sandbox:
    """A fresh workspace; the app is a member of the public channels."""
    slack = SlackSandbox(port)
    await slack.start()
    sandbox = Sandbox(slack, httpx.AsyncClient(timeout=20))
    for channel in ("C0INCIDENTS", "C0CSDESK", "C0GENERAL"):
        await sandbox.web.conversations_join(channel=channel)
    return sandbox


@pytest_asyncio.fixture(loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    running = await start_sandbox()
    yield running
    await running.http.aclose()
    await running.slack.stop()


Inbox = asyncio.Queue[dict[str, Any]]


@dataclass
class Seen:
    """What reached the app, in order."""

    clicks: Inbox = field(default_factory=asyncio.Queue)
    submissions: Inbox = field(default_factory=asyncio.Queue)
    commands: Inbox = field(default_factory=asyncio.Queue)


async def arrival(inbox: Inbox) -> dict[str, Any]:
    """The next thing that reached the app."""
    return await asyncio.wait_for(inbox.get(), 5)


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def form(title: str = "Resolve INC-412?") -> dict[str, Any]:
    """The view that `/incident` opens: a choice, a text, a number."""
    option = {"text": plain("Vendor"), "value": "vendor"}
    other = {"text": plain("Process"), "value": "process"}
    return {
        "type": "modal",
        "callback_id": "resolve",
        "title": plain(title),
        "submit": plain("Resolve"),
        "close": plain("Keep open"),
        "blocks": [
            {
                "type": "input",
                "block_id": "cause",
                "label": plain("Cause"),
                "element": {"type": "static_select", "action_id": "v", "options": [option, other]},
            },
            {
                "type": "input",
                "block_id": "prevent",
                "label": plain("What would prevent it?"),
                "element": {"type": "plain_text_input", "action_id": "v", "max_length": 200},
            },
            {
                "type": "input",
                "block_id": "pieces",
                "optional": True,
                "label": plain("Pieces"),
                "element": {"type": "number_input", "action_id": "v", "is_decimal_allowed": False},
            },
            {
                "type": "actions",
                "block_id": "more",
                "elements": [{"type": "button", "action_id": "deeper", "text": plain("Details")}],
            },
        ],
    }


def _listen(app: AsyncApp, seen: Seen) -> None:
    @app.command("/incident")
    async def _(ack: Any, command: Any, client: Any) -> None:
        await ack()
        seen.commands.put_nowait(dict(command))
        await client.views_open(trigger_id=command["trigger_id"], view=form())

    @app.action("deeper")
    async def _(ack: Any, body: Any, client: Any) -> None:
        await ack()
        view = {
            "type": "modal",
            "callback_id": "details",
            "title": plain("Details"),
            "blocks": [{"type": "section", "text": plain("12 orders")}],
        }
        await client.views_push(trigger_id=body["trigger_id"], view=view)

    @app.action("ignored")
    async def _(ack: Any) -> None:
        """Never acknowledged: the page must show it."""

    @app.action("whisper")
    async def _(ack: Any, respond: Any, client: Any, body: Any) -> None:
        await ack()
        await client.chat_postEphemeral(
            channel=body["channel"]["id"], user=body["user"]["id"], text="Only for your eyes"
        )

    @app.action("act")
    async def _(ack: Any, body: Any) -> None:
        await ack()
        seen.clicks.put_nowait(body)

    @app.view("resolve")
    async def _(ack: Any, view: Any) -> None:
        values = view["state"]["values"]
        seen.submissions.put_nowait(values)
        if values["prevent"]["v"]["value"] == "nothing":
            await ack(response_action="errors", errors={"prevent": "Say what, not nothing."})
        else:
            await ack()


@pytest_asyncio.fixture(loop_scope="module")
async def app(sandbox: Sandbox) -> AsyncIterator[Seen]:
    """A Bolt app on the sandbox by Socket Mode."""
    seen = Seen()
    bolt = AsyncApp(client=sandbox.web)
    _listen(bolt, seen)
    handler = AsyncSocketModeHandler(bolt, APP_TOKEN)
    await handler.connect_async()
    yield seen
    await handler.close_async()


Opener = Callable[..., Awaitable[Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Any]:
    """Chromium, running."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="module")
async def tab(browser: Any) -> AsyncIterator[Opener]:
    """`await tab(url, viewport=PHONE, dark=True)`: a page of its own context.

    The browser sits in New York and speaks English, so that times and words that follow the
    reader's profile show as such. A script error on any page fails the test.
    """
    errors: list[str] = []
    contexts: list[Any] = []

    async def opened(url: str, *, viewport: dict[str, int] = WIDE, dark: bool = False) -> Any:
        context = await browser.new_context(
            viewport=viewport,
            color_scheme="dark" if dark else "light",
            timezone_id="America/New_York",
            locale="en-US",
        )
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert errors == []


@pytest_asyncio.fixture(loop_scope="module")
async def look(tab: Opener, sandbox: Sandbox) -> Opener:
    """`await look("U0MEI", "C0INCIDENTS", viewport=PHONE)`: that person's page, ready."""

    async def opened(person: str = "U0MEI", place: str = "C0INCIDENTS", **how: Any) -> Any:
        page = await tab(f"{sandbox.url}/#/{person}/{place}", **how)
        await page.wait_for_selector("#app[data-ready]")
        return page

    return opened
