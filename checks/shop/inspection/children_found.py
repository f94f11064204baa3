"""Children found: what each table that belongs to the orders must be, entity by entity."""

from __future__ import annotations

from collections.abc import Mapping

from checks.shop.inspection.around import Around, Finder, begun
from checks.shop.inspection.columns_found import Clue, ColumnsFound
from checks.shop.inspection.joined import before as before_of
from checks.shop.inspection.lines_found import order_lines, scans
from checks.shop.inspection.money_found import payments, refunds
from checks.shop.inspection.table_seen import TableSeen


def state_changes(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Where the orders came from and went to."""
    found = begun(around, "state_changes", table)
    if found is None:
        return None
    past = around.orders.history
    mine = past if past is not None and past.table == table.name else None
    before = mine.from_state if mine is not None else None
    found.choose(
        "to_state", [Clue(mine.to_state, 6.0, mine.says, True)] if mine is not None else []
    )
    link = table.link_to(around.orders.table.name)
    if (
        mine is not None
        and before is None
        and link is not None
        and not table.columns[link.column].made
    ):
        # It tells where an order came, and not from where: that is what the row before it says.
        made, changes = before_of(around.survey, mine, link)
        before = made.name
        found.where.append(changes)
    told = [Clue(before, 6.0, "what the row before it says", True)] if before is not None else []
    found.choose("from_state", told)
    if not {"to_state", "from_state"} <= found.columns.keys():
        return None
    at = [Clue(mine.at, 3.0, "the time of the change", True)] if mine is not None else []
    found.choose("at", at, needed=True)
    return found


CHILDREN: Mapping[str, Finder] = {
    "state_changes": state_changes,
    "payments": payments,
    "order_lines": order_lines,
    "refunds": refunds,
    "scans": scans,
}
