"""Counts are wholes, in the nouns of the incident's own type."""

from __future__ import annotations

from typing import Any

import pytest

from checks.model import CaseFound, CheckResult, Finding
from incidents import cases, read
from incidents.change import Change
from incidents.lifecycle import commands
from incidents.organisation import Actor
from message_templates.engine import Templates
from storage.models import Case
from tests.incidents.test_views import text_of
from tests.incidents.world import DAY, LIN, MEI, World, case_rows, money


@pytest.fixture
def templates() -> Templates:
    return Templates()


def stuck(world: World, named: int, orders: int, *, state: str = "paid", **facts: Any) -> None:
    """The check counts them all and names some of them; each is NT$8."""
    world.now = max(world.now, DAY)
    finding = Finding(
        f"orders:{state}",
        "order_state_stuck",
        facts={
            "state": state,
            "orders": orders,
            "customers": orders,
            "amount": money(8 * orders).as_json(),
            "limit_hours": 48,
            **facts,
        },
        cases=tuple(
            CaseFound("order", f"FG-{n}", amount=money(8), customer_key=f"c{n}")
            for n in range(named)
        ),
    )
    world.check(CheckResult("stuck-orders", world.now, findings=(finding,), open_after=1))


def wrong(world: World, count: int = 1) -> None:
    world.now = DAY
    finding = Finding(
        "orders:dispatched>awaiting_payment",
        "order_state_illegal",
        facts={
            "state": "awaiting_payment",
            "transition": {"from": "dispatched", "to": "awaiting_payment"},
            "orders": count,
        },
        cases=tuple(
            CaseFound("order", f"FG-{n}", amount=money(8), customer_key=f"c{n}")
            for n in range(count)
        ),
    )
    world.check(CheckResult("stuck-orders", world.now, findings=(finding,), open_after=1))


def card_text(world: World, templates: Templates, language: str = "en") -> str:
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    return text_of(templates.render("card", view, language=language))


def figures(world: World) -> dict[str, Any]:
    incident = world.incident()

    def unit(session: Any) -> dict[str, Any]:
        found = session.merge(incident, load=False)
        return dict(Change(session, world.house, found, Actor("system"), world.now).scope)

    return dict(world.read(unit)["cases"])


@pytest.mark.parametrize(
    ("language", "affected"),
    [("en", "5,000 orders of 5,000 customers, NT$40,000"), ("zh-Hant", "5,000 位顧客的 5,000 筆")],
)
def test_the_card_counts_what_no_list_names(
    world: World, templates: Templates, language: str, affected: str
) -> None:
    stuck(world, named=20, orders=5_000)
    said = card_text(world, templates, language)
    assert affected in said
    assert "20 orders" not in said
    assert {"en": "5,000 orders", "zh-Hant": "5,000 筆訂單"}[language] in said


def test_the_whole_follows_the_check_and_what_was_done(world: World) -> None:
    stuck(world, named=20, orders=100)
    assert figures(world)["open"] == 100
    assert figures(world)["open_amount"] == money(800).as_json()
    stuck(world, named=20, orders=50)
    assert (figures(world)["total"], figures(world)["amount"]) == (50, money(400).as_json())
    stuck(world, named=20, orders=20)
    assert (figures(world)["total"], figures(world)["open"]) == (20, 20)


def test_what_the_check_sees_no_more_is_not_counted_after_it_recovered(world: World) -> None:
    stuck(world, named=20, orders=100)
    world.check(
        CheckResult(
            "stuck-orders",
            world.now,
            healthy_subjects=("orders:paid",),
            open_after=1,
            recover_after=1,
        )
    )
    assert figures(world)["total"] == 20


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "29 orders paid, 12 not yet"), ("zh-Hant", "已付款 29 筆，尚有 12 筆")],
)
def test_a_payment_thread_says_paid(
    world: World, templates: Templates, language: str, said: str
) -> None:
    world.channel_fails(3)
    keys = [row.key for row in case_rows(world)][:29]

    def unit(session: Any) -> None:
        change = Change(
            session, world.house, session.merge(world.incident()), Actor("check:x"), world.now
        )
        cases.settle_found(change, [CaseFound("order", key) for key in keys])

    world.write(unit)
    [entry] = [one for one in world.entries() if one.kind == "cases_settled"]
    line = world.read(lambda s: read.log_entry(s, world.house, 1, entry.sequence, world.now))
    assert said in text_of(templates.render("log", line, language=language))
    page = world.read(lambda s: read.cases_page(s, world.house, 1, world.now))
    shown = repr(templates.render("cases", page, language=language).view)
    assert {"en": "Paid (29)", "zh-Hant": "已付款（29）"}[language] in shown
    assert "Settled" not in shown


def test_after_wrong_section_orders_stay_orders(world: World, templates: Templates) -> None:
    world.channel_fails(3)
    world.take(MEI)
    assert world.write(
        lambda s: commands.change_section(s, world.house, 1, world.actor(MEI), "9.1", world.now)
    ).ok
    assert "41 orders" in card_text(world, templates)
    assert "server" not in card_text(world, templates).split("41 orders")[1][:40]
    assert "41 servers" not in card_text(world, templates)
    assert "41 筆訂單" in card_text(world, templates, "zh-Hant")


def test_a_wrong_state_is_put_right_by_its_button(world: World, templates: Templates) -> None:
    wrong(world)
    assert world.press(
        MEI, "2.2.s2", "cause", values={"root_cause": "transfer_failed", "finding": "x"}
    ).ok
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    assert view.buttons[0].value.endswith("2.2.s3:put_right")
    assert view.buttons[0].style == "primary"
    assert "Put 1 order back to “shipped”" in card_text(world, templates)
    assert "將 1 筆訂單改回「已出貨」" in card_text(world, templates, "zh-Hant")
    assert world.press(LIN, "2.2.s3", "redispatch").code == "nothing_to_do"
    assert world.press(LIN, "2.2.s3", "put_right").ok
    [attempt] = world.pending_attempts()
    assert attempt.params == {"order": "FG-0", "state": "dispatched", "wrong": "awaiting_payment"}
    world.run_actions()
    [row] = case_rows(world)
    assert (row.state, row.outcome) == ("settled", "put_right")


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
def test_a_wrong_state_is_never_called_stuck(
    world: World, templates: Templates, language: str
) -> None:
    wrong(world, 2)
    word = {"en": "stuck", "zh-Hant": "卡住"}[language]
    assert word not in card_text(world, templates, language)
    board = world.read(lambda s: read.runbook(s, world.house, 1, world.now))
    assert word not in text_of(templates.render("runbook", board, language=language))
    kind = world.house.loaded.plan.incident_type("order_state_illegal")
    for text in (kind.card.mitigated.title, kind.card.ended.title):
        assert word not in text.in_(language)
        assert "0 on their way" not in text.en


def test_a_wrong_state_that_is_right_again_says_so(world: World, templates: Templates) -> None:
    wrong(world)
    world.press(MEI, "2.2.s2", "cause", values={"root_cause": "transfer_failed", "finding": "x"})
    world.press(MEI, "2.2.s3", "put_right")
    world.run_actions()
    assert not [row for row in world.all(Case) if row.state != "settled"]
    ended = world.house.loaded.plan.incident_type("order_state_illegal").card.ended
    view = world.read(lambda s: read.card(s, world.house, 1, world.now))
    said = templates.words(ended.title, view.scope, language="en")
    assert said == "No order is wrongly “waiting for payment” any more"


def test_a_route_that_moves_nothing_is_stuck_again_a_day_later(
    world: World, templates: Templates
) -> None:
    """What was done shows at no order yet: under way, not over; a day later it is to do again."""
    stuck(world, named=2, orders=2)
    world.press(MEI, "2.2.s2", "cause", values={"root_cause": "logistics", "finding": "Hub closed"})
    world.press(MEI, "2.2.s3", "reroute", values={"route": "north hub"})
    world.run_actions()
    for _ in range(20):
        world.advance(30)
        stuck(world, named=2, orders=2)
    said = card_text(world, templates)
    assert "⏳ *2 rerouted orders have not moved yet*" in said
    assert "✅ *" not in said
    world.advance(24 * 3600)
    rung = len(world.rings())
    for _ in range(3):
        stuck(world, named=2, orders=2)
        world.advance(60)
    assert "🟡 *2 paid orders are not shipped*" in card_text(world, templates)
    assert {row.state for row in case_rows(world)} == {"open"}
    assert world.step("2.2.s3").state == "pending"
    assert len(world.rings()) > rung


def test_a_list_marks_each_incident_as_its_card_does(world: World, templates: Templates) -> None:
    """Of one that was taken for none no list says that it is over."""
    stuck(world, named=2, orders=2)
    world.write(
        lambda s: commands.dismiss(s, world.house, 1, world.actor(MEI), "A drill", world.now)
    )
    [item] = world.read(
        lambda s: read.incident_list(s, world.house, world.now, statuses=("dismissed",))
    )
    assert item.lead == "dismissed"
    said = text_of(templates.render("incident_list", None, params={"items": [item]}, language="en"))
    assert "⏭ *" in said
    assert "✅" not in said
