"""The shop as data: verbs and faults are rows, what they name is there, and rows can be given."""

from __future__ import annotations

import pytest

from sandbox.shop import faults
from sandbox.shop.control_verbs import DOES
from sandbox.shop.faults import FaultsError, read_switches
from sandbox.shop.verbs import VerbsError, read_verbs
from tests.sandbox_shop.conftest import Client

KINDS = "kinds: {order: {table: orders, by: [id], says: none}}\n"
BROKEN_VERBS = {
    "a key": ("x: {post: /x, dos: order.replace}", "and only"),
    "no method": ("x: {answers: now}", "give one of get, post"),
    "a kind": ("x: {post: /x, finds: {parcel: parts.id}}", "no kind “parcel”"),
    "a rule": ("x: {post: /x, fields: {route: {txt: 40}}}", "needs one rule of"),
    "code": ("x: {post: /x, does: order.replaced}", "no code “order.replaced”"),
    "an expression": ("x: {post: /x, answers: 'order.'}", "is no expression"),
}
BROKEN_FAULTS = {
    "a key": ("{section: '2.2', dos: stick}", "“dos” is no key"),
    "nothing that it does": ("{section: '2.2'}", "give “does” or “plants”"),
    "code": ("{section: '2.2', does: stuck, words: {}}", "no code “stuck”"),
    "a rule": ("{section: '2.2', does: stick, parameters: {count: {}}}", "needs one rule of"),
    "a target": ("{section: '2.2', does: stick, target: channel}", "“channel” is no parameter"),
}
PLANTED = """
faults:
  parcels_unsigned:
    section: "4.4"
    parameters: {count: {whole: [1, 50], default: 2}}
    plants:
      - table: orders
        times: count
        row:
          number: "'UP-' ~ index"
          customer_id: "1"
          status: "'dispatched'"
          status_since: ago(hours=90)
          created_at: ago(hours=96)
          total_minor: "120000"
          list_minor: "120000"
          discount_minor: "0"
          shipping_minor: "0"
          currency: "'TWD'"
    words: {en: [Unsigned, Nobody signs.], zh-Hant: [未簽收, 無人簽收。]}
"""


@pytest.mark.parametrize("name", BROKEN_VERBS)
def test_a_verb_that_names_what_there_is_not_is_refused(name: str) -> None:
    row, sentence = BROKEN_VERBS[name]
    with pytest.raises(VerbsError, match=f"x: .*{sentence}"):
        read_verbs(DOES, f"{KINDS}verbs:\n  {row}\n")


@pytest.mark.parametrize("name", BROKEN_FAULTS)
def test_a_fault_that_names_what_there_is_not_is_refused(name: str) -> None:
    row, sentence = BROKEN_FAULTS[name]
    with pytest.raises(FaultsError, match=f"x: .*{sentence}"):
        read_switches(f"faults:\n  x: {row}\n")


async def test_a_fault_of_rows_alone_comes_and_goes(
    shop: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_switches", lambda: read_switches(PLANTED))
    before = (await shop.get("/state"))["orders"].get("dispatched", 0)

    made = await shop.fault("parcels_unsigned", count=3)
    during = (await shop.get("/state"))["orders"]["dispatched"]
    await shop.post("/faults/recover", {"kind": "parcels_unsigned"})

    assert made["rows"] == 3
    assert during == before + 3
    assert (await shop.get("/state"))["orders"].get("dispatched", 0) == before


async def test_rows_can_be_given_and_what_does_not_fit_is_refused(shop: Client) -> None:
    """A drill of a shop's own section writes what its check finds."""
    ticket = {"id": "T1", "vendor": "cold-store", "subject": "Door", "body": "Open"}
    made = await shop.post("/rows", {"vendor_tickets": [{**ticket, "created_at": {"ago": 3600}}]})
    assert len(made["vendor_tickets"]) == 1
    assert (await shop.get("/vendors/cold-store/tickets/T1"))["subject"] == "Door"

    for wrong, named in (
        ({"parcels": [{"id": 1}]}, "no table “parcels”"),
        ({"vendor_tickets": [{"colour": 1}]}, "no column “colour”"),
        ({"vendor_tickets": [ticket]}, "does not fit"),
    ):
        answer = await shop.call("POST", "/rows", wrong)
        assert answer.status == 422
        assert named in answer.body["error"]["message"]
