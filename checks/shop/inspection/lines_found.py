"""Lines found: the articles of the orders, how many of each, and those that were scanned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from checks.shop.inspection.around import Around, begun, first_time
from checks.shop.inspection.column_seen import ColumnSeen, numbers
from checks.shop.inspection.columns_found import Clue, ColumnsFound, coded
from checks.shop.inspection.joined import add
from checks.shop.inspection.sums import Agreement, less, pieces, priced
from checks.shop.inspection.table_seen import TableSeen
from checks.shop.inspection.vocabulary import strength, vocabulary


def order_lines(around: Around, table: TableSeen) -> ColumnsFound | None:
    """Refers to the orders, with an article and how many of it."""
    found = begun(around, "order_lines", table)
    if found is None:
        return None
    coded(found)
    agreed = [one for one in around.orders.agreements if one.child == table.name and one.proves]
    lines = [one for one in agreed if one.state is None]
    _pieces(found, {one.quantity: one.share for one in reversed(lines) if one.quantity is not None})
    _line_amount(found, _of_lines(around, table, lines))
    _article(found, around)
    if not {"quantity", "sku"} <= found.columns.keys():
        return None
    _without_parts(around, found, [one.amount for one in lines])
    return found


def _of_lines(around: Around, table: TableSeen, lines: Sequence[Agreement]) -> list[Agreement]:
    """What adds up to an amount of the orders, or to the total without another: the shipping."""
    whole = [one for one in lines if one.quantity is None]
    if whole or around.total is None:
        return whole
    return [one for one, _ in less(around.survey, around.orders.table, around.total, table)]


def _line_amount(found: ColumnsFound, agreed: Sequence[Agreement]) -> None:
    """The column whose sums agree. Where several do, the rows do not tell which: with and without
    tax, or in the shop's own currency, they differ only where there is some."""
    if not agreed:
        costs = [one.name for one in priced(found.table)]
        if len(costs) <= 1 or all(not one.made for one in found.table.columns.values()):
            found.choose("amount")
        return
    best = max(one.share for one in agreed)
    agreed = [one for one in agreed if one.share >= best - 0.02]
    first, table = agreed[0], found.table
    others = sorted({one.amount for one in agreed} - {first.amount})
    differ = [
        name for name in others if table.columns[name].values != table.columns[first.amount].values
    ]
    says = f"{first.says}; so does {', '.join(others)}" if others else first.says
    told = [Clue(first.amount, 4.0, says, not others, doubt=bool(others))]
    named = [
        one.name
        for one in found.free()
        if strength(one.name, vocabulary().fields["order_lines"]["amount"])[0] == 3
    ]
    if differ and not named:
        found.ask("amount", f"{says}: which is what the line costs?")
    else:
        found.choose("amount", told)


def _pieces(found: ColumnsFound, proven: Mapping[str, float] = MappingProxyType({})) -> None:
    """How many: small whole numbers, of which a few are more than one; of several the one of which
    the others are a part. `proven`: those by which an amount of one piece adds up."""
    free = {one.name for one in found.free()}
    small = [one for one in pieces(found.table) if one.name in free]
    small = [one for one in small if not one.made] or small
    small = [
        one for one in small if one.always and sorted(numbers(one.held))[len(one.held) // 2] > 0
    ]
    best = max(proven.values(), default=0.0)
    small = [one for one in small if not best or proven.get(one.name, 0.0) >= best - 0.02] or small
    most = max((sum(numbers(one.held)) for one in small), default=None)
    clues = [
        Clue(one.name, 1.5, f"small whole numbers ({one.shown(4)})", one.name in proven)
        for one in small
        if sum(numbers(one.held)) == most and _all_of(small, one)
    ]
    found.choose("quantity", clues)


def _all_of(counts: list[ColumnSeen], whole: ColumnSeen) -> bool:
    """Whether the others count some of its pieces: those that were sent, or paid."""
    for other in counts:
        pairs = [numbers(pair) for pair in zip(whole.values, other.values, strict=True)]
        if any(b > a for a, b in (pair for pair in pairs if len(pair) == 2)):
            return False
    return True


def _article(found: ColumnsFound, around: Around) -> None:
    """A text that stands again and again, of many; or what an article that is referred to is
    called."""
    texts = [
        one
        for one in found.free()
        if one.kind == "text" and one.readable and not one.nearly_unique and not one.currencies
        and len(one.counts) >= 3 and not one.spaced and not one.few
    ]  # fmt: skip
    told: dict[str, Clue] = {}
    for one in texts:
        kept = _kept(around, found.table, one)
        if len(texts) == 1 or kept:
            said = f"a short text that comes again ({one.shown(2)})"
            more = f"; {kept} has each of them once" if kept else ""
            told[one.name] = Clue(one.name, 1.0 + bool(kept), f"{said}{more}", bool(kept))
    called = [] if texts else list(_called(found, around))
    for one, _ in called:
        told[one.name] = Clue(one.name, 4.0, f"what its article is called ({one.shown(2)})")
    chosen = found.choose("sku", told.values())
    if len(called) == 1 and chosen == called[0][0].name and not called[0][1].nearly_unique:
        # An article that is gone has no name any more, and is one all the same.
        route = called[0][1].route
        speech = around.survey.speech
        at = speech.at(called[0][1]) if route is None else speech.of(replace(route, number=False))
        found.besides["sku"] = f"trim(cast({at} as char(40)))"


def _kept(around: Around, table: TableSeen, column: ColumnSeen) -> str | None:
    """A table in which each of the articles stands once."""
    for other in around.survey.tables.values():
        if other is table or not other.rows or other.place == around.orders.table.place:
            continue
        for one in other.columns.values():
            once = one.kind == "text" and not one.made and one.nearly_unique
            if once and len(one.counts) >= 3 and _among(column, one) >= 0.9:
                return other.name
    return None


def _among(column: ColumnSeen, other: ColumnSeen) -> float:
    return sum(value in other.counts for value in column.counts) / len(column.counts)


def _called(found: ColumnsFound, around: Around) -> Iterator[tuple[ColumnSeen, ColumnSeen]]:
    """What stands beside the article that a line refers to: a short text, each its own."""
    for link in list(found.table.links):
        there = around.survey.tables.get(link.table)
        if there is None or there is around.orders.table or not there.rows:
            continue
        own = found.table.columns[link.column]
        mine = own.nearly_unique  # what stands there is of this line alone
        codes = [
            one
            for one in there.columns.values()
            if one.kind == "text" and one.readable and not one.made and not one.spaced
            and len(one.counts) >= 3 and one.nearly_unique != mine and not (mine and one.few)
        ]  # fmt: skip
        if len({one.values for one in codes}) == 1:
            yield add(around.survey, found.table, link, codes[0].name), own


def _without_parts(around: Around, found: ColumnsFound, costs: Sequence[str]) -> None:
    """Without lines that belong to another line and cost nothing: what a set is made of."""
    table = found.table
    amount = found.columns.get("amount") or next(iter(costs), None)
    if table.identity is None or amount is None:
        return
    for one in table.columns.values():
        held = {value for value in one.held if value not in (0, "")}
        if one.name == table.identity or one.made or len(held) < 5 or len(held) == len(table.rows):
            continue
        if one.kind != table.columns[table.identity].kind or one.times:
            continue
        part = [row for row in table.rows if row[one.name] in held]
        beside = around.survey.rows_with(table.name, table.identity, held)
        above = {row[table.identity]: row for row in beside}
        order = found.columns["order_key"]
        same = [
            row for row in part
            if row[one.name] in above and above[row[one.name]][order] == row[order]
        ]  # fmt: skip
        nothing = sum(not row[amount] for row in part)
        if len(same) >= 0.95 * len(part) and nothing >= 0.95 * len(part):
            found.where.append(f"t.{around.survey.speech.quoted(one.name)} is null")
            return


def scans(around: Around, table: TableSeen) -> ColumnsFound | None:
    """As the lines, of fewer orders, and with the same articles."""
    lines = around.placed.get("order_lines")
    found = begun(around, "scans", table, key=False)
    if found is None or lines is None or lines.name == table.name:
        return None
    _pieces(found)
    articles = [
        one
        for one in found.free()
        if one.kind == "text" and not one.few | (len(one.counts) < 2)
        and any(set(one.counts) <= set(c.counts) for c in lines.columns.values())
    ]  # fmt: skip
    told = [Clue(one.name, 2.0, f"the articles of {lines.name}") for one in articles]
    found.choose("sku", told)
    first_time(found, "at")
    return found if {"quantity", "sku"} <= found.columns.keys() else None
