"""Routing, the truth about unanswered payments, refunds, links: nobody pays twice by accident."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_shop.conftest import Client


async def unknown_payments(shop: Client) -> list[dict[str, Any]]:
    found = (await shop.get("/payments?status=unknown"))["payments"]
    return [dict(payment) for payment in found]


async def test_new_payments_go_through_the_channel_of_the_route(shop: Client) -> None:
    before = await shop.get("/routing/card")
    answer = await shop.put("/routing/card", {"channel": "harborpay"})
    await shop.post("/checkout/burst", {"count": 12})
    stats = await shop.get("/channels/harborpay/stats?window=60")

    assert before["channel"] == "northpay"
    assert answer == await shop.get("/routing/card")
    assert (answer["channel"], answer["previous"]) == ("harborpay", "northpay")
    assert (stats["attempts"], stats["captured"], stats["failed"]) == (12, 12, 0)


async def test_three_in_a_hundred_fail_as_usual_and_are_paid_at_the_second_try(
    shop: Client,
) -> None:
    burst = await shop.post("/checkout/burst", {"count": 330})

    assert burst["captured"] == 330
    failed = shop.sql(
        "SELECT count(*) FROM payments p JOIN orders o ON o.id = p.order_id "
        "WHERE p.status = 'failed' AND o.number >= ?",
        (burst["orders"][0],),
    )
    assert failed == [(10,)]


async def test_the_channel_tells_what_became_of_the_unanswered_payments(shop: Client) -> None:
    await shop.fault("channel_half")
    results = []
    for payment in await unknown_payments(shop):
        answer = await shop.post(f"/payments/{payment['id']}/query")
        order = await shop.get(f"/orders/{payment['order_id']}")
        results.append((answer["result"], order["paid"], order["status"]))

    assert (
        sorted(results)
        == [("captured", True, "paid")] * 2 + [("not_captured", False, "awaiting_payment")] * 7
    )
    assert await unknown_payments(shop) == []


@pytest.mark.parametrize("fault", ["channel_half", "channel_down", "standby_unhealthy"])
async def test_a_silent_channel_answers_only_after_it_recovered(shop: Client, fault: str) -> None:
    await shop.fault("channel_half", unanswered=1, charged=1, query_answers=False)
    if fault != "channel_half":
        await shop.post("/faults/recover", {"kind": "channel_half"})
        await shop.fault(fault, channel="northpay")
    [payment] = await unknown_payments(shop)

    silent = await shop.post(f"/payments/{payment['id']}/query", {}, "first")
    still = (await shop.get(f"/payments/{payment['id']}"))["status"]
    await shop.post("/faults/recover")
    known = await shop.post(f"/payments/{payment['id']}/query", {}, "second")

    assert (silent["result"], still) == ("no_answer", "unknown")
    assert known["result"] == "captured"
    assert [entry["effect"] for entry in await shop.mutations()] == [False, True]


async def test_a_slow_channel_leaves_some_payments_without_an_answer(shop: Client) -> None:
    await shop.fault("channel_slow", seconds=20)

    burst = await shop.post("/checkout/burst", {"count": 8})

    unknown = await unknown_payments(shop)
    assert (burst["captured"], len(unknown)) == (4, 4)
    results = [(await shop.post(f"/payments/{p['id']}/query"))["result"] for p in unknown]
    assert sorted(results) == ["captured", "captured", "not_captured", "not_captured"]


@pytest.mark.parametrize(
    ("fault", "parameters", "status"),
    [
        ("channel_down", {"channel": "northpay"}, 503),
        ("channel_half", {}, 503),
        ("standby_unhealthy", {"channel": "northpay"}, 503),
        ("channel_slow", {"seconds": 0.2}, 200),
    ],
)
async def test_a_test_payment_fails_while_the_channel_does(
    shop: Client, fault: str, parameters: dict[str, Any], status: int
) -> None:
    payments = shop.sql("SELECT count(*) FROM payments WHERE status = 'created'")
    healthy = await shop.call("POST", "/channels/northpay/test-payment")
    await shop.fault(fault, **parameters)
    during = await shop.call("POST", "/channels/northpay/test-payment")
    state = await shop.get("/channels/northpay")
    await shop.post("/faults/recover")
    after = await shop.call("POST", "/channels/northpay/test-payment")

    assert (healthy.status, healthy.body["ok"]) == (200, True)
    assert (during.status, during.body["ok"]) == (status, status == 200)
    assert not state["healthy"]
    assert (after.status, after.body["ok"]) == (200, True)
    assert shop.sql("SELECT count(*) FROM payments WHERE status = 'created'") == payments


async def test_refunds_never_exceed_what_was_captured(shop: Client) -> None:
    payment = (await shop.get("/payments?status=captured"))["payments"][-1]
    amount = payment["amount_minor"]

    def body(minor: int) -> dict[str, Any]:
        return {"payment_id": payment["id"], "amount_minor": minor, "currency": "TWD"}

    too_much = await shop.call("POST", "/refunds", body(amount + 1))
    part = await shop.call("POST", "/refunds", body(amount - 100))
    rest_and_one = await shop.call("POST", "/refunds", body(101))
    rest = await shop.call("POST", "/refunds", body(100))
    order = await shop.get(f"/orders/{payment['order_id']}")

    assert (too_much.status, too_much.body["error"]["code"]) == (409, "exceeds_captured")
    assert (part.status, rest_and_one.status, rest.status) == (201, 409, 201)
    assert (order["status"], order["refunded_minor"]) == ("refunded", amount)
    refunds = (await shop.get(f"/refunds?order={order['number']}"))["refunds"]
    assert [refund["amount_minor"] for refund in refunds] == [amount - 100, 100]
    assert await shop.get(f"/refunds/{refunds[0]['id']}") == refunds[0]


async def test_a_part_given_back_is_a_price_reduction_and_too_much_of_a_difference_shows(
    shop: Client,
) -> None:
    agreed = (await shop.get("/payments?status=captured"))["payments"][-1]
    [over] = (await shop.fault("amount_mismatch", over=1, under=0))["orders"]
    overpaid = (await shop.get(f"/orders/{over}"))["payments"][0]
    for payment, minor in ((agreed, 3_000), (overpaid, 12_100)):
        body = {"payment_id": payment["id"], "amount_minor": minor, "currency": "TWD"}
        await shop.post("/refunds", body)

    balances = [
        (await shop.get(f"/orders/{payment['order_id']}"))["balance_minor"]
        for payment in (agreed, overpaid)
    ]

    assert balances == [0, -100]


async def test_only_captured_money_is_given_back(shop: Client) -> None:
    await shop.fault("channel_half")
    for status in ("failed", "unknown"):
        payment = (await shop.get(f"/payments?status={status}"))["payments"][-1]
        body = {"payment_id": payment["id"], "amount_minor": 100, "currency": "TWD"}

        refused = await shop.call("POST", "/refunds", body)

        assert (refused.status, refused.body["error"]["code"]) == (409, "not_captured")


async def failed_order(shop: Client) -> dict[str, Any]:
    await shop.fault("channel_half")
    await shop.put("/routing/card", {"channel": "harborpay"})
    [(number,)] = shop.sql(
        "SELECT number FROM orders o WHERE status = 'awaiting_payment' AND NOT EXISTS "
        "(SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.status = 'unknown') LIMIT 1"
    )
    return dict(await shop.get(f"/orders/{number}"))


async def test_a_link_is_paid_once(shop: Client) -> None:
    order = await failed_order(shop)
    body = {"amount_minor": order["total_minor"], "currency": "TWD", "purpose": "order"}
    first = await shop.post(f"/orders/{order['number']}/payment-links", body)
    second = await shop.post(f"/orders/{order['id']}/payment-links", body)

    paid = await shop.post(f"/payment-links/{first['id']}/pay")
    again = await shop.call("POST", f"/payment-links/{first['id']}/pay")
    other = await shop.call("POST", f"/payment-links/{second['id']}/pay")
    after = await shop.get(f"/orders/{order['id']}")

    assert (paid["status"], paid["payment_status"]) == ("paid", "captured")
    assert (again.status, again.body["error"]["code"]) == (409, "link_closed")
    assert (other.status, other.body["error"]["code"]) == (409, "already_paid")
    assert (after["status"], after["balance_minor"], after["paid"]) == ("paid", 0, True)
    links = (await shop.get(f"/payment-links?order={order['number']}"))["payment_links"]
    assert {link["url"] for link in links} == {first["url"], second["url"]}
    async with shop.http.get(first["url"]) as page:
        assert page.status == 200


async def test_a_link_is_never_for_more_than_is_owed(shop: Client) -> None:
    order = await failed_order(shop)
    body = {"amount_minor": order["total_minor"] + 1, "currency": "TWD", "purpose": "order"}

    refused = await shop.call("POST", f"/orders/{order['id']}/payment-links", body)

    assert (refused.status, refused.body["error"]["code"]) == (409, "exceeds_owed")


async def test_a_link_of_an_unanswered_payment_that_was_charged_shows_as_a_double_payment(
    shop: Client,
) -> None:
    await shop.fault("channel_half", unanswered=1, charged=1)
    await shop.put("/routing/card", {"channel": "harborpay"})
    [payment] = await unknown_payments(shop)
    total = payment["amount_minor"]
    body = {"amount_minor": total, "currency": "TWD", "purpose": "order"}
    link = await shop.post(f"/orders/{payment['order_id']}/payment-links", body)
    await shop.post(f"/payment-links/{link['id']}/pay")
    await shop.post(f"/payments/{payment['id']}/query")

    order = await shop.get(f"/orders/{payment['order_id']}")

    assert (order["captured_minor"], order["balance_minor"]) == (2 * total, total)


async def test_a_captured_payment_is_booked_by_hand(shop: Client) -> None:
    [number] = (await shop.fault("orders_stuck", count=1, status="awaiting_payment"))["orders"]
    order = await shop.get(f"/orders/{number}")
    body = {"payment_id": order["payments"][0]["id"]}
    foreign = (await shop.get("/payments?status=captured"))["payments"][-1]["id"]

    wrong = await shop.call("POST", f"/orders/{number}/mark-paid", {"payment_id": foreign})
    done = await shop.post(f"/orders/{number}/mark-paid", body)
    again = await shop.post(f"/orders/{number}/mark-paid", body)

    assert wrong.status == 409
    assert (order["status"], done["status"], again["status"]) == (
        "awaiting_payment",
        "paid",
        "paid",
    )
    assert [entry["effect"] for entry in await shop.mutations()] == [False, True, False]


async def test_another_method_at_checkout(shop: Client) -> None:
    off = await shop.post("/checkout/test", {"method": "bank_transfer"})
    await shop.fault("channel_down")
    card = await shop.post("/checkout/test", {"method": "card"})
    await shop.put("/checkout/methods", {"methods": ["card", "bank_transfer"]})
    on = await shop.post("/checkout/test", {"method": "bank_transfer"})
    burst = await shop.post("/checkout/burst", {"count": 60})

    assert (off["ok"], off["problem"]) == (False, "not_offered")
    assert (card["ok"], card["problem"]) == (False, "channel_failing")
    assert on["ok"]
    assert await shop.get("/checkout/methods") == {"methods": ["card", "bank_transfer"]}
    assert 0 < burst["captured"] < 60


async def test_goodwill_keeps_order_and_money_in_agreement(shop: Client) -> None:
    payment = (await shop.get("/payments?status=captured"))["payments"][-1]
    path = f"/orders/{payment['order_id']}/compensations"
    body = {"amount_minor": 5000, "currency": "TWD", "reason": "late"}

    refund = await shop.post(path, {**body, "kind": "refund"})
    voucher = await shop.post(path, {**body, "kind": "voucher"})
    order = await shop.get(f"/orders/{payment['order_id']}")

    assert (refund["code"], voucher["code"] is not None) == (None, True)
    assert (order["refunded_minor"], order["balance_minor"]) == (5000, 0)
    assert order["total_minor"] == payment["amount_minor"] - 5000
    assert (await shop.get("/data/verify"))["ok"]
