"""A running sandbox, a client of its hand API, and the real Slack libraries against it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import cast
from sandbox.slack.config import AppConfig, Shortcut
from sandbox.slack.server import SlackSandbox

INCIDENTS, DESK, PRIVATE, GENERAL = "C0INCIDENTS", "C0CSDESK", "C0CSINC", "C0GENERAL"
CONFIG = AppConfig(
    shortcuts=(
        Shortcut("Note", "message", "note"),
        Shortcut("Declare", "global", "declare"),
    )
)


class Hand:
    """The people's and the tester's side, as the page and the drills use it."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        async with self._session.get(f"{self._url}/hand/{path}", params=query) as response:
            return await response.json()

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        async with self._session.post(f"{self._url}/hand/{path}", json=body) as response:
            return await response.json()

    async def delete(self, path: str) -> dict[str, Any]:
        async with self._session.delete(f"{self._url}/hand/{path}") as response:
            return await response.json()

    async def messages(self, who: str, channel: str, **query: str) -> list[dict[str, Any]]:
        answer = await self.get("messages", **{"as": who}, channel=channel, **query)
        assert answer["ok"], answer
        return answer["messages"]

    async def rings(self, who: str) -> list[dict[str, Any]]:
        return (await self.get("rings", **{"as": who}))["rings"]


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Waits for a condition; fails when it does not come true in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return result
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.01)


@pytest.fixture
async def sandbox() -> AsyncIterator[SlackSandbox]:
    server = SlackSandbox(app_config=CONFIG)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def hand(sandbox: SlackSandbox, session: aiohttp.ClientSession) -> Hand:
    return Hand(sandbox.url, session)


@pytest.fixture
async def client(sandbox: SlackSandbox, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The unchanged slack_sdk client; the session keeps its connections."""
    return AsyncWebClient(
        cast.BOT_TOKEN, base_url=f"{sandbox.url}/api/", session=session, timeout=5
    )


@pytest.fixture
def app(client: AsyncWebClient) -> AsyncApp:
    """An unchanged Bolt app without listeners."""
    return AsyncApp(client=client, signing_secret=cast.SIGNING_SECRET)


@pytest.fixture
async def connected(app: AsyncApp, sandbox: SlackSandbox) -> AsyncIterator[AsyncApp]:
    """The app connected by Socket Mode. Listeners are added afterwards by the test."""
    handler = AsyncSocketModeHandler(app, cast.APP_TOKEN)
    await handler.connect_async()
    await until(lambda: len(sandbox.world.sockets) == 1)
    yield app
    await handler.close_async()
