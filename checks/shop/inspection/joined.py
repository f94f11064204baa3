"""Joined columns: what stands in another table, as a column of the one that refers to it.

A payment that belongs to an order through a third table; the street of an order's address.
"""

from __future__ import annotations

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.history import History, neighbours
from checks.shop.inspection.route import Hop, Route
from checks.shop.inspection.sums import amounts
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.table_seen import Link, Row, TableSeen
from checks.shop.inspection.vocabulary import table_strength, vocabulary, words_of

_FAR = 3  # tables between, at most
_KINDS = 4  # of addresses that an order has
_SAID = 0.5  # of the rows belong to an order


def reach_orders(survey: Survey, orders: TableSeen) -> None:
    """Gives tables the order that they belong to through others, the nearest first."""
    for _ in range(_FAR):
        near = [one for one in survey.tables.values() if one.link_to(orders.name) is not None]
        for between in near:
            _across(survey, orders, between)
        for table in survey.tables.values():
            if table is not orders and table.rows and table.link_to(orders.name) is None:
                _through(survey, orders, table)


def _through(survey: Survey, orders: TableSeen, table: TableSeen) -> None:
    """The order of what a row refers to is its own."""
    if not amounts(table):
        return
    for link in list(table.links):
        between = survey.tables.get(link.table)
        if between is None or between in (orders, table) or table.columns[link.column].made:
            continue
        up = between.link_to(orders.name)
        if up is None or between.columns[link.key].made:
            continue
        own = between.columns[up.column].route
        hops = (
            (Hop(between.name, link.key, up.column),)
            if own is None
            else (Hop(between.name, link.key, own.start), *own.hops)
        )
        made = led(survey, table, f"{link.column}.{up.column}", Route(link.column, hops))
        why = f"through {between.name}: {up.reason}"
        declared = link.declared and up.declared
        table.links.append(Link(made.name, orders.name, up.key, declared, why))
        if not any(one.currencies for one in table.columns.values()):
            for name in [n for n, one in between.columns.items() if one.currencies]:
                if not between.columns[name].made:
                    add(survey, table, link, name)
        return


def _across(survey: Survey, orders: TableSeen, between: TableSeen) -> None:
    """A table of two references alone says which orders the rows of another belong to."""
    up = between.link_to(orders.name)
    if up is None or amounts(between) or between.columns[up.column].made:
        return
    for link in between.links:
        table = survey.tables.get(link.table)
        if table is None or table in (orders, between) or table.link_to(orders.name) is not None:
            continue
        if (
            link.column in (up.column, between.key)
            or not between.columns[link.column].nearly_unique
        ):
            continue
        if any(one.table == between.name for one in orders.links):
            continue
        hop = Hop(between.name, link.column, up.column, several=True)
        made = led(survey, table, f"{between.name}.{up.column}", Route(link.key, (hop,)))
        if len(made.held) < _SAID * len(made.values):
            del table.columns[made.name]
            continue
        declared = link.declared and up.declared
        table.links.append(
            Link(made.name, orders.name, up.key, declared, f"through {between.name}")
        )


def look_up_addresses(survey: Survey, orders: TableSeen) -> frozenset[str]:
    """Gives the orders what stands at the addresses that they refer to, or that refer to them; by
    which of these they are sent."""
    sending = set()
    for link in list(orders.links):
        there = survey.tables.get(link.table)
        if there is None or there is orders or not there.rows or not places(there):
            continue
        for column in list(there.columns.values()):
            if column.kind == "text" and not column.key and not column.made:
                add(survey, orders, link, column.name)
        if _sent_there(survey, orders, link):
            sending.add(link.column)
    for table in list(survey.tables.values()):
        up = table.link_to(orders.name)
        if table is not orders and up is not None and places(table) and up.column != table.key:
            _of_kinds(survey, orders, table, up)
    return frozenset(sending)


def places(table: TableSeen) -> bool:
    """Whether it holds addresses."""
    columns = table.columns.values()
    both = any(one.postcodes for one in columns) and any(one.addresses for one in columns)
    return both or table_strength(table.name, "addresses") >= 2


def _sent_there(survey: Survey, orders: TableSeen, link: Link) -> bool:
    """Whether the rows that it refers to say by a word of theirs that something is sent there."""
    there = survey.tables[link.table]
    rows = survey.rows_with(
        there.name, link.key, {row[link.column] for row in orders.rows} - {None}
    )
    for column in there.columns.values():
        if column.few and column.kind == "text" and not column.made:
            words = {row[column.name] for row in rows}
            if len(words) == 1 and vocabulary().sending & set(words_of(str(*words))):
                return True
    return False


def _of_kinds(survey: Survey, orders: TableSeen, table: TableSeen, up: Link) -> None:
    """Addresses that refer to the order, one of each kind."""
    if table.columns[up.column].made:
        return
    for column in table.columns.values():
        if not column.few or not 2 <= len(column.counts) <= _KINDS or column.made:
            continue
        places = {(row[up.column], row[column.name]) for row in table.rows}
        orders_told = {row[up.column] for row in table.rows}
        if len(places) < 0.98 * len(table.rows) or len(places) < 1.5 * len(orders_told):
            continue
        for word in column.counts:
            for one in list(table.columns.values()):
                if one.kind == "text" and not one.key and not one.made and one is not column:
                    hop = Hop(table.name, up.column, one.name, (column.name, word))
                    name = f"{table.name} {word}.{one.name}"
                    led(survey, orders, name, Route(up.key, (hop,)))
        return


def last_change(
    survey: Survey, orders: TableSeen, history: History, placed: str | None
) -> ColumnSeen:
    """The time of an order's last change of state; of one that never changed, of its placing."""
    name = "its last change"
    changes = survey.tables[history.table]
    at, link = changes.columns[history.at], changes.link_to(orders.name)
    assert link is not None  # noqa: S101 - a history refers to the orders
    when, table = survey.quoted(history.at), survey.quoted(changes.place)
    mine, own = (
        survey.quoted(link.column),
        f"h.{survey.quoted(link.column)} = t.{survey.quoted(link.key)}",
    )
    last = f"(select max(h.{when}) from {table} h where {own})"  # noqa: S608 - never run here
    if history.remarks:  # a row that repeats the state is none of its changes
        word = survey.quoted(history.to_state)
        last = (
            f"(select min(h.{when}) from {table} h where {own} and not exists "  # noqa: S608 - the same
            f"(select 1 from {table} b where b.{mine} = h.{mine} and b.{when} > h.{when} "
            f"and b.{word} <> t.{survey.quoted(history.state)}) "
            f"and h.{word} = t.{survey.quoted(history.state)})"
        )
    sql = f"coalesce({last}, t.{survey.quoted(placed)})" if placed is not None else last
    found = survey.children(history.table, link.column, orders.name)
    for row in orders.rows:
        rows = [one for one in found.get(row[link.key], []) if one[history.at] is not None]
        other = [
            at.moment(one[history.at]) or 0.0
            for one in rows
            if one[history.to_state] != row[history.state]
        ]
        times = [
            one[history.at]
            for one in rows
            if not history.remarks or (at.moment(one[history.at]) or 0.0) > max(other, default=0.0)
        ]
        best = (min if history.remarks else max)(times) if times else None
        row[name] = best if best is not None else row[placed] if placed is not None else None
    made = ColumnSeen(
        name, at.declared, tuple(row[name] for row in orders.rows), survey.now, sql=sql
    )
    orders.columns[name] = made
    return made


def add(survey: Survey, table: TableSeen, link: Link, column: str) -> ColumnSeen:
    """The column of the other table as one of this, with its values in the sampled rows."""
    there = survey.tables[link.table]
    hop = Hop(there.name, link.key, column)
    own = table.columns[link.column].route
    route = Route(link.column, (hop,)) if own is None else own.on(hop)
    return led(survey, table, f"{link.column}.{column}", route)


def led(survey: Survey, table: TableSeen, name: str, route: Route) -> ColumnSeen:
    """What stands at the end of the route, as a column of the table."""
    if name in table.columns:
        return table.columns[name]
    declared = None
    if route.hops and not route.number:
        last = route.hops[-1]
        declared = survey.tables[last.table].columns[last.column].declared
    values = survey.led(table.rows, route)
    made = ColumnSeen(name, declared, tuple(values), survey.now, route=route)
    return table.add(made, values)


def before(survey: Survey, history: History, link: Link) -> tuple[ColumnSeen, str]:
    """Where an order stood before a change, of a history that tells where it came alone; and which
    of its rows are changes."""
    table = survey.tables[history.table]
    key = (
        table.key if table.key is not None and table.columns[table.key].kind == "integer" else None
    )
    by = survey.quoted(key or history.at)
    word, own = survey.quoted(history.to_state), survey.quoted(link.column)
    sql = (
        f"(select b.{word} from {survey.quoted(table.place)} b where b.{own} = t.{own} "  # noqa: S608 - never run here
        f"and b.{by} < t.{by} order by b.{by} desc limit 1)"
    )
    rows: dict[object, list[Row]] = {}
    for row in table.rows:
        rows.setdefault(row[link.column], []).append(row)
    at, values = table.columns[history.at], {}
    for each in rows.values():
        for earlier, later in neighbours(each, at):
            values[id(later)] = earlier[history.to_state]
    made = ColumnSeen(
        "the word before", table.columns[history.to_state].declared,
        tuple(values.get(id(row)) for row in table.rows), survey.now, sql=sql,
    )  # fmt: skip
    table.add(made, list(made.values))
    return made, f"t.{word} <> {sql}"
