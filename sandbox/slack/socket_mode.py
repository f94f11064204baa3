"""Socket Mode: up to ten connections, each payload to one of them, acknowledged by envelope id."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from sandbox.slack import cast, limits
from sandbox.slack.clock import SandboxClock
from sandbox.slack.delivery import Outcome, Parcel, Patience
from sandbox.slack.errors import Json, Refused
from sandbox.slack.faults import Faults
from sandbox.slack.log import DeliveryEntry

_PING_SECONDS = 10.0
REASONS = ("warning", "refresh_requested", "link_disabled", "too_many_websockets")


@dataclass(eq=False)
class Connection:
    id: str
    socket: web.WebSocketResponse
    transport: asyncio.WriteTransport | None
    leaving: bool = False  # told to disconnect: gets payloads only when no other is there
    dead: bool = False  # nothing passes any more, in neither direction


class SocketHub:
    """All Socket Mode connections of the app."""

    def __init__(
        self,
        clock: SandboxClock,
        faults: Faults,
        patience: Patience,
        spawn: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]],
        on_change: Callable[[int], None],
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._patience = patience
        self._spawn = spawn
        self._on_change = on_change
        self._tickets: set[str] = set()
        self._connections: list[Connection] = []
        self._next = 0
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._sent: dict[str, tuple[DeliveryEntry, float]] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def ticket(self) -> str:
        """For apps.connections.open: good for one connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if self._faults.standing("socket", "down"):
            return web.Response(status=503)
        if ticket not in self._tickets:
            return web.Response(status=403, text="invalid ticket")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        if len(self._connections) >= limits.SOCKET_CONNECTIONS:
            await socket.send_str(json.dumps(_disconnect("too_many_websockets")))
            await socket.close()
            return socket
        connection = Connection(secrets.token_hex(4), socket, cut_point(request))
        self._connections.append(connection)
        self._on_change(len(self))
        try:
            await socket.send_str(json.dumps(_hello(len(self))))
            pings = self._spawn(self._ping(connection))
            async for message in socket:
                if not connection.dead:
                    await self._receive(connection, message)
            pings.cancel()
        finally:
            self._connections.remove(connection)
            self._on_change(len(self))
        return socket

    async def _ping(self, connection: Connection) -> None:
        """Slack sends WebSocket pings of its own; clients tell a dead socket by their absence."""
        while not connection.socket.closed:
            if not connection.dead:
                with contextlib.suppress(ConnectionError):
                    await connection.socket.ping(b"Ping from the sandbox")
            await asyncio.sleep(_PING_SECONDS)

    async def _receive(self, connection: Connection, message: WSMessage) -> None:
        if message.type is WSMsgType.PING:
            await connection.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            with contextlib.suppress(ValueError):
                answer = json.loads(message.data)
                if isinstance(answer, dict):
                    self._acknowledge(answer)

    def _acknowledge(self, answer: Json) -> None:
        envelope_id = str(answer.get("envelope_id", ""))
        entry, written = self._sent.pop(envelope_id, (None, 0.0))
        if entry is not None:
            entry.acked = self._clock.now()
            entry.took = time.perf_counter() - written
        future = self._waiting.get(envelope_id)
        if future is not None and not future.done():
            future.set_result(answer.get("payload"))
        elif entry is not None:
            entry.late = True  # Slack: too late is the same as never

    async def send(self, parcel: Parcel) -> Outcome:
        connection = self._choose()
        if connection is None:
            return Outcome(False, "dispatch_failed", reason="connection_failed")
        slow = self._faults.standing("socket", "delay")
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        envelope_id = parcel.entry.envelope_id
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = future
        parcel.entry.connection = connection.id
        wire = parcel.wire or _wire(parcel)
        parcel.entry.sent = self._clock.now()
        self._sent[envelope_id] = parcel.entry, time.perf_counter()
        try:
            if not connection.dead:
                with contextlib.suppress(ConnectionError):
                    await connection.socket.send_str(wire)
            payload = await asyncio.wait_for(future, self._patience.seconds)
        except TimeoutError:
            return Outcome(False, "operation_timeout")
        finally:
            del self._waiting[envelope_id]
        return Outcome(True, payload=payload)

    async def volley(self, parcels: list[Parcel]) -> list[Outcome]:
        for parcel in parcels:
            parcel.wire = _wire(parcel)
        return list(await asyncio.gather(*(self.send(parcel) for parcel in parcels)))

    def _choose(self) -> Connection | None:
        """The next in turn; one that was told to leave only when there is no other."""
        usable = [c for c in self._connections if not c.socket.closed]
        staying = [c for c in usable if not c.leaving] or usable
        if not staying:
            return None
        self._next += 1
        return staying[self._next % len(staying)]

    def kill(self) -> None:
        """The open connections go dead: open, and silent."""
        for connection in self._connections:
            connection.dead = True

    def drop(self) -> None:
        """Cuts every connection without a word."""
        for connection in list(self._connections):
            transport = connection.transport
            if transport is not None:
                transport.abort()

    async def disconnect(self, reason: str, *, one: bool = False) -> None:
        """Tells the connections to go, as Slack does every few hours."""
        if reason not in REASONS:
            raise Refused(
                "invalid_arguments", messages=[f"reason must be one of: {', '.join(REASONS)}"]
            )
        for connection in list(self._connections)[: 1 if one else None]:
            connection.leaving = True
            with contextlib.suppress(ConnectionError):
                await connection.socket.send_str(json.dumps(_disconnect(reason)))
            if reason == "warning":
                self._spawn(self._close_later(connection))
            else:
                await connection.socket.close()

    async def _close_later(self, connection: Connection) -> None:
        await self._clock.sleep(limits.SOCKET_WARNING_SECONDS)
        await connection.socket.close()

    async def close(self) -> None:
        for connection in list(self._connections):
            await connection.socket.close()


def cut_point(request: web.Request) -> asyncio.WriteTransport | None:
    """The transport under a request, by which it can be cut off."""
    transport = request.transport
    return transport if isinstance(transport, asyncio.WriteTransport) else None


def _hello(connections: int) -> Json:
    return {
        "type": "hello",
        "num_connections": connections,
        "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
        "connection_info": {"app_id": cast.APP_ID},
    }


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}


def _wire(parcel: Parcel) -> str:
    return json.dumps(_envelope(parcel), ensure_ascii=False)


def _envelope(parcel: Parcel) -> Json:
    envelope: Json = {
        "envelope_id": parcel.entry.envelope_id,
        "type": parcel.type,
        "payload": parcel.payload,
        "accepts_response_payload": parcel.accepts_response,
    }
    # Slack: only Events API envelopes carry the count of attempts.
    if parcel.type == "events_api":
        envelope |= {
            "retry_attempt": parcel.retry_attempt,
            "retry_reason": parcel.retry_reason or "",
        }
    return envelope
