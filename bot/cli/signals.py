"""Signals: how `muster run` is ended, once asked gracefully, asked twice or too slow at once.

Ending at once is safe at any moment: what was acknowledged and what was sent stands in the
database, and the next start looks what became of the rest.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import structlog

log = structlog.get_logger(__name__)

GRACE_SECONDS = 9.8  # after which the process ends, whatever still holds it up
AT_ONCE = 130  # exit code of a process that did not end by itself


class Ending:
    """Listens to SIGINT and SIGTERM on the running loop."""

    def __init__(self, *, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._asked = asyncio.Event()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ask, number)

    async def asked(self) -> None:
        """Returns when the first signal has come."""
        await self._asked.wait()

    def _ask(self, number: int) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        self._asked.set()
        # The second one must work although the loop or the database's thread is stuck.
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(each)
            signal.signal(each, lambda *_: _leave("asked twice"))
        overdue = threading.Timer(self._grace, _leave, ("too slow",))
        overdue.daemon = True
        overdue.start()


def _leave(why: str) -> None:
    sys.stderr.write(f"muster: ended at once ({why}); the next start goes on from the database.\n")
    sys.stderr.flush()
    os._exit(AT_ONCE)
