"""ClickHouse types as the checks know types: its own say what they are in words of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, Enum, String, func, text
from sqlalchemy.types import TypeEngine

CLICKHOUSE = "clickhousedb"  # as SQLAlchemy calls the engine
_UTC = ("UTC", "Etc/UTC", "GMT", "Etc/GMT", "Universal", "Zulu")


class ClosedList(Enum):
    """A closed list of words (`Enum8`, `Enum16`)."""

    cache_ok = True


class Instant(DateTime):
    """A time without a zone in a server that has one: the instant is known, and read as UTC."""

    cache_ok = True


@dataclass(frozen=True)
class ClickHouse:
    """What has to be known of a server to read and to compare what its columns hold."""

    zone: str

    @classmethod
    def of(cls, connection: Connection) -> ClickHouse:
        return cls(str(connection.scalar(text("SELECT serverTimezone()"))))

    def plain(self, kind: TypeEngine[Any]) -> TypeEngine[Any]:
        """The type in SQLAlchemy's own words. Whether null may stand there it does not say."""
        made = type(kind).__name__
        if made in ("String", "FixedString"):
            return String()
        if made in ("Enum8", "Enum16"):
            return ClosedList(*_told(kind).keys)
        if made not in ("DateTime", "DateTime64"):
            return kind
        if any(isinstance(one, str) for one in _told(kind).values):  # a zone of its own
            return DateTime(timezone=True)
        return DateTime() if self.zone in _UTC else Instant()

    @staticmethod
    def moment(bound: Any) -> Any:
        """A moment as an instant: a text would be read in the zone of the column."""
        if not isinstance(bound, datetime):
            return bound
        aware = bound if bound.tzinfo else bound.replace(tzinfo=UTC)
        return func.toDateTime(int(aware.timestamp()), "UTC")

    @staticmethod
    def factor(factor: Any) -> Any:
        """In the column's own width an amount times a hundred may have no room."""
        return func.toDecimal128(factor, 0)


def _told(kind: Any) -> Any:
    """What stands in the type's brackets, as the driver has read it."""
    return kind.type_def
