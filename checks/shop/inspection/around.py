"""Around a table that is looked at: the orders, what was found before, and what all finders do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from checks.shop.inspection.columns_found import (
    Clue,
    ColumnsFound,
    decides,
    in_order,
    keyed,
    linked,
)
from checks.shop.inspection.orders_found import Orders
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.table_seen import TableSeen
from checks.shop.inspection.vocabulary import meaning


@dataclass(frozen=True)
class Around:
    """What is known when a table is looked at: the orders, and what was found before."""

    survey: Survey
    orders: Orders
    total: str | None
    placed: Mapping[str, TableSeen]
    doubles: Sequence[str] = ()  # amounts of the orders of which any may be the total

    def share(self, table: TableSeen) -> float:
        """How many of the sampled orders it speaks of."""
        link = table.link_to(self.orders.table.name)
        if link is None or not self.orders.table.rows:
            return 0.0
        rows = self.survey.children(table.name, link.column, self.orders.table.name)
        return len(rows) / len(self.survey.parents(self.orders.table.name))


Finder = Callable[[Around, TableSeen], ColumnsFound | None]


def begun(
    around: Around, entity: str, table: TableSeen, *, key: bool = True
) -> ColumnsFound | None:
    """With its key and the orders that it refers to; None: it refers to none."""
    found = ColumnsFound(entity, table)
    if key:
        keyed(found)
    if not linked(found, "order_key", around.orders.table.name):
        return None
    _of_orders_alone(around, found)
    return found


def _of_orders_alone(around: Around, found: ColumnsFound) -> None:
    """Of a table that refers to rows of another kind too, those that refer to orders."""
    orders, link = around.orders.table, found.table.link_to(around.orders.table.name)
    if orders.kind is None or link is None or found.table.part_of is orders.part_of:
        return
    speech = around.survey.speech
    found.where.append(
        f"exists (select 1 from {speech.quoted(orders.place)} o "  # noqa: S608 - never run here
        f"where o.{speech.quoted(link.key)} = {speech.at(found.table.columns[link.column])} "
        f"and {speech.same('o', *orders.kind)})"
    )


def state_of(
    found: ColumnsFound, place: str, clues: list[Clue], *, needed: bool = True, field: str = "state"
) -> None:
    """The column of its state: by what was told, by words that are known, else the only one."""
    told = list(clues)
    for one in found.free():
        if not one.few or one.currencies:
            continue
        known = [word for word in one.counts if meaning(place, word)]
        if known and len(known) >= 0.5 * len(one.counts):
            reason = f"holds words that shops use for it ({one.shown(5)})"
            told.append(Clue(one.name, 2.5, reason, proves=len(known) >= 3))
        deciding = [other for other in found.table.columns.values() if decides(one, other)]
        if deciding:
            told.append(Clue(one.name, 1.0, f"it says if there is a {deciding[0].name}"))
    few = [one for one in found.free() if one.few and not one.currencies and not one.spaced]
    few = [one for one in few if one.name not in found.table.linked()]
    if needed and not told and len(few) == 1:
        told.append(Clue(few[0].name, 0.4, f"the only one of few words ({few[0].shown(5)})"))
    found.choose(field, told, needed=needed)


def first_time(found: ColumnsFound, name: str, *, needed: bool = False) -> None:
    """The first of its times."""
    times = in_order([one for one in found.free() if one.certain_times and len(one.held) > 0])
    only = len(times) == 1
    reason = "the only time of its row" if only else "never after another time of its row"
    clues = [Clue(one.name, 2.0, reason, proves=only) for one in times[:1] if only or one.always]
    found.choose(name, clues, needed=needed)
