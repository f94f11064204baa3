"""Budget of a fuzz run: how long it goes on, and what it counted."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_OF_A_ROUND = 20  # examples


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

    def attack(self, test: Callable[..., None], *strategies: st.SearchStrategy[Any]) -> None:
        """Gives the test what Hypothesis draws, in rounds, each from a seed of its own."""
        for number in count():
            if self.over:
                return
            seed(number)(_ROUND(given(*strategies)(test)))()


# Hypothesis without limits of its own; what it found is not tried anew at the next run, nor in ever
# smaller forms: an example takes too long for that.
_ROUND = settings(
    max_examples=_OF_A_ROUND,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
