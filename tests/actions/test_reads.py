"""Actions that only look, and what of a look enters Muster."""

from __future__ import annotations

import httpx
import pytest
import respx

from actions.connectors.http import ShopClient
from actions.declarations import LookDeclaration
from storage.models import AttemptState
from tests.actions.book import switch

READ = {"kind": "read", "preconditions": (), "before": None}


async def test_what_is_seen_is_its_answer(make_desk) -> None:
    """Nothing is sent; the look is made once."""
    desk = await make_desk(switch().model_copy(update=READ))
    desk.shop.routing = "harborpay"
    await desk.turn()
    attempt = await desk.attempt()
    assert attempt.state == AttemptState.DONE
    assert desk.book.settled[0].response == {"channel": "harborpay"}
    assert desk.shop.asked == ["GET routing"]


async def test_a_look_that_does_not_show_what_is_wanted_says_so(make_desk) -> None:
    desk = await make_desk(switch().model_copy(update=READ))
    await desk.turn()
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.FAILED, "not_verified")
    assert attempt.after == {"channel": "northpay"}
    assert desk.shop.applied == []


async def test_a_look_without_an_answer_can_be_made_again(make_desk) -> None:
    """Nothing has happened, so nothing is unknown."""
    desk = await make_desk(switch().model_copy(update=READ))
    desk.shop.look_faults = ["503"]
    await desk.turn()
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.FAILED, "no_answer")
    assert await desk.unfinished() == 0


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"id": 1, "status": "paid", "customer": {"name": "Chen"}}, {"id": 1, "status": "paid"}),
        ([{"id": 1, "text": "Dear Ms Chen"}, {"id": 2}], [{"id": 1}, {"id": 2}]),
        ("ok", "ok"),
    ],
)
async def test_only_the_declared_fields_enter(answer: object, kept: object) -> None:
    """A customer's name in the shop's answer stays in the shop."""
    router = respx.Router()
    router.get("https://shop.example/order").respond(200, json=answer)
    transport = httpx.MockTransport(router.async_handler)
    look = LookDeclaration(url="/order", keep=("id", "status"))
    async with httpx.AsyncClient(transport=transport) as http:
        shop = ShopClient(http, base_url="https://shop.example", looks={"o": look}, actions={})
        assert await shop.look("o", {}) == kept
