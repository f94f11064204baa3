"""One intended effect, whatever the network does (rule 6)."""

from __future__ import annotations

import asyncio

import pytest

from actions.declarations import ActionDeclaration
from plan.model import Action, CustomerMessage, Reading
from storage.models import AttemptState
from tests.actions.book import WORDS, switch
from tests.actions.conftest import declared
from tests.actions.tiny_shop import pretty


async def test_it_is_looked_at_before_and_after(make_desk) -> None:
    """Precondition, state before, request, verification, in this order; then done."""
    desk = await make_desk()
    await desk.turn()
    attempt = await desk.attempt()
    assert attempt.state == AttemptState.DONE
    assert attempt.before == {"channel": "northpay"}
    assert attempt.after == {"channel": "harborpay"}
    assert desk.shop.asked == ["GET standby", "GET routing", "PUT key-1", "GET routing"]
    assert await desk.unfinished() == 0


async def test_it_refuses_when_a_precondition_does_not_hold(make_desk) -> None:
    """An unhealthy standby: nothing is sent, and the plan's words are named."""
    desk = await make_desk()
    desk.shop.healthy = False
    await desk.turn()
    attempt = await desk.attempt()
    assert attempt.state == AttemptState.REFUSED
    assert attempt.problem == "precondition:0"
    assert desk.shop.applied == []
    assert desk.book.settled[0].response == {"look": {"ok": False}}


async def test_it_refuses_when_a_precondition_cannot_be_looked_at(make_desk) -> None:
    """What is not known to be safe is not done."""
    desk = await make_desk()
    desk.shop.look_faults = ["503"]
    await desk.turn()
    assert (await desk.attempt()).problem == "precondition_unseen:0"
    assert desk.shop.applied == []


async def test_it_refuses_when_the_state_before_cannot_be_seen(make_desk) -> None:
    """Without the state before there is no way back to offer."""
    desk = await make_desk(switch(preconditions=False))
    desk.shop.look_faults = ["503"]
    await desk.turn()
    assert (await desk.attempt()).problem == "before_unseen"
    assert desk.shop.applied == []


async def test_a_message_is_not_sent_unless_its_orders_were_read(make_desk) -> None:
    """Who paid meanwhile must not be asked to: what cannot be read is not sent (rule 15)."""
    desk = await make_desk(_message())
    desk.book.group = [{"key": "FG-1"}, {"key": "FG-2"}]
    desk.shop.look_faults = ["503"]
    await desk.turn()
    assert (await desk.attempt()).problem == "order_unseen"
    assert desk.shop.applied == []


async def test_a_message_goes_out_as_the_fresh_look_has_it_written(make_desk) -> None:
    desk = await make_desk(_message())
    desk.book.group = [{"key": "FG-1"}, {"key": "FG-2"}]
    await desk.turn()
    [seen] = desk.book.words
    assert set(seen) == {"FG-1", "FG-2"}
    assert desk.shop.routing == "as it reads now"


def _message() -> Action:
    plain = switch(preconditions=False, before=False, verify=False)
    message = CustomerMessage(order=WORDS, reads=Reading(look="routing", due="none"))
    return plain.model_copy(update={"message": message})


async def test_a_refusal_of_the_shop_is_final_and_says_why(make_desk) -> None:
    desk = await make_desk()
    desk.shop.faults = ["refused"]
    await desk.run(60)
    attempt = await desk.attempt()
    assert attempt.state == AttemptState.FAILED
    assert attempt.problem == "refused"
    assert desk.book.settled[0].detail == "The routing is locked."
    assert desk.shop.asked.count("PUT key-1") == 1


LOST = ["lost_reply", "503_after", "malformed"]
NEVER_ARRIVED = ["reset_before", "500_before", "timeout_before"]


@pytest.mark.parametrize("contract", ["keys", "lookup", "neither"])
@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_is_found_by_looking(make_desk, contract: str, fault: str) -> None:
    """The effect is there: it is seen, not repeated, whatever the shop promises."""
    desk = await make_desk(None, declared(contract, lookup=contract == "lookup"))
    desk.shop.faults = [fault]
    await desk.run(60)
    attempt = await desk.attempt()
    assert attempt.state == AttemptState.DONE, pretty(desk.shop.asked)
    assert [s.state for s in desk.book.settled] == [AttemptState.UNKNOWN, AttemptState.DONE]
    assert desk.shop.applied == ["key-1"]
    assert desk.shop.asked.count("PUT key-1") == 1


@pytest.mark.parametrize("lookup", [True, False])
@pytest.mark.parametrize("fault", NEVER_ARRIVED)
async def test_with_keys_it_goes_out_again_after_looking(
    make_desk, fault: str, lookup: bool
) -> None:
    """No effect after the settle time: the same request under the same key, one effect."""
    desk = await make_desk(None, declared("keys", lookup=lookup))
    desk.shop.faults = [fault]
    await desk.run(9)
    assert desk.shop.asked.count("PUT key-1") == 1, "the settle time is not over"
    await desk.run(30)
    assert (await desk.attempt()).state == AttemptState.DONE, pretty(desk.shop.asked)
    assert desk.shop.applied == ["key-1"]
    assert desk.shop.asked.count("PUT key-1") == 2


async def test_a_late_effect_beside_the_repetition_is_one_effect(make_desk) -> None:
    """The first request lands after it was given up and sent again: the key makes it one."""
    desk = await make_desk()
    desk.shop.faults = ["late"]
    await desk.run(30)
    desk.shop.land()
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.applied == ["key-1"]


async def test_a_late_effect_is_seen_while_looking(make_desk) -> None:
    """It lands within the settle time: no second request at all."""
    desk = await make_desk(None, declared("lookup"))
    desk.shop.faults = ["late"]
    await desk.run(5)
    desk.shop.land()
    await desk.run(20)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.asked.count("PUT key-1") == 1


@pytest.mark.parametrize("fault", NEVER_ARRIVED)
async def test_a_shop_that_can_be_looked_up_is_never_asked_twice(make_desk, fault: str) -> None:
    """Looked up until nothing can come any more, then failed: nothing has changed."""
    desk = await make_desk(None, declared("lookup"))
    desk.shop.faults = [fault]
    await desk.run(150)
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.FAILED, "no_effect")
    assert desk.shop.asked.count("PUT key-1") == 1
    assert await desk.unfinished() == 0


@pytest.mark.parametrize("fault", NEVER_ARRIVED)
async def test_with_neither_a_person_decides(make_desk, fault: str) -> None:
    """It stays unknown, is not repeated, blocks nothing, and is still looked at now and then."""
    desk = await make_desk(None, declared("neither", lookup=False))
    desk.shop.faults = [fault]
    await desk.run(150)
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.UNKNOWN, "person_decides")
    assert desk.shop.asked.count("PUT key-1") == 1
    desk.shop.routing = "harborpay"  # it shows after all
    await desk.run(90)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert await desk.unfinished() == 0


async def test_the_seldom_looks_end_after_an_hour(make_desk) -> None:
    desk = await make_desk(None, declared("neither", lookup=False))
    desk.shop.faults = ["reset_before"]
    await desk.run(4000)
    assert (await desk.attempt()).state == AttemptState.UNKNOWN
    assert await desk.unfinished() == 0


async def test_answered_but_not_seen_is_not_called_done(make_desk) -> None:
    """The shop said yes, the look does not show it: unknown to the owner, done once it shows."""
    desk = await make_desk()
    desk.shop.hidden = True
    await desk.run(20)
    assert (await desk.attempt()).state == AttemptState.SENT
    await desk.run(120)
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.UNKNOWN, "not_verified")
    desk.shop.hidden = False
    await desk.run(90)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.applied == ["key-1"]


async def test_looks_without_answer_settle_nothing(make_desk) -> None:
    """The shop is silent on looks too: still unknown, still not repeated."""
    desk = await make_desk(switch(preconditions=False, before=False), declared(lookup=False))
    desk.shop.faults = ["reset_before"]
    desk.shop.look_faults = ["503"] * 8
    await desk.run(20)
    assert (await desk.attempt()).state == AttemptState.UNKNOWN
    assert desk.shop.asked.count("PUT key-1") == 1


async def test_a_shop_that_is_away_is_tried_again_and_then_named(make_desk) -> None:
    """Refused connections certainly had no effect: three tries, then failed, nothing changed."""
    desk = await make_desk(switch(preconditions=False, before=False))
    await desk.shop.stop()
    await desk.turn()
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.FAILED, "not_sent")


async def test_without_a_declared_door_nothing_is_tried(make_desk) -> None:
    desk = await make_desk()
    desk.declaration = ActionDeclaration(url="/elsewhere")
    runner_actions = {"another": desk.declaration}
    items = await desk.claim()
    runner = desk.runner()
    runner._shop._actions = runner_actions
    await runner.run(items[0])
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.REFUSED, "no_door")


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_restart_between_sent_and_settled_looks_first(make_desk, arrived: bool) -> None:
    """Killed after SENT was committed: the new process looks, and repeats only with the key."""
    desk = await make_desk()
    desk.shop.faults = ["timeout_before" if not arrived else "lost_reply"]
    items = await desk.claim()
    killed = asyncio.create_task(desk.runner().run(items[0]))
    await desk.shop.arrived.wait()
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    assert (await desk.attempt()).state == AttemptState.SENT
    await desk.restart()
    before = len(desk.shop.asked)
    await desk.run(30)
    assert not desk.shop.asked[before].startswith("PUT"), "it was repeated without looking"
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.applied == ["key-1"]


async def test_a_process_that_wakes_late_changes_nothing(make_desk) -> None:
    """The work was taken over while it slept: neither the request nor the state is touched."""
    desk = await make_desk()
    items = await desk.claim()
    await desk.restart()
    await desk.run(5)
    done = await desk.attempt()
    asked = desk.shop.asked.count("PUT key-1")
    await desk.runner().run(items[0])
    assert desk.shop.asked.count("PUT key-1") == asked == 1
    assert (await desk.attempt()).settled_at == done.settled_at
    assert len(desk.book.settled) == 1


async def test_without_a_verification_the_answer_settles_it(make_desk) -> None:
    """A message to a vendor: there is nothing to look at but the shop's own answer."""
    desk = await make_desk(switch(verify=False, preconditions=False, before=False))
    await desk.turn()
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.book.settled[0].response == {"channel": "harborpay", "previous": "northpay"}


async def test_without_a_verification_the_key_is_looked_up(make_desk) -> None:
    """Its lost answer comes from the shop's memory of the key."""
    desk = await make_desk(switch(verify=False, preconditions=False, before=False))
    desk.shop.faults = ["lost_reply"]
    await desk.run(30)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.asked.count("PUT key-1") == 1
    assert desk.book.settled[-1].response == {"channel": "harborpay", "previous": "northpay"}


async def test_with_keys_and_nothing_to_look_with_the_replay_answers(make_desk) -> None:
    desk = await make_desk(
        switch(verify=False, preconditions=False, before=False), declared(lookup=False)
    )
    desk.shop.faults = ["lost_reply"]
    await desk.run(30)
    assert (await desk.attempt()).state == AttemptState.DONE
    assert desk.shop.applied == ["key-1"]


@pytest.mark.parametrize(("routing", "state"), [("harborpay", "done"), ("northpay", "failed")])
async def test_an_action_that_only_looks_sends_nothing(make_desk, routing: str, state: str) -> None:
    """A test payment, a look at a server: what is seen is its answer."""
    desk = await make_desk(switch().model_copy(update={"kind": "read"}))
    desk.shop.routing = routing
    await desk.turn()
    assert (await desk.attempt()).state == state
    assert desk.shop.asked == ["GET routing"]
    assert desk.book.settled[0].response == {"channel": routing}


def failing(fails: str) -> Action:
    action = switch(preconditions=False, before=False)
    assert action.verify is not None
    verify = action.verify.model_copy(update={"fails": fails, "failed": WORDS})
    return action.model_copy(update={"verify": verify})


async def test_a_definite_failure_is_failed_at_once(make_desk) -> None:
    """The look says that it went wrong: no waiting until `within`, nothing left to a person."""
    desk = await make_desk(failing("look.channel == 'locked'"))
    desk.shop.broken_word = "locked"
    await desk.turn()
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.FAILED, "effect_failed")
    assert attempt.after == {"channel": "locked"}
    assert await desk.unfinished() == 0
    assert desk.shop.asked == ["PUT key-1", "GET routing"]


async def test_the_answer_alone_can_say_that_it_failed(make_desk) -> None:
    """The look has no answer, the shop's own answer has said enough."""
    desk = await make_desk(failing("response.previous == 'northpay'"))
    desk.shop.look_faults = ["503"]
    await desk.turn()
    attempt = await desk.attempt()
    assert (attempt.state, attempt.problem) == (AttemptState.FAILED, "effect_failed")
    assert attempt.after is None


async def test_an_unknown_outcome_that_turns_out_failed_is_failed(make_desk) -> None:
    desk = await make_desk(failing("look.channel == 'locked'"), declared("lookup"))
    desk.shop.faults = ["lost_reply"]
    desk.shop.broken_word = "locked"
    await desk.run(5)
    assert [(s.state, s.problem) for s in desk.book.settled] == [
        (AttemptState.UNKNOWN, "no_answer"),
        (AttemptState.FAILED, "effect_failed"),
    ]
    assert desk.shop.asked.count("PUT key-1") == 1


async def test_a_look_that_says_failed_is_never_called_done(make_desk) -> None:
    """Both hold: the failure stands."""
    desk = await make_desk(failing("look.channel == params.channel"))
    await desk.turn()
    assert (await desk.attempt()).state == AttemptState.FAILED


async def test_an_action_that_only_looks_can_see_a_failure(make_desk) -> None:
    desk = await make_desk(failing("look.channel == 'locked'").model_copy(update={"kind": "read"}))
    desk.shop.routing = "locked"
    await desk.turn()
    assert (await desk.attempt()).problem == "effect_failed"
