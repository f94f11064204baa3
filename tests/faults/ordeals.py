"""One answer of Slack as a fault: set, suffered, over; and what must be true afterwards."""

from __future__ import annotations

from tests.delivery.conftest import Postbox
from tests.faults.classes import Way
from tests.sandbox_slack.conftest import until

CLEAN = {"rate_limited", "no_retry_after"}  # certainly without effect, and soon over
_KINDS = {"retry_after_600": "rate_limited", "slack_down": "down"}
_RETRY_AFTER = {"rate_limited": 3, "retry_after_600": 600}
_LATE = 20.0  # seconds until what was given up lands


def set_fault(postbox: Postbox, way: Way, fault: str) -> None:
    kind = _KINDS.get(fault, fault)
    if kind == "down":
        postbox.fault("*", "down")
        return
    seconds = _LATE if kind == "late_effect" else 0
    retry_after = _RETRY_AFTER.get(fault, 1)
    more = {"match": way.match} if way.match else {}
    postbox.fault(way.method, kind, seconds=seconds, retry_after=retry_after, **more)


async def pass_fault(postbox: Postbox, way: Way, fault: str) -> None:
    """The fault happens, and is over."""
    if fault == "slack_down":
        for _ in range(20):
            await postbox.run(180)
            await way.meanwhile(postbox)
        asked = len(postbox.sandbox.world.log.requests)
        assert asked < 450, f"{asked} calls in an hour of outage"
        postbox.sandbox.world.faults.remove()
    elif fault == "late_effect":
        await postbox.run(8)
        await way.meanwhile(postbox)
        await postbox.run(_LATE - 2)
        await until(lambda: _landed(postbox))
    elif fault == "retry_after_600":
        await postbox.run(590)
        assert _asked_again(postbox, way) == 0, "asked again before its time"
        await postbox.run(30)
    await postbox.run(200)


def _landed(postbox: Postbox) -> bool:
    late = [e for e in postbox.sandbox.world.log.requests if e.fault == "late_effect"]
    return bool(late) and all(entry.effect for entry in late)


def _asked_again(postbox: Postbox, way: Way) -> int:
    """Calls of the method after the one that was refused."""
    calls = [e for e in postbox.sandbox.world.log.requests if e.method == way.method]
    refused = [index for index, e in enumerate(calls) if e.status == 429]
    return len(calls[refused[0] + 1 :])


async def settled(postbox: Postbox, way: Way, *, surely: bool = True) -> None:
    """Stands once and in order; nothing is left to do and nothing unclear."""
    seen = await way.seen(postbox)
    if way.at_most_once and not surely:
        assert seen in ([], way.wanted)
    else:
        assert seen == way.wanted
    assert set((await postbox.states()).values()) == {"done"}
