"""The bot as it is, on a machine whose wall clock somebody sets.

    python -m tests.house.stepped_bot FILE run --config …

FILE holds the seconds by which the wall clock is wrong; it is read at each look at the clock.
Running time is as it is. The product itself knows nothing of this.
"""

from __future__ import annotations

import datetime as real
import sys
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base
import apscheduler.triggers.interval

import bot.clock
import bot.schedule.scheduler
import storage.work.common
from bot.cli.main import main

_WATCHED: tuple[Any, ...] = (
    apscheduler.schedulers.base,
    apscheduler.triggers.interval,
    bot.clock,
    bot.schedule.scheduler,
    storage.work.common,
)


class _Kind(type):
    """What is a time to the others is one here too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, real.datetime)


def set_by(file: Path) -> None:
    """From now on whoever asks for the wall clock sees it off by what stands in the file."""

    class Stepped(real.datetime, metaclass=_Kind):
        @classmethod
        def now(cls, tz: real.tzinfo | None = None) -> real.datetime:  # type: ignore[override]
            off = real.timedelta(seconds=float(file.read_text("utf-8") or 0))
            return real.datetime.now(tz) + off

    for module in _WATCHED:
        module.datetime = Stepped


if __name__ == "__main__":
    set_by(Path(sys.argv.pop(1)))
    main()
