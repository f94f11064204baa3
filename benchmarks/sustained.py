"""Fifty interactions a second for ten minutes, over 100 incidents in 20 channels.

    python -m benchmarks.sustained                      # SQLite, ten minutes
    python -m benchmarks.sustained --postgres --minutes 1
    python -m benchmarks.sustained --no-limits          # Slack takes whatever is sent

The real bot as a process, the sandbox Slack as another, and this one, which is the people:
presses of the cards' buttons and menus, notes, commands, forms (`benchmarks/traffic.py` has the
mix). Measured: how long each acknowledgement takes (in the sandbox, from writing the payload to
reading its acknowledgement), the age of the oldest delivery that is not worked off (once a second,
from the database), the bot's memory before and after, and how long after the end every card in
Slack is current. Slack's rate limits are on throughout.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Engine

from benchmarks.common import (
    cpu_seconds,
    database_name,
    figures,
    prepare,
    resident_mb,
    write_json,
)
from benchmarks.house import Running, house
from benchmarks.traffic import Crowd
from benchmarks.watch import Watch, beside, look

GOALS = {"p99_ms": 100.0, "oldest_s": 1.0, "memory_mb": 20.0, "current_s": 60.0}
SETTLED = 5.0  # seconds of the same traffic before memory is first read: pools and caches fill
PATIENCE = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=50.0, help="interactions a second")
    parser.add_argument("--incidents", type=int, default=100)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--slack-ms", type=float, default=150.0)
    parser.add_argument("--no-limits", action="store_true", help="without Slack's rate limits")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    found = run(options)
    show(found)
    write_json(options.json, found)
    sys.exit(0 if found["met"] else 1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as folder,
        house(
            Path(folder),
            postgres=options.postgres,
            channels=options.channels,
            types=options.incidents,
        ) as running,
        beside(running.database) as engine,
    ):
        return asyncio.run(measure(running, engine, options))


async def measure(running: Running, engine: Engine, options: argparse.Namespace) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        slack = running.stack.slack_url
        crowd, watch = Crowd(http, slack), Watch(engine, http, slack)
        await declare(crowd, running)
        running.options(latency=options.slack_ms / 1000, rate_limits=not options.no_limits)
        await crowd.work(options.rate, SETTLED)
        crowd.done.clear()
        crowd.refused.clear()
        await watch.begin()
        pids = {
            "bot": running.bot.process.pid,
            "slack": running.stack.slack.process.pid,
        }
        memory, used = resident_mb(pids["bot"]), {n: cpu_seconds(p) for n, p in pids.items()}
        watching = asyncio.create_task(watch.run())
        began = time.monotonic()
        await crowd.work(options.rate, options.minutes * 60)
        took = time.monotonic() - began
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        ended = time.monotonic()
        found = {
            "database": database_name(options.postgres),
            "minutes": options.minutes,
            "rate": sum(crowd.done.values()) / took,
            "limits": not options.no_limits,
            "slack_ms": options.slack_ms,
            "cpu": {n: (cpu_seconds(p) - used[n]) / took for n, p in pids.items()},
            "memory_mb": [memory, resident_mb(pids["bot"])],
        }
        await watch.read_acks()
        last = look(engine)
        current = await until_current(engine, ended)
    found |= {
        "acks": figures(watch.acks),
        "oldest_s": max(seen.oldest for seen in watch.looks),
        "most_unsent": max(seen.messages for seen in watch.looks),
        "stale_at_end": last.stale,
        "unsent_at_end": last.messages,
        "current_s": current,
        "done": dict(crowd.done),
        "refused": dict(crowd.refused),
    }
    found["met"] = met(found)
    return found


async def declare(crowd: Crowd, running: Running) -> None:
    """One incident of each type, in one line each; returns when all cards stand."""
    for name in running.types:
        answer = await crowd.command("U0MEI", f"{name} payments fail since two")
        assert answer["ok"], answer
    end = time.monotonic() + PATIENCE
    while len(crowd.cards) < len(running.types):
        assert time.monotonic() < end, f"only {len(crowd.cards)} cards stand"
        await asyncio.sleep(1.0)
        crowd.cards = [card for one in running.channels for card in await crowd.see(one)]


async def until_current(engine: Engine, ended: float) -> float | None:
    """Seconds after the end at which no card waits for its refresh; None: it took too long."""
    while time.monotonic() - ended < PATIENCE:
        seen = await asyncio.to_thread(look, engine)
        if not seen.stale and not seen.oldest:
            return time.monotonic() - ended
        await asyncio.sleep(0.5)
    return None


def met(found: dict[str, Any]) -> bool:
    memory = found["memory_mb"]
    return (
        found["acks"]["p99"] <= GOALS["p99_ms"]
        and found["acks"]["acked"] == found["acks"]["sent"]
        and found["oldest_s"] <= GOALS["oldest_s"]
        and memory[1] - memory[0] <= GOALS["memory_mb"]
        and found["current_s"] is not None
        and found["current_s"] <= GOALS["current_s"]
    )


def show(found: dict[str, Any]) -> None:
    acks, memory, cpu = found["acks"], found["memory_mb"], found["cpu"]
    limits = "Slack's limits on" if found["limits"] else "no limits"
    print(f"{found['database']}, {found['rate']:.1f} interactions/s for {found['minutes']:g} min,")
    print(f"  Slack at {found['slack_ms']:.0f} ms, {limits}: {found['done']}")
    print(f"  refused by Slack: {found['refused'] or 'none'}")
    print(
        f"  acks {acks['acked']}/{acks['sent']}  p50 {acks['p50']:.1f}  p90 {acks['p90']:.1f}"
        f"  p99 {acks['p99']:.1f}  max {acks['max']:.1f} ms (goal p99 {GOALS['p99_ms']:.0f})"
    )
    print(f"  oldest unworked delivery {found['oldest_s']:.2f} s (goal {GOALS['oldest_s']:g})")
    print(
        f"  memory {memory[0]:.0f} → {memory[1]:.0f} MB (goal +{GOALS['memory_mb']:.0f}); "
        f"CPU bot {cpu['bot']:.2f}, sandbox Slack {cpu['slack']:.2f} cores"
    )
    current = found["current_s"]
    after = "never" if current is None else f"{current:.0f} s after the end"
    print(
        f"  {found['stale_at_end']} cards to refresh and {found['unsent_at_end']} messages unsent"
        f" at the end; every card current {after} (goal {GOALS['current_s']:.0f} s)"
    )


if __name__ == "__main__":
    main()
