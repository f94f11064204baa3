"""Names and values: what stands in rows of a name and a value, or in documents, as columns.

How many pieces a line has, where its table holds no number of them but a row “_qty”, “2” beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.joined import led
from checks.shop.inspection.route import Hop, Route
from checks.shop.inspection.sums import priced
from checks.shop.inspection.survey import Survey, document, number_in
from checks.shop.inspection.table_seen import TableSeen

_NAMES = 60  # different ones in a table
_OFTEN, _LEAST = 0.01, 3  # of the rows to which a name belongs, at least
_WIDE = 6  # columns of a table of names and values, at most
_MEMBERS = 20  # of one document


def as_columns(survey: Survey) -> dict[str, list[str]]:
    """Adds them to the tables that they belong to; which each has got now."""
    made: dict[str, list[str]] = {}
    for table in list(survey.tables.values()):
        for above, link, name, value in _pairs(survey, table):
            key = next(one.key for one in table.links if one.column == link)
            rows = survey.rows_with(table.name, link, {row[key] for row in above.rows} - {None})
            there = {(row[link], row[name]): row[value] for row in rows}
            for word in table.columns[name].counts:
                held = [there.get((row[key], word)) for row in above.rows]
                said = [one for one in held if one not in (None, "")]
                if len(said) < max(_LEAST, _OFTEN * len(above.rows)):
                    continue
                numeric = all(number_in(one) is not None for one in said)
                hop = Hop(table.name, link, value, (name, word))
                own = ColumnSeen(
                    f"{table.name}.{word}", None,
                    tuple(map(number_in, held)) if numeric else tuple(held),
                    survey.now, route=Route(key, (hop,), numeric),
                )  # fmt: skip
                above.add(own, list(own.values))
                made.setdefault(above.name, []).append(own.name)
    return made


def _pairs(survey: Survey, table: TableSeen) -> Iterator[tuple[TableSeen, str, str, str]]:
    """What a table of names and values belongs to: that table, the link, the names, the values."""
    if not table.rows or len(table.columns) > _WIDE:
        return
    if any(one.certain_times for one in table.columns.values()):
        return  # what happened is no value of a name
    texts = [c for c in table.columns.values() if c.kind == "text" and not c.key and not c.made]
    for link in list(table.links):
        above = survey.tables.get(link.table)
        if above is None or above is table or table.columns[link.column].made:
            continue
        found = [
            (name.name, value.name)
            for name in texts
            for value in texts
            if link.column not in (name.name, value.name)
            and _named(table, link.column, name, value)
        ]
        if len(found) == 1:
            yield above, link.column, *found[0]


def _named(table: TableSeen, link: str, name: ColumnSeen, value: ColumnSeen) -> bool:
    """Whether each row has several of the names, each once, and other values under each."""
    if name is value or not name.always or not 2 <= len(name.counts) <= _NAMES:
        return False
    if len(value.counts) <= 2 * len(name.counts) or any(" " in str(word) for word in name.counts):
        return False
    places = Counter((row[link], row[name.name]) for row in table.rows)
    once = sum(count == 1 for count in places.values()) >= 0.95 * len(places)
    return once and len(table.rows) >= 1.5 * len({row[link] for row in table.rows})


def beside(survey: Survey, orders: TableSeen) -> None:
    """Gives orders that hold no amount those of the document that stands beside each."""
    if priced(orders):
        return
    for table in survey.tables.values():
        link = table.link_to(orders.name)
        if link is None or table is orders or not table.columns[link.column].nearly_unique:
            continue
        for one in list(table.columns.values()):
            route = one.route
            if route is None or route.member is None or table.columns[link.column].made:
                continue
            hop = Hop(table.name, link.column, route.start, several=True)
            way = Route(link.key, (hop,), True, route.member)
            led(survey, orders, f"{table.name}.{one.name}", way)


def members(survey: Survey) -> None:
    """Adds the numbers that stand in documents to the tables that hold these."""
    for table in survey.tables.values():
        for column in list(table.columns.values()):
            if column.made or column.kind not in ("text", "other") or not column.held:
                continue
            found = [made for value in column.held if (made := document(value)) is not None]
            if len(found) < 0.9 * len(column.held):
                continue
            names = Counter(name for one in found for name in one)
            for name, count in names.most_common(_MEMBERS):
                held = [one[name] for one in found if one.get(name) is not None]
                if (
                    count >= 0.9 * len(found)
                    and held
                    and all(number_in(v) is not None for v in held)
                ):
                    led(survey, table, f"{column.name}.{name}", Route(column.name, (), True, name))
