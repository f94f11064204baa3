"""A house that reaches Slack by a proxy alone: calls, the socket, uploads and answers go by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from bot.delivery.proxy import proxy_for
from bot.delivery.rate_limits import Budget
from bot.delivery.sender import Sender, close_client, open_client
from bot.intake.receive import Reply
from bot.intake.socket_mode import SocketMode
from sandbox.slack.server import SlackSandbox
from tests.actions.clock import SteppedClock

SLACK = "http://slack.test"  # a name that nobody but the proxy knows


@dataclass
class Proxy:
    """Takes requests with an absolute address, and carries them to the sandbox."""

    port: int  # the sandbox's
    asked: list[str] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, address, version = head[0].split(" ")
        parts = urlsplit(address)
        self.asked.append(f"{parts.hostname} {parts.path}")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        rest = [
            line
            for line in head[1:]
            if not line.lower().startswith(("host:", "proxy-", "connection: keep"))
        ]
        once = [] if any("pgrade" in line for line in rest) else ["Connection: close"]
        lines = [f"{method} {path} {version}", f"Host: 127.0.0.1:{self.port}", *once, *rest]
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.port)
        ours.write("\r\n".join(lines).encode("latin-1"))
        await asyncio.gather(_carry(reader, ours), _carry(theirs, writer))

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.serve(reader, writer))
        self.tasks.add(task)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()


@pytest.fixture
async def slack() -> AsyncIterator[SlackSandbox]:
    sandbox = SlackSandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def proxy(slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    found = Proxy(urlsplit(slack.url).port or 0)
    server = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    slack.world.base_url = SLACK
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    yield found
    server.close()
    for task in found.tasks:
        task.cancel()
    await asyncio.gather(*found.tasks, return_exceptions=True)


async def test_calls_uploads_and_answers_go_by_the_proxy(slack: SlackSandbox, proxy: Proxy) -> None:
    client = open_client("xoxb-sandbox-bot", f"{SLACK}/api/")
    sender = Sender(client, budget=Budget(), clock=SteppedClock())
    assert (await sender.call("auth.test", {}))["team_id"] == "T0SHOP"
    place = await sender.call("files.getUploadURLExternal", {"filename": "a.md", "length": 2})
    await sender.upload(str(place["upload_url"]), b"ab")
    key = slack.world.responses.issue("U0MEI", "C0INCIDENTS")
    await sender.respond(f"{SLACK}/response/{key}", {"text": "x"})
    await close_client(client)
    assert [asked.split("/")[1] for asked in proxy.asked] == ["api", "api", "files", "response"]
    assert {asked.partition(" ")[0] for asked in proxy.asked} == {"slack.test"}


class NothingComes:
    """An intake that takes whatever comes."""

    async def receive(self, payload: object, raw: str, *, attempt: int = 0) -> Reply:
        return Reply(True)


async def test_the_socket_goes_by_the_proxy(slack: SlackSandbox, proxy: Proxy) -> None:
    client = open_client("xoxb-sandbox-bot", f"{SLACK}/api/")
    socket = SocketMode(
        client,
        NothingComes(),  # type: ignore[arg-type]
        app_token="xapp-sandbox-app",
        connections=1,
    )
    await socket.start()
    async with asyncio.timeout(10):
        await socket.ready()
    assert len(slack.world.sockets) == 1
    await socket.stop()
    await close_client(client)
    assert "slack.test /link/" in proxy.asked


@pytest.mark.parametrize(
    ("url", "way"),
    [
        ("https://slack.com/api/", "http://proxy.test:3128"),
        ("wss://wss-primary.slack.com/link", "http://proxy.test:3128"),
        ("https://files.slack.com/upload", "http://proxy.test:3128"),
        ("https://hooks.inside.test/x", None),  # NO_PROXY
        ("http://127.0.0.1:8080/api/", None),
        ("ws://localhost:1/link", None),
    ],
)
def test_what_is_near_is_reached_directly(
    monkeypatch: pytest.MonkeyPatch, url: str, way: str | None
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "inside.test")
    assert proxy_for(url) == way
