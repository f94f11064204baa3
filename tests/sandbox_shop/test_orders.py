"""What operations do to an order, and what is sent to its customer."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.sandbox_shop.conftest import Client


async def stuck(shop: Client, status: str = "paid") -> str:
    return str((await shop.fault("orders_stuck", count=1, status=status))["orders"][0])


async def test_a_stuck_order_is_sent_and_keeps_its_history(shop: Client) -> None:
    number = await stuck(shop)

    sent = await shop.post(f"/orders/{number}/redispatch", {}, "once")
    await shop.post(f"/orders/{number}/redispatch", {}, "once")
    order = await shop.get(f"/orders/{number}")

    assert sent["status"] == order["status"] == "dispatched"
    moves = [(e["from_status"], e["to_status"]) for e in order["events"]]
    assert moves == [
        (None, "awaiting_payment"),
        ("awaiting_payment", "paid"),
        ("paid", "dispatched"),
    ]
    assert order["events"][-1]["at"] == order["status_since"]


async def test_another_route_starts_the_way_anew(shop: Client) -> None:
    number = await stuck(shop, "dispatched")
    before = await shop.get(f"/orders/{number}")

    await shop.post(f"/orders/{number}/reroute", {"route": "sea-freight"})
    after = await shop.get(f"/orders/{number}")

    assert after["route"] == "sea-freight"
    assert (after["status"], after["status_since"] > before["status_since"]) == ("dispatched", True)


async def test_what_is_not_paid_is_not_sent(shop: Client) -> None:
    number = await stuck(shop, "awaiting_payment")

    for path, body in (("redispatch", {}), ("reroute", {"route": "north-hub"})):
        refused = await shop.call("POST", f"/orders/{number}/{path}", body)
        assert (refused.status, refused.body["error"]["code"]) == (409, "wrong_status")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"total_minor": -1000}, {"discount_minor": 1000}),
        ({"total_minor": 1000}, {}),
        ({"discount_minor": 0}, {}),
    ],
)
async def test_parts_and_total_agree_after_every_change(
    shop: Client, change: dict[str, int], parts: dict[str, int]
) -> None:
    number = await stuck(shop)
    before = await shop.get(f"/orders/{number}")
    body = {
        name: before["total_minor"] + value if name == "total_minor" else value
        for name, value in change.items()
    }

    answer = await shop.call("PATCH", f"/orders/{number}", body)
    after = answer.body

    assert answer.status == 200
    for name, value in body.items():
        assert after[name] == value
    for name, more in parts.items():
        assert after[name] == before[name] + more
    total = after["list_minor"] - after["discount_minor"] + after["shipping_minor"]
    assert total == after["total_minor"]
    assert (await shop.get("/data/verify"))["ok"]


async def test_a_status_is_changed_by_hand(shop: Client) -> None:
    number = await stuck(shop)

    await shop.call("PATCH", f"/orders/{number}", {"status": "cancelled"})
    order = await shop.get(f"/orders/{number}")

    assert order["status"] == "cancelled"
    assert order["events"][-1]["by"] == "operator"


async def test_a_replacement_costs_nothing(shop: Client) -> None:
    number = await stuck(shop)

    made = await shop.post(f"/orders/{number}/replacements", {"reason": "broken"}, "r")
    again = await shop.post(f"/orders/{number}/replacements", {"reason": "broken"}, "r")
    order = await shop.get(f"/orders/{number}")

    assert made == again
    assert (made["total_minor"], made["status"]) == (0, "paid")
    assert order["replacements"] == [made["number"]]


async def test_a_message_goes_by_line_where_the_customer_has_it(shop: Client) -> None:
    vias = set()
    for number, line in shop.sql(
        "SELECT o.number, c.line_id FROM orders o JOIN customers c ON c.id = o.customer_id LIMIT 20"
    ):
        body = {"order_id": number, "template": "apology", "text": "抱歉 <!channel> *x*"}
        sent = await shop.post("/messages", {**body, "language": "zh-Hant"}, f"m-{number}")
        assert sent["via"] == ("line" if line else "email")
        vias.add(sent["via"])
        [message] = (await shop.get(f"/messages?order={number}"))["messages"]
        assert message["text"] == body["text"]
    assert vias == {"line", "email"}


async def test_a_vendor_answers_after_a_while(shop: Client) -> None:
    ticket = await shop.post("/vendors/northpay/tickets", {"subject": "3DS", "body": "Why?"})
    path = f"/vendors/northpay/tickets/{ticket['id']}"
    fresh = await shop.get(path)
    await shop.post("/clock", {"advance": 13 * 60})

    assert (ticket["id"], fresh["answer"]) == ("88213", None)
    assert "certificate" in (await shop.get(path))["answer"]
    assert (await shop.call("GET", "/vendors/harborpay/tickets/88213")).status == 404


BAD: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/refunds", {"payment_id": "np_1", "amount_minor": 1}, 404, "np_1"),
    ("POST", "/refunds", {"payment_id": "?", "amount_minor": "1,200"}, 404, "?"),
    ("POST", "/orders/FG-1/redispatch", {}, 404, "FG-1"),
    ("GET", "/orders/%3Cscript%3E", None, 404, "<script>"),
    ("GET", "/orders/99999999999999999999", None, 404, "no order"),
    ("GET", "/payments?since=yesterday", None, 422, "since"),
    ("GET", "/refunds", None, 422, "order"),
    ("GET", "/channels/paypal", None, 404, "paypal"),
    ("GET", "/channels/northpay/stats?window=-1", None, 422, "window"),
    ("PUT", "/routing/card", {"channel": "paypal"}, 422, "channel"),
    ("PUT", "/routing/cheque", {"channel": "northpay"}, 404, "cheque"),
    ("PUT", "/checkout/methods", {"methods": []}, 422, "methods"),
    ("PUT", "/checkout/methods", {"methods": ["card", ["x"]]}, 422, "methods"),
    ("PUT", "/traffic", {"server": "moon"}, 422, "server"),
    ("POST", "/messages", {"order_id": True, "text": "x"}, 422, "order_id"),
    ("POST", "/faults", {"kind": "earthquake"}, 422, "earthquake"),
    ("POST", "/faults", {"kind": "channel_half", "chanel": "northpay"}, 422, "chanel"),
    ("POST", "/faults", {"kind": "channel_half", "unanswered": 2, "charged": 3}, 422, "charged"),
    ("POST", "/faults", {"kind": "orders_stuck", "count": 0}, 422, "count"),
    ("POST", "/faults", {"kind": "control_error", "path": "routing"}, 422, "path"),
    ("POST", "/clock", {"advance": -5}, 422, "advance"),
    ("POST", "/clock", {"advance": "1"}, 422, "advance"),
    ("POST", "/checkout/burst", {"count": 1.5}, 422, "count"),
    ("PUT", "/stream", {"rate": True}, 422, "rate"),
    ("PUT", "/traffic", ["primary"], 400, "object"),
    ("DELETE", "/refunds", None, 405, "DELETE"),
    ("GET", "/nothing", None, 404, "/nothing"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "named"), BAD)
async def test_a_wrong_request_is_refused_in_one_sentence_and_changes_nothing(
    shop: Client, method: str, path: str, body: Any, status: int, named: str
) -> None:
    answer = await shop.call(method, path, body)

    assert answer.status == status, answer.body
    message = answer.body["error"]["message"]
    assert named in message
    assert "\n" not in message
    assert not any(entry["effect"] for entry in await shop.mutations())


@pytest.mark.parametrize("amount", ["1,200", 12.5, 0, -100, True, None, 10**15])
async def test_an_amount_is_a_whole_number_of_minor_units(shop: Client, amount: Any) -> None:
    payment = (await shop.get("/payments?status=captured"))["payments"][-1]
    body = {"payment_id": payment["id"], "amount_minor": amount, "currency": "TWD"}

    refused = await shop.call("POST", "/refunds", body)

    assert refused.status == 422
    assert "amount_minor" in refused.body["error"]["message"]


async def test_a_body_that_is_not_json(shop: Client) -> None:
    url = f"{shop.sandbox.control_url}/traffic"
    for raw, status in ((b"{", 400), (b"[" * 100_000, 400), (b" " * 2_000_000, 413)):
        async with shop.http.put(url, data=io.BytesIO(raw)) as response:
            assert response.status == status
            assert (await response.json())["error"]["message"]


async def test_a_page_of_another_origin_changes_nothing(shop: Client) -> None:
    url = f"{shop.sandbox.control_url}/faults"
    headers = {"Origin": "https://example.invalid"}
    async with shop.http.post(url, json={"kind": "server_crash"}, headers=headers) as response:
        assert response.status == 403
    assert (await shop.get("/servers"))["servers"][0]["state"] == "running"
