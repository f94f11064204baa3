"""The bot as it is, in a process that kills itself at a named point of a person's delivery.

    python -m tests.journeys.crashing_bot stored|acknowledged|alert run --config …

For the two moments that nothing outside can hit: between the commit of the stored row and its
acknowledgement, and between the acknowledgement and the first work on it. With `alert` the work on
other systems' alerts never begins, until somebody kills it. The product itself knows nothing of
this.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from bot.cli.main import main
from bot.intake.alert_work import AlertWork
from bot.intake.deliveries import Delivery
from bot.intake.receive import Intake, Reply
from storage.models import WorkItem

_receive = Intake._receive
_hand_over = Intake._hand_over


async def _die_when_stored(self: Intake, delivery: Delivery) -> Reply:
    reply = await _receive(self, delivery)
    if delivery.by_a_person:
        os.kill(os.getpid(), signal.SIGKILL)
    return reply


def _die_when_acknowledged(self: Intake) -> None:
    if any(delivery.by_a_person for _, _, delivery, *_ in self._stored):
        os.kill(os.getpid(), signal.SIGKILL)
    _hand_over(self)


async def _never_begin(_self: AlertWork, _item: WorkItem) -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    point = sys.argv.pop(1)
    if point == "stored":
        Intake._receive = _die_when_stored  # type: ignore[method-assign]
    elif point == "acknowledged":
        Intake._hand_over = _die_when_acknowledged  # type: ignore[method-assign]
    elif point == "alert":
        AlertWork.run = _never_begin  # type: ignore[method-assign]
    else:
        raise SystemExit(f"no such point: {point}")
    main()
