"""The real program, and a wall clock that is set while it runs: nothing rests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.cli.stack import Stack, stack
from tests.house.steps_of_the_clock import (
    AHEAD,
    CASES,
    DAILY,
    Services,
    configured,
    goes_on,
    services,
)
from tests.journeys.workspace import Workspace


@dataclass
class Stepping:
    """A running bot and its wall clock, which is off by so many seconds."""

    workspace: Workspace
    services: Services
    put: Callable[[float], None]
    off: float = AHEAD

    def step(self, seconds: float) -> None:
        self.off += seconds
        self.put(self.off)


@contextmanager
def started_ahead(folder: Path, start: Callable[[Stack, Path], None]) -> Iterator[Stepping]:
    """Eight hours ahead. `start` starts the bot, whose clock is off by what stands in the file."""
    file = folder / "off"

    def put(seconds: float) -> None:
        new = folder / "off.new"
        new.write_text(f"{seconds:+.0f}", encoding="utf-8")
        new.rename(file)

    put(AHEAD)
    with (
        services() as found,
        stack(
            folder, shop_options=("--rate", "0"), change=configured(found), with_bot=False
        ) as running,
    ):
        start(running, file)
        workspace = Workspace(running)
        yield Stepping(workspace, found, put)
        workspace.close()


@pytest.fixture(scope="module")
def stepping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stepping]:
    """The clock behind the product's own and behind APScheduler's."""

    def start(running: Stack, file: Path) -> None:
        running.start_bot(module=("tests.house.stepped_bot", str(file)))

    with started_ahead(tmp_path_factory.mktemp("stepping"), start) as found:
        yield found


@pytest.fixture(scope="module")
def faked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stepping]:
    """The product as it is, under libfaketime: every look at the wall clock is off."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        if os.environ.get("MUSTER_REQUIRE_ALL"):
            pytest.fail("faketime is not installed, and MUSTER_REQUIRE_ALL is set")
        pytest.skip("not run: faketime is not installed")

    def start(running: Stack, file: Path) -> None:
        running.environment |= {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        running.start_bot()

    with started_ahead(tmp_path_factory.mktemp("faked"), start) as found:
        yield found


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name not in DAILY)) for name in CASES],
)
def test_what_goes_on_when_the_clock_is_set(stepping: Stepping, name: str) -> None:
    """In this order: each step is made by the same running program."""
    judged(stepping, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_same_with_every_look_at_the_clock_faked(faked: Stepping, name: str) -> None:
    judged(faked, name)


def judged(stepping: Stepping, name: str) -> None:
    by = CASES[name] or -AHEAD
    goes_on(stepping.workspace, stepping.services, name, lambda: stepping.step(by))
    said = stepping.workspace.stack.bots["bot"].log.read_text("utf-8")
    assert ("clock_set_back" if by < 0 else "clock_set_forward") in said
