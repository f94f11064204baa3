"""Wire: what is said of a service is what was seen of it; a fault of the looker is none of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.wiring.prober import open_prober
from checks.kinds.base import CheckContext, LookFailed
from checks.kinds.http_probe import HttpProbe
from checks.kinds.probe_settings import HttpProbeSettings
from checks.model import CheckResult
from checks.runner import run_check

Answer = Callable[[Any], None]
NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)


def page(body: bytes, kind: str = "text/html", status: str = "200 OK") -> Answer:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"

    def send(out: Any) -> None:
        out.write(f"{head}Connection: close\r\n\r\n".encode() + body)

    return send


def drip(head: bytes, drop: bytes) -> Answer:
    """An answer that goes on for ever, a piece at a time."""

    def send(out: Any) -> None:
        out.write(head)
        for _ in range(600):
            out.write(drop)
            out.flush()
            time.sleep(0.05)

    return send


@pytest.fixture
def served() -> Iterator[Callable[[Answer], str]]:
    """A server of its own for an answer; gives its address."""
    servers: list[socketserver.ThreadingTCPServer] = []

    def serve(answer: Answer) -> str:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                with contextlib.suppress(OSError):
                    answer(self.wfile)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def probed(url: str, look: Any = None, **given: Any) -> CheckResult:
    settings = HttpProbeSettings.model_validate(
        {"kind": "http_probe", "name": "store", "service": "store", "url": url, **given}
    )

    async def answered(_name: str, _params: dict[str, Any]) -> Any:
        if look is None:
            raise LookFailed("timeout")
        return look

    async def run() -> CheckResult:
        async with open_prober() as ask:
            return await run_check(
                HttpProbe(settings), CheckContext(ask, None, "TWD", NOW, answered)
            )

    return asyncio.run(run())


def closed() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


@pytest.mark.parametrize(
    ("url", "problem"), [(None, "refused"), ("http://no-such-host.invalid/", "dns")]
)
def test_what_is_over_at_once_is_no_timeout(url: str | None, problem: str) -> None:
    (finding,) = probed(url or closed(), timeout=25).findings
    assert (finding.facts["error"], finding.facts["latency_ms"]) == (problem, None)


@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        lambda out: time.sleep(30),
    ],
)
def test_one_limit_bounds_the_whole_of_it(served: Callable[[Answer], str], answer: Answer) -> None:
    """A storefront that drips is down for every customer."""
    began = time.monotonic()
    (finding,) = probed(served(answer), timeout=0.5).findings
    assert finding.facts["error"] == "timeout"
    assert time.monotonic() - began < 10


def test_a_deadline_before_the_timeout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the deadline .* must be longer than the timeout"):
        probed("http://127.0.0.1/", timeout=10, deadline=2)
    patient = {"kind": "http_probe", "name": "a", "service": "a", "url": closed(), "timeout": 45}
    assert HttpProbeSettings.model_validate(patient).deadline == 50


@pytest.mark.parametrize(
    "url",
    ["shop.example/health", "htps://shop.example/", "http://127.0.0.1:99999/", "http:///x", "$S/x"],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        probed(url)


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"a" * 400_000 + b"Formosa Goods", "text/html", "Formosa Goods"),
        ("<title>首頁</title>".encode("big5"), "text/html; charset=Big5", "首頁"),
        ("<title>首頁</title>".encode("utf-16"), "text/html; charset=utf-16", "首頁"),
        ("<title>首頁</title>".encode(), "text/html; charset=no-such", "首頁"),
        ('<meta charset="big5"><title>首頁</title>'.encode("big5"), "text/html", "首頁"),
    ],
)
def test_a_word_is_found_wherever_it_stands(
    served: Callable[[Answer], str], body: bytes, kind: str, word: str
) -> None:
    assert not probed(served(page(body, kind)), contains=word).findings


def test_a_page_too_long_to_search_says_nothing_of_the_service(
    served: Callable[[Answer], str],
) -> None:
    result = probed(served(page(b"a" * 3_000_000)), contains="Formosa Goods")
    assert not result.findings
    assert not result.healthy_subjects
    assert "longer than 2048 KB" in (result.error or "")


@pytest.mark.parametrize(
    "look",
    [
        [],
        "ok",
        {"servers": None},
        {"servers": ["standby"]},
        {"servers": {"standby": {}}},
        {"servers": [{"id": "standby", "healthy": "false"}], "traffic": 3},
    ],
)
def test_what_is_extra_never_takes_the_outage_away(
    served: Callable[[Answer], str], look: Any
) -> None:
    url = served(page(b"boom", status="500 Oops"))
    (finding,) = probed(url, look, standby="standby", standby_look="servers").findings
    assert finding.facts["error"] == "http_500"
    assert finding.facts["standby"]["ok"] is None
    json.dumps(finding.facts)
