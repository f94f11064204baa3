"""A hundred thousand messages wait while Slack is down; then it is back, with its limits.

    python -m benchmarks.backlog                    # about four minutes
    python -m benchmarks.backlog --quick            # 20,000 messages, one minute of the drain

Incidents are declared while Slack takes everything, and more of them while it refuses everything;
notes in all threads fill the work table up. The bot is started over that, first without Slack, then
with it. The clocks are driven: the bot's own budget decides when a message goes, so a minute of the
drain takes as long as the two programs need for its messages. Measured: the peak of the bot's
memory (goal: 200 MB), a claim, how many calls Slack took in each of its minutes beside its limits,
and whether the first posts of incidents went before the log lines of others.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from sqlalchemy import func, select

from benchmarks.backlog_rows import claim_ms, fill, open_beside, unsent
from benchmarks.common import cpu_seconds, database_name, peak_mb, prepare, write_json
from benchmarks.house import Running, house
from benchmarks.sustained import declare
from benchmarks.traffic import Crowd, Json
from benchmarks.watch import beside
from bot.cli.stack import control_of
from storage import work
from storage.database import Database
from storage.models import Incident, SlackMessage, WorkKind

GOAL_MB = 200.0
GOAL_CLAIM_MS = 25.0
LIMITS = {"chat.postMessage": 300, "chat.update": 50}  # Slack: calls a minute of a workspace
EARLY = 16  # lines that are begun beside the first posts, which are looked for before they go
LEAST = 0.75  # of what Slack takes in a minute: a fifth is kept for what is urgent
_STEP = 2.0  # seconds by which the clocks are moved on
_PACE = 4.0  # posts a second: what the bot's own budget leaves to routine messages
_REST = 1.0  # real seconds without a call, after which it waits for time to pass
_PATIENCE = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--standing", type=int, default=40, help="incidents that stand in Slack")
    parser.add_argument("--waiting", type=int, default=120, help="incidents that do not yet")
    parser.add_argument("--minutes", type=int, default=3, help="of the drain, by the driven clock")
    parser.add_argument("--down", type=float, default=20.0, help="real seconds without Slack")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.messages, options.standing, options.waiting = 20_000, 20, 30
        options.minutes, options.down = 1, 10.0
    prepare()
    found = run(options)
    show(found)
    write_json(options.json, found)
    sys.exit(0 if found["met"] else 1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    types = options.standing + options.waiting
    with (
        tempfile.TemporaryDirectory() as folder,
        house(Path(folder), postgres=options.postgres, types=types) as running,
    ):
        asyncio.run(outage(running, options))
        running.bot.stop()
        database = open_beside(running.stack, running.database)
        try:
            return measure(running, database, options)
        finally:
            database.close_now()


async def outage(running: Running, options: argparse.Namespace) -> None:
    """Some incidents are told, then Slack is gone for everything but what people type."""
    names = running.types
    async with aiohttp.ClientSession() as http:
        crowd = Crowd(http, running.stack.slack_url)
        told = Running(running.stack, running.database, running.channels, names[: options.standing])
        await declare(crowd, told)
        await crowd.call("faults", {"method": "*", "kind": "down"})
        for name in names[options.standing :]:
            answer = await crowd.command("U0MEI", f"{name} payments fail since two")
            assert answer["ok"], answer
    end = time.monotonic() + _PATIENCE
    with beside(running.database) as engine, engine.connect() as connection:
        while connection.scalar(select(func.count(Incident.id))) < len(names):
            assert time.monotonic() < end, "the incidents were not opened"
            connection.rollback()
            await asyncio.sleep(0.5)


def measure(running: Running, database: Database, options: argparse.Namespace) -> dict[str, Any]:
    opened = database.read_now(lambda s: s.scalar(select(func.count(Incident.id))))
    messages = fill(database, options.messages)
    print(f"{messages} messages of {opened} incidents wait", flush=True)
    claims = claim_ms(database, datetime.now(UTC))
    began = time.monotonic()
    bot = running.stack.start_bot("--control", "0")
    ready = time.monotonic() - began
    used, began = cpu_seconds(bot.process.pid), time.monotonic()
    time.sleep(options.down)
    down_cpu = (cpu_seconds(bot.process.pid) - used) / (time.monotonic() - began)
    down_mb = peak_mb(bot.process.pid)
    drain = Drain(running, database)
    drained = drain.run(options.minutes)
    found = {
        "database": database_name(options.postgres),
        "messages": messages,
        "incidents": opened,
        "claim_ms": claims,
        "ready_s": ready,
        "down": {"seconds": options.down, "cpu": down_cpu, "memory_mb": down_mb},
        "memory_mb": peak_mb(bot.process.pid),
        **drained,
        "left": database.read_now(unsent),
        "in_order": database.read_now(in_order),
    }
    return found | {"met": met(found)}


class Drain:
    """Slack is back: the clocks go on in steps, each when the bot has done what is due."""

    def __init__(self, running: Running, database: Database) -> None:
        self._slack = running.stack.slack_url
        self._control = control_of(running.bot)
        self._pid = running.bot.process.pid
        self._database = database
        self._http = httpx.Client(timeout=30)
        self._since = 0
        self._took: Counter[tuple[int, str]] = Counter()  # by minute and method
        self._roots: list[int] = []  # where in the log first posts stand
        self._lines: list[int] = []  # and log lines in threads that stood before
        self._limited = 0
        self._began: float | None = None  # when Slack first took a call again, by its clock

    def run(self, minutes: int) -> dict[str, Any]:
        standing = set(self._database.read_now(_threads))
        self._since = int(self._log()["last"])
        self._http.post(f"{self._slack}/hand/options", json={"rate_limits": True})
        self._http.delete(f"{self._slack}/hand/faults")
        used, real = cpu_seconds(self._pid), time.monotonic()
        while self._gone() < minutes * 60:
            self._keeps_up(standing)
            self._advance()
        self._read(standing)
        calls = sum(self._took.values())
        last_root = max(self._roots, default=0)
        return {
            "minutes": [{m: self._took[minute, m] for m in LIMITS} for minute in range(minutes)],
            "first_posts": len(self._roots),
            "lines_before": sum(1 for line in self._lines if line < last_root),
            "limited": self._limited,
            "took_s": time.monotonic() - real,
            "cpu_ms": (cpu_seconds(self._pid) - used) / max(1, calls) * 1000,
        }

    def _now(self) -> datetime:
        answer = self._http.get(f"{self._control}/clock").json()
        return datetime.fromisoformat(answer["now"])

    def _gone(self) -> float:
        """Seconds of the driven clock since Slack took the first call."""
        return 0.0 if self._began is None else self._now().timestamp() - self._began

    def _advance(self) -> None:
        for url in (f"{self._slack}/hand/clock", f"{self._control}/clock"):
            self._http.post(url, json={"advance": _STEP}).raise_for_status()

    def _keeps_up(self, standing: set[str]) -> None:
        """Until what the time allows is posted, or nothing is due and nothing was sent lately."""
        heard = began = time.monotonic()
        while time.monotonic() - began < _PATIENCE:
            if self._read(standing):
                heard = time.monotonic()
            posted = sum(n for (_, method), n in self._took.items() if method == "chat.postMessage")
            if self._began is not None and posted >= self._gone() * _PACE:
                return
            if time.monotonic() - heard > _REST and not self._due():
                return
            time.sleep(0.05)

    def _due(self) -> bool:
        now = self._now()
        return bool(
            self._database.read_now(
                lambda s: work.candidates(s, WorkKind.MESSAGE, now=now, limit=1)
            )
        )

    def _log(self) -> Json:
        query = {"since": str(self._since), "fields": "n,time,method,status,args"}
        answer: Json = self._http.get(f"{self._slack}/hand/log", params=query).json()
        return answer

    def _read(self, standing: set[str]) -> bool:
        """Counts what Slack was asked since the last look; whether that was anything."""
        log = self._log()
        self._since = int(log["last"])
        for entry in log["requests"]:
            if entry["status"] == 429:
                self._limited += 1
            if entry["status"] != 200:
                continue
            if self._began is None:
                self._began = entry["time"]
            minute = int((entry["time"] - self._began) // 60)
            self._took[minute, entry["method"]] += 1
            self._sort(entry, standing)
        return bool(log["requests"])

    def _sort(self, entry: Mapping[str, Any], standing: set[str]) -> None:
        args = entry["args"]
        if entry["method"] != "chat.postMessage" or not str(args["channel"]).startswith("C"):
            return
        if not args.get("thread_ts"):
            self._roots.append(entry["n"])
        elif args["thread_ts"] in standing:
            self._lines.append(entry["n"])


def _threads(session: Any) -> list[str]:
    """The roots that stand."""
    return [
        str(ts)
        for ts in session.scalars(
            select(SlackMessage.ts).where(
                SlackMessage.thread_ts.is_(None), SlackMessage.ts.is_not(None)
            )
        )
    ]


def in_order(session: Any) -> bool:
    """In each thread the log lines stand in the order of what happened."""
    rows = session.execute(
        select(SlackMessage.incident_id, SlackMessage.key, SlackMessage.ts).where(
            SlackMessage.key.like("%/log/%"), SlackMessage.ts.is_not(None)
        )
    )
    threads: dict[int, list[tuple[int, str]]] = {}
    for incident, key, ts in rows:
        threads.setdefault(incident, []).append((int(key.rpartition("/")[2]), ts))
    return all(
        [ts for _, ts in sorted(lines)] == sorted(ts for _, ts in lines)
        for lines in threads.values()
    )


def met(found: Mapping[str, Any]) -> bool:
    return (
        found["memory_mb"] <= GOAL_MB
        and found["claim_ms"]["search"] + found["claim_ms"]["take"] <= GOAL_CLAIM_MS
        and at_rate(found)
        and found["lines_before"] <= EARLY
        and found["in_order"]
    )


def at_rate(found: Mapping[str, Any]) -> bool:
    """Each minute near what Slack takes, and never refused for its rate."""
    return found["limited"] == 0 and all(
        LEAST * LIMITS["chat.postMessage"] <= minute["chat.postMessage"]
        and all(minute[method] <= limit for method, limit in LIMITS.items())
        for minute in found["minutes"]
    )


def show(found: Mapping[str, Any]) -> None:
    claim, down = found["claim_ms"], found["down"]
    print(f"{found['database']}, {found['messages']} messages of {found['incidents']} incidents:")
    print(
        f"  peak memory {found['memory_mb']:.0f} MB (goal {GOAL_MB:.0f}), without Slack "
        f"{down['memory_mb']:.0f} MB and {down['cpu']:.2f} cores; ready in {found['ready_s']:.1f} s"
    )
    print(
        f"  a claim: search {claim['search']:.1f} + take {claim['take']:.1f} ms, "
        f"worst {claim['worst']:.1f} (goal {GOAL_CLAIM_MS:.0f})"
    )
    for number, minute in enumerate(found["minutes"], 1):
        said = ", ".join(f"{m} {count} of {LIMITS[m]}" for m, count in minute.items())
        print(f"  minute {number} of the drain: {said}")
    print(
        f"  answers of 429: {found['limited']}; {found['first_posts']} first posts, "
        f"{found['lines_before']} lines of older threads before the last of them"
    )
    print(
        f"  threads in order: {found['in_order']}; the drain took {found['took_s']:.0f} s, "
        f"{found['cpu_ms']:.0f} ms of the processor for a call"
    )


if __name__ == "__main__":
    main()
