"""How long a new thread takes: from the domain's commit until Slack holds it.

    python -m benchmarks.thread                  # Slack answers after 300 ms
    python -m benchmarks.thread --at-once 50     # and 50 incidents at once under Slack's limits

The sandbox Slack is a process of its own; delivery runs here with the bot's workers, on SQLite.
An incident is a card, a runbook message and a log line. Measured from the commit to the moment at
which Slack answered the card (goal: 1.3 round trips) and the last of the three (goal: 3).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import structlog
from sqlalchemy.orm import Session

from bot.clock import SystemClock
from bot.delivery.audiences import Audience, Audiences
from bot.delivery.budget import Budget
from bot.delivery.content import Content, Request
from bot.delivery.office import Office
from bot.delivery.presence import Presence
from bot.delivery.sender import Sender, close_client, open_client
from bot.delivery.worker import Deliverer
from bot.schedule.workers import Workers
from storage import outbox
from storage.database import Database
from storage.models import Incident, PlanContent, WorkKind
from storage.upgrade import upgrade

KEY = bytes(range(32))
FIRST_GOAL, WHOLE_GOAL = 1.3, 3.0  # round trips
CHANNEL = "C0INCIDENTS"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slack-ms", type=float, default=300.0)
    parser.add_argument("--incidents", type=int, default=15, help="one after the other")
    parser.add_argument("--at-once", type=int, default=0, help="then so many under Slack's limits")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with slack() as url:
        found = asyncio.run(measure(url, options))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2), "utf-8")
    sys.exit(0 if found["met"] else 1)


@contextmanager
def slack() -> Iterator[str]:
    """A sandbox Slack of its own process; its address."""
    command = [sys.executable, "-m", "sandbox.slack", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
        process.terminate()


def draw(session: Session, request: Request) -> Content:
    """A message of about the size of a card."""
    text = f"{request.template} {request.key}"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{text}*\n" + "x" * 400}}
    return Content(text=text, blocks=[section, section])


@asynccontextmanager
async def delivery(url: str, database: Database, budget: Budget) -> AsyncIterator[None]:
    client = open_client("xoxb-sandbox-bot", f"{url}/api/")
    clock = SystemClock()
    sender = Sender(client, budget=budget, clock=clock)
    people = Presence(sender, database, clock)
    audiences = Audiences({"incidents": Audience("incidents", CHANNEL)})
    office = Office(database, sender, draw, audiences, clock, people)
    workers = Workers(database, clock, "benchmark")
    workers.add(WorkKind.MESSAGE, Deliverer(office).run, concurrency=16)
    await workers.start()
    yield
    await workers.stop()
    await close_client(client)


def declare(session: Session, number: int, now: datetime) -> None:
    """The commit of a new incident: its row and three references to messages."""
    session.merge(PlanContent(hash="h", version="1", content="{}", stored_at=now))
    session.flush()
    incident = Incident(
        number=number,
        incident_type="payment_channel_down",
        family="system",
        section="3.3",
        subject=f"channel:{number}",
        fingerprint=f"3.3 channel:{number}",
        severity=1,
        audience="incidents",
        source="benchmark",
        plan_version="1",
        plan_hash="h",
        facts={},
        opening_facts={},
        started_at=now,
        detected_at=now,
    )
    session.add(incident)
    session.flush()
    card = f"{incident.reference}/card"
    common: dict[str, Any] = {"incident": incident, "audience": "incidents", "now": now}
    outbox.post(session, key=card, template="card", priority=outbox.CARD_PRIORITY, **common)
    runbook = f"{incident.reference}/runbook"
    outbox.post(
        session, key=runbook, template="runbook", thread_key=card, beside=True, priority=2, **common
    )
    log = f"{incident.reference}/log/1"
    outbox.post(session, key=log, template="log", thread_key=card, **common)


async def requests(http: httpx.AsyncClient, since: int) -> list[dict[str, Any]]:
    params = {"since": since, "method": "chat.postMessage"}
    log = (await http.get("/hand/log", params=params)).json()
    return list(log["requests"])


async def last(http: httpx.AsyncClient) -> int:
    return max((int(entry["n"]) for entry in await requests(http, 0)), default=0)


async def posted(
    http: httpx.AsyncClient, since: int, count: int, every: float
) -> list[dict[str, Any]]:
    """The first `count` posts that Slack took after that entry of its log."""
    while True:
        done = [e for e in await requests(http, since) if e["answered"] and e["status"] == 200]
        if len(done) >= count:
            return done
        await asyncio.sleep(every)  # Slack is another process: there is nothing to wait on


async def measure(url: str, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/muster.db"
        upgrade(address, KEY)
        database = Database.open(address, key=KEY)
        async with httpx.AsyncClient(base_url=url) as http:
            latency = options.slack_ms / 1000
            await http.post("/hand/options", json={"latency": latency})
            unlimited = Budget(methods={"chat.postMessage": 1_000_000}, per_channel={})
            async with delivery(url, database, unlimited):
                found = await one_by_one(http, database, options.incidents, latency)
            if options.at_once:
                await http.post("/hand/options", json={"rate_limits": True})
                async with delivery(url, database, Budget()):
                    found |= await at_once(http, database, options.at_once)
        await database.close()
    return found


async def one_by_one(
    http: httpx.AsyncClient, database: Database, count: int, latency: float
) -> dict[str, Any]:
    firsts, wholes = [], []
    clock = SystemClock()
    for number in range(1, count + 1):
        seen = await last(http)
        began = time.time()
        await database.write(lambda s, n=number: declare(s, n, clock.now()))
        done = await posted(http, seen, 3, every=0.2)
        answered = sorted(float(entry["answered"]) for entry in done)
        firsts.append(answered[0] - began)
        wholes.append(answered[2] - began)
    first, whole = statistics.median(firsts), statistics.median(wholes)
    met = first <= FIRST_GOAL * latency and whole <= WHOLE_GOAL * latency if latency else True
    print(f"{count} incidents, Slack at {latency * 1000:.0f} ms, medians:")
    for name, value, goal in (("card", first, FIRST_GOAL), ("thread", whole, WHOLE_GOAL)):
        trips = f"{value / latency:.2f} round trips (goal {goal})" if latency else ""
        print(f"  {name:7} {value * 1000:6.0f} ms  {trips}")
    return {"first_s": first, "whole_s": whole, "slack_s": latency, "met": met}


async def at_once(http: httpx.AsyncClient, database: Database, count: int) -> dict[str, Any]:
    """Whole and once, however long Slack's limits make it take."""
    clock = SystemClock()
    seen = await last(http)
    began = time.time()
    for number in range(1001, 1001 + count):
        await database.write(lambda s, n=number: declare(s, n, clock.now()))
    done = await posted(http, seen, 3 * count, every=1.0)
    cards = [float(e["answered"]) for e in done if e["args"]["text"].startswith("card")]
    texts = [e["args"]["text"] for e in done]
    limited = sum(1 for e in await requests(http, 0) if e["status"] == 429)
    once = len(texts) == len(set(texts)) == 3 * count
    took, last_card = time.time() - began, max(cards) - began
    print(f"{count} incidents at once under Slack's limits, one channel:")
    print(f"  all cards after {last_card:.0f} s, all {3 * count} messages after {took:.0f} s")
    print(f"  each once: {'yes' if once else 'NO'}; answered 429: {limited}")
    return {"at_once": count, "cards_s": last_card, "all_s": took, "once": once, "limited": limited}


if __name__ == "__main__":
    main()
