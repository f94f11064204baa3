"""A year, and a day without one card channel: the whole bot finds it, and nothing beside it.

The program runs with the sandbox's Slack over the shop's own file; what is asserted is what people
see in Slack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import Json, wait_for, words
from tests.journeys.workspace import Workspace, daytime
from tests.year.generated_year import A_DAY, MAPPING, GeneratedYear

pytestmark = [pytest.mark.slow, pytest.mark.drill]
NAMES = {"visa": "Visa", "amex": "Amex", "transfer": "Transfer"}


class Year:
    """The running bot, the shop's till, and time that passes for both."""

    def __init__(self, workspace: Workspace, till: GeneratedYear) -> None:
        self.workspace, self.till = workspace, till

    def passes(self, seconds: float) -> None:
        """The shop goes on for as long, then every clock."""
        self.till.goes_on(self.workspace.now() + timedelta(seconds=seconds))
        self.workspace.advance(seconds)
        wait_for(lambda: self.looked() or None, "a look of every check", within=60)
        self.workspace.settled()

    def looked(self) -> bool:
        """Whether every check has had its turn within its interval."""
        ran = self.workspace.one("select min(last_run_at) from check_states where subject = ''")
        if ran is None:
            return False
        since = self.workspace.now() - datetime.fromisoformat(str(ran)).replace(tzinfo=UTC)
        return since.total_seconds() <= max(self.workspace.every.values()) + 5

    def the_card(self) -> str:
        """The words of the one card, which may be on its way."""
        wait_for(lambda: self.cards() or None, "the card", within=60)
        (found,) = self.cards()
        return found

    def cards(self) -> list[str]:
        return [words(card["blocks"]) for card in self.workspace.cards()]

    def picture(self) -> Json:
        """The message with the chart in the thread of the one card."""
        self.the_card()
        (card,) = self.workspace.cards()
        thread = self.workspace.at(card).thread()
        (found,) = [m for m in thread if any(b.get("block_id") == "numbers" for b in m["blocks"])]
        return found


@contextmanager
def year(folder: Path, every: int, **of_it: Any) -> Iterator[Year]:
    till = GeneratedYear(folder / "kasse.db", datetime.now(UTC), **of_it)

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["calendar"] = till.calendar()
        data["shop"] |= {"database_url": till.url, "mapping": MAPPING}
        data["detections"] = {"off": ["payment-without-order", "number-twice"]}
        data["checks"] = [
            {
                "name": name, "kind": "payment_channel", "every": every,
                "channel": {"id": name, "name": NAMES[name]},
            }
            for name in A_DAY
        ]  # fmt: skip

    options = {"shop_options": ("--rate", "0"), "change": change}
    with stack(folder, **options, bot_options=("--control", "0")) as running:  # type: ignore[arg-type]
        workspace = Workspace(running)
        try:
            yield Year(workspace, till)
        finally:  # what a failing test leaves open would be told in its place
            workspace.close()
            till.close()


def refuses(till: GeneratedYear, name: str) -> None:
    till.fails[name] = 1.0


def falls_silent(till: GeneratedYear, name: str) -> None:
    till.silent.add(name)


@pytest.mark.parametrize("outage", [refuses, falls_silent])
def test_a_day_without_a_card_channel_is_one_incident_within_one_interval(
    tmp_path: Path, outage: Callable[[GeneratedYear, str], None]
) -> None:
    """Some sixty payments are expected in ten minutes at noon, in weeks as unlike as most are. The
    hour before is quiet, the day goes on as the same incident, and it is over when payments are
    seen to go through."""
    with year(tmp_path, 600, seed=6) as it:
        for _ in range(6):
            it.passes(600)
        assert it.cards() == []
        outage(it.till, "visa")
        it.passes(600)
        card = it.the_card()
        assert "Visa" in card
        said = "for 10 minutes" if outage is falls_silent else "Card payments are failing"
        assert said in card or "No card payment goes through" in card
        blocks = {block["type"]: block for block in it.picture()["blocks"]}
        series = blocks["data_visualization"]["chart"]["series"]
        assert [one["name"] for one in series] == ["tried", "failed", "usual"]
        last = {one["name"]: one["data"][-1]["value"] for one in series}
        assert last["failed"] == last["tried"]
        assert last["usual"] > 10
        for _ in range(23):
            it.passes(3600)
        assert len(it.cards()) == 1
        it.till.silent.clear()
        it.till.fails["visa"] = 0.04
        for _ in range(6):
            it.passes(600)
        (card,) = it.cards()
        assert "Card payments work again" in card


def test_an_outage_on_a_campaign_day_is_found_by_what_the_campaign_brings(tmp_path: Path) -> None:
    """Three minutes at noon usually bring eighteen, and three times as much on this day: that none
    comes is no chance within one interval."""
    with year(tmp_path, 180, campaign_today=True, seed=2) as it:
        for _ in range(10):
            it.passes(180)
        assert it.cards() == []
        falls_silent(it.till, "visa")
        it.passes(180)
        it.passes(20)  # a payment may have come just before
        assert "No card payment comes in on Visa" in it.the_card()


def test_a_thin_channel_is_found_as_soon_as_it_is_no_chance(tmp_path: Path) -> None:
    with year(tmp_path, 300, seed=3) as it:
        it.passes(300)
        falls_silent(it.till, "amex")
        minutes = 0
        while not it.cards() and minutes < 240:
            it.passes(600)
            minutes += 10
        (card,) = it.cards()
        assert "No card payment comes in on Amex" in card
        assert 30 <= minutes <= 120, minutes


def test_a_workspace_without_charts_is_sent_the_numbers(tmp_path: Path) -> None:
    with year(tmp_path, 600) as it:
        it.workspace.fault(
            "chat.postMessage", "error", error="invalid_blocks", times=-1,
            match={"contains": "data_visualization"},
        )  # fmt: skip
        it.passes(600)
        refuses(it.till, "visa")
        it.passes(600)
        shown = it.picture()
        assert "data_visualization" not in [block["type"] for block in shown["blocks"]]
        assert words(shown["blocks"]).count("tried") == 12
