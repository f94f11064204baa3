"""Verification of the stamps: of which entities it is told when a row changed, through an index.

Where nothing tells it, the checks look at the whole each time; that is right, and costs more.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from checks.queries.reach import CHANGED_AT
from checks.shop.logical_table import LogicalTable


def stamp_of(connection: Connection, table: LogicalTable) -> Iterator[tuple[str, bool]]:
    """Sentences about one entity's stamp, and whether what they say is wrong."""
    if not table.has(CHANGED_AT):
        yield "  changed_at: not mapped, so the checks look at the whole each time", False
        return
    own, place = table.mapping.fields[CHANGED_AT].column, table.mapping.table
    if own is None or place is None or _leads_an_index(connection, place, own) is not False:
        return
    index = f"CREATE INDEX {place.rpartition('.')[2]}_{own} ON {place} ({own})"
    said = (
        f"  changed_at: {place}.{own} begins no index, so the whole table is read to find what "
        f"changed. An index would answer: {index}"
    )
    yield said, True


def _leads_an_index(connection: Connection, table: str, column: str) -> bool | None:
    """None: the database does not say, as of a view."""
    schema, _, name = table.rpartition(".")
    try:
        inspector = inspect(connection)
        if name not in inspector.get_table_names(schema=schema or None):
            return None
        found = inspector.get_indexes(name, schema=schema or None)
    except SQLAlchemyError:
        return None
    return any(one["column_names"][:1] == [column] for one in found)
