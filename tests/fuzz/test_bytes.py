"""Bytes on the bot's port: whatever they are, it answers in one line or hangs up, and goes on."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import strategies as st

from tests.fuzz.budget import Budget
from tests.fuzz.forging import HOSTILE
from tests.public.conftest import Public

pytestmark = [pytest.mark.slow, pytest.mark.drill]
SECONDS = 60.0

_WORDS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20))
_PATHS = ("/slack/events", "/healthz", "/readyz", "/metrics", "/", "*", "/alerts/x", "//", "/%00")
_HEADERS = (
    "Host: x",
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked, chunked",
    "Expect: 100-continue",
    "Upgrade: websocket",
    "Connection: close",
    "X-Slack-Signature: v0=0",
    "X-Slack-Request-Timestamp: 9999999999999999999999",
    "X-Slack-Request-Timestamp: x",
    "Content-Type: application/json",
    "Content-Encoding: gzip",
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is nearly one, or no request at all."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.binary(max_size=300))
    method = draw(st.sampled_from(("GET", "POST", "PUT", "OPTIONS", "PRI", "get", "")))
    path = draw(st.one_of(st.sampled_from(_PATHS), _WORDS))
    version = draw(st.sampled_from(("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "")))
    lines = [f"{method} {path} {version}"]
    lines += draw(st.lists(st.one_of(st.sampled_from(_HEADERS), _WORDS), max_size=6))
    ending = draw(st.sampled_from(("\r\n", "\r\n", "\r\n", "\n", "\r")))
    head = ending.join([*lines, "", ""]).encode("utf-8", "surrogatepass")
    return head + draw(st.binary(max_size=60))


def test_the_port_stays_well(public: Public, capsys: pytest.CaptureFixture[str]) -> None:
    bot = public.workspace.stack.bot
    assert bot is not None
    at = urlsplit(str(bot.says["web"]))
    told = len(bot.log.read_text("utf-8"))
    budget = Budget(SECONDS)

    def attack(all_of: list[bytes]) -> None:
        if budget.over:
            return
        for data in all_of:
            budget.counts["sent"] += 1
            answer = _sent(str(at.hostname), int(at.port or 0), data)
            status = answer.split(b" ")[1] if answer.startswith(b"HTTP/") else b"none"
            budget.counts[f"answered {status.decode()}"] += 1
            assert not status.startswith(b"5") or status == b"501", (data, answer[:200])
            assert b"Traceback" not in answer
        assert httpx.get(f"{bot.says['web']}/healthz", timeout=10).status_code == 200
        _said_nothing_bad(bot.log, told)

    budget.attack(attack, st.lists(requests(), min_size=10, max_size=20))
    budget.told("bytes on the port", capsys)


def _sent(host: str, port: int, data: bytes) -> bytes:
    """What comes back until the other end hangs up, or for a moment."""
    connection = socket.create_connection((host, port), timeout=10)
    with connection, contextlib.suppress(OSError):
        connection.sendall(data)
        connection.settimeout(0.3)  # what is not whole yet is waited for at the other end
        return connection.recv(4096)
    return b""


def _said_nothing_bad(log: Path, told: int) -> None:
    new = log.read_text("utf-8")[told:]
    bad = [line for line in new.splitlines() if "Traceback" in line or '"level": "error"' in line]
    assert bad == []
