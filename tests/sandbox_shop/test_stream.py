"""The steady stream and the clock that drives it."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import aiohttp

from sandbox.shop.server import ShopSandbox
from tests.sandbox_shop.conftest import Client, until


async def test_a_week_of_history(shop: Client) -> None:
    [(orders, customers)] = shop.sql("SELECT count(*), count(DISTINCT customer_id) FROM orders")
    statuses = {status for (status,) in shop.sql("SELECT DISTINCT status FROM orders")}
    [(wrong,)] = shop.sql(
        "SELECT count(*) FROM orders WHERE total_minor <> list_minor - discount_minor "
        "+ shipping_minor OR currency <> 'TWD' OR created_at NOT LIKE '____-__-__T__:__:__.___Z'"
    )
    names = "".join(name for (name,) in shop.sql("SELECT name FROM customers"))

    assert orders > 400
    assert customers > 200
    assert statuses == {"paid", "dispatched", "delivered", "completed"}
    assert wrong == 0
    for hostile in ("<!channel>", "*bold*", "🎁", "<script>", "DROP TABLE"):
        assert hostile in names
    for channel in ("northpay", "harborpay"):
        stats = await shop.get(f"/channels/{channel}/stats")
        assert stats["failed"] == 0
    assert (await shop.get("/channels/northpay/stats"))["usual_failed_per_100"] == 3


async def test_nothing_comes_by_itself_at_rate_zero_but_parcels_move_on(shop: Client) -> None:
    [(orders, paid)] = shop.sql("SELECT count(*), sum(status = 'paid') FROM orders")

    await shop.post("/clock", {"advance": 2 * 3600})
    [(orders_after, paid_after)] = shop.sql("SELECT count(*), sum(status = 'paid') FROM orders")
    await shop.post("/clock", {"advance": 20 * 86_400})
    statuses = shop.sql("SELECT DISTINCT status FROM orders")

    assert orders_after == orders
    assert paid > 100
    assert paid_after == 0
    assert statuses == [("completed",)]


async def test_orders_come_at_the_rate_of_the_shops_clock(shop: Client) -> None:
    await shop.put("/stream", {"rate": 30})
    [(before,)] = shop.sql("SELECT count(*) FROM orders")

    await shop.post("/clock", {"advance": 300})

    [(after,)] = shop.sql("SELECT count(*) FROM orders")
    assert 150 <= after - before <= 153
    async with shop.http.get(f"{shop.sandbox.primary_url}/health") as response:
        assert (await response.json())["orders_last_minute"] in (29, 30, 31)


async def test_a_day_does_not_take_a_minute(shop: Client) -> None:
    await shop.put("/stream", {"rate": 60})

    async with asyncio.timeout(10):
        await shop.post("/clock", {"advance": 86_400})

    placed = shop.sql("SELECT count(*) FROM orders WHERE created_at > '2000'")[0][0]
    assert placed < 1_500 + 520


async def test_no_orders_while_the_server_is_down_and_none_are_made_up_for(shop: Client) -> None:
    await shop.put("/stream", {"rate": 30})
    await shop.fault("server_crash")
    [(before,)] = shop.sql("SELECT count(*) FROM orders")
    await shop.post("/clock", {"advance": 240})
    [(during,)] = shop.sql("SELECT count(*) FROM orders")
    await shop.post("/servers/primary/restore")
    await shop.post("/clock", {"advance": 60})
    [(after,)] = shop.sql("SELECT count(*) FROM orders")

    assert during == before
    assert 30 <= after - during <= 33


async def test_it_flows_in_real_time(tmp_path: Path) -> None:
    sandbox = ShopSandbox(tmp_path, rate=600)
    await sandbox.start()
    try:
        async with aiohttp.ClientSession() as http:
            shop = Client(sandbox, http)
            [(before,)] = shop.sql("SELECT count(*) FROM orders")

            async def flows() -> bool:
                return bool(shop.sql("SELECT count(*) FROM orders")[0][0] >= before + 3)

            await until(flows)
    finally:
        await sandbox.stop()


async def test_customers_pay_their_links_and_some_never_do(shop: Client) -> None:
    await shop.fault("channel_half", unanswered=0)
    await shop.put("/routing/card", {"channel": "harborpay"})
    unpaid = shop.sql("SELECT number, total_minor FROM orders WHERE status = 'awaiting_payment'")
    for number, total in unpaid:
        body = {"amount_minor": total, "currency": "TWD", "purpose": "order"}
        await shop.post(f"/orders/{number}/payment-links", body)
    await shop.put("/stream", {"rate": 6})

    for _ in range(20):
        await shop.post("/clock", {"advance": 60})

    rest = shop.sql(
        "SELECT count(*), sum(total_minor) FROM orders WHERE status = 'awaiting_payment'"
    )
    assert len(unpaid) == 32
    assert rest == [(12, 2_527_000)]


async def test_an_unpaid_order_is_cancelled_but_never_one_whose_payment_is_unknown(
    shop: Client,
) -> None:
    await shop.fault("channel_half")

    await shop.post("/clock", {"advance": 22 * 3600})

    assert shop.sql(
        "SELECT o.status, count(*) FROM orders o WHERE o.status IN "
        "('cancelled', 'awaiting_payment') GROUP BY o.status ORDER BY o.status"
    ) == [("awaiting_payment", 9), ("cancelled", 32)]


async def test_the_file_is_read_by_others_while_the_shop_writes(shop: Client) -> None:
    path = shop.sandbox.database_url.removeprefix("sqlite:///")
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    try:
        reader.execute("BEGIN")
        [(before,)] = reader.execute("SELECT count(*) FROM orders").fetchall()
        async with asyncio.timeout(5):
            await shop.post("/checkout/burst", {"count": 50})
        assert reader.execute("SELECT count(*) FROM orders").fetchall() == [(before,)]
        reader.execute("COMMIT")
        assert reader.execute("SELECT count(*) FROM orders").fetchall() == [(before + 50,)]
        assert reader.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    finally:
        reader.close()


async def test_a_shop_that_comes_back_is_as_it_was(tmp_path: Path) -> None:
    first = ShopSandbox(tmp_path, rate=0)
    await first.start()
    async with aiohttp.ClientSession() as http:
        shop = Client(first, http)
        await shop.fault("channel_half")
        await shop.fault("server_crash")
        await shop.put("/routing/card", {"channel": "harborpay"})
        await shop.post("/clock", {"advance": 7200})
        orders = shop.sql("SELECT count(*) FROM orders")
    await first.stop()

    second = ShopSandbox(tmp_path, rate=0)
    await second.start()
    try:
        async with aiohttp.ClientSession() as http:
            shop = Client(second, http)
            state = await shop.get("/state")
            assert shop.sql("SELECT count(*) FROM orders") == orders
            assert (await shop.get("/clock"))["ahead_seconds"] == 7200
    finally:
        await second.stop()
    assert state["routing"]["channel"] == "harborpay"
    assert not state["channels"][0]["healthy"]
    assert state["servers"][0]["state"] == "down"


def test_the_program_says_where_it_is_and_ends_cleanly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.shop", "--dir", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    says = json.loads(process.stdout.readline())
    second = subprocess.run(
        [
            *(sys.executable, "-m", "sandbox.shop", "--dir", str(tmp_path / "second")),
            *("--port", says["control"].rpartition(":")[2]),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    process.send_signal(signal.SIGTERM)
    rest, errors = process.communicate(timeout=15)

    assert set(says) == {"control", "primary", "standby", "database"}
    assert (process.returncode, rest) == (0, "")
    assert "Traceback" not in errors
    assert second.returncode != 0
    assert "--port" in second.stderr
    assert "Traceback" not in second.stderr
