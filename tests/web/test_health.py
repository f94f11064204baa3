"""`/healthz` and `/readyz` mean what they say, and the dead-man service hears of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
from sqlalchemy import create_engine, insert

from storage.models import CheckState
from tests.sandbox_slack.conftest import until
from tests.web.conftest import Running, Service, Silent, running


async def test_a_running_bot_is_alive_and_ready(either: Running) -> None:
    """Every part is named with its figures, and nothing is amiss."""
    bot = either
    status, said = await bot.get("/healthz")
    assert (status, said["ok"], said["failing"]) == (200, True, [])
    status, said = await bot.get("/readyz")
    assert (status, said["failing"]) == (200, [])
    assert set(said["parts"]) == {
        "process", "database", "record", "slack", "deliveries", "checks", "schedule", "people",
        "templates",
    }  # fmt: skip
    assert said["parts"]["slack"]["connections"] == 2
    assert said["parts"]["deliveries"]["undelivered"] == 0


async def test_a_locked_database_is_not_ready_and_comes_back(either: Running) -> None:
    """Somebody else holds it: 503 within the bound, and the process stays alive."""
    bot = either
    with bot.locked():
        status, said = await bot.get("/readyz")
        assert (status, said["failing"]) == (503, ["database"])
        assert said["parts"]["database"]["milliseconds"] >= 2000
        assert (await bot.get("/healthz"))[0] == 200
        assert "muster_incidents_open{" not in await bot.metrics()
    await until(bot.ready, seconds=15)


async def test_a_full_disk_is_named_and_comes_back(either: Running) -> None:
    """What is there can still be read, so only a row that is written tells."""
    with either.full():
        await until(either.failing("database"), seconds=15)
        _, said = await either.get("/readyz")
        assert said["parts"]["database"]["problem"] == (
            "the database's disk is full: make room, the bot goes on by itself"
        )
        assert (await either.get("/healthz"))[0] == 200
        assert 'muster_ready{part="database"} 0.0' in await either.metrics()
    await until(either.ready, seconds=15)


async def test_a_slack_that_is_down_is_not_ready_and_comes_back(bot: Running) -> None:
    """Its sockets are cut and none opens, its methods answer nothing."""
    await bot.fault("socket", "down")
    await bot.fault("*", "down")
    await until(bot.failing("slack"), seconds=20)
    bot.no_faults()
    await until(bot.ready, seconds=40)


async def test_a_slack_that_says_nothing_any_more_is_noticed(bot: Running) -> None:
    """The sockets stand and nobody calls: Slack is asked after 30 s of quiet, to no avail."""
    await bot.fault("*", "http_503", times=-1)
    bot.clock.advance(100)
    await until(bot.failing("slack"), seconds=15)
    bot.no_faults()
    await until(bot.ready, seconds=40)


async def test_a_refused_token_is_not_ready(bot: Running) -> None:
    await bot.fault("*", "error", error="token_revoked", times=-1)
    bot.clock.advance(60)
    await until(bot.failing("slack"), seconds=15)
    _, said = await bot.get("/readyz")
    assert said["parts"]["slack"]["problem"] == "Slack refuses the bot token (token_revoked)"
    bot.no_faults()
    await until(bot.ready, seconds=40)


async def test_a_role_whose_people_slack_never_told_is_not_ready(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Nobody would be rung, however well everything else runs."""
    roles = {"oncall": {"group": "S0UNHEARD"}}
    async with running(tmp_path, session, roles=roles) as bot:
        await until(bot.failing("people"), seconds=15)
        _, said = await bot.get("/readyz")
        assert said["parts"]["people"]["unknown_groups"] == 1
        assert (await bot.get("/healthz"))[0] == 200


async def test_a_message_that_waits_too_long_is_not_ready(bot: Running) -> None:
    """Each try moves its due time on; its age counts from the commit."""
    await bot.fault("chat.postMessage", "rate_limited", retry_after=600, times=1)
    await bot.declare("3.3 north")
    await until(lambda: _undelivered(bot), seconds=15)
    bot.clock.advance(301)
    await until(bot.failing("deliveries"), seconds=15)
    text = await bot.metrics()
    assert 'muster_slack_calls_total{method="chat.postMessage",outcome="rate_limited"} 1.0' in text
    assert 'muster_slack_held_seconds{method="chat.postMessage"}' in text
    bot.clock.advance(300)
    await until(bot.ready, seconds=20)


async def _undelivered(bot: Running) -> bool:
    _, said = await bot.get("/readyz")
    return bool(said["parts"]["slack"].get("held"))


async def test_an_overdue_check_is_named_and_comes_back(
    tmp_path: Path, session: aiohttp.ClientSession, silent: Silent
) -> None:
    """Its run does not end, and three of its intervals and a minute have passed."""
    check = {
        "name": "storefront", "kind": "http_probe", "url": silent.url, "service": "storefront",
        "every": 3600, "timeout": 60, "deadline": 61, "slow_after": 60,
    }  # fmt: skip
    async with running(tmp_path, session, checks=[check]) as bot:
        await until(lambda: silent.asked, seconds=15)
        assert await bot.ready(), "it has time from the start on"
        bot.clock.advance(3 * 3600 + 61)
        await until(bot.failing("checks"), seconds=15)
        _, said = await bot.get("/readyz")
        assert said["parts"]["checks"]["problem"] == "these checks do not run: storefront"
        silent.answers.set()
        await until(lambda: _took(bot), seconds=15)
        bot.clock.advance(3600)  # the next run
        await until(bot.ready, seconds=15)


async def test_a_last_run_in_the_future_is_not_fresh(
    tmp_path: Path, session: aiohttp.ClientSession, silent: Silent
) -> None:
    """Written by a clock that ran eight hours ahead; since it was corrected no run has ended."""
    check = {
        "name": "storefront", "kind": "http_probe", "url": silent.url, "service": "storefront",
        "every": 3600, "timeout": 60, "deadline": 61, "slow_after": 60,
    }  # fmt: skip
    async with running(tmp_path, session, checks=[check]) as bot:
        await until(lambda: silent.asked, seconds=15)
        ahead = bot.clock.now() + timedelta(hours=8)
        engine = create_engine(bot.url)
        with engine.begin() as connection:
            row = {"name": "storefront", "subject": "", "last_run_at": ahead, "figures": {}}
            counts = {"failures": 0, "successes": 1, "failing": False}
            connection.execute(insert(CheckState), [{**row, **counts}])
        engine.dispose()
        assert await bot.ready(), "it has time from the start on"
        bot.clock.advance(3 * 3600 + 61)
        await until(bot.failing("checks"), seconds=15)


async def _took(bot: Running) -> bool:
    """How long the last run took is told, as the database has it."""
    name = 'muster_check_last_duration_seconds{check="storefront"} '
    found = [line for line in (await bot.metrics()).splitlines() if line.startswith(name)]
    return bool(found) and 0 < float(found[0].removeprefix(name)) < 60


async def test_a_check_that_does_not_run_is_not_ready(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """Three of its intervals and a minute have passed, and its item is held by nobody's hand."""
    check = {
        "name": "storefront", "kind": "http_probe", "url": "http://127.0.0.1:9/",
        "service": "storefront", "every": 3600, "open_after": 100,
    }  # fmt: skip
    async with running(tmp_path, session, checks=[check]) as bot:
        await until(lambda: _ran(bot), seconds=15)
        with bot.locked():
            bot.clock.advance(3 * 3600 + 90)
            await until(bot.failing("database"), seconds=15)
        await until(bot.ready, seconds=20)
        _, said = await bot.get("/readyz")
        assert said["parts"]["checks"]["seconds_since_run"]["storefront"] < 3600


async def _ran(bot: Running) -> bool:
    _, said = await bot.get("/readyz")
    return said["parts"]["checks"]["seconds_since_run"]["storefront"] is not None


async def test_a_stopping_bot_is_not_ready(bot: Running) -> None:
    health = bot.muster._health
    assert health is not None
    health.stopping()
    status, said = await bot.get("/readyz")
    assert (status, said["parts"]["process"]["problem"]) == (503, "the bot is stopping")
    assert (await bot.get("/healthz"))[0] == 200


async def test_a_loop_that_ended_is_neither_alive_nor_ready(bot: Running) -> None:
    """What nobody stopped and does not run any more is a fault that only a restart mends."""
    workers = bot.muster._health._workers  # type: ignore[union-attr]
    loop = workers._lanes["timer"].loop
    assert loop is not None
    loop.cancel()
    await until(loop.done)
    status, said = await bot.get("/healthz")
    assert (status, said["parts"]["loops"]["ended"]) == (503, ["timer"])
    await until(bot.failing("process"), seconds=5)


async def test_both_modes_answer_on_the_same_port_as_slack(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """In HTTP mode everything but Slack's route is handed over to the same answers."""
    async with running(tmp_path, session, slack={"mode": "http"}) as bot:
        status, said = await bot.get("/readyz")
        assert (status, said["failing"]) == (200, [])
        assert "connections" not in said["parts"]["slack"]
        assert (await bot.get("/healthz"))[0] == 200
        assert 'mode="http"' in await bot.metrics()


async def test_the_dead_man_hears_of_a_ready_bot_and_not_of_another(
    tmp_path: Path, session: aiohttp.ClientSession, service: Service
) -> None:
    """While it is ready the pings go; while the database is locked none does."""
    heartbeat = {"url": service.url, "every": 1}
    async with running(tmp_path, session, heartbeat=heartbeat) as bot:
        await until(lambda: len(service.pings) >= 2, seconds=15)
        with bot.locked():
            await until(bot.failing("database"), seconds=10)
            await until(lambda: _counted(bot, "withheld"), seconds=15)
            before = len(service.pings)
            await until(lambda: _counted(bot, "withheld", 2), seconds=15)
            assert len(service.pings) == before
        await until(lambda: len(service.pings) > before, seconds=15)


async def test_a_dead_man_that_fails_disturbs_nothing(
    tmp_path: Path, session: aiohttp.ClientSession, service: Service
) -> None:
    service.status = 500
    async with running(tmp_path, session, heartbeat={"url": service.url, "every": 1}) as bot:
        await until(lambda: _counted(bot, "failed"), seconds=15)
        assert await bot.ready()


async def _counted(bot: Running, outcome: str, at_least: int = 1) -> bool:
    name = f'muster_heartbeats_total{{outcome="{outcome}"}} '
    found = [line for line in (await bot.metrics()).splitlines() if line.startswith(name)]
    return bool(found) and float(found[0].removeprefix(name)) >= at_least
