"""Column types of a shop's tables, as its database describes them: what a value is compared as.

A word that a closed list of the database does not have is in no row, and asking for it is an error
there; a number is no text, and a column that keeps its zone is asked with an instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    Float,
    Integer,
    Numeric,
    Select,
    String,
    func,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeEngine

from checks.shop.clickhouse_types import CLICKHOUSE, ClickHouse, ClosedList, Instant

_FEW = 500  # rows that are looked at where a type says not whether it holds decimals


class ColumnTypes:
    """The types of the tables that were asked for; of another nothing is known."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, TypeEngine[Any]]] = {}
        self._clickhouse: ClickHouse | None = None

    def learn(self, connection: Connection, tables: Iterable[str]) -> None:
        """Reads the types of these tables once. One that is not there its first query will name."""
        new = [table for table in tables if table not in self._tables]
        inspector = inspect(connection) if new else None
        if new and connection.dialect.name == CLICKHOUSE:
            self._clickhouse = ClickHouse.of(connection)
        for table in new:
            assert inspector is not None  # noqa: S101 - there is something to ask
            schema, _, name = table.rpartition(".")
            try:
                found = inspector.get_columns(name, schema=schema or None)
            except SQLAlchemyError:
                continue
            kinds = {str(one["name"]): one["type"] for one in found}
            if self._clickhouse is not None:
                kinds = {name: self._clickhouse.plain(kind) for name, kind in kinds.items()}
            self._tables[table] = kinds

    def of(self, table: str, column: str) -> TypeEngine[Any] | None:
        return self._tables.get(table, {}).get(column)

    def keeps_zone(self, table: str, column: str) -> bool:
        """PostgreSQL's `timestamptz`: an instant, however it was written."""
        return bool(getattr(self.of(table, column), "timezone", False))

    def is_utc(self, table: str, column: str) -> bool:
        """MySQL's `timestamp`: kept in UTC and read in the session's zone, which is UTC. So is
        ClickHouse's `DateTime` where the server has a zone of its own."""
        kind = self.of(table, column)
        return isinstance(kind, Instant) or (
            kind is not None
            and type(kind).__module__.endswith("mysql.types")
            and (type(kind).__name__ == "TIMESTAMP")
        )

    def is_text(self, table: str, column: str) -> bool:
        """Whether the column can hold an empty text."""
        kind = self.of(table, column)
        return isinstance(kind, String) and not _is_list(kind)

    def is_whole(self, table: str, column: str) -> bool:
        """Whether the column holds whole numbers by its type."""
        return isinstance(self.of(table, column), Integer)

    def amount_fault(
        self, connection: Connection, table: str, column: str, *, whole: bool
    ) -> str | None:
        """Why what stands in the column cannot be read as an amount; None: it can.

        `whole`: it is mapped as whole minor units. Text is cut off where it stops being a number,
        and decimals are cut to integers: both would be another amount, in silence.
        """
        kind = self.of(table, column)
        if isinstance(kind, String):
            return f"{table}.{column} is text, which is no amount: map a column of numbers"
        if whole and self._has_decimals(connection, table, column, kind):
            return (
                f"{table}.{column} holds decimals and is mapped as whole minor units: "
                "set unit: major"
            )
        return None

    @staticmethod
    def _has_decimals(
        connection: Connection, table: str, column: str, kind: TypeEngine[Any] | None
    ) -> bool:
        """By its type; where that leaves it open, by the rows that come first."""
        if isinstance(kind, Float):
            return True
        if not isinstance(kind, Numeric) or kind.scale is not None:
            return isinstance(kind, Numeric) and bool(kind.scale)
        schema, _, name = table.rpartition(".")
        own: ColumnClause[Any] = sql_column(column)
        few = select(own).select_from(sql_table(name, own, schema=schema or None)).limit(_FEW)
        values = connection.scalars(few.where(own.is_not(None)))
        return any(isinstance(value, float | Decimal) and value % 1 != 0 for value in values)

    @property
    def by_joins(self) -> bool:
        """Whether what is asked of each row is asked by a join of all: ClickHouse reads columns,
        and a row that holds a null it would answer wrongly."""
        return self._clickhouse is not None

    def moment(self, bound: Any) -> Any:
        """A bound moment as it is compared in an expression."""
        return bound if self._clickhouse is None else self._clickhouse.moment(bound)

    def factor(self, factor: Any) -> Any:
        """What an amount is multiplied by, wide enough for any."""
        return factor if self._clickhouse is None else self._clickhouse.factor(factor)

    def any_of(self, own: ColumnElement[Any]) -> Select[Any]:
        """The column of one of the rows that a row outside is asked about."""
        if self._clickhouse is not None:  # there a limit may ask of no row outside
            return select(func.any_value(own))
        return select(own).limit(1)

    def compared(self, table: str, column: str, own: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column as its values are compared: one of a closed list knows only its own type."""
        kind = self.of(table, column)
        return type_coerce(own, kind) if isinstance(kind, ENUM) else own

    def comparable(self, table: str, column: str, value: Any) -> Any:
        """The value as it can be compared with the column; None: no row can have it."""
        kind = self.of(table, column)
        if kind is not None and _is_list(kind):
            return str(value) if str(value) in kind.enums else None  # type: ignore[attr-defined]
        if isinstance(kind, Integer) and isinstance(value, str):
            text = value.strip().removeprefix("-")
            return int(value) if text.isascii() and text.isdigit() else None
        if isinstance(kind, String) and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return value


def _is_list(kind: TypeEngine[Any]) -> bool:
    """PostgreSQL's own enum, or ClickHouse's, which is compared with nothing else."""
    return isinstance(kind, ENUM | ClosedList)
