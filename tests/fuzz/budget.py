"""Budget of a fuzz run: how long it goes on, and what it counted."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

MANY = 1_000_000  # examples; the time ends it


class Budget:
    """Time for one run. An example after its end is passed over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self.counts: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        return time.monotonic() > self._end

    def told(self, what: str, capsys: pytest.CaptureFixture[str]) -> None:
        counted = ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items()))
        with capsys.disabled():
            sys.stdout.write(f"\n{what}: {counted}\n")


def endless(examples: int = MANY) -> Callable[[Any], Any]:
    """Hypothesis without limits of its own; what it found is not tried anew at the next run."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # an example takes too long to be tried in ever smaller forms
        suppress_health_check=list(HealthCheck),
    )
