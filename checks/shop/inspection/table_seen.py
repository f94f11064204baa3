"""Table seen: one table or view with a sample of its rows, and what its columns refer to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from checks.shop.inspection.column_seen import ColumnSeen

SAMPLE = 1000  # rows of one table that are looked at
Row = dict[str, Any]


@dataclass(frozen=True)
class Link:
    """A column that says to which row of another table this one belongs. `declared`: by a key."""

    column: str
    table: str
    key: str
    declared: bool
    reason: str


@dataclass
class TableSeen:
    """One table or view; `rows` are a sample of it, the newest by its key among them."""

    name: str
    columns: dict[str, ColumnSeen]
    rows: list[Row]
    key: str | None = None
    links: list[Link] = field(default_factory=list)
    together: tuple[str, ...] = ()  # the columns of its key, where these are several
    part_of: TableSeen | None = None  # of a table that holds several kinds of rows
    kind: tuple[str, Any] | None = None  # … those in which this column holds this word

    @property
    def place(self) -> str:
        """What the table is called, of which these are rows."""
        return self.name if self.part_of is None else self.part_of.name

    @property
    def whole(self) -> bool:
        """Whether the sample is all that it holds."""
        return len((self.part_of or self).rows) < SAMPLE

    @cached_property
    def identity(self) -> str | None:
        """Its key; of a view, the first column in which no value stands twice."""
        if self.key is not None:
            return self.key
        found = (one.name for one in self.columns.values() if one.always and one.nearly_unique)
        return next(found, None)

    def link_to(self, table: str) -> Link | None:
        """The surest of its links to that table: one that is declared, then the first."""
        found = [one for one in self.links if one.table == table]
        return next((one for one in found if one.declared), found[0] if found else None)

    def linked(self) -> set[str]:
        return {one.column for one in self.links}

    def add(self, column: ColumnSeen, values: list[Any]) -> ColumnSeen:
        """One more column of it, with what it holds in each of the rows."""
        for row, value in zip(self.rows, values, strict=True):
            row[column.name] = value
        self.columns[column.name] = column
        return column
