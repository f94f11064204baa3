"""Starts, kills, freezes and drives a bot process from a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.sandbox_slack.conftest import until

_ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """One bot process after the other on the same database; their clock goes on."""

    wish: dict[str, Any]
    session: aiohttp.ClientSession
    ahead: float = 0.0
    control: str = ""
    process: asyncio.subprocess.Process | None = None
    errors: list[str] = field(default_factory=list)

    async def start(self, **more: Any) -> bool:
        """False: it was ended before it was ready."""
        wish = {**self.wish, "ahead": self.ahead, **more}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.program",
            json.dumps(wish),
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        while line := await asyncio.wait_for(self.process.stdout.readline(), 60):
            if line.startswith(b'{"control"'):
                self.control = json.loads(line)["control"]
                self._drain()
                return True
        _, said = await self.process.communicate()
        self.errors.append(said.decode(errors="replace")[-800:])
        return False

    def _drain(self) -> None:
        assert self.process is not None
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            self._readers = [*getattr(self, "_readers", []), asyncio.create_task(_read(stream))]

    def send(self, number: signal.Signals) -> None:
        if self.alive and self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.process.pid, number)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def ended(self) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), 20)

    async def kill(self) -> None:
        self.send(signal.SIGKILL)
        await self.ended()

    async def advance(self, seconds: float, sandbox: Any) -> None:
        """Both clocks; returns when what became due is done."""
        self.ahead += seconds
        sandbox.world.clock.advance(seconds)
        async with self.session.post(f"{self.control}/clock", json={"advance": seconds}) as answer:
            assert answer.status == 200
        await until(self.idle, seconds=15)

    async def idle(self) -> bool:
        async with self.session.get(f"{self.control}/idle") as answer:
            return bool((await answer.json())["idle"])

    async def idle_or_dead(self) -> bool:
        if not self.alive:
            return True
        try:
            return await self.idle()
        except aiohttp.ClientError:
            return False


async def _read(stream: asyncio.StreamReader) -> None:
    while await stream.read(65536):
        pass
