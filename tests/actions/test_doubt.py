"""After a restore the shop is looked at before anything is sent; what it shows is not repeated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from actions.model import Doubt
from plan.model import Earlier
from storage.models import ActionAttempt, AttemptState
from storage.restore_marks import MAY_BE_SENT
from tests.actions.book import EPOCH, WORDS, switch
from tests.actions.conftest import declared

SINCE = EPOCH - timedelta(hours=1)


def _switch(found: str = "[look] if look.channel == params.channel else []") -> Any:
    rule = Earlier(look="routing", found=found, words=WORDS)
    return switch().model_copy(update={"earlier": rule})


def _seen(desk: Any) -> dict[str, Any]:
    return dict(desk.book.settled[-1].response["look"])


@pytest.mark.parametrize(("channel", "shows"), [("northpay", "nothing"), ("harborpay", "found")])
async def test_what_is_asked_about_is_looked_at_and_never_sent(
    make_desk: Any, channel: str, shows: str
) -> None:
    desk = await make_desk(_switch())
    desk.shop.routing = channel
    desk.book.doubt = Doubt(SINCE, "restored", asks=True)
    await desk.run(200)
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.UNKNOWN, "restored")
    assert _seen(desk)["shows"] == shows
    assert _seen(desk)["since"] == SINCE.isoformat()
    assert desk.shop.applied == []
    assert await desk.unfinished() == 0


async def test_what_the_shop_does_not_show_goes_on_by_itself_where_nobody_is_asked(
    make_desk: Any,
) -> None:
    desk = await make_desk(_switch())
    desk.book.doubt = Doubt(SINCE, "restored", asks=False)
    await desk.run(10)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.applied == ["key-1"]


async def test_what_the_shop_shows_is_asked_about(make_desk: Any) -> None:
    desk = await make_desk(_switch())
    desk.shop.routing = "harborpay"
    desk.book.doubt = Doubt(SINCE, "restored", asks=False)
    await desk.run(10)
    assert (await desk.attempt()).problem == "restored"
    assert desk.shop.applied == []


@pytest.mark.parametrize("found", ["newer(look.channels, 'at', since)", "look.channel"])
async def test_an_answer_that_is_no_list_is_not_taken_for_nothing(
    make_desk: Any, found: str
) -> None:
    """The shop's answer has no such list: nothing is known, so nothing is sent."""
    desk = await make_desk(_switch(found))
    desk.book.doubt = Doubt(SINCE, "restored", asks=False)
    await desk.run(10)
    assert _seen(desk)["shows"] == "unseen"
    assert desk.shop.applied == []


async def test_a_shop_that_does_not_answer_is_not_taken_for_nothing(make_desk: Any) -> None:
    desk = await make_desk(_switch())
    desk.shop.look_faults = ["503"]
    desk.book.doubt = Doubt(SINCE, "restored", asks=False)
    await desk.run(10)
    assert _seen(desk)["shows"] == "unseen"
    assert desk.shop.applied == []


async def test_an_effect_that_only_its_answer_would_show_is_said_not_to_be_seen(
    make_desk: Any,
) -> None:
    action = switch()
    assert action.verify is not None
    verify = action.verify.model_copy(update={"holds": "look.id == response.id"})
    desk = await make_desk(action.model_copy(update={"verify": verify}))
    desk.book.doubt = Doubt(SINCE, "restored", asks=True)
    await desk.run(10)
    assert _seen(desk)["shows"] == "no_look"
    assert desk.shop.applied == []


async def _may_be_sent(desk: Any) -> None:
    def mark(session: Session) -> None:
        attempt = session.get_one(ActionAttempt, desk.attempt_id)
        attempt.state, attempt.sent_at = AttemptState.SENT, desk.clock.now()
        attempt.problem = MAY_BE_SENT

    await desk.database.write(mark)


async def test_one_that_the_shop_knows_by_its_key_is_taken_over(make_desk: Any) -> None:
    """Written before the backup, sent after it: the shop remembers its key."""
    desk = await make_desk()
    async with httpx.AsyncClient() as then:
        headers = {"Idempotency-Key": "key-1"}
        body = {"channel": "harborpay"}
        await then.put(f"{desk.shop.url}/routing/card", headers=headers, json=body)
    desk.shop.asked.clear()
    await _may_be_sent(desk)
    await desk.run(10)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert "PUT key-1" not in desk.shop.asked


async def test_one_that_was_never_sent_begins_with_its_looks_beforehand(make_desk: Any) -> None:
    """The shop knows nothing of its key: precondition and the state before are looked at."""
    desk = await make_desk()
    await _may_be_sent(desk)
    await desk.run(60)
    attempt = await desk.attempt()
    assert (attempt.state, attempt.before) == (AttemptState.DONE, {"channel": "northpay"})
    assert desk.shop.asked.index("GET standby") < desk.shop.asked.index("PUT key-1")
    assert desk.shop.applied == ["key-1"]


async def test_a_shop_that_honours_no_keys_is_not_asked_again(make_desk: Any) -> None:
    desk = await make_desk(None, declared("neither", lookup=False))
    await _may_be_sent(desk)
    await desk.run(200)
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.UNKNOWN, "person_decides")
    assert desk.shop.applied == []
