"""History of the orders' states: the table whose last row of an order says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.survey import Row, Survey, TableSeen

_ENOUGH = 5
_MOSTLY = 0.8
_CHANGED = 0.3  # of the orders with several rows have come from one word to another


@dataclass(frozen=True)
class History:
    """Where it stands. `share`: of how many orders its last word is the order's own."""

    table: str
    to_state: str
    from_state: str | None
    at: str
    state: str  # the column of the orders
    share: float
    orders: int
    since: str | None = None  # the column of the orders that holds the time of the last change
    remarks: bool = False  # it has rows that repeat the word before: of something else

    @property
    def says(self) -> str:
        share = f"{100 * self.share:.0f} % of {self.orders} orders"
        return f"the last {self.table}.{self.to_state} is the order's own in {share}"


def find(survey: Survey, orders: TableSeen) -> History | None:
    """The table that holds it, by its rows alone; None: none does."""
    found = [
        one
        for child in survey.tables.values()
        if (link := child.link_to(orders.name)) is not None and link.column != child.key
        for one in _in(survey, orders, child, link.column)
    ]
    found.sort(key=lambda one: (one.from_state is not None, one.share, one.orders))
    return found[-1] if found else None


def _in(survey: Survey, orders: TableSeen, child: TableSeen, link: str) -> Iterator[History]:
    rows = survey.children(child.name, link, orders.name)
    many = sum(len(own) for own in rows.values()) > 1.2 * len(rows)
    parents = {row[orders.identity]: row for row in orders.rows} if orders.identity else {}
    words = [one for one in child.columns.values() if _word(one) and one.name != link]
    words = [one for one in words if len(one.counts) > 1 or not many]
    for at in (one for one in child.columns.values() if one.certain_times):
        last = {
            key: max(own, key=lambda row: at.moment(row[at.name]) or 0.0)
            for key, own in rows.items()
            if key in parents
        }
        if len(last) < _ENOUGH:
            continue
        for to_state in words:
            if many and not _changes(rows, to_state.name):
                continue
            for state in (one for one in orders.columns.values() if _word(one)):
                if len(state.counts) < 2 or type(state.held[0]) is not type(to_state.held[0]):
                    continue
                same = sum(
                    row[to_state.name] == parents[key][state.name] for key, row in last.items()
                )
                from_state = _before(rows, at, to_state, words, state)
                if same / len(last) < _MOSTLY or not (many or from_state):
                    continue
                yield History(
                    child.name, to_state.name, from_state, at.name, state.name,
                    same / len(last), len(last), _since(orders, at, last, parents),
                    _remarks(rows, at, to_state),
                )  # fmt: skip


def _word(column: ColumnSeen) -> bool:
    """Whether it may be a state: few words, none of which is a currency or a language."""
    return bool(column.few and not column.currencies and not column.languages)


def _changes(rows: dict[object, list[Row]], column: str) -> bool:
    """Whether orders come from one word into another; what never changes is no history."""
    several = [own for own in rows.values() if len(own) > 1]
    changed = sum(len({row[column] for row in own}) > 1 for own in several)
    return changed >= _CHANGED * len(several)


def _before(
    rows: dict[object, list[Row]],
    at: ColumnSeen,
    to_state: ColumnSeen,
    words: list[ColumnSeen],
    state: ColumnSeen,
) -> str | None:
    """The column that holds where the order stood before: what the row before it says."""
    best: tuple[float, str] | None = None
    known = set(state.counts) | set(to_state.counts)
    for one in words:
        # Where orders begin, none may stand any more.
        if one.name == to_state.name or len(set(one.counts) - known) > 1:
            continue
        if not set(one.counts) & known and len(one.counts) > 1:
            continue
        pairs = [
            (earlier[to_state.name], later[one.name])
            for own in rows.values()
            for earlier, later in neighbours(own, at)
        ]
        if pairs:
            share = sum(a == b for a, b in pairs) / len(pairs)
        else:
            share = 0.7 if set(one.counts) & known else 0.0
        if share >= 0.6 and (best is None or share > best[0]):
            best = (share, one.name)
    return best[1] if best else None


def _remarks(rows: dict[object, list[Row]], at: ColumnSeen, to_state: ColumnSeen) -> bool:
    pairs = [pair for own in rows.values() for pair in neighbours(own, at)]
    same = sum(earlier[to_state.name] == later[to_state.name] for earlier, later in pairs)
    return bool(same > 0.02 * len(pairs))


def neighbours(rows: list[Row], at: ColumnSeen) -> Iterator[tuple[Row, Row]]:
    ordered = sorted(rows, key=lambda row: at.moment(row[at.name]) or 0.0)
    yield from pairwise(ordered)


def _since(
    orders: TableSeen, at: ColumnSeen, last: dict[object, Row], parents: dict[object, Row]
) -> str | None:
    """The column of the orders in which the last change's own time stands."""
    for one in (one for one in orders.columns.values() if one.certain_times):
        same = 0
        for key, row in last.items():
            mine, theirs = one.moment(parents[key][one.name]), at.moment(row[at.name])
            same += mine is not None and theirs is not None and abs(mine - theirs) < 1.0
        if same >= _MOSTLY * len(last):
            return one.name
    return None
