"""A workspace without any door to a shop: people report and work by hand, and nothing is said of
orders that nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import words
from tests.journeys.workspace import CS, JO, LIN, MEI, PRIVATE, Workspace, daytime

NAMES = {name: f"/muster-{name}" for name in ("incident", "order", "complaint")}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The smallest configuration, under command names of its own."""

    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["shop"] = {"name": "Formosa Goods", "currency": "TWD"}
        data["checks"] = []

    with stack(
        tmp_path_factory.mktemp("bare"),
        shop_options=("--rate", "0"),
        bot_options=("--control", "0"),
        change=change,
        commands=NAMES,
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


def test_a_complaint_keeps_the_number_that_nobody_can_look_up(bare: Workspace) -> None:
    """It is not refused as if a shop were away, and the card has the number as it was typed."""
    form = bare.form(LIN, lambda: bare.slack.command(LIN, CS, "/muster-complaint", "FG-10482"))
    text = next(
        block["block_id"]
        for block in form["blocks"]
        if block["type"] == "input" and block["element"].get("multiline")
    )
    typed = {"channel": "phone", "reason": "after_sales", "sub_reason": "attitude"}
    bare.send(LIN, form, {**typed, text: "He was rude on the phone"})
    bare.until(lambda: bare.at("", JO, PRIVATE).cards(), "the card")
    [card] = bare.at("", JO, PRIVATE).cards()
    assert "FG-10482" in words(card["blocks"])


def test_of_an_order_it_is_said_that_it_was_not_looked_up(bare: Workspace) -> None:
    said = bare.types(LIN, "/muster-order FG-77")
    assert "FG-77 is part of no open incident" in said or "FG-77 不在任何" in said
    assert "shop.looks.order" in said


def test_what_was_typed_comes_back_under_the_name_that_it_has_here(bare: Workspace) -> None:
    said = bare.types(MEI, "/muster-incident lisst")
    assert "/muster-incident lisst" in said
    assert "/incident" not in said.replace("/muster-incident", "")
