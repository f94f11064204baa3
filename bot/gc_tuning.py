"""GC tuning: keeps the interpreter's own pauses away from acknowledgements."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Young objects before a collection, and how many collections before the older are looked at. A
# delivery makes some thousands that die by themselves; the default of 700 looks far too often.
_THRESHOLDS = (20_000, 20, 50)
# After so long a thread that works gives the interpreter to one that waits. Of Python's 5 ms each,
# the event loop waits several times where seven threads work on PostgreSQL.
_TURN_SECONDS = 0.001


@contextmanager
def none_while_loading() -> Iterator[None]:
    """Loading makes a hundred thousand objects and hardly garbage: to look for it takes 0.3 s.

    They are taken out of the collector's sight, or it would look through them at once afterwards.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def none_until_loaded() -> None:
    """The same until `avoid_pauses`: for the start, which ends with one look at what it made."""
    gc.disable()


def avoid_pauses() -> None:
    """Called once, when everything is loaded.

    What was loaded at the start (modules, mappers, templates, the plan) lives as long as the
    process: taken out of the garbage collector's sight, a full collection takes 5 ms instead of
    the 100 ms that otherwise stand before some acknowledgement (benchmarks/ack.py).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
    sys.setswitchinterval(_TURN_SECONDS)
