"""The bot's database as a test reads it beside the running bot, on either engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool


class Line(tuple[Any, ...]):
    """A row whose values are reached by place and by name."""

    names: Sequence[str]

    @classmethod
    def of(cls, values: Sequence[Any], names: Sequence[str]) -> Line:
        line = cls(values)
        line.names = names
        return line

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)


class Records:
    """Looks only: its connections cannot write."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.embedded = parsed.get_backend_name() == "sqlite"
        self._engine = _sqlite(Path(parsed.database or "")) if self.embedded else _postgres(url)

    def rows(self, query: str, *values: Any) -> list[Line]:
        """What the query finds; each `?` in it stands for one of the values."""
        numbers = count()
        named = "".join(f":p{next(numbers)}" if part == "?" else part for part in query)
        params = {f"p{place}": value for place, value in enumerate(values)}
        with self._engine.connect() as connection:
            found = connection.execute(text(named), params)
            names = list(found.keys())
            return [Line.of(tuple(row), names) for row in found]

    def one(self, query: str, *values: Any) -> Any:
        return self.rows(query, *values)[0][0]


def moment(stored: Any) -> datetime:
    """A time as the engine gives it back."""
    found = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _sqlite(path: Path) -> Engine:
    return create_engine(
        "sqlite://",
        poolclass=NullPool,
        creator=lambda: sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10),
    )


def _postgres(url: str) -> Engine:
    parsed = make_url(url).set(drivername="postgresql+psycopg")
    return create_engine(parsed, poolclass=NullPool).execution_options(postgresql_readonly=True)
