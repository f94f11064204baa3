"""Start questions: what is asked of Slack at the start, all at once and waited for shortly.

A Slack that hangs must not keep the bot from being ready: what it has not said within the time is
taken up when it does, and until then what was known before holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

WITHIN = 1.0  # seconds; a Slack that is well answers in a tenth of them
_AGAIN, _SELDOM = 5.0, 60.0  # seconds after a try without an answer: at first, and later


class StartQuestions:
    """Runs them beside the start. What one of them raises is logged."""

    def __init__(self) -> None:
        self._asked: set[asyncio.Task[None]] = set()
        self._new: set[asyncio.Task[None]] = set()

    def ask(
        self,
        name: str,
        question: Callable[[], Awaitable[Any]],
        *,
        answered: Callable[[], bool] = lambda: True,
    ) -> None:
        """From now on, whoever waits for it; again and again until it is answered."""
        asking = _ask(name, question, answered)
        self._new.add(asyncio.create_task(asking, name=f"ask-{name}"))

    async def answers(self) -> None:
        """To what was asked since the last time, or what there is of them in time."""
        asked, self._new = self._new, set()
        self._asked |= asked
        _, left = await asyncio.wait(asked, timeout=WITHIN)
        if left:
            log.warning("slack_is_slow", asked=sorted(task.get_name() for task in left))

    async def stop(self) -> None:
        asked = self._asked | self._new
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _ask(
    name: str, question: Callable[[], Awaitable[Any]], answered: Callable[[], bool]
) -> None:
    pause = _AGAIN
    while True:
        try:
            await question()
        except Exception:
            log.exception("question_failed", question=name)
        if answered():
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, _SELDOM)
