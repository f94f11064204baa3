"""Volley: many interactions in one go, and how long each took to be acknowledged: for measuring the
app.

All payloads are built before the first is written, so that what is measured is the app and not
the sandbox. The times are those of this process and real.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack import payloads
from sandbox.slack.delivery import COMMANDS, EVENTS, INTERACTIVE
from sandbox.slack.errors import Json, Refused
from sandbox.slack.interactions import click_payload, person_of
from sandbox.slack.world import World

_MOST = 1_000


async def volley(world: World, wish: Json) -> Json:
    """{n, as, channel, command, text}, {n, as, channel, ts, action_id}, {n, event} or {clicks}.

    `clicks`: one wish of /hand/click each, when they are not all the same.

    Returns {sent, acked, milliseconds: {p50, p99, max}}; the log has every single one.
    """
    clicks = wish.get("clicks")
    number = int(wish.get("n", 200)) if clicks is None else len(clicks)
    if not 1 <= number <= _MOST:
        raise Refused("invalid_arguments", messages=[f"n must be 1 to {_MOST}"])
    type_, bodies = _bodies(world, wish, number)
    entries = await world.dispatcher.volley(type_, bodies, f"volley of {number}")
    took = sorted(
        entry.took * 1000 for entry in entries if entry.took is not None and entry.error is None
    )
    answer: Json = {"sent": number, "acked": len(took), "errors": number - len(took)}
    if took:
        answer["milliseconds"] = {
            "p50": _at(took, 0.5),
            "p99": _at(took, 0.99),
            "max": round(took[-1], 2),
        }
    return answer


def _at(ordered: list[float], part: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)


def _bodies(world: World, wish: Json, number: int) -> tuple[str, list[Json]]:
    if "clicks" in wish:
        return INTERACTIVE, [click_payload(world, each) for each in wish["clicks"]]
    if "event" in wish:
        return EVENTS, [_event(world, wish["event"]) for _ in range(number)]
    person = person_of(world, wish.get("as"))
    channel = world.channel_for_person(person.id, wish.get("channel"))
    if "command" in wish:
        text = str(wish.get("text") or "")
        return COMMANDS, [
            payloads.command(
                world,
                person,
                channel,
                str(wish["command"]),
                f"{text} {n}".strip(),
                world.triggers.issue(person.id),
            )
            for n in range(number)
        ]
    return INTERACTIVE, [click_payload(world, wish) for _ in range(number)]


def _event(world: World, event: Any) -> Json:
    return world.envelope({**event, "event_ts": world.clock.ts()})
