"""Joined columns: what stands in another table, as a column of the one that refers to it.

A payment that belongs to an order through a third table; the street of an order's address.
"""

from __future__ import annotations

from typing import Any

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.history import History
from checks.shop.inspection.sums import amounts
from checks.shop.inspection.survey import Link, Survey, TableSeen
from checks.shop.inspection.vocabulary import table_strength


def reach_orders(survey: Survey, orders: TableSeen) -> None:
    """Gives tables of amounts the order that they belong to through one other table."""
    for table in survey.tables.values():
        if table is orders or not table.rows or table.link_to(orders.name) is not None:
            continue
        if not amounts(table):
            continue
        for link in list(table.links):
            between = survey.tables.get(link.table)
            up = between.link_to(orders.name) if between not in (None, orders, table) else None
            if between is None or up is None or between.columns[up.column].join is not None:
                continue
            own = add(survey, table, link, up.column)
            why = f"through {between.name}: {up.reason}"
            declared = link.declared and up.declared
            table.links.append(Link(own.name, orders.name, up.key, declared, why))
            if not any(one.currencies for one in table.columns.values()):
                codes = [one.name for one in between.columns.values() if one.currencies]
                for name in codes:
                    add(survey, table, link, name)
            break


def look_up_addresses(survey: Survey, orders: TableSeen) -> None:
    """Gives the orders what stands at the addresses that they refer to."""
    for link in list(orders.links):
        there = survey.tables.get(link.table)
        if there is None or there is orders or not there.rows:
            continue
        columns = there.columns.values()
        both = any(one.postcodes for one in columns) and any(one.addresses for one in columns)
        if not both and table_strength(there.name, "addresses") < 2:
            continue
        for column in columns:
            if column.kind == "text" and not column.key:
                add(survey, orders, link, column.name)


def last_change(
    survey: Survey, orders: TableSeen, history: History, placed: str | None
) -> ColumnSeen:
    """The time of an order's last change of state; of one that never changed, of its placing."""
    name = "its last change"
    changes = survey.tables[history.table]
    at, link = changes.columns[history.at], changes.link_to(orders.name)
    assert link is not None  # noqa: S101 - a history refers to the orders
    last = (
        f"(select max(h.{survey.quoted(history.at)}) "  # noqa: S608 - proposed, never run here
        f"from {survey.quoted(history.table)} h "
        f"where h.{survey.quoted(link.column)} = t.{survey.quoted(link.key)})"
    )
    sql = f"coalesce({last}, t.{survey.quoted(placed)})" if placed is not None else last
    found = survey.children(history.table, link.column, orders.name)
    for row in orders.rows:
        rows = found.get(row[link.key], [])
        times = [one[history.at] for one in rows if one[history.at] is not None]
        row[name] = max(times) if times else row[placed] if placed is not None else None
    made = ColumnSeen(
        name, at.declared, tuple(row[name] for row in orders.rows), survey.now, sql=sql
    )
    orders.columns[name] = made
    return made


def add(survey: Survey, table: TableSeen, link: Link, column: str) -> ColumnSeen:
    """The column of the other table as one of this, with its values in the sampled rows."""
    there = survey.tables[link.table]
    wanted = {row[link.column] for row in table.rows} - {None}
    held = {row[link.key]: row[column] for row in survey.rows_with(there.name, link.key, wanted)}
    name = f"{link.column}.{column}"
    for row in table.rows:
        row[name] = held.get(row[link.column])
    join: dict[str, Any] = {
        "from": there.name, "on": {link.key: link.column}, "column": column
    }  # fmt: skip
    seen = there.columns[column]
    made = ColumnSeen(
        name, seen.declared, tuple(row[name] for row in table.rows), survey.now, join=join
    )
    table.columns[name] = made
    return made
