"""`benchmarks.ack --real`: the same bursts against the real bot, its plan and its handlers.

A hundred incidents stand; people press their cards' buttons and menus, two hundred at once. Beside
it runs the same traffic as in `benchmarks.sustained`, at a rate whose transactions are about the
60 a second of the goal: an interaction is stored, done and settled, and its answer is claimed and
settled. What is measured is the sandbox's own timing, from writing a payload to reading its
acknowledgement. Here the bursts come from the sandbox that the bot also posts to, so they share its
event loop; the figures of the known weight, whose sender does nothing else, are the sharper ones.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Engine

from benchmarks.house import Running, house
from benchmarks.sustained import declare
from benchmarks.traffic import PEOPLE, Crowd, Json
from benchmarks.watch import beside, look

PER_INTERACTION = 5.0  # transactions, at least
_WORKED_OFF_WITHIN = 120.0
_LOOKS = 10


def run(mode: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """All bursts of one transport."""
    with (
        tempfile.TemporaryDirectory() as folder,
        house(Path(folder), postgres=options.postgres, mode=mode) as running,
        beside(running.database) as engine,
    ):
        return asyncio.run(_measure(mode, running, engine, options))


async def _measure(
    mode: str, running: Running, engine: Engine, options: argparse.Namespace
) -> list[dict[str, Any]]:
    rows = []
    async with aiohttp.ClientSession() as http:
        crowd = Crowd(http, running.stack.slack_url)
        await declare(crowd, running)
        running.options(latency=options.slack_ms / 1000)
        traffic = asyncio.create_task(crowd.work(options.rate / PER_INTERACTION, 3600))
        for number in range(1, options.bursts + 1):
            answer = await _volley(crowd, running, options.at_once)
            took = answer["milliseconds"]
            row = {"mode": f"{mode}, real", "burst": number, **took}
            row |= {"sent": answer["sent"], "acked": answer["acked"]}
            rows.append(row)
            print(
                f"{mode:7} burst {number:2}  n={row['acked']}/{row['sent']}"
                f"  p50 {row['p50']:6.1f}  p99 {row['p99']:6.1f}  max {row['max']:6.1f} ms"
            )
            await _worked_off(engine)
        traffic.cancel()
        await asyncio.gather(traffic, return_exceptions=True)
    return rows


async def _volley(crowd: Crowd, running: Running, count: int) -> Json:
    """Tried again where a card changed between the look at it and the press."""
    answer: Json = {}
    for _ in range(_LOOKS):
        crowd.cards = [card for one in running.channels for card in await crowd.see(one)]
        answer = await crowd.call("volley", {"clicks": _clicks(crowd, count)})
        if answer["ok"]:
            return answer
    raise RuntimeError(f"the presses were refused: {answer}")


def _clicks(crowd: Crowd, count: int) -> list[Json]:
    """A press of the next button of each card, and of its menu's other language."""
    clicks: list[Json] = []
    for number in range(count):
        card = crowd.cards[number % len(crowd.cards)]
        wish = {"as": PEOPLE[number % len(PEOPLE)], "channel": card.channel, "ts": card.ts}
        button, menu = card.element("step.run", "incident.take"), card.element("more")
        if menu is not None and (button is None or number % 2):
            chosen = {"action_id": menu["action_id"], "selected_option": menu["options"][-1]}
            clicks.append(wish | chosen)
        elif button is not None:
            pressed = {name: button[name] for name in ("action_id", "block_id", "value")}
            clicks.append(wish | pressed)
    return clicks


async def _worked_off(engine: Engine) -> None:
    """Returns when the burst has been worked off but for what came in within the last second."""
    end = time.monotonic() + _WORKED_OFF_WITHIN
    while time.monotonic() < end:
        await asyncio.sleep(1.0)
        if (await asyncio.to_thread(look, engine)).oldest < 1.0:
            return
