"""One effect per key: repeated, at the same moment, and across a kill."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.sandbox_shop.conftest import Client

REFUND = {"amount_minor": 1000, "currency": "TWD", "reason": "late"}


async def captured_payment(shop: Client) -> dict[str, Any]:
    found = (await shop.get("/payments?status=captured"))["payments"]
    return dict(found[-1])


async def test_a_repeated_key_answers_the_first_response_without_a_second_effect(
    shop: Client,
) -> None:
    payment = await captured_payment(shop)
    body = {**REFUND, "payment_id": payment["id"]}

    first = await shop.call("POST", "/refunds", body, "k1")
    second = await shop.call("POST", "/refunds", body, "k1")

    assert (first.status, first.replayed) == (201, False)
    assert (second.status, second.body, second.replayed) == (201, first.body, True)
    assert shop.sql("SELECT count(*) FROM refunds WHERE payment_id = ?", (payment["id"],)) == [(1,)]
    log = await shop.mutations(key="k1")
    assert [(e["status"], e["replayed"], e["effect"]) for e in log] == [
        (201, False, True),
        (201, True, False),
    ]


async def test_the_same_key_for_another_request_is_refused(shop: Client) -> None:
    await shop.put("/routing/card", {"channel": "harborpay"}, "k")

    other_body = await shop.call("PUT", "/routing/card", {"channel": "northpay"}, "k")
    other_path = await shop.call("POST", "/servers/standby/start", {}, "k")

    assert (other_body.status, other_path.status) == (422, 422)
    assert other_body.body["error"]["code"] == "key_reused"
    assert (await shop.get("/routing/card"))["channel"] == "harborpay"
    assert (await shop.get("/servers"))["servers"][1]["state"] == "stopped"


async def test_the_order_of_the_json_does_not_make_another_request(shop: Client) -> None:
    payment = await captured_payment(shop)
    body = {**REFUND, "payment_id": payment["id"]}
    await shop.post("/refunds", body, "k")

    again = await shop.call("POST", "/refunds", dict(reversed(body.items())), "k")

    assert again.replayed


async def test_equal_requests_at_the_same_moment_have_one_effect_and_one_answer(
    shop: Client,
) -> None:
    payment = await captured_payment(shop)
    body = {**REFUND, "payment_id": payment["id"]}

    answers = await asyncio.gather(
        *(shop.call("POST", "/refunds", body, "same") for _ in range(40))
    )

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert shop.sql("SELECT count(*) FROM refunds WHERE payment_id = ?", (payment["id"],)) == [(1,)]
    log = await shop.mutations(key="same")
    assert len(log) == 40
    assert sum(entry["effect"] for entry in log) == 1


async def test_different_keys_at_the_same_moment_never_refund_more_than_was_captured(
    shop: Client,
) -> None:
    payment = await captured_payment(shop)
    third = payment["amount_minor"] // 3
    body = {**REFUND, "payment_id": payment["id"], "amount_minor": third}

    answers = await asyncio.gather(
        *(shop.call("POST", "/refunds", body, f"k{index}") for index in range(10))
    )

    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 7


async def test_a_refusal_had_no_effect_and_its_key_can_be_tried_again(shop: Client) -> None:
    refused = await shop.call("PUT", "/traffic", {"server": "standby"}, "k")
    unknown = await shop.call("GET", "/idempotency/k")
    await shop.post("/servers/standby/start")
    accepted = await shop.call("PUT", "/traffic", {"server": "standby"}, "k")

    assert (refused.status, unknown.status) == (409, 404)
    assert (accepted.status, accepted.replayed) == (200, False)
    known = await shop.get("/idempotency/k")
    assert (known["status"], known["response"]) == (200, accepted.body)
    assert [entry["effect"] for entry in await shop.mutations(key="k")] == [False, True]


async def test_the_log_tells_requests_that_changed_nothing(shop: Client) -> None:
    await shop.put("/routing/card", {"channel": "northpay"})
    await shop.get("/routing/card")
    await shop.post("/channels/northpay/test-payment")

    [entry] = await shop.mutations()

    assert (entry["method"], entry["path"], entry["effect"]) == ("PUT", "/routing/card", False)
    assert entry["body"] == {"channel": "northpay"}
    assert await shop.mutations(since=entry["id"]) == []


@pytest.mark.parametrize("key", ["x" * 201, ""])
async def test_an_unusable_key_is_refused(shop: Client, key: str) -> None:
    answer = await shop.call("PUT", "/routing/card", {"channel": "harborpay"}, key)

    assert (answer.status, answer.body["error"]["code"]) == (422, "invalid_key")
    assert (await shop.get("/routing/card"))["channel"] == "northpay"


async def start_program(folder: Path) -> tuple[asyncio.subprocess.Process, dict[str, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.shop", "--dir", str(folder), "--rate", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    says: dict[str, str] = json.loads(await process.stdout.readline())
    return process, says


@pytest.mark.kills
async def test_a_kill_leaves_no_effect_without_its_key_and_no_key_without_its_effect(
    tmp_path: Path,
) -> None:
    process, says = await start_program(tmp_path)
    answered: dict[str, str] = {}
    enough = asyncio.Event()
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{says['control']}/payments?status=captured") as response:
            payments = (await response.json())["payments"]

        async def refund(http: aiohttp.ClientSession, url: str, number: int) -> tuple[str, bool]:
            body = {**REFUND, "payment_id": payments[number % len(payments)]["id"]}
            headers = {"Idempotency-Key": f"key-{number}"}
            async with http.post(f"{url}/refunds", json=body, headers=headers) as response:
                assert response.status == 201, await response.text()
                replayed = "Idempotent-Replay" in response.headers
                return str((await response.json())["id"]), replayed

        async def work(start: int) -> None:
            try:
                for number in range(start, 4000, 8):
                    answered[f"key-{number}"] = (await refund(http, says["control"], number))[0]
                    if len(answered) >= 60:
                        enough.set()
            except aiohttp.ClientError:
                return  # it was killed

        workers = [asyncio.create_task(work(start)) for start in range(8)]
        async with asyncio.timeout(30):
            await enough.wait()
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await asyncio.gather(*workers)

    process, says = await start_program(tmp_path)
    try:
        async with aiohttp.ClientSession() as http:
            for key, refund_id in answered.items():
                found, replayed = await refund(http, says["control"], int(key[4:]))
                assert (found, replayed) == (refund_id, True)
            async with http.get(f"{says['control']}/mutations?limit=10000") as response:
                log = (await response.json())["mutations"]
    finally:
        process.terminate()
        assert await process.wait() == 0
    effects = [entry["idempotency_key"] for entry in log if entry["effect"]]
    assert len(effects) == len(set(effects))
    assert set(answered) <= set(effects)
