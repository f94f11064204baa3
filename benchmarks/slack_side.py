"""Slack's side of a burst, as light as it can be, so that the bot is measured and not the sender.

The payloads and the signed requests are made beforehand. In Socket Mode this is a WebSocket
server; in HTTP mode a client that opens its connections within the measured time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import select
import socket
import time
from typing import Any
from urllib.parse import urlencode

from aiohttp import WSMsgType, web

from benchmarks.common import ACK_SECONDS


def click(number: int, burst: int) -> dict[str, Any]:
    """A block_actions payload of the size that Slack sends for a card."""
    action_id = f"bench.{number % 60}"
    card = [
        {"type": "section", "block_id": f"s{n}", "text": {"type": "mrkdwn", "text": "x" * 300}}
        for n in range(6)
    ]
    return {
        "type": "block_actions",
        "user": {"id": f"U{number % 5}", "username": "mei", "name": "mei", "team_id": "T0SHOP"},
        "api_app_id": "A0MUSTER",
        "token": "not-used",
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C0INCIDENTS"},
        "trigger_id": f"{burst}.{number}.{time.time_ns()}",
        "team": {"id": "T0SHOP", "domain": "shop"},
        "channel": {"id": "C0INCIDENTS", "name": "order-incidents"},
        "message": {"type": "message", "ts": "1.2", "bot_id": "B0MUSTER", "blocks": card},
        "state": {"values": {}},
        "response_url": f"https://hooks.slack.example/{burst}/{number}",
        "actions": [
            {
                "action_id": action_id,
                "block_id": "b",
                "type": "button",
                "value": f"INC-{number % 60}:1",
                "action_ts": "1.3",
            }
        ],
    }


class SocketSender:
    """`apps.connections.open` and the sockets that it leads to."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None
        self._sockets: list[web.WebSocketResponse] = []
        self._acked: dict[str, float] = {}
        self._missing = 0
        self._all = asyncio.Event()
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/api/apps.connections.open", self._open)
        app.router.add_get("/link", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        for each in self._sockets:
            await each.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def burst(self, payloads: list[dict[str, Any]]) -> list[float | None]:
        """Sends all at once over the open sockets; milliseconds until each acknowledgement."""
        frames = [
            (f"e{n}", json.dumps({"envelope_id": f"e{n}", "type": "interactive", "payload": p}))
            for n, p in enumerate(payloads)
        ]
        self._acked, self._missing = {}, len(frames)
        self._all.clear()
        sent: dict[str, float] = {}
        for number, (envelope, frame) in enumerate(frames):
            sent[envelope] = time.perf_counter()
            await self._sockets[number % len(self._sockets)].send_str(frame)
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await self._all.wait()
        except TimeoutError:
            pass
        return [
            (self._acked[envelope] - sent[envelope]) * 1000 if envelope in self._acked else None
            for envelope, _ in frames
        ]

    async def _open(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": self.url.replace("http", "ws") + "/link"})

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_str(json.dumps({"type": "hello"}))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._acked[json.loads(message.data)["envelope_id"]] = time.perf_counter()
                self._missing -= 1
                if self._missing == 0:
                    self._all.set()
        return socket


class HttpSender:
    """Signed requests, each over a connection of its own, on bare sockets."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret

    async def burst(self, payloads: list[dict[str, Any]]) -> list[float | None]:
        """Opens all connections and sends at once; milliseconds until each 200."""
        return await asyncio.to_thread(self._send, [self._signed(p) for p in payloads])

    def _send(self, requests: list[bytes]) -> list[float | None]:
        poll = select.epoll()
        begun: dict[int, tuple[int, socket.socket, float]] = {}
        taken: list[float | None] = [None] * len(requests)
        for number, request in enumerate(requests):
            started = time.perf_counter()
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=ACK_SECONDS)
            connection.sendall(request)
            poll.register(connection, select.EPOLLIN)
            begun[connection.fileno()] = number, connection, started
        end = time.perf_counter() + ACK_SECONDS
        while begun and time.perf_counter() < end:
            for descriptor, _ in poll.poll(0.1):
                number, connection, started = begun.pop(descriptor)
                answered = time.perf_counter()
                poll.unregister(descriptor)
                if connection.recv(4096)[9:12] == b"200":
                    taken[number] = (answered - started) * 1000
                connection.close()
        for _, connection, _ in begun.values():
            connection.close()
        poll.close()
        return taken

    def _signed(self, payload: dict[str, Any]) -> bytes:
        body = urlencode({"payload": json.dumps(payload)})
        stamp = str(int(time.time()))
        base = f"v0:{stamp}:{body}".encode()
        signature = "v0=" + hmac.new(self._secret.encode(), base, hashlib.sha256).hexdigest()
        return (
            "POST /slack/events HTTP/1.1\r\nHost: muster\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nX-Slack-Request-Timestamp: {stamp}\r\n"
            f"X-Slack-Signature: {signature}\r\n\r\n{body}"
        ).encode()
