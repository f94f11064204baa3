"""Customer found: whose an order is, by a reference to people or by an address of mail."""

from __future__ import annotations

from collections.abc import Iterator

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.columns_found import Clue, ColumnsFound
from checks.shop.inspection.sums import amounts
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.vocabulary import table_strength

_ALL = 0.95  # of the orders are somebody's
_NOBODY = 0.02  # of the orders have a customer that is none


def find(found: ColumnsFound, survey: Survey) -> None:
    """Who comes again; a guest is told by what they gave."""
    clues = [*_references(found, survey), *_mails(found)]
    chosen = found.choose("customer", clues)
    if chosen is None:
        if not clues:
            _people(found)
        return
    column = found.table.columns[chosen]
    nobody = sum(value == 0 for value in column.held)
    if column.kind == "integer" and nobody > _NOBODY * len(column.held):
        # Guests share a number that is nobody's: as it stands they were all one customer.
        found.forms["customer"] = "nullif({}, 0)"
    elif any(value == "" for value in column.values):
        found.forms["customer"] = "nullif({}, '')"
    guests = list(_guests(found, column))
    if len(guests) == 1 and not column.made:
        if column.kind != "text":
            found.forms["customer"] = "trim(cast({} as char(20)))"
        speech = survey.speech
        found.besides["customer"] = f"nullif({speech.at(guests[0])}, '')"


def _guests(found: ColumnsFound, column: ColumnSeen) -> Iterator[ColumnSeen]:
    """Columns of mail that stand where nobody is referred to, and there alone."""
    for one in found.free():
        if not one.mails or one.made or len(one.held) == len(one.values):
            continue
        both = [
            (bool(mine), bool(other)) for mine, other in zip(column.values, one.values, strict=True)
        ]
        if sum(mine != other for mine, other in both) >= _ALL * len(both):
            yield one


def _references(found: ColumnsFound, survey: Survey) -> Iterator[Clue]:
    for one in found.free():
        link = next((link for link in found.table.links if link.column == one.name), None)
        if link is None or link.table == found.table.name:
            continue
        above = survey.tables.get(link.table)
        if above is None:
            continue
        known = table_strength(link.table, "customers")
        if one.nearly_unique and not known:  # people come again; an address may be each order's own
            continue
        columns = above.columns.values()
        tongue = any(c.languages and c.few for c in columns)
        mails = any(c.mails for c in columns)
        places = any(c.addresses for c in columns) or any(c.postcodes for c in columns)
        if places and not (tongue or mails or known >= 2):  # where it goes, not whose it is
            continue
        speaks = tongue or mails or any(c.phones for c in columns)
        weight = 1.0 * known + 1.5 * speaks + 0.5 * (len(one.counts) > 20)
        yield Clue(one.name, weight, link.reason, link.declared and (known == 3 or speaks))


def _mails(found: ColumnsFound) -> Iterator[Clue]:
    for one in found.free():
        again = 1 < len(one.counts) < 0.98 * len(one.held)
        if one.mails and again and not one.made:
            whole = len(one.held) >= _ALL * len(one.values)
            yield Clue(one.name, 2.4 if whole else 0.8, f"addresses of mail ({one.shown(1)})")


def _people(found: ColumnsFound) -> None:
    """Whole numbers that come again, and refer to nothing that is there: whose the orders are?"""
    decimals = any(one.kind == "decimal" for one in amounts(found.table))
    again = [
        one
        for one in found.free()
        if one.kind == "integer" and not (one.times or one.few or one.nearly_unique or one.made)
    ]
    if decimals and again:
        names = ", ".join(f"{one.name} ({one.shown()})" for one in again)
        found.ask("customer", f"is it the customer's number, which comes again: {names}?")
