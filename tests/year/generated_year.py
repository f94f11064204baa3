"""Generated year of payments of three channels, in a shop's own SQLite file.

Hours, days of the week, holidays and campaigns differ, and so do days and hours among themselves
(gamma): more than chance alone would make them. It is half past noon in this shop when the year
ends, on the second day of a week and no rare one, whatever the date: so the same payments come in
at every run.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DAYS = 365
OF_DAY = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 13, 12, 12, 14, 15, 13, 9, 5, 2)
A_DAY = {"visa": 6000, "amex": 400, "transfer": 60}
HALF_PAST_NOON = timedelta(hours=12, minutes=30)
BRINGS = 3.0  # times the usual, in a campaign
MAPPING = {
    "orders": {
        "from": "kasse", "unit": "minor", "currency": "TWD", "form": "epoch",
        "fields": {"key": "id", "number": "id", "total": "summe", "placed_at": "am"},
    },
    "payments": {
        "from": "kasse", "form": "epoch",
        "fields": {
            "key": "id", "order_key": "id", "channel": "weg", "created_at": "am",
            "state": {"column": "stand", "words": {"captured": ["ok"], "failed": ["nein"],
                      "created": ["neu"], "unknown": ["?"]}},
        },
    },
}  # fmt: skip


def zone_of_noon(now: datetime) -> ZoneInfo:
    """Where it is between noon and one."""
    ahead = 12 - now.astimezone(UTC).hour
    return ZoneInfo(f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT")


@dataclass
class GeneratedYear:
    """The shop's till. What comes next is written by `goes_on`."""

    file: Path
    end: datetime
    seed: int = 1
    campaign_today: bool = False
    named: dict[str, float] = field(default_factory=dict)  # day: what it brings

    def __post_init__(self) -> None:
        self.zone = zone_of_noon(self.end)
        self.rng = random.Random(self.seed)
        self.level = dict.fromkeys(A_DAY, 1.0)
        self.fails = dict.fromkeys(A_DAY, 0.04)  # None of it comes in where it is silent
        self.silent: set[str] = set()
        self.first = self.end - timedelta(days=DAYS) - HALF_PAST_NOON
        self.connection = sqlite3.connect(self.file)
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=off")
        self.connection.execute(
            "create table kasse (id integer primary key, summe, weg, stand, am)"
        )
        self._write_year()
        self.connection.execute("create index kasse_am on kasse (weg, am)")
        self.connection.commit()
        self.until = self.end

    def close(self) -> None:
        self.connection.close()

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def calendar(self) -> dict[str, Any]:
        """What the shop says of its days."""
        return {
            "zone": self.zone.key,
            "days": {day: "closed" for day, level in self.named.items() if level < 1},
            "campaigns": [
                {"name": day, "from": day, "to": day}
                for day, level in self.named.items()
                if level > 1
            ],
        }

    def _write_year(self) -> None:
        for number in range(DAYS + 1):
            midnight = self.first + timedelta(days=number)
            date = (midnight + HALF_PAST_NOON).astimezone(self.zone).date().isoformat()
            special = self.rng.choices((1.0, 0.35, BRINGS), (350, 10, 5))[0]
            if number == DAYS:
                special = BRINGS if self.campaign_today else 1.0
            if special != 1:
                self.named[date] = special
            for name in A_DAY:
                of_day = self.rng.gammavariate(12, 1 / 12)
                self.level[name] = special * (1 if number == DAYS else of_day)
                self.level[name] *= 0.7 if number % 7 >= 5 else 1.0
            for hour in range(24):
                start = midnight + timedelta(hours=hour)
                if start < self.end:
                    self._write(start, min(start + timedelta(hours=1), self.end))

    def goes_on(self, until: datetime) -> None:
        """What comes in until then, by the level of today."""
        if until > self.until:
            self._write(self.until, until)
            self.connection.commit()
            self.until = until

    def _write(self, start: datetime, end: datetime) -> None:
        rows = [
            row for name in A_DAY if name not in self.silent for row in self._of(name, start, end)
        ]
        self.connection.executemany(
            "insert into kasse (summe, weg, stand, am) values (100, ?, ?, ?)", rows
        )

    def _of(self, name: str, start: datetime, end: datetime) -> Iterator[tuple[str, str, int]]:
        hour = (start - self.first) % timedelta(days=1) // timedelta(hours=1)
        share = OF_DAY[hour] / sum(OF_DAY)
        rate = A_DAY[name] * self.level[name] * share * self.rng.gammavariate(30, 1 / 30) / 3600
        at, last = start.timestamp() + self.rng.expovariate(rate), end.timestamp()
        while at < last:
            yield name, "nein" if self.rng.random() < self.fails[name] else "ok", int(at)
            at += self.rng.expovariate(rate)
