"""The real program, and a wall clock that is set while it runs: nothing rests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from bot.cli.stack import stack
from tests.house.steps_of_the_clock import (
    AHEAD,
    CASES,
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


@pytest.fixture(scope="module")
def stepping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stepping]:
    """Started eight hours ahead."""
    folder = tmp_path_factory.mktemp("stepping")
    file = folder / "off"

    def put(seconds: float) -> None:
        new = folder / "off.new"
        new.write_text(str(seconds), encoding="utf-8")
        new.rename(file)

    put(AHEAD)
    with (
        services() as found,
        stack(
            folder, shop_options=("--rate", "0"), change=configured(found), with_bot=False
        ) as running,
    ):
        running.start_bot(module=("tests.house.stepped_bot", str(file)))
        workspace = Workspace(running)
        yield Stepping(workspace, found, put)
        workspace.close()


@pytest.mark.parametrize("name", CASES)
def test_what_goes_on_when_the_clock_is_set(stepping: Stepping, name: str) -> None:
    """In this order: each step is made by the same running program."""
    by = CASES[name] or -AHEAD
    goes_on(stepping.workspace, stepping.services, name, lambda: stepping.step(by))
    said = stepping.workspace.stack.bots["bot"].log.read_text("utf-8")
    assert ("clock_set_back" if by < 0 else "clock_set_forward") in said
