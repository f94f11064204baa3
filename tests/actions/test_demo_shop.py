"""The plan's own actions against the demo shop: one effect a key in its mutation log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from actions.connectors.http import ShopClient, open_http
from actions.declarations import ActionDeclaration, LookDeclaration
from actions.runner import ActionRunner
from plan.loader import load_plan
from sandbox.shop.server import ShopSandbox
from storage import work
from storage.database import Database
from storage.models import ActionAttempt, AttemptState
from tests.actions.book import LedgerBook, write_attempt
from tests.actions.clock import SteppedClock
from tests.conftest import KEY

DEMO = Path(__file__).parents[2] / "bot/cli/data/demo.yaml"


class Counter:
    """The shop, the runner and one attempt between them."""

    def __init__(
        self, database: Database, shop: ShopSandbox, http: httpx.AsyncClient, clock: SteppedClock
    ) -> None:
        declared = yaml.safe_load(DEMO.read_text())["shop"]
        self.database = database
        self.shop = shop
        self.http = http
        self.clock = clock
        self.client = ShopClient(
            http,
            base_url=shop.control_url,
            looks={n: LookDeclaration.model_validate(d) for n, d in declared["looks"].items()},
            actions={
                n: ActionDeclaration.model_validate({**d, "timeout": 0.5})
                for n, d in declared["actions"].items()
            },
        )

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.http.post(f"{self.shop.control_url}{path}", json=body)
        return answer.raise_for_status().json()

    async def get(self, path: str) -> Any:
        return (await self.http.get(f"{self.shop.control_url}{path}")).raise_for_status().json()

    async def effects(self, key: str) -> int:
        """How often the key changed the shop."""
        found = await self.get(f"/mutations?since=0&key={key}")
        return sum(1 for one in found["mutations"] if one["effect"])

    async def carry_out(
        self, action: str, params: dict[str, Any], seconds: float = 60, again: str = ""
    ) -> str:
        """The state that the attempt ends in."""
        book = LedgerBook(load_plan(None).plan.actions[action])

        def write(session) -> int:  # type: ignore[no-untyped-def]
            number = write_attempt(session, self.clock.now(), key=f"key-{action}{again}")
            session.get_one(ActionAttempt, number).params = params
            return number

        number = await self.database.write(write)
        runner = ActionRunner(database=self.database, shop=self.client, book=book, clock=self.clock)
        end = self.clock.now().timestamp() + seconds
        while self.clock.now().timestamp() <= end:
            items = await self.database.write(
                lambda s: work.claim(s, "action", owner="b", now=self.clock.now(), limit=5)
            )
            for item in items:
                await runner.run(item)
            self.clock.advance(0 if items else 0.5)
        return await self.database.read(lambda s: str(s.get_one(ActionAttempt, number).state))


@pytest.fixture
async def counter(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Counter]:
    database = Database.open(sqlite_url, key=KEY)
    shop = ShopSandbox(tmp_path, rate=0)
    await shop.start()
    async with open_http() as http:
        yield Counter(database, shop, http, SteppedClock())
    await shop.stop()
    await database.close()


SWITCH = {"method": "card", "channel": "harborpay"}
FAULTS: list[dict[str, Any]] = [
    {"kind": "control_lost_reply"},
    {"kind": "control_error", "status": 503},
    {"kind": "control_error", "status": 500, "times": 2},
    {"kind": "control_delay", "seconds": 1.5},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f['kind']}-{f.get('status', '')}")
async def test_a_switch_happens_once_under_each_fault(
    counter: Counter, fault: dict[str, Any]
) -> None:
    await counter.post("/faults", {"on": True, "path": "/routing/card", "times": 1, **fault})
    assert await counter.carry_out("switch_payment_channel", SWITCH) == AttemptState.DONE
    assert (await counter.get("/routing/card"))["channel"] == "harborpay"
    assert await counter.effects("key-switch_payment_channel") == 1


async def test_an_unhealthy_standby_leaves_the_shop_untouched(counter: Counter) -> None:
    await counter.post("/faults", {"kind": "standby_unhealthy", "on": True, "channel": "harborpay"})
    assert await counter.carry_out("switch_payment_channel", SWITCH) == AttemptState.REFUSED
    assert (await counter.get("/routing/card"))["channel"] == "northpay"
    assert await counter.effects("key-switch_payment_channel") == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f['kind']}-{f.get('status', '')}")
async def test_money_is_returned_once_under_each_fault(
    counter: Counter, fault: dict[str, Any]
) -> None:
    """A refund whose answer is lost is found by its key, not refunded again."""
    payments = (await counter.get("/payments?status=captured"))["payments"]
    payment = payments[0]
    await counter.post("/faults", {"on": True, "path": "/refunds", "times": 1, **fault})
    params = {
        "order": payment["order_id"],
        "payment": payment["id"],
        "amount": {"minor": 100, "currency": "TWD"},
        "reason": "test",
    }
    assert await counter.carry_out("refund", params, 120) == AttemptState.DONE
    refunds = (await counter.get(f"/refunds?order={payment['order_id']}"))["refunds"]
    assert [r["amount_minor"] for r in refunds] == [100]
    assert await counter.effects("key-refund") == 1


async def test_a_refusal_of_the_shop_changes_nothing(counter: Counter) -> None:
    """More than was paid: the plan's precondition or the shop itself says no."""
    payment = (await counter.get("/payments?status=captured"))["payments"][0]
    params = {
        "order": payment["order_id"],
        "payment": payment["id"],
        "amount": {"minor": payment["amount_minor"] + 1, "currency": "TWD"},
        "reason": "test",
    }
    state = await counter.carry_out("refund", params)
    assert state in (AttemptState.FAILED, AttemptState.REFUSED)
    assert (await counter.get(f"/refunds?order={payment['order_id']}"))["refunds"] == []


async def test_a_rejected_refund_is_said_as_failed_at_once_and_can_be_made_anew(
    counter: Counter,
) -> None:
    """The shop takes it (201) and its row says failed: no waiting, no money moved."""
    payment = (await counter.get("/payments?status=captured"))["payments"][0]
    params = {
        "order": payment["order_id"],
        "payment": payment["id"],
        "amount": {"minor": 100, "currency": "TWD"},
        "reason": "test",
    }
    await counter.post("/faults", {"kind": "refunds_fail", "on": True})
    assert await counter.carry_out("refund", params, 1) == AttemptState.FAILED
    refunds = (await counter.get(f"/refunds?order={payment['order_id']}"))["refunds"]
    assert [(r["amount_minor"], r["status"]) for r in refunds] == [(100, "failed")]
    assert (await counter.get(f"/orders/{payment['order_id']}"))["refunded_minor"] == 0
    await counter.post("/faults", {"kind": "refunds_fail", "on": False})
    assert await counter.carry_out("refund", params, 1, again="2") == AttemptState.DONE
    assert (await counter.get(f"/orders/{payment['order_id']}"))["refunded_minor"] == 100


async def test_a_standby_that_does_not_come_up_fails_at_once_and_comes_up_later(
    counter: Counter,
) -> None:
    """What the first start left as failed does not make the second one fail."""
    await counter.post("/faults", {"kind": "repair_fails", "on": True, "server": "standby"})
    params = {"server": "standby"}
    assert await counter.carry_out("start_standby_server", params, 1) == AttemptState.FAILED
    server = (await counter.get("/servers"))["servers"][1]
    assert (server["state"], server["healthy"]) == ("failed", False)
    await counter.post("/faults", {"kind": "repair_fails", "on": False, "server": "standby"})
    assert await counter.carry_out("start_standby_server", params, 1, again="2") == "done"
    assert (await counter.get("/servers"))["servers"][1]["healthy"] is True
