"""Plan, demo configuration and demo shop speak of the same things: every action has its effect."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from plan.coverage import looks_of
from plan.loader import load_plan
from plan.walk import actions_of
from sandbox.shop.server import ShopSandbox
from tests.plan.shop_walk import CONFIG, Refused, Unverified, Walk, case, doors

PLAN = load_plan().plan


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ShopSandbox]:
    sandbox = ShopSandbox(tmp_path, rate=0)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def walk(shop: ShopSandbox) -> AsyncIterator[Walk]:
    client, http = doors(shop.control_url)
    yield Walk(client, {})
    await http.aclose()


async def fault(walk: Walk, shop: ShopSandbox, kind: str, **parameters: Any) -> None:
    answer = await walk.client._http.post(
        f"{shop.control_url}/faults", json={"kind": kind, "on": True, **parameters}
    )
    assert answer.status_code == 200, answer.text


def rows(shop: ShopSandbox, query: str, *values: Any) -> list[Any]:
    path = shop.database_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def test_the_demo_declares_every_door_that_the_plan_uses() -> None:
    import yaml

    declared = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["shop"]
    for section in PLAN.sections.values():
        assert set(looks_of(PLAN, section)) <= set(declared["looks"]), section.id
        sent = {
            name
            for name, action in actions_of(PLAN, section).items()
            if action.kind in ("mutate", "contact")
        }
        assert sent <= set(declared["actions"]), section.id


def northpay() -> dict[str, Any]:
    return {
        "channel": {"id": "northpay", "name": "Northpay"},
        "standby": {"id": "harborpay", "name": "Harborpay", "ok": True},
    }


async def test_section_3_3_from_the_switch_to_the_way_back(walk: Walk, shop: ShopSandbox) -> None:
    """Nine unanswered payments: two were charged and end as paid, seven get a link; none twice."""
    await fault(walk, shop, "channel_half", channel="northpay")
    walk.facts = northpay()
    unanswered = rows(
        shop,
        "SELECT o.number, p.id FROM payments p JOIN orders o ON o.id = p.order_id "
        "WHERE p.status = 'unknown'",
    )
    assert len(unanswered) == 9
    amount = {"minor": 1, "currency": "TWD"}
    walk.cases = [case(number, "unknown", payment_id=pid) for number, pid in unanswered]
    failed = rows(
        shop,
        "SELECT number, total_minor, customer_id FROM orders WHERE status = 'awaiting_payment' "
        "AND id IN (SELECT order_id FROM payments WHERE status = 'failed')",
    )
    walk.cases += [
        case(n, amount={"minor": minor, "currency": "TWD"}, customer=who)
        for n, minor, who in failed
    ]

    await walk.press("switch_payment_channel")
    assert walk.facts["via"]["id"] == "harborpay"
    assert rows(shop, "SELECT value FROM settings WHERE key = 'routing.card'")[0][0].count(
        "harborpay"
    )

    assert {c["state"] for c in walk.reached("request_repayment")} == {"open"}
    assert not any(c["state"] == "unknown" for c in walk.reached("notify_customer"))
    await walk.press("request_repayment")
    assert all(c["facts"]["told"] and c["facts"]["link"] for c in walk.cases[9:])
    messages = rows(shop, "SELECT text FROM messages WHERE template = 'payment_failed'")
    assert len(messages) == len({who for _, _, who in failed}) == 30  # one to each customer
    assert sum(text.count("/pay/") for (text,) in messages) == len(failed) == 32
    held = {number for number, _ in unanswered}
    linked = {
        n
        for (n,) in rows(
            shop, "SELECT number FROM orders WHERE id IN (SELECT order_id FROM payment_links)"
        )
    }
    assert linked == {n for n, _, _ in failed}
    assert not linked & held

    await walk.press("query_payment_status")
    charged = [c for c in walk.cases[:9] if c["outcome"] == "charged"]
    assert len(charged) == 2
    assert all(c["state"] == "settled" for c in charged)
    for paid in charged:
        assert rows(shop, "SELECT status FROM orders WHERE number = ?", paid["key"]) == [("paid",)]
    for unpaid in walk.cases[:9]:
        number, total = rows(
            shop, "SELECT number, total_minor FROM orders WHERE number = ?", unpaid["key"]
        )[0]
        unpaid["amount"] = {**amount, "minor": total}
        assert number == unpaid["key"]
    assert len(walk.reached("request_repayment")) == 7
    await walk.press("request_repayment")
    assert walk.reached("request_repayment") == []
    assert len(rows(shop, "SELECT id FROM payment_links")) == len(failed) + 7
    per_order = rows(shop, "SELECT count(*) FROM payment_links GROUP BY order_id")
    assert {n for (n,) in per_order} == {1}

    await walk.press("contact_channel_vendor")
    assert walk.facts["vendor_ticket"]["id"]
    await walk.press("offer_alternative_payment")
    await walk.press("restore_payment_methods")

    await walk.client._http.post(f"{shop.control_url}/faults/recover", json={})
    await walk.press("switch_back_payment_channel")
    assert walk.facts["via"]["id"] == "northpay"


async def test_an_unhealthy_standby_refuses_the_switch(walk: Walk, shop: ShopSandbox) -> None:
    await fault(walk, shop, "standby_unhealthy", channel="harborpay")
    walk.facts = northpay()
    with pytest.raises(Refused, match="Not switched: Harborpay failed its test payment"):
        await walk.press("switch_payment_channel")
    assert "via" not in walk.facts


async def test_section_3_2_refunds_and_collects_exactly_the_difference(
    walk: Walk, shop: ShopSandbox
) -> None:
    await fault(walk, shop, "amount_mismatch", over=2, under=1, minor=12000)
    numbers = rows(
        shop,
        "SELECT o.number, (SELECT coalesce(sum(amount_minor),0) FROM payments p WHERE "
        "p.order_id = o.id AND p.status = 'captured') - o.total_minor AS delta FROM orders o "
        "WHERE delta IN (12000, -12000)",
    )
    assert len(numbers) == 3
    guard = next(g for g in PLAN.sections["3.2"].guards if g.id == "amounts_agree")
    walk.cases = [case(n, delta={"minor": 0, "currency": "TWD"}) for n, _ in numbers]
    walk.cases.append(case("FG-99999"))
    assert any("could not be read" in said for said in await walk.failing(guard))
    walk.cases.pop()

    await walk.press("query_payment_record")
    deltas = {c["key"]: c["facts"]["delta"]["minor"] for c in walk.cases}
    assert deltas == dict(numbers)
    for one in walk.cases:
        one["amount"] = {"minor": abs(deltas[one["key"]]), "currency": "TWD"}
    assert len(await walk.failing(guard)) == 3

    assert len(walk.reached("refund_difference")) == 2
    assert len(walk.reached("collect_difference")) == 1
    await walk.press("refund_difference")
    assert rows(shop, "SELECT amount_minor FROM refunds ORDER BY id DESC LIMIT 2") == [(12000,)] * 2
    await walk.press("collect_difference")
    assert rows(shop, "SELECT amount_minor, purpose FROM payment_links") == [(12000, "difference")]
    assert len(await walk.failing(guard)) == 1  # the customer has not paid yet

    for one in walk.cases:
        if one["state"] == "waiting":
            one["facts"]["answers"] = {"order_amount": "wrong"}
    await walk.press("update_order_status")
    assert await walk.failing(guard) == []
    await walk.press("query_payment_record")
    assert {c["state"] for c in walk.cases} == {"settled"}


async def test_a_difference_that_is_gone_is_not_refunded(walk: Walk, shop: ShopSandbox) -> None:
    await fault(walk, shop, "amount_mismatch", over=1, under=0, minor=12000)
    number = rows(shop, "SELECT number FROM orders ORDER BY id DESC LIMIT 1")[0][0]
    walk.cases = [case(number)]
    await walk.press("query_payment_record")
    await walk.client._http.post(f"{shop.control_url}/faults/recover", json={})
    before = rows(shop, "SELECT count(*) FROM refunds")
    walk.cases[0]["facts"]["delta"] = {"minor": 12000, "currency": "TWD"}
    walk.cases[0]["state"] = "open"
    with pytest.raises(Refused, match="no longer shows this difference"):
        await walk.press("refund_difference")
    assert rows(shop, "SELECT count(*) FROM refunds") == before


async def test_section_2_2_moves_stuck_orders_and_tells_their_customers(
    walk: Walk, shop: ShopSandbox
) -> None:
    await fault(walk, shop, "orders_stuck", count=3, hours=60, status="paid")
    numbers = [
        n
        for (n,) in rows(
            shop,
            "SELECT o.number FROM orders o JOIN order_plan p ON p.order_id = o.id "
            "WHERE p.held = 'orders_stuck'",
        )
    ]
    assert len(numbers) == 3
    walk.facts = {"state": "paid"}
    walk.cases = [case(n) for n in numbers]
    walk.form = {"route": "south-hub"}
    last = walk.cases.pop()
    await walk.press("redispatch_order")
    assert {c["outcome"] for c in walk.cases} == {"redispatched"}
    walk.cases = [last]
    await walk.press("reroute_shipment")
    assert rows(shop, "SELECT route FROM orders WHERE number = ?", last["key"]) == [("south-hub",)]
    await walk.press("notify_delay")
    assert last["facts"]["told"] is True

    late = case(numbers[0])
    walk.cases = [late]
    with pytest.raises(Refused, match="by now"):
        await walk.press("redispatch_order")  # it is on its way already


async def test_section_9_1_from_the_crash_to_verified_data(walk: Walk, shop: ShopSandbox) -> None:
    await fault(walk, shop, "data_loss", orders=3)
    await fault(walk, shop, "server_crash")
    section = PLAN.sections["9.1"]
    guard = next(g for g in section.guards if g.id == "data_complete")
    with pytest.raises(Refused, match="the standby server is not healthy"):
        await walk.press("switch_traffic_to_standby")
    await walk.press("start_standby_server")
    await walk.press("switch_traffic_to_standby")
    assert walk.facts["traffic"] == "standby"
    with pytest.raises(Refused, match="still goes to the standby"):
        await walk.press("stop_standby_server")

    await walk.press("check_system_config")
    assert walk.facts["config"]["ok"] is False
    assert walk.facts["config"]["wrong"]
    await walk.press("restore_crashed_system")  # and the data is looked at right after
    assert len(walk.facts["data"]["missing"]) == 3
    assert len((await walk.failing(guard))[0].split(",")) == 3
    await walk.press("recover_lost_data")
    assert walk.facts["recovered_orders"] == 3
    await walk.press("verify_recovered_data")
    assert walk.facts["data"]["ok"] is True
    assert walk.facts["data"]["sums_ok"] is True
    assert await walk.failing(guard) == []
    await walk.press("check_system_config")
    assert walk.facts["config"]["ok"] is True
    await walk.press("switch_traffic_back")
    assert walk.facts["traffic"] == "primary"
    await walk.press("stop_standby_server")


async def test_section_7_2_remedies(walk: Walk, shop: ShopSandbox) -> None:
    number, total = rows(
        shop,
        "SELECT o.number, o.total_minor FROM orders o JOIN payments p ON p.order_id = o.id "
        "WHERE o.status = 'delivered' AND p.status = 'captured' LIMIT 1",
    )[0]
    walk.facts = {"order": number}
    walk.form = {
        "courier": "Black Cat",
        "question": "Where is it?",
        "amount": {"minor": 5000, "currency": "TWD"},
        "kind": "voucher",
        "reason": "goods",
        "message": "We are sorry. A replacement is on its way.",
    }
    await walk.press("contact_logistics_company")
    assert walk.facts["measure"] == "courier"
    await walk.press("replace_goods")
    await walk.press("compensate_customer")
    await walk.press("tell_complainant")
    assert walk.facts["told_at"]
    await walk.press("refund")
    assert rows(shop, "SELECT amount_minor FROM refunds ORDER BY id DESC LIMIT 1") == [(5000,)]
    walk.form["amount"] = {"minor": total, "currency": "TWD"}
    with pytest.raises(Refused, match="more than what is still paid"):
        await walk.press("refund")


async def test_an_effect_that_does_not_show_is_not_called_done(
    walk: Walk, shop: ShopSandbox
) -> None:
    """A shop that answers and does nothing is found out by the look."""
    walk.facts = northpay()

    async def forgets(name: str, key: str, scope: Any) -> Any:
        return type("Answer", (), {"body": {"channel": "harborpay"}})()

    walk.client.act = forgets  # type: ignore[method-assign]
    with pytest.raises(Unverified):
        await walk.press("switch_payment_channel")
    assert "via" not in walk.facts
