"""The HTTP port: Slack's route read directly, everything else by aiohttp, nonsense by nobody."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from bot.intake import front as front_module
from bot.intake import http as http_module
from bot.intake.front import Front, _HandOver, _Malformed, _take
from bot.intake.http import HttpIntake
from bot.intake.receive import Reply
from bot.web.bare import bare, without_banner
from tests.sandbox_slack.conftest import until

SECRET = "secret"


class Recorder:
    """Stands for intake; it answers when it is let."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.attempts: list[int] = []
        self.asked = 0
        self.reply = Reply(True)
        self.go = asyncio.Event()
        self.go.set()

    async def receive(self, body: dict[str, Any], raw: str, *, attempt: int = 0) -> Reply:
        self.asked += 1
        await self.go.wait()
        self.bodies.append(body)
        self.attempts.append(attempt)
        if body.get("type") == "explode":
            raise RuntimeError("a mistake in the program")
        return self.reply


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def port(recorder: Recorder) -> AsyncIterator[int]:
    app = web.Application()
    app.on_response_prepare.append(without_banner)

    async def health(request: web.Request) -> web.Response:
        return web.Response(text="fine " + await request.text())

    app.router.add_route("*", "/healthz", health)
    http = HttpIntake(recorder, signing_secret=SECRET)  # type: ignore[arg-type]
    http.add_to(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    assert runner.server is not None
    server = runner.server
    front = Front(http, lambda: bare(server))
    yield front.start("127.0.0.1", 0)
    await front.stop()
    await runner.cleanup()


def request(body: Any, *, secret: str = SECRET, extra: str = "", text: str | None = None) -> bytes:
    text = json.dumps(body) if text is None else text
    stamp = str(int(time.time()))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=text)
    return (
        "POST /slack/events HTTP/1.1\r\nHost: muster\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text.encode())}\r\nX-Slack-Request-Timestamp: {stamp}\r\n"
        f"X-Slack-Signature: {signature}\r\n{extra}\r\n{text}"
    ).encode()


class Wire:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(first.split()[1]), headers, body

    async def closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), 5) == b""


@pytest.fixture
async def dial(port: int) -> AsyncIterator[Callable[[], Any]]:
    writers: list[asyncio.StreamWriter] = []

    async def open_one() -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return Wire(reader, writer)

    yield open_one
    for writer in writers:
        writer.close()


async def test_requests_in_pieces_and_one_after_the_other(
    dial: Callable[[], Any], recorder: Recorder
) -> None:
    wire = await dial()
    whole = request({"n": 1}) + request({"n": 2}, extra="X-Slack-Retry-Num: 2\r\n")
    for start in range(0, len(whole), 90):
        wire.writer.write(whole[start : start + 90])
        await wire.writer.drain()
        await asyncio.sleep(0)
    assert (await wire.answer())[0] == 200
    assert (await wire.answer())[0] == 200
    recorder.reply = Reply(True, {"response_action": "errors", "errors": {"b": "太短"}})
    wire.writer.write(request({"n": 3}, extra="Connection: close\r\n"))
    status, headers, body = await wire.answer()
    assert (status, headers["content-type"].split(";")[0]) == (200, "application/json")
    assert json.loads(body)["errors"] == {"b": "太短"}
    assert await wire.closed()
    assert recorder.bodies == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert recorder.attempts == [0, 2, 0]


async def test_what_is_refused_or_fails(dial: Callable[[], Any], recorder: Recorder) -> None:
    wire = await dial()
    wire.writer.write(request({"n": 1}, secret="other"))
    assert (await wire.answer())[0] == 401
    recorder.reply = Reply(False)
    wire.writer.write(request({"n": 1}))
    assert (await wire.answer())[0] == 503
    wire.writer.write(request({"type": "explode"}))
    assert (await wire.answer())[0] == 500
    recorder.reply = Reply(True)
    wire.writer.write(request({"n": 2}))
    assert (await wire.answer())[0] == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Content-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 1e3\r\n", 400),
        ("Content-Length : 5\r\n", 400),
        ("no colon\r\n", 400),
        ("Content-Length: 99999999\r\n", 413),
        (f"X: {'y' * 20_000}", 400),
    ],
)
async def test_malformed_heads_are_cut_off(
    dial: Callable[[], Any], recorder: Recorder, head: str, status: int
) -> None:
    wire = await dial()
    wire.writer.write(f"POST /slack/events HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
    assert (await wire.answer())[0] == status
    assert await wire.closed()
    assert recorder.bodies == []


async def test_other_routes_and_other_ways_go_to_aiohttp(port: int, recorder: Recorder) -> None:
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/healthz") as answer:
            assert await answer.text() == "fine "
        async with session.post(f"{url}/healthz", data=b"x" * 200_000) as answer:
            assert len(await answer.text()) == 200_005
        async with session.get(f"{url}/slack/events") as answer:
            assert answer.status == 405
        async with session.get(f"{url}/nothing") as answer:
            assert answer.status == 404

        async def chunks() -> AsyncIterator[bytes]:
            yield b'{"chunked": '
            yield b"true}"

        stamp = str(int(time.time()))
        text = '{"chunked": true}'
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=text)
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature or "",
        }
        async with session.post(f"{url}/slack/events", data=chunks(), headers=headers) as answer:
            assert answer.status == 200
    assert recorder.bodies == [{"chunked": True}]


async def test_a_slow_or_silent_connection_is_closed(
    dial: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "_PATIENCE", 0.1)
    silent, slow = await dial(), await dial()
    slow.writer.write(request({"n": 1})[:100])
    assert await silent.closed()
    assert (await slow.answer())[0] == 408
    assert await slow.closed()


async def test_two_hundred_at_once_are_all_answered(
    dial: Callable[[], Any], recorder: Recorder
) -> None:
    recorder.go.clear()
    wires = await asyncio.gather(*(dial() for _ in range(200)))
    for number, wire in enumerate(wires):
        wire.writer.write(request({"n": number}))
    recorder.go.set()
    answers = await asyncio.gather(*(wire.answer() for wire in wires))
    assert {status for status, _, _ in answers} == {200}
    assert sorted(body["n"] for body in recorder.bodies) == list(range(200))


async def test_stopping_answers_what_came_in(recorder: Recorder) -> None:
    http = HttpIntake(recorder, signing_secret=SECRET)  # type: ignore[arg-type]
    front = Front(http, asyncio.Protocol)
    port = front.start("127.0.0.1", 0)
    busy = Wire(*await asyncio.open_connection("127.0.0.1", port))
    idle = Wire(*await asyncio.open_connection("127.0.0.1", port))
    recorder.go.clear()
    busy.writer.write(request({"n": 1}))
    idle.writer.write(request({"n": 2})[:50])
    await until(lambda: len(front._connections) == 2 and any(c._task for c in front._connections))
    await front.stop()
    assert await idle.closed()
    recorder.go.set()
    status, headers, _ = await busy.answer()
    assert (status, headers["connection"]) == (200, "close")
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)
    for wire in (busy, idle):
        wire.writer.close()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.integers(0, 400))
def test_reading_never_fails_in_another_way(junk: bytes, cut: int) -> None:
    """Whatever comes: a whole request, not yet one, or one of the two ways out."""
    for data in (junk, request({"n": 1})[:cut] + junk):
        try:
            taken = _take(data)
        except (_HandOver, _Malformed):
            continue
        if taken is not None:
            headers, body, rest, _, too_large = taken
            assert too_large or data.endswith(body + rest)
            assert set(headers) <= {
                "Content-Type",
                "X-Slack-Request-Timestamp",
                "X-Slack-Signature",
                "X-Slack-Retry-Num",
            }


async def test_without_a_free_descriptor_it_rests_and_then_goes_on(
    port: int, recorder: Recorder
) -> None:
    """What waits stays waiting; the loop does not spin meanwhile."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    calling = socket.socket()
    calling.setblocking(False)
    loop = asyncio.get_running_loop()
    with structlog.testing.capture_logs() as logs:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limit[1]))
        try:
            await loop.sock_connect(calling, ("127.0.0.1", port))
            await loop.sock_sendall(calling, request({"type": "event_callback"}))
            turns = 0
            while not logs or turns < 100:
                turns += 1
                await asyncio.sleep(0)
                assert turns < 10_000, "it never tried to accept"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        await until(lambda: len(recorder.bodies) == 1)
    assert [entry["event"] for entry in logs].count("cannot_accept") == 1
    calling.close()


def bare_request(path: str, method: str = "GET", head: str = "", body: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: muster\r\n{head}\r\n".encode() + body


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (bare_request("/healthz"), 200),
        (bare_request("/nothing"), 404),
        (bare_request("/slack/events"), 405),
        (b"no http at all\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),  # TLS at a port without it
        (bare_request("/healthz", head="Content-Length: 1\r\nContent-Length: 2\r\n"), 400),
        (bare_request("/healthz", head=f"X: {'y' * 20_000}\r\n"), 400),
        (
            bare_request(
                "/slack/events", "POST", "Transfer-Encoding: chunked\r\n", b"zz\r\nbody\r\n"
            ),
            400,
        ),
        (
            bare_request(
                "/slack/events",
                "POST",
                "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n",
                b"4\r\nbody\r\n0\r\n\r\n",
            ),
            400,
        ),
        (
            bare_request(
                "/slack/events", "POST", "Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"
            ),
            401,
        ),
        (
            bare_request(
                "/slack/events",
                "POST",
                "Transfer-Encoding: chunked\r\n",
                b"120000\r\n" + b"x" * 0x120000 + b"\r\n0\r\n\r\n",
            ),
            413,
        ),
    ],
)
async def test_every_other_way_is_answered_once_without_a_banner_or_a_traceback(
    dial: Callable[[], Any],
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    sent: bytes,
    status: int,
) -> None:
    wire = await dial()
    wire.writer.write(sent)
    answered, headers, _ = await wire.answer()
    assert answered == status
    assert "server" not in headers
    assert headers["connection"] == "close"
    assert await wire.closed()
    assert [record for record in caplog.records if record.exc_info] == []
    assert recorder.bodies == []


_CHUNKED = bare_request("/slack/events", "POST", "Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n")


@pytest.mark.parametrize("sent", [b"GET /healthz HT", bare_request("/healthz")[:-2], _CHUNKED])
async def test_a_request_that_never_ends_is_ended_on_every_path(
    dial: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(front_module, "_LONGEST", 0.1)
    wire = await dial()
    wire.writer.write(sent)
    with contextlib.suppress(ConnectionError):
        assert await wire.closed()


async def test_a_chunked_body_that_stops_is_answered_408(
    dial: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "_PATIENCE", 0.1)
    wire = await dial()
    wire.writer.write(_CHUNKED)
    assert (await wire.answer())[0] == 408


async def test_at_the_bound_the_connection_that_waited_longest_gives_way(
    dial: Callable[[], Any], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "_MOST", 3)
    held = [await dial() for _ in range(3)]
    for wire in held:
        wire.writer.write(b"POST /sl")
    honest = await dial()
    honest.writer.write(request({"n": 1}))
    assert (await honest.answer())[0] == 200
    assert await held[0].closed()
    assert recorder.bodies == [{"n": 1}]


async def test_when_all_are_being_answered_the_next_one_waits_its_turn(
    dial: Callable[[], Any], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "_MOST", 3)
    recorder.go.clear()
    wires = []
    for number in range(5):
        wire = await dial()
        wires.append(wire)
        wire.writer.write(request({"n": number}, extra="Connection: close\r\n"))
        await until(lambda: recorder.asked == min(len(wires), 3))
    recorder.go.set()
    answers = await asyncio.gather(*(wire.answer() for wire in wires))
    assert [status for status, _, _ in answers] == [200] * 5


async def test_connections_of_other_routes_are_bounded(
    dial: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "_MOST_OTHERS", 2)
    held = [await dial() for _ in range(4)]
    for wire in held:
        wire.writer.write(_CHUNKED)
        await wire.writer.drain()
        await asyncio.sleep(0)
    probe = await dial()
    probe.writer.write(bare_request("/healthz"))
    assert (await probe.answer())[0] == 200
    with contextlib.suppress(ConnectionError):
        assert await held[0].closed()


_UNSIGNED = st.fixed_dictionaries(
    {},
    optional={
        "X-Slack-Request-Timestamp": st.text(max_size=20)
        | st.integers().map(str)
        | st.just("9" * 5000)
        | st.just(str(int(time.time()))),
        "X-Slack-Signature": st.text(max_size=20) | st.just("v0=\xe9"),
        "Content-Type": st.text(max_size=20),
        "X-Slack-Retry-Num": st.text(max_size=5),
    },
)


@settings(deadline=None)  # a loop of its own for each
@given(_UNSIGNED, st.binary(max_size=200))
def test_whatever_is_not_signed_is_answered_401(headers: dict[str, str], body: bytes) -> None:
    recorder: Any = None
    answer = asyncio.run(HttpIntake(recorder, signing_secret=SECRET).answer(headers, body))
    assert answer.status == 401


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "\x00", '"x"', "{}"])
async def test_what_is_signed_and_no_payload_is_answered_400(
    dial: Callable[[], Any], recorder: Recorder, text: str
) -> None:
    wire = await dial()
    wire.writer.write(request(None, text=text, extra="X-Slack-Retry-Num: \xb2\r\n"))
    assert (await wire.answer())[0] == 400
    assert recorder.bodies == []
