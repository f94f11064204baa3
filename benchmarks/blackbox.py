"""Blackbox: HTTP probes of the running bot beside Prometheus' blackbox_exporter, in one run.

`python -m benchmarks.blackbox [--probes 100] [--seconds 60]`: the same services at the same
interval; processor time a probe of both, and what the probes add to the bot's memory. Goals: at
most blackbox_exporter's processor time, at most 10 MB. It needs Debian's package
`prometheus-blackbox-exporter`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.common import cpu_seconds, free_port, prepare, resident_mb, write_json
from bot.cli.stack import Stack, stack

PROGRAM = "prometheus-blackbox-exporter"
GOAL, GOAL_MB = 1.0, 10.0
_EVERY = 10  # seconds
_SETTLE = 15.0  # seconds until a bot does nothing more of its start
_MODULES = """
modules:
  http_2xx:
    prober: http
    timeout: 5s
    http: {preferred_ip_protocol: ip4}
"""
_PAGE = b'{"status": "ok"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_PAGE),
    _PAGE,
)


class _Service(asyncio.Protocol):
    """A service that is well, and keeps its connections; it counts who asks."""

    def __init__(self, asked: Counter[str]) -> None:
        self._asked = asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked["muster" if b"muster" in data.lower() else "blackbox"] += 1
        self._transport.write(_ANSWER)


@contextlib.asynccontextmanager
async def services(count: int, asked: Counter[str]) -> AsyncIterator[list[str]]:
    """So many services, each with an address of its own."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as open_ones:
        ports = []
        for _ in range(count):
            server = await loop.create_server(lambda: _Service(asked), "127.0.0.1", 0)
            await open_ones.enter_async_context(server)
            ports.append(server.sockets[0].getsockname()[1])
        yield [f"http://127.0.0.1:{port}/health" for port in ports]


@contextlib.contextmanager
def exporter(folder: Path) -> Iterator[tuple[int, str]]:
    """A running blackbox_exporter: its process and its address."""
    (folder / "blackbox.yml").write_text(_MODULES, "utf-8")
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder}/blackbox.yml", f"--web.listen-address={address}"]
    process = subprocess.Popen([PROGRAM, *options], stderr=subprocess.DEVNULL)
    try:
        _wait_for(address)
        yield process.pid, f"http://{address}/probe"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{PROGRAM} did not start")


async def scrape(address: str, urls: list[str], until: float) -> None:
    """What Prometheus does: each service once an interval, spread over it."""
    async with aiohttp.ClientSession() as http:

        async def one(number: int, url: str) -> None:
            await asyncio.sleep(_EVERY * number / len(urls))
            while time.monotonic() < until:
                following = time.monotonic() + _EVERY
                asked = {"target": url, "module": "http_2xx"}
                async with http.get(address, params=asked) as answer:
                    assert "probe_success 1" in await answer.text()
                await asyncio.sleep(max(0.0, following - time.monotonic()))

        await asyncio.gather(*(one(number, url) for number, url in enumerate(urls)))


@dataclass(frozen=True)
class Used:
    """Of one process, over some time."""

    cpu_s: float
    memory_mb: float


async def used(pid: int, seconds: float) -> Used:
    before = cpu_seconds(pid)
    await asyncio.sleep(seconds)
    return Used(cpu_seconds(pid) - before, resident_mb(pid))


def run_bot(folder: Path, urls: list[str]) -> contextlib.AbstractContextManager[Stack]:
    """The whole bot, with no check but these probes."""
    folder.mkdir()

    def change(data: dict[str, Any]) -> None:
        data["detections"] = {"off": _detections()}
        data["checks"] = [
            {"name": f"service-{n}", "kind": "http_probe", "every": _EVERY, "url": url}
            | {"service": f"service {n}"}
            for n, url in enumerate(urls)
        ]

    return stack(folder, shop_options=("--rate", "0"), change=change)


def _detections() -> list[str]:
    from bot.check_settings import detections

    return list(detections())


async def measure(probes: int, seconds: float) -> dict[str, Any]:
    """Both in turn with the same services, and the bot without any beside."""
    asked: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with services(probes, asked) as urls:
            with run_bot(folder / "without", []) as running:
                assert running.bot is not None
                await asyncio.sleep(_SETTLE)
                idle = await used(running.bot.process.pid, seconds / 2)
            with (
                run_bot(folder / "with", urls) as running,
                exporter(folder) as (blackbox, address),
            ):
                assert running.bot is not None
                scraping = asyncio.create_task(
                    scrape(address, urls, time.monotonic() + _SETTLE + seconds)
                )
                await asyncio.sleep(_SETTLE)
                asked.clear()
                ours, theirs = await asyncio.gather(
                    used(running.bot.process.pid, seconds), used(blackbox, seconds)
                )
                seen = Counter(asked)
                await scraping
    extra = ours.cpu_s - 2 * idle.cpu_s
    muster_ms = extra * 1000 / seen["muster"]
    blackbox_ms = theirs.cpu_s * 1000 / seen["blackbox"]
    return {
        "probes": probes,
        "every_s": _EVERY,
        "asked": dict(seen),
        "muster_ms": muster_ms,
        "blackbox_ms": blackbox_ms,
        "ratio": muster_ms / blackbox_ms,
        "idle_cpu_s": idle.cpu_s,
        "added_mb": ours.memory_mb - idle.memory_mb,
        "memory_mb": {"muster": ours.memory_mb, "blackbox": theirs.memory_mb},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--probes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    if shutil.which(PROGRAM) is None:
        raise SystemExit(f"{PROGRAM} is missing: install the Debian package of that name.")
    found = asyncio.run(measure(options.probes, options.seconds))
    print(
        f"{found['probes']} probes every {_EVERY} s: {found['muster_ms']:.2f} ms of processor a "
        f"probe, blackbox_exporter {found['blackbox_ms']:.2f} ms ({found['ratio']:.2f} ×); "
        f"{found['added_mb']:+.1f} MB"
    )
    write_json(options.json, found)


if __name__ == "__main__":
    main()
