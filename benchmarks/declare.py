"""From `/incident` in one line to the thread in Slack, with the real bot; and 50 at once.

    python -m benchmarks.declare                       # Slack at 300 and at 150 ms, then 50 at once
    python -m benchmarks.declare --channels 1          # all 50 in one channel: one post a second

Measured in the sandbox Slack: from sending the command to the bot until Slack has answered the
card's post (goal: 1.3 of Slack's round trips) and the last of card, runbook and first log line
(goal: 3). Then 50 commands at once with Slack's rate limits on: every incident must stand, whole
(card, runbook, log line) and once.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.common import database_name, prepare, write_json
from benchmarks.house import Running, house
from benchmarks.traffic import PEOPLE, Crowd, Json

FIRST_GOAL, WHOLE_GOAL = 1.3, 3.0  # round trips
_MESSAGES = 3  # card, runbook, log line
_PATIENCE = 600.0
_FIELDS = "n,method,sent,answered,status,args"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slack-ms", type=float, nargs="+", default=[300.0, 150.0])
    parser.add_argument("--incidents", type=int, default=10, help="one after the other, each speed")
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    found = run(options)
    write_json(options.json, found)
    sys.exit(0 if found["met"] else 1)


def run(options: argparse.Namespace) -> dict[str, Any]:
    types = options.incidents * len(options.slack_ms) + options.at_once
    with (
        tempfile.TemporaryDirectory() as folder,
        house(
            Path(folder), postgres=options.postgres, channels=options.channels, types=types
        ) as running,
    ):
        return asyncio.run(measure(running, options))


async def measure(running: Running, options: argparse.Namespace) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        crowd = Crowd(http, running.stack.slack_url)
        left = list(running.types)
        speeds = []
        for milliseconds in options.slack_ms:
            running.options(latency=milliseconds / 1000)
            names = [left.pop(0) for _ in range(options.incidents)]
            speeds.append(await one_by_one(crowd, names, milliseconds))
        met = all(one["met"] for one in speeds)
        found = {"database": database_name(options.postgres), "speeds": speeds}
        if options.at_once:
            running.options(rate_limits=True)
            found["at_once"] = await at_once(crowd, running, left)
            met = met and found["at_once"]["once"]
    return found | {"met": met}


async def one_by_one(crowd: Crowd, names: list[str], milliseconds: float) -> dict[str, Any]:
    firsts, wholes = [], []
    for name in names:
        since = (await crowd.call("log", since="999999999"))["last"]
        assert (await crowd.command("U0MEI", f"{name} payments fail since two"))["ok"]
        answered, sent = await _thread(crowd, since)
        firsts.append((answered[0] - sent) * 1000)
        wholes.append((answered[_MESSAGES - 1] - sent) * 1000)
        await asyncio.sleep(2.0)  # the bot's own budget is whole again, as after a quiet hour
    first, whole = statistics.median(firsts), statistics.median(wholes)
    trips = first / milliseconds, whole / milliseconds
    print(f"{len(names)} incidents, Slack at {milliseconds:.0f} ms, medians:")
    print(f"  first post {first:6.0f} ms  {trips[0]:.2f} round trips (goal {FIRST_GOAL})")
    print(f"  thread     {whole:6.0f} ms  {trips[1]:.2f} round trips (goal {WHOLE_GOAL})")
    return {
        "slack_ms": milliseconds,
        "first_ms": first,
        "whole_ms": whole,
        "first_trips": trips[0],
        "whole_trips": trips[1],
        "met": trips[0] <= FIRST_GOAL and trips[1] <= WHOLE_GOAL,
    }


async def _thread(crowd: Crowd, since: int) -> tuple[list[float], float]:
    """When Slack answered each post in the incident's channel, and when the command was sent."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        await asyncio.sleep(0.3)  # Slack is another process: there is nothing to wait on
        log = await crowd.call("log", since=str(since), method="chat.postMessage", fields=_FIELDS)
        done = [e for e in log["requests"] if e["answered"] and e["status"] == 200]
        posts = [e for e in done if str(e["args"]["channel"]).startswith("C")]
        if len(posts) >= _MESSAGES:
            return sorted(float(e["answered"]) for e in posts), float(log["deliveries"][0]["sent"])
    raise TimeoutError("the thread did not come")


async def at_once(crowd: Crowd, running: Running, names: list[str]) -> dict[str, Any]:
    """All commands in one go; then however long Slack's limits make it take."""
    since = (await crowd.call("log", since="999999999"))["last"]
    began = time.monotonic()
    answers = await asyncio.gather(
        *(
            crowd.command(PEOPLE[number % len(PEOPLE)], f"{name} payments fail since two")
            for number, name in enumerate(names)
        )
    )
    acked = sum(1 for answer in answers if answer["ok"])
    before = len(running.types) - len(names)
    cards_s = None
    while True:
        threads = [t for channel in running.channels for t in await _threads(crowd, channel)]
        if cards_s is None and len(threads) >= len(running.types):
            cards_s = time.monotonic() - began
        whole = sum(1 for thread in threads if len(thread) >= _MESSAGES)
        if whole >= len(running.types) or time.monotonic() - began > _PATIENCE:
            break
        await asyncio.sleep(1.0)
    took = time.monotonic() - began
    standing = Counter(thread[0]["text"] for thread in threads)
    once = (
        len(threads) == whole == len(running.types)
        and all(count == 1 for count in standing.values())
        and all(len({m["text"] for m in thread}) == len(thread) for thread in threads)
    )
    log = await crowd.call("log", since=str(since), fields="n,method,status")
    limited = sum(1 for e in log["requests"] if e["status"] == 429)
    print(f"{len(names)} declared at once in {len(running.channels)} channels, Slack's limits on:")
    print(f"  acknowledged {acked}, threads whole {whole - before}, each once: {once}")
    print(f"  all cards after {cards_s or 0:.0f} s, all whole after {took:.0f} s; 429: {limited}")
    return {
        "sent": len(names),
        "acked": acked,
        "whole": whole - before,
        "once": once and acked == len(names),
        "cards_s": cards_s,
        "all_s": took,
        "limited": limited,
    }


async def _threads(crowd: Crowd, channel: str) -> list[list[Json]]:
    """Each card of the channel with its replies."""
    threads = []
    for card in await crowd.see(channel):
        query = {"as": PEOPLE[0], "channel": channel, "thread_ts": card.ts}
        found = (await crowd.call("messages", None, **query))["messages"]
        threads.append([message for message in found if not message["ephemeral"]])
    return threads


if __name__ == "__main__":
    main()
