"""Forms found: the unit of money and the form and zone of times, so far as the rows say them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from checks.queries.entity import entities
from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.columns_found import ColumnsFound
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.tables_found import TablesFound
from checks.shop.inspection.vocabulary import vocabulary, words_of

_AHEAD = 1800.0  # seconds in the future, beyond which a newest time is of another zone


def of_type(found: ColumnsFound, kind: str) -> Iterator[tuple[str, ColumnSeen]]:
    """The fields of a type with their columns."""
    for name, column in found.columns.items():
        if entities()[found.entity].fields[name].type == kind:
            yield name, found.table.columns[column]


def forms(found: ColumnsFound) -> dict[str, str]:
    """The form of each of its times."""
    return {name: column.form or "native" for name, column in of_type(found, "instant")}


def without_zone(found: ColumnsFound) -> list[str]:
    """The times that do not say of which zone they are."""
    return [name for name, column in of_type(found, "instant") if not column.aware]


def zone(tables: TablesFound) -> Judged | None:
    """What is asked of the zone, once for the whole shop; None: every time says its own."""
    bare = [
        f"{entity}.{name}" for entity, one in tables.entities.items() for name in without_zone(one)
    ]
    if not bare:
        return None
    some = ", ".join(bare[:3]) + (" …" if len(bare) > 3 else "")
    newest = _newest(tables)
    hint = ""
    if newest is not None and newest > _AHEAD:
        hint = f"; the newest is {newest / 3600:.1f} h ahead of UTC's now, so it is not UTC"
    elif newest is not None and newest > -3600:
        hint = f"; the newest is {-newest / 60:.0f} minutes before now, if it is UTC"
    return Judged("open", f"{some} say no zone of their own: which is it (Asia/Taipei){hint}?")


def _newest(tables: TablesFound) -> float | None:
    """How far the newest time that is no plan is from now, if it were UTC."""
    found = [
        at - column.now.timestamp()
        for one in tables.entities.values()
        for name, column in of_type(one, "instant")
        if name != "promised_at" and not column.aware
        for value in column.held
        if (at := column.moment(value)) is not None
    ]
    return max(found, default=None)


def units(tables: TablesFound) -> dict[tuple[str, str], tuple[str, Judged]]:
    """The unit of every amount. Whole numbers say none: the currency may, or a person."""
    currencies = {
        str(value)
        for one in tables.entities.values()
        if "currency" in one.columns
        for value in one.table.columns[one.columns["currency"]].counts
    }
    return {
        (entity, name): unit_of(column, currencies)
        for entity, one in tables.entities.items()
        for name, column in of_type(one, "money")
    }


def unit_of(column: ColumnSeen, currencies: set[str]) -> tuple[str, Judged]:
    """Its unit, and how sure that is."""
    named = vocabulary().units["minor"] | {"minor"}
    if named & set(words_of(column.name)) and column.kind != "decimal":
        return "minor", Judged("sure", "its name says so")
    held = numbers(column.held)
    if any(value % 1 for value in held):
        return "major", Judged("sure", f"it holds fractions ({_shown(held)})")
    if column.kind == "decimal":
        return "major", Judged("guess", "a column of decimals, all of them whole")
    hundreds = bool(held) and all(value % 100 == 0 for value in held)
    whole = bool(currencies) and currencies <= vocabulary().without_fractions
    if whole and hundreds:
        return "minor", Judged("guess", f"whole hundreds in {', '.join(sorted(currencies))}")
    if whole:
        return "major", Judged("guess", f"whole numbers in {', '.join(sorted(currencies))}")
    return "minor", Judged(
        "open",
        f"whole numbers ({_shown(held)}): of the smallest unit (minor), or whole ones (major)?",
    )


def _shown(held: list[Decimal]) -> str:
    return f"like {held[0]}" if held else "none yet"
