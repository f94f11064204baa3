"""A shop on real sockets, without a stream of its own unless a test wants one."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.shop.server import ShopSandbox


@dataclass
class Answer:
    status: int
    body: Any
    replayed: bool


class Client:
    """Asks the shop over HTTP and reads its file as somebody else would."""

    def __init__(self, sandbox: ShopSandbox, http: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.http = http

    async def call(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        async with self.http.request(
            method, self.sandbox.control_url + path, json=body, headers=headers
        ) as response:
            found = await response.json()
            replayed = response.headers.get("Idempotent-Replay") == "true"
            return Answer(response.status, found, replayed)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def post(self, path: str, body: Any = None, key: str | None = None) -> Any:
        answer = await self.call("POST", path, body, key)
        assert answer.status in (200, 201), answer
        return answer.body

    async def put(self, path: str, body: Any, key: str | None = None) -> Any:
        answer = await self.call("PUT", path, body, key)
        assert answer.status == 200, answer
        return answer.body

    async def fault(self, kind: str, **parameters: Any) -> Any:
        return await self.post("/faults", {"kind": kind, **parameters})

    async def mutations(self, **query: Any) -> list[dict[str, Any]]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        found: list[dict[str, Any]] = (await self.get(f"/mutations?{asked}"))["mutations"]
        return found

    def sql(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Reads the shop's file beside the running shop."""
        path = self.sandbox.database_url.removeprefix("sqlite:///")
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Waits for the condition; TimeoutError after ten seconds."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - the shop is asked over HTTP, as from outside
            await asyncio.sleep(0.02)


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Client]:
    """A running shop and its client."""
    sandbox = ShopSandbox(folder, rate=0)
    await sandbox.start()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as http:
        yield Client(sandbox, http)
    await sandbox.stop()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Client]:
    async with connected(tmp_path) as client:
        yield client


@pytest.fixture
def sandbox(shop: Client) -> ShopSandbox:
    return shop.sandbox
