"""Each switch plants exactly what it says, at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from tests.sandbox_shop.conftest import Client, until

UNPAID = """
SELECT count(*), count(DISTINCT o.customer_id), sum(o.total_minor) FROM orders o
WHERE o.status = 'awaiting_payment'
"""


async def test_half_of_the_payments_fail_in_the_figures_of_the_example(shop: Client) -> None:
    await shop.post("/checkout/burst", {"count": 40})  # what was before does not count

    await shop.fault("channel_half")
    stats = await shop.get("/channels/northpay/stats?window=300")

    assert (stats["attempts"], stats["failed"], stats["unanswered"]) == (118, 57, 9)
    assert stats["stages"] == {"3ds_timeout": 54, "card_declined": 3}
    assert (stats["banks"], stats["usual_failed_per_100"]) == (14, 3)
    assert shop.sql(UNPAID) == [(41, 39, 8_642_000)]
    charged = shop.sql(
        "SELECT sum(c.charged) FROM charges c JOIN payments p ON p.id = c.payment_id "
        "WHERE p.status = 'unknown'"
    )
    assert charged == [(2,)]
    told_now = shop.sql(
        "SELECT sum(line_id IS NOT NULL), sum(line_id IS NULL) FROM customers WHERE id IN ("
        " SELECT o.customer_id FROM orders o WHERE o.status = 'awaiting_payment' AND NOT EXISTS"
        " (SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.status = 'unknown'))"
    )
    assert told_now == [(19, 11)]


async def test_the_figures_hold_for_a_minute(shop: Client) -> None:
    await shop.fault("channel_half")
    before = await shop.get("/channels/northpay/stats")

    await shop.post("/clock", {"advance": 55})

    assert await shop.get("/channels/northpay/stats") == before
    began = datetime.fromisoformat(before["since"])
    now = datetime.fromisoformat((await shop.get("/clock"))["now"])
    assert timedelta(minutes=4) < now - began < timedelta(minutes=5)


async def test_nothing_is_added_while_the_stream_rests_and_half_fails_when_it_flows(
    shop: Client,
) -> None:
    await shop.fault("channel_half")
    await shop.post("/clock", {"advance": 200})
    rested = shop.sql("SELECT count(*) FROM orders")
    burst = await shop.post("/checkout/burst", {"count": 20})

    assert burst["captured"] == 10
    assert shop.sql("SELECT count(*) FROM orders") == [(rested[0][0] + 20,)]


@pytest.mark.parametrize(
    ("parameters", "unanswered", "charged"),
    [
        ({"unanswered": 0}, 0, 0),
        ({"unanswered": 1}, 1, 1),
        ({"unanswered": 20, "charged": 20, "share": 0.2}, 20, 20),
        ({"share": 0.05}, 9, 2),
        ({"share": 0.8, "charged": 0, "channel": "harborpay"}, 9, 0),
    ],
)
async def test_other_shares(
    shop: Client, parameters: dict[str, Any], unanswered: int, charged: int
) -> None:
    channel = parameters.get("channel", "northpay")

    await shop.fault("channel_half", **parameters)
    stats = await shop.get(f"/channels/{channel}/stats")

    assert (stats["attempts"], stats["unanswered"]) == (118, unanswered)
    assert abs(stats["failed"] / 118 - parameters.get("share", 0.5)) < 0.03
    assert shop.sql(
        "SELECT sum(charged) FROM charges c JOIN payments p ON p.id = c.payment_id "
        "WHERE p.status = 'unknown'"
    )[0][0] in (charged, charged or None)
    assert (await shop.get("/data/verify"))["ok"]


async def test_stuck_orders_stay_until_they_are_moved_or_the_fault_ends(shop: Client) -> None:
    made = await shop.fault("orders_stuck", count=4, hours=60, status="paid")
    query = "SELECT number FROM orders WHERE status = 'paid' AND status_since < ?"
    limit = datetime.fromisoformat((await shop.get("/clock"))["now"]) - timedelta(hours=48)
    border = limit.strftime("%Y-%m-%dT%H:%M:%SZ")
    before = {number for (number,) in shop.sql(query, (border,))}
    await shop.post("/clock", {"advance": 3600 * 5})
    await shop.post(f"/orders/{made['orders'][0]}/redispatch")
    during = {number for (number,) in shop.sql(query, (border,))}
    await shop.post("/faults/recover", {"kind": "orders_stuck"})

    assert before == set(made["orders"])
    assert during == set(made["orders"][1:])
    assert shop.sql(query, (border,)) == []


async def test_sixty_stuck_at_once(shop: Client) -> None:
    made = await shop.fault("orders_stuck", count=60, status="dispatched")

    assert len(set(made["orders"])) == 60


async def test_a_transition_that_is_not_allowed(shop: Client) -> None:
    [number] = (await shop.fault("wrong_transition"))["orders"]

    events = (await shop.get(f"/orders/{number}"))["events"]

    assert (events[-1]["from_status"], events[-1]["to_status"]) == (
        "dispatched",
        "awaiting_payment",
    )


MISMATCHES = """
SELECT o.number, sum(p.amount_minor) - o.total_minor AS off FROM orders o
JOIN payments p ON p.order_id = o.id AND p.status = 'captured'
GROUP BY o.id HAVING off <> 0 ORDER BY off DESC
"""


async def test_amounts_that_differ(shop: Client) -> None:
    assert shop.sql(MISMATCHES) == []
    made = await shop.fault("amount_mismatch", over=2, under=1, minor=12_000)

    found = shop.sql(MISMATCHES)

    assert sorted(number for number, _ in found) == sorted(made["orders"])
    assert [off for _, off in found] == [12_000, 12_000, -12_000]
    await shop.post("/faults/recover")
    assert shop.sql(MISMATCHES) == []
    assert (await shop.get("/data/verify"))["ok"]


async def test_an_overpaid_order_is_set_right_by_a_refund_and_an_underpaid_one_by_a_link(
    shop: Client,
) -> None:
    over, under = (await shop.fault("amount_mismatch", over=1, under=1))["orders"]
    order = await shop.get(f"/orders/{over}")
    refund = {"payment_id": order["payments"][0]["id"], "currency": "TWD"}
    await shop.post("/refunds", {**refund, "amount_minor": order["balance_minor"]})
    owed = -(await shop.get(f"/orders/{under}"))["balance_minor"]
    body = {"amount_minor": owed, "currency": "TWD", "purpose": "difference"}
    link = await shop.post(f"/orders/{under}/payment-links", body)
    await shop.post(f"/payment-links/{link['id']}/pay")

    for number in (over, under):
        order = await shop.get(f"/orders/{number}")
        assert (order["balance_minor"], order["status"]) == (0, "paid")


async def test_every_switch_can_be_thrown_as_it_stands_and_all_recover(shop: Client) -> None:
    listed = (await shop.get("/faults"))["faults"]
    for switch in listed:
        parameters = {k: v for k, v in switch["parameters"].items() if v is not None}
        await shop.fault(switch["kind"], **parameters)
    on = [fault["kind"] for fault in (await shop.get("/faults"))["faults"] if fault["on"]]
    await shop.post("/faults/recover")
    state = await shop.get("/state")

    assert on == [switch["kind"] for switch in listed]
    assert not any(fault["on"] for fault in state["faults"])
    assert all(channel["healthy"] for channel in state["channels"])
    assert (await shop.get("/data/verify"))["ok"]
    assert shop.sql(MISMATCHES) == []


async def test_a_lost_reply_leaves_the_effect(shop: Client) -> None:
    await shop.fault("control_lost_reply", path="/servers/standby", times=1)
    await shop.get("/servers")  # a look does not use it up

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await shop.call("POST", "/servers/standby/start", {}, "k")

    assert (await shop.get("/servers"))["servers"][1]["state"] == "running"
    again = await shop.call("POST", "/servers/standby/start", {}, "k")
    assert again.replayed
    assert [entry["effect"] for entry in await shop.mutations(key="k")] == [True, False]


async def test_an_error_has_no_effect_and_is_logged(shop: Client) -> None:
    await shop.fault("control_error", path="/routing", status=502, times=2)

    answers = [
        await shop.call("PUT", "/routing/card", {"channel": "harborpay"}, "k") for _ in range(3)
    ]

    assert [answer.status for answer in answers] == [502, 502, 200]
    log = await shop.mutations(key="k")
    assert [(entry["status"], entry["effect"]) for entry in log] == [
        (502, False),
        (502, False),
        (200, True),
    ]


async def test_an_effect_lands_after_the_client_gave_up(shop: Client) -> None:
    await shop.fault("control_delay", path="/servers/standby/start", seconds=0.4)

    with pytest.raises(TimeoutError):
        await shop.http.post(
            f"{shop.sandbox.control_url}/servers/standby/start",
            timeout=aiohttp.ClientTimeout(total=0.1),
        )

    async def standby_runs() -> bool:
        return bool((await shop.get("/servers"))["servers"][1]["state"] == "running")

    await until(standby_runs)


async def test_faults_of_the_control_port_meet_looks_only_when_told(shop: Client) -> None:
    await shop.fault("control_error", path="/servers", method="GET", times=-1)

    assert (await shop.call("GET", "/servers")).status == 503
    assert (await shop.call("POST", "/servers/standby/start")).status == 200
    assert (await shop.get("/faults"))["control"][0]["hits"] == 1
    await shop.post("/faults/recover", {"kind": "control_error"})
    assert (await shop.call("GET", "/servers")).status == 200
