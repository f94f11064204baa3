"""A shop with a database alone: what reading can do is done, the rest is said and not offered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.cli.stack import stack
from sandbox.drills.hands import elements, wait_for
from tests.journeys.workspace import LIN, Workspace, daytime


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    def change(data: dict[str, Any]) -> None:
        daytime(data)
        data["shop"] |= {"looks": {}, "actions": {}}
        del data["shop"]["control_url"]
        data["checks"] = [one for one in data["checks"] if one["kind"] == "amount_mismatch"]

    with stack(
        tmp_path_factory.mktemp("alone"),
        shop_options=("--rate", "0"),
        bot_options=("--control", "0"),
        change=change,
    ) as running:
        found = Workspace(running)
        yield found
        found.close()


def test_the_record_is_read_from_the_tables_and_a_refund_is_done_by_hand(alone: Workspace) -> None:
    unread = {
        "number": "FG-NO-TIME", "customer_id": 1, "status": "paid", "status_since": "",
        "created_at": "2026-11-01T00:00:00Z", "total_minor": 100, "list_minor": 100,
        "discount_minor": 0, "shipping_minor": 0, "currency": "TWD",
    }  # fmt: skip
    alone.shop.post("/rows", {"orders": [unread]})  # no check can say that it is in order
    fault = {"kind": "amount_mismatch", "on": True, "over": 1, "under": 0, "minor": 1000}
    alone.shop.post("/faults", fault)
    card = alone.until(lambda: alone.cards(), "the card of 3.2")[0]
    assert "Not judged, for want of a time: 1 of the orders (FG-NO-TIME)" in str(card)
    lin = alone.at(card, LIN)
    alone.until(lambda: lin.find("3.2.1.s1", "read"), "the button that reads the record")

    lin.press({"step": "3.2.1.s1", "button": "read"})
    said = "compared 1 order with the payment records: 1 differs"
    wait_for(lambda: said in lin.thread_words() or None, "its line in the thread")
    lin.press({"step": "3.2.1.s2", "button": "answer", "form": {"order_amount": "right"}})
    lin.press({"step": "3.2.2.s1", "button": "differ", "form": {"cause": "double_payment"}})

    # Nothing writes to a customer, and nothing refunds: no button, and what would have to be set.
    lin.press(
        {
            "step": "3.2.3.s1",
            "button": "answer",
            "form": {"confirmed": "as_recorded", "how": "phone"},
        }
    )
    said = wait_for(
        lambda: next((t for t in [lin.thread_words()] if "refund_difference" in t), None),
        "what is missing",
    )
    assert "Not from here: shop.actions.refund_difference is not set." in said.replace("`", "")
    offered = {
        str(e.get("value", "")).split(":")[3]
        for m in lin.thread()
        for e in elements(m)
        if ":3.2.3.s2:" in str(e.get("value"))
    }
    assert offered == {"by_hand", "skip"}, offered

    order = alone.shop.look(f"/orders/{alone.one('select key from cases')}")
    paid = next(one for one in order["payments"] if one["status"] == "captured")
    back = {"payment_id": paid["id"], "amount_minor": order["balance_minor"], "reason": "by hand"}
    alone.shop.post("/refunds", back)  # as somebody does in the shop's own pages
    lin.press(
        {"step": "3.2.3.s2", "button": "by_hand", "form": {"reason": "Refunded in the admin, 8841"}}
    )
    assert "did it by hand, Muster did not see it" in lin.thread_words()
    assert "Refunded in the admin, 8841" in lin.thread_words()
    assert "1 refunded" not in lin.thread_words()  # nobody has seen it yet
    lin.press({"step": "3.2.4.s1", "button": "look"})
    assert "Not done" not in lin.thread_words()
    assert alone.one("select state from cases") == "settled"
    assert not alone.shop.mutations()[1:], "only the person's own refund reached the shop"
