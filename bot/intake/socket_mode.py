"""Socket Mode: several connections, each payload stored before it is acknowledged.

Slack: an app has up to ten connections, each payload goes to one of them, connections are
refreshed every few hours with a `disconnect` message; a new one is opened before the old ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock, SystemClock
from bot.delivery.proxy import proxy_for
from bot.delivery.sender import retry_after
from bot.intake.parse import read_json
from bot.intake.receive import Intake

log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
_HEARTBEAT = 10.0  # a socket that answers no ping within half of it is dead
_A_VALID_ONE = (
    "set MUSTER_SLACK_APP_TOKEN to a valid xapp-… token with connections:write "
    "(Basic Information, App-Level Tokens)"
)
_REMEDIES = {  # codes that no waiting mends
    "invalid_auth": _A_VALID_ONE,
    "not_authed": _A_VALID_ONE,
    "token_revoked": _A_VALID_ONE,
    "account_inactive": _A_VALID_ONE,
    "not_allowed_token_type": _A_VALID_ONE,
    "missing_scope": (
        "it lacks connections:write; make a token with that scope (Basic Information, App-Level "
        "Tokens) and set MUSTER_SLACK_APP_TOKEN to it"
    ),
    "socket_mode_not_enabled": (
        "Socket Mode is switched off for this app; switch it on at api.slack.com/apps, or set "
        "slack.mode to http"
    ),
}
_PAYLOADS = {"events_api", "slash_commands", "interactive"}


async def socket_address(client: AsyncWebClient, app_token: str) -> str:
    """Where a connection may be opened, once. Raises SlackApiError."""
    answer = await client.apps_connections_open(app_token=app_token)
    return str(answer["url"])


def code_of(error: SlackApiError) -> str:
    """Slack's code; of an error page, which is no JSON, its words."""
    data: Any = getattr(error.response, "data", None)
    return str(data.get("error", "")) if isinstance(data, dict) else str(error)


def token_problem(code: str) -> str:
    """What is wrong with the app token, in one sentence with its remedy."""
    remedy = _REMEDIES.get(code)
    return f"Slack refuses the app token ({code})" + (f": {remedy}." if remedy else ".")


class SocketMode:
    """Keeps `connections` open until it is stopped."""

    def __init__(
        self,
        client: AsyncWebClient,
        intake: Intake,
        *,
        app_token: str,
        connections: int = 2,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._intake = intake
        self._app_token = app_token
        self._count = connections
        self._clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        self._slots: list[asyncio.Task[None]] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._receiving: set[asyncio.Task[None]] = set()
        self._sockets: set[aiohttp.ClientWebSocketResponse] = set()
        self._greeted: set[aiohttp.ClientWebSocketResponse] = set()
        self._closing: set[aiohttp.ClientWebSocketResponse] = set()
        self._first = asyncio.Event()
        self.problem: str | None = None  # what an operator must mend

    @property
    def connected(self) -> int:
        """Connections that Slack has greeted."""
        return len(self._greeted)

    async def start(self) -> None:
        self._session = aiohttp.ClientSession()
        self._slots = [
            asyncio.create_task(self._keep_open(number), name=f"socket-{number}")
            for number in range(self._count)
        ]

    async def ready(self) -> None:
        """Returns when the first connection stands."""
        await self._first.wait()

    async def stop(self, *, within: float = 3.0) -> None:
        """Opens nothing more, lets what came in have its acknowledgement, then closes.

        What crosses with the goodbye is not taken in: it could not be acknowledged any more, so
        the person is told that it failed, and an event comes again.
        """
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        end = asyncio.get_running_loop().time() + within
        for socket in list(self._sockets):  # one after the other: the rest goes on meanwhile
            await self._answered(end)
            self._closing.add(socket)
            await _close(socket, end)
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _answered(self, end: float) -> None:
        """Returns when nothing waits for its acknowledgement, or at `end` (the loop's time)."""
        while self._receiving:
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                return
            await asyncio.wait(set(self._receiving), timeout=left)

    async def _keep_open(self, number: int) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                socket = await self._connect()
            except SlackApiError as error:
                pause = self._complain(code_of(error), pause)
                if getattr(error.response, "status_code", None) == 429:
                    # Slack: the method rests for Retry-After.
                    await self._pause(retry_after(error.response))
                    continue
            except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
                log.warning("socket_not_opened", slot=number, error=str(error) or repr(error))
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:  # whatever it is, a slot that ended would never come back
                log.exception("socket_not_opened", slot=number)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self.problem = None
                opened = asyncio.get_running_loop().time()
                await self._until_it_leaves(socket)
                lasted = asyncio.get_running_loop().time() - opened
                pause = _FIRST_PAUSE if lasted > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
                if lasted > 1.0:
                    pause = _FIRST_PAUSE
                    continue
            await self._pause(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

    async def _pause(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now() + timedelta(seconds=seconds))

    def _complain(self, code: str, pause: float) -> float:
        if code in _REMEDIES:
            self.problem = f"{token_problem(code)[:-1]}, then restart."
            log.critical("socket_token_refused", error=code, remedy=self.problem)
            return _LONGEST_PAUSE
        log.warning("socket_not_opened", error=code)
        return min(pause * 2, _LONGEST_PAUSE)

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        assert self._session is not None  # noqa: S101 - start() made it
        url = await socket_address(self._client, self._app_token)
        socket = await self._session.ws_connect(url, heartbeat=_HEARTBEAT, proxy=proxy_for(url))
        self._sockets.add(socket)
        return socket

    async def _until_it_leaves(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Returns when a new connection is wanted; the old one is read until it ends."""
        leaving = asyncio.Event()
        reader = asyncio.create_task(self._read(socket, leaving), name="socket-reader")
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        await leaving.wait()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse, leaving: asyncio.Event) -> None:
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                with contextlib.suppress(ValueError):
                    self._take(socket, message.data, leaving)
        except (aiohttp.ClientError, OSError) as error:
            log.warning("socket_broke", error=str(error))
        finally:
            self._greeted.discard(socket)
            self._sockets.discard(socket)
            leaving.set()
            with contextlib.suppress(Exception):
                await socket.close()

    def _take(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        raw: str,
        leaving: asyncio.Event,
    ) -> None:
        envelope = read_json(raw)
        kind = envelope.get("type")
        if kind in _PAYLOADS:
            if socket in self._closing:
                log.info("crossed_with_goodbye", type=kind)
                return
            task = asyncio.create_task(self._receive(socket, envelope, raw))
            self._receiving.add(task)
            task.add_done_callback(self._receiving.discard)
        elif kind == "hello":
            self._greeted.add(socket)
            self._first.set()
            log.info("socket_open", connections=self.connected)
        elif kind == "disconnect":
            reason = str(envelope.get("reason", ""))
            log.info("socket_leaves", reason=reason)
            if reason == "link_disabled":
                self.problem = (
                    "Socket Mode is switched off for this app: switch it on at api.slack.com/apps, "
                    "or set slack.mode to http."
                )
                log.critical("socket_mode_disabled", remedy=self.problem)
            leaving.set()

    async def _receive(
        self, socket: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any], raw: str
    ) -> None:
        payload = envelope.get("payload")
        if not isinstance(payload, dict):
            return
        reply = await self._intake.receive(
            payload, raw, attempt=int(envelope.get("retry_attempt") or 0)
        )
        if not reply.acknowledge:
            return
        answer: dict[str, Any] = {"envelope_id": envelope.get("envelope_id")}
        if reply.payload is not None:
            answer["payload"] = reply.payload
        try:
            await socket.send_str(json.dumps(answer, ensure_ascii=False))
        except (ConnectionError, aiohttp.ClientError) as error:
            # It is stored: an event comes again and is recognised; a click goes on, unacknowledged.
            log.warning("not_acknowledged", error=str(error) or repr(error))


async def _close(socket: aiohttp.ClientWebSocketResponse, end: float) -> None:
    """Says goodbye; whether the other side still answers it is waited for until `end` only."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout_at(end):
            await socket.close()
