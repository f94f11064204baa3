"""From a failing probe that opens an incident to the post in Slack, beside Slack's own time.

`python -m benchmarks.probe [--latency 0.3]`: the time between the end of the check that opens the
incident (its row's `detected_at`) and the arrival of chat.postMessage at Slack. Goal: under 1 s.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.common import prepare, write_json
from bot.cli.stack import Stack, stack


def one(running: Stack, database: Path, seen: int) -> float:
    """Throws the fault, waits for the card's post; seconds from detection to its arrival."""
    with httpx.Client(timeout=30) as http:
        http.post(f"{running.shop_url}/faults", json={"kind": "server_crash", "on": True})
        posted: dict[str, Any] | None = None
        following = 0.0
        while posted is None:
            if time.monotonic() >= following:
                # All clocks move together, and rest long enough for a post to arrive.
                running.advance(5)
                following = time.monotonic() + 3
            time.sleep(0.02)
            rows = http.get(
                f"{running.slack_url}/hand/log", params={"method": "chat.postMessage"}
            ).json()
            entries = rows.get("requests", rows.get("log", []))
            posted = next((r for r in entries if r["n"] > seen), None)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        text = connection.execute("select max(detected_at) from incidents").fetchone()[0]
    detected = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    return float(posted["time"]) - detected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    prepare()
    times: list[float] = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with stack(
                folder, shop_options=("--rate", "0"), bot_options=("--control", "0")
            ) as running:
                httpx.post(
                    f"{running.slack_url}/hand/options", json={"latency": options.latency}
                ).raise_for_status()
                times.append(one(running, folder / "muster.db", 0))
    print(
        f"probe to post at Slack ({options.latency:g} s an answer): "
        f"median {statistics.median(times):.3f} s ({min(times):.3f}–{max(times):.3f})"
    )
    write_json(options.json, {"median_s": statistics.median(times), "times": times})


if __name__ == "__main__":
    main()
