"""Front: the bot's HTTP port: Slack's requests by the shortest way, everything else by aiohttp.

Two hundred requests at once, each over a connection of its own, cost aiohttp 0.5 ms of processor
time each before the product does anything: 100 ms until the last one is acknowledged, twice the
time that there is (benchmarks/ack.py). So `POST /slack/events` with a Content-Length is read here;
a connection that asks for anything else, or in any other way, is handed over to aiohttp as it is.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus

import structlog

from bot.intake.http import LARGEST, PATH, Answer, HttpIntake

log = structlog.get_logger(__name__)

_START = f"POST {PATH} HTTP/1.1\r\n".encode()
_LARGEST_HEAD = 16 * 1024
_CHUNK = 64 * 1024
# Of a burst, a part at a time: while this thread reads the next, the writer stores the last.
_ACCEPTED_AT_ONCE = 64
_PATIENCE = 10.0  # for a request to come in whole, and for the next one on a kept connection
# No descriptors or no memory are left: what waits stays waiting, as asyncio's own server does it.
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_REST = 1.0
# Of connections that are open; at the bound the one that has waited longest without a whole
# request gives way. There is no bound for an address: behind a proxy all come from one.
_MOST = 500
_MOST_OTHERS = 100
_LONGEST = 30.0  # that a connection which was handed over may last, with its one request
_WANTED = {
    b"content-type": "Content-Type",
    b"x-slack-request-timestamp": "X-Slack-Request-Timestamp",
    b"x-slack-signature": "X-Slack-Signature",
    b"x-slack-retry-num": "X-Slack-Retry-Num",
}
# With one of these the length of the request is not what Content-Length says, or unsettled.
_FOREIGN = {b"transfer-encoding", b"expect", b"upgrade", b"trailer"}


class _Malformed(Exception):
    """A head that is not to be answered but cut off."""


class _HandOver(Exception):
    """A request that aiohttp is to read."""


class Front:
    """Listens, and keeps the connections that have asked for nothing but Slack's route."""

    def __init__(self, http: HttpIntake | None, others: Callable[[], asyncio.Protocol]) -> None:
        """`http` is None where Slack comes by another way: then `others` gets everything."""
        self._http = http
        self._others = others
        self._connections: dict[_Connection, None] = {}  # the oldest first
        self._handed_over: dict[_Preceded, None] = {}
        self._waiting = False  # for one of its connections to end, before it accepts another
        self._listening: list[socket.socket] = []
        self._handing_over: set[asyncio.Task[None]] = set()

    def start(self, host: str, port: int) -> int:
        """Listens; the port (a free one when it is 0). OSError when it is taken."""
        loop = asyncio.get_running_loop()
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_ADDRCONFIG
        )
        for family, _, _, _, address in dict.fromkeys(found):
            # With asyncio's backlog of 100 connections of a burst are dropped, and come again
            # after 1 s.
            try:
                listening = socket.create_server((address[0], port), family=family, backlog=1024)
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL and self._listening:
                    continue  # a name with an address of a family that this machine has not
                raise
            listening.setblocking(False)
            self._listening.append(listening)
            loop.add_reader(listening, self._accept, listening)
            port = listening.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Takes no connection more and closes those that wait for nothing."""
        loop = asyncio.get_running_loop()
        for listening in self._listening:
            loop.remove_reader(listening)
            listening.close()
        self._listening.clear()
        for connection in list(self._connections):
            connection.close_when_idle()
        if self._handing_over:
            await asyncio.wait(self._handing_over, timeout=1.0)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            idle = self._idle() if len(self._connections) >= _MOST else None
            if idle is None and len(self._connections) >= _MOST:
                self._waiting = True
                asyncio.get_running_loop().remove_reader(listening)
                return
            try:
                connected, _ = listening.accept()
            except OSError as error:  # none waits, or it has gone again
                if error.errno in _FULL:
                    self._rest(listening, error)
                return
            if idle is not None:  # one has really come that wants its place
                idle.close_when_idle()
            connected.setblocking(False)
            connection = _Connection(connected, self)
            self._connections[connection] = None
            connection.readable()

    def _idle(self) -> _Connection | None:
        """The one that has waited longest; what is being answered does not have to go."""
        return next((each for each in self._connections if each.idle), None)

    def _rest(self, listening: socket.socket, error: OSError) -> None:
        """It cannot accept now, and would be asked to at once again: for a while it is not."""
        log.error("cannot_accept", error=str(error), again_in=_REST)
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_REST, self._listen_again, listening)

    def _listen_again(self, listening: socket.socket) -> None:
        if listening in self._listening:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    async def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        assert self._http is not None  # noqa: S101 - else every request is handed over
        return await self._http.answer(headers, body)

    @property
    def reads(self) -> bool:
        """Whether Slack's requests are read here."""
        return self._http is not None

    def forget(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        if self._waiting:
            self._waiting = False
            for listening in self._listening:
                self._listen_again(listening)

    def hand_over(self, connected: socket.socket, received: bytes) -> None:
        """From here on the connection is aiohttp's, with what it has sent so far."""
        task = asyncio.create_task(self._hand_over(connected, received))
        self._handing_over.add(task)
        task.add_done_callback(self._handing_over.discard)

    async def _hand_over(self, connected: socket.socket, received: bytes) -> None:
        if len(self._handed_over) >= _MOST_OTHERS:
            next(iter(self._handed_over)).end()
        loop = asyncio.get_running_loop()
        preceded = _Preceded(self._others(), received)
        self._handed_over[preceded] = None
        lasting = loop.call_later(_LONGEST, preceded.end)

        def ended() -> None:
            lasting.cancel()
            self._handed_over.pop(preceded, None)

        preceded.ended = ended
        try:
            await loop.connect_accepted_socket(lambda: preceded, connected)
        except OSError:
            ended()


class _Preceded(asyncio.Protocol):
    """Stands before `other`: gives it what was received before, and can end it at any time."""

    def __init__(self, other: asyncio.Protocol, received: bytes) -> None:
        self._other = other
        self._received = received
        self._transport: asyncio.Transport | None = None
        self._cut = False
        self.ended: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP
        self._transport = transport
        self._other.connection_made(transport)
        if self._cut:
            transport.abort()
            return
        self._other.data_received(self._received)

    def data_received(self, data: bytes) -> None:
        self._other.data_received(data)

    def eof_received(self) -> bool | None:
        return self._other.eof_received()

    def pause_writing(self) -> None:
        self._other.pause_writing()

    def resume_writing(self) -> None:
        self._other.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended()
        self._other.connection_lost(exc)

    def end(self) -> None:
        """Cuts it off: it has lasted too long, or others want its place."""
        self._cut = True
        self.ended()
        if self._transport is not None:
            self._transport.abort()


class _Connection:
    """One connection until it asks for something that is not Slack's.

    On the bare socket: a request that is there when the connection is accepted is read at once,
    without a transport, which would cost more than all the rest.
    """

    def __init__(self, connected: socket.socket, front: Front) -> None:
        self._socket = connected
        self._descriptor = connected.fileno()  # asyncio looks a socket object up by its repr
        self._front = front
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._reading = False
        self._closed = False
        self._last = False
        self._task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(_PATIENCE, self._too_slow)

    def readable(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            self._listen(True)
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            return
        self._buffer += data
        self._read()

    @property
    def idle(self) -> bool:
        return self._task is None

    def close_when_idle(self) -> None:
        self._last = True
        if self._task is None:
            self._close()

    def _listen(self, wanted: bool) -> None:
        if wanted and not self._reading:
            self._loop.add_reader(self._descriptor, self.readable)
        elif self._reading and not wanted:
            self._loop.remove_reader(self._descriptor)
        self._reading = wanted

    def _read(self) -> None:
        try:
            if not self._front.reads:
                raise _HandOver
            request = _take(self._buffer)
        except _HandOver:
            self._leave()
            self._front.hand_over(self._socket, self._buffer)
            return
        except _Malformed:
            self._task = asyncio.create_task(self._write(Answer(400), keep=False))
            return
        if request is None:
            self._listen(True)
            return
        headers, body, self._buffer, keep, too_large = request
        self._listen(False)  # the next request waits in the socket
        self._timer.cancel()
        if too_large:
            self._task = asyncio.create_task(self._write(Answer(413), keep=False))
        else:
            self._task = asyncio.create_task(self._answer(headers, body, keep))

    async def _answer(self, headers: dict[str, str], body: bytes, keep: bool) -> None:
        try:
            answer = await self._front.answer(headers, body)
        except Exception:
            log.exception("request_failed")
            answer = Answer(500)
        await self._write(answer, keep=keep and not self._last)

    async def _write(self, answer: Answer, *, keep: bool) -> None:
        data = _written(answer, keep=keep)
        try:
            sent = self._socket.send(data)
            if sent < len(data):
                async with asyncio.timeout(_PATIENCE):
                    await self._loop.sock_sendall(self._socket, data[sent:])
        except BlockingIOError:
            keep = False  # whoever does not take 200 bytes does not want them
        except (OSError, TimeoutError):
            keep = False
        self._task = None
        if keep:
            self._loop.call_soon(self._await_next)  # behind the answers that are ready to go
        else:
            self._close()

    def _await_next(self) -> None:
        if self._closed:
            return
        self._timer = self._loop.call_later(_PATIENCE, self._too_slow)
        if self._buffer:
            self._read()
        else:
            self._listen(True)

    def _too_slow(self) -> None:
        if self._task is not None:
            return
        self._listen(False)
        if self._buffer:  # a part of a request
            self._task = asyncio.create_task(self._write(Answer(408), keep=False))
        else:
            self._close()

    def _leave(self) -> None:
        self._timer.cancel()
        self._listen(False)
        self._front.forget(self)

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._leave()
            self._socket.close()


_Request = tuple[dict[str, str], bytes, bytes, bool, bool]


def _take(buffer: bytes) -> _Request | None:
    """The first request of the buffer and what is left of it; None until it is whole."""
    if not buffer.startswith(_START[: len(buffer)]):
        raise _HandOver
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > _LARGEST_HEAD:
            raise _Malformed
        return None
    headers: dict[str, str] = {}
    length: int | None = None
    keep = True
    for line in buffer[len(_START) : end].split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise _Malformed
        name, value = name.lower(), value.strip()
        if name in _FOREIGN:
            raise _HandOver
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > 9:
                raise _Malformed
            length = int(value)
        elif name == b"connection":
            keep = value.lower() != b"close"
        elif name in _WANTED:
            headers[_WANTED[name]] = value.decode("latin-1")
    if length is None:
        raise _HandOver
    if length > LARGEST:
        return headers, b"", b"", False, True
    start = end + 4
    if len(buffer) < start + length:
        return None
    return headers, buffer[start : start + length], buffer[start + length :], keep, False


def _written(answer: Answer, *, keep: bool) -> bytes:
    return _head(answer.status, answer.content_type, len(answer.body), keep) + answer.body


@lru_cache(maxsize=64)  # nearly all are the same few
def _head(status: int, content_type: str, length: int, keep: bool) -> bytes:
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: {content_type}; charset=utf-8\r\n"
        f"Content-Length: {length}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    ).encode()
