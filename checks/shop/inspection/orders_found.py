"""Orders found: the table that others refer to and whose amounts they add up to, and its fields."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.shop.inspection import (
    customer_found,
    history,
    joined,
    kinds,
    links,
    name_values,
    sums,
    total_found,
)
from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.columns_found import (
    PROOF,
    Clue,
    ColumnsFound,
    coded,
    in_order,
    keyed,
    tongue,
)
from checks.shop.inspection.history import History
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.sums import Agreement, priced
from checks.shop.inspection.survey import Survey, TableSeen
from checks.shop.inspection.vocabulary import (
    is_copy,
    meaning,
    moves,
    strength,
    table_strength,
    vocabulary,
    words_of,
)

_TRIED = 6  # tables that are looked at closely
_MANY = 80  # tables, beyond which only the likeliest are looked for as what others refer to
_COUNTS = 2.0
_SEVERAL = 20  # orders, of which some must differ
_NONE = 100.0  # what no clue outweighs
_MOVING = (
    "moves with every change of the row, so an order that stands still may look new; is there a "
    "time of its state?"
)
_LAST = "is it the time of its state, or does it move with every change of the row?"
_FUTURE = "it lies in the future for some orders"


@dataclass(frozen=True)
class Orders:
    """The orders of a shop, and what their children say of them."""

    table: TableSeen
    agreements: list[Agreement]
    history: History | None
    judged: Judged
    others: list[str]  # tables that could be it as well
    sending: frozenset[str] = frozenset()  # references to where an order is sent


def find(survey: Survey) -> Orders | None:
    """The table of the orders; None: none looks like it."""
    kinds.split_by_reference(survey)
    tables = [one for one in survey.tables.values() if one.rows]
    likely = sorted(tables, key=_at_first_sight, reverse=True)[:_TRIED]
    parents = list(links.candidates(survey))
    if len(parents) > _MANY:
        parents = [one.name for one in likely]
    links.infer(survey, parents)
    kinds.split_by_names(survey, name_values.as_columns(survey))
    links.infer(survey, parents, made=True)
    name_values.members(survey)
    tables = [one for one in survey.tables.values() if one.rows]
    likely = sorted(tables, key=lambda t: _at_first_sight(t) + _referred(survey, t), reverse=True)
    ranked = sorted(
        ((_closely(survey, one), one) for one in likely[:_TRIED]), key=lambda one: -one[0][0]
    )
    ranked = [one for one in ranked if one[0][0] >= 3]
    if not ranked:
        return None
    (weight, agreed, past), best = ranked[0]
    joined.reach_orders(survey, best)
    name_values.beside(survey, best)
    sending = joined.look_up_addresses(survey, best)
    agreed = sums.agreements(survey, best)
    proven = any(one.proves for one in agreed) or past is not None
    reasons = [agreed[0].says] if agreed and agreed[0].proves else []
    reasons += [past.says] if past is not None else []
    reasons += ["by its name"] if table_strength(best.name, "orders") else []
    said = "; ".join(reasons) or f"{_inbound(survey, best)} tables refer to it"
    close = [str(one.name) for (other, _, _), one in ranked[1:] if weight - other < 2]
    certainty = "sure" if proven and not close else "guess"
    named = [
        name for name in survey.tables if name != best.name and strength(
            name, vocabulary().tables["orders"])[0] >= 1 and is_copy(name)
    ]  # fmt: skip
    others = list(dict.fromkeys([*close, *named]))
    return Orders(best, agreed, past, Judged(certainty, said), others, sending)  # type: ignore[arg-type]


def _at_first_sight(table: TableSeen) -> float:
    columns = table.columns.values()
    named = table_strength(table.name, "orders")
    fields = vocabulary().fields["orders"]
    fit = sum(
        any(strength(c.name, fields[f])[0] == 3 for c in columns)
        for f in ("state", "total", "placed_at", "number")
    )
    return (
        2.0 * named
        + 0.3 * fit
        + 0.5 * bool(sums.amounts(table))
        + 0.5 * any(one.certain_times for one in columns)
        + 0.3 * any(one.few for one in columns)
        - 4.0 * is_copy(table.name)
    )


def _inbound(survey: Survey, table: TableSeen) -> int:
    return sum(
        any(link.table == table.name for link in other.links[:12])
        for other in survey.tables.values()
        if other.rows
    )


def _referred(survey: Survey, table: TableSeen) -> float:
    return 0.5 * min(6, _inbound(survey, table))


def _closely(survey: Survey, table: TableSeen) -> tuple[float, list[Agreement], History | None]:
    agreed = sums.agreements(survey, table)
    past = history.find(survey, table)
    weight = _at_first_sight(table) + _referred(survey, table)
    weight += 2.0 * len({one.child for one in agreed if one.proves})
    weight += 3.0 * (past is not None)
    if not priced(table) and not _documented(survey, table):
        weight -= 4.0  # what costs nothing is no order
    if not any(one.times for one in table.columns.values()):
        weight -= 4.0  # nor what was at no time
    weight += 2.0 * any(one.mails for one in table.columns.values() if not one.made)
    weight += 2.0 * any(
        joined.places(there)
        for link in table.links
        if (there := survey.tables.get(link.table)) is not None and there.rows
    )
    return weight, agreed, past


def _documented(survey: Survey, table: TableSeen) -> bool:
    """Whether amounts stand in a document beside each of its rows."""
    for other in survey.tables.values():
        link = other.link_to(table.name)
        beside = link is not None and other.columns[link.column].nearly_unique
        if beside and any(one.route and one.route.member for one in other.columns.values()):
            return True
    return False


def fields(survey: Survey, orders: Orders) -> ColumnsFound:
    """Which of its columns is what."""
    table = orders.table
    found = ColumnsFound("orders", table)
    keyed(found)
    coded(found)
    found.choose("language", _languages(found))
    _state(found, orders)
    _times(found, survey, orders)
    total_found.find(found, survey, orders)
    _number(found)
    customer_found.find(found, survey)
    total_found.parts(found)
    for name in ("list", "discount", "shipping"):
        if name not in found.columns:
            found.choose(name)
    _reached(found, orders)
    return found


def _languages(found: ColumnsFound) -> Iterator[Clue]:
    for one in found.free():
        if one.languages and one.few and not (one.countries and one.made):
            yield tongue(one)


def _state(found: ColumnsFound, orders: Orders) -> None:
    clues = []
    for one in found.free():
        if not one.few:
            continue
        known = [word for word in one.counts if meaning("orders.state", word)]
        if orders.history is not None and orders.history.state == one.name:
            clues.append(Clue(one.name, 6.0, orders.history.says, True))
        if len(known) >= 0.5 * len(one.counts):
            reason = f"holds words that shops use for states ({one.shown(5)})"
            clues.append(Clue(one.name, 3.0, reason, proves=len(known) >= 3))
        elif len(one.counts) >= 3 and one.name not in found.table.linked():
            clues.append(Clue(one.name, 0.4, f"holds few different words ({one.shown(6)})"))
    found.choose("state", clues, needed=True)


def _times(found: ColumnsFound, survey: Survey, orders: Orders) -> None:
    """The time that is never after another is when it was placed; that of its last change, since
    when it stands there."""
    times = [one for one in found.free() if one.certain_times]
    order = in_order([one for one in times if len(one.held) > 1])
    since = orders.history.since if orders.history is not None else None
    clues = []
    if order and order[0].always:
        first = order[0]
        if len(order) > 1:
            reason = "never after another time of its row"
            clues.append(Clue(first.name, 2.0, reason))
        else:
            clues.append(Clue(first.name, 0.5, "the only time of its row"))
    if since is not None:
        reason = f"is the time of the last row of {orders.history.table}"  # type: ignore[union-attr]
        found.choose("state_since", [Clue(since, PROOF, reason, True)])
    found.choose("placed_at", [one for one in clues if one.column not in found.columns.values()])
    ahead = [one for one in found.free() if one.certain_times and _ahead(one)]
    found.choose("promised_at", [Clue(one.name, 1.0, _FUTURE) for one in ahead])
    if since is None:
        _since(found, survey, orders)


def _since(found: ColumnsFound, survey: Survey, orders: Orders) -> None:
    """Where no column holds the time of the last change: that change itself, or else the time that
    comes last in its row, which is a question."""
    words = vocabulary().fields["orders"]["state_since"]
    named = [
        one
        for one in found.free()
        if one.times and strength(one.name, words)[0] == 3 and not moves(one.name)
    ]
    if orders.history is not None and not named:
        made = joined.last_change(
            survey, orders.table, orders.history, found.columns.get("placed_at")
        )
        reason = f"the last {orders.history.table}.{orders.history.at} of the order"
        found.take("state_since", made.name, Judged("guess", reason))
        return
    free = [one for one in found.free() if one.times]
    moving = [Clue(one.name, 0.0, _MOVING, doubt=True) for one in free if moves(one.name)]
    if moving or named:
        found.choose("state_since", moving, needed=True)
        return
    later = in_order([one for one in free if one.certain_times and not one.made])[-1:]
    told = f"; {later[0].name} comes last in its row: {_LAST}" if later else ""
    found.ask(
        "state_since", f"no column or table says since when an order stands where it does{told}"
    )


def _ahead(column: ColumnSeen) -> bool:
    """Whether some of its times are yet to come, by more than a zone could explain."""
    now = column.now.timestamp()
    return any(
        (at := column.moment(value)) is not None and at > now + 86400 for value in column.held
    )


def _number(found: ColumnsFound) -> None:
    clues = [
        Clue(one.name, 2.5, f"a short text, no two the same ({one.shown(1)})", one.unique)
        for one in found.free()
        if one.readable
        and one.nearly_unique
        and one.always
        and not (one.phones or one.addresses or one.postcodes or one.mails)
    ]
    clues += [
        Clue(one.name, 0.6, "numbers that were given one after the other")
        for one in found.free()
        if one.counting
    ]
    # A name alone does not make a number of what many orders share.
    clues += [
        Clue(one.name, -_NONE, "several orders have the same")
        for one in found.free()
        if len(one.held) >= _SEVERAL and not one.nearly_unique
    ]
    key = found.table.columns.get(found.columns.get("key", ""))
    if not clues or (key is not None and key.kind == "text" and not key.readable):
        declared = {link.column for link in found.table.links if link.declared}
        clues += [
            Clue(one.name, _COUNTS, f"counts up, no two the same ({one.shown()})")
            for one in found.free()
            if one.kind == "integer" and one.always and one.nearly_unique and not one.times
            and not one.made and one.name not in declared
        ]  # fmt: skip
    counted = [one.column for one in clues if one.weight == _COUNTS]
    if len(counted) == 1:  # what counts up is a number, and refers to nothing by chance
        found.table.links = [one for one in found.table.links if one.column != counted[0]]
    if found.choose("number", clues) is None:
        told = [one.column for one in clues if one.weight > 0]
        if len(told) > 1:
            names = ", ".join(told)
            found.ask("number", f"any of these could be what people call an order by: {names}")
        elif "key" in found.columns:
            reason = "nothing else that people could call an order by: its key"
            found.take("number", found.columns["key"], Judged("guess", reason), 0.0)


def _reached(found: ColumnsFound, orders: Orders) -> None:
    """How its customer is reached, and where it goes."""
    for name, holds, what in (
        ("phone", "phones", "holds numbers of telephones"),
        ("postcode", "postcodes", "holds what looks like postcodes"),
        ("address", "addresses", "holds several words with numbers, as addresses do"),
    ):
        fit = [one for one in found.free() if getattr(one, holds) and not one.unique]
        clues = [Clue(one.name, 1.5, f"{what} ({one.shown(1)})") for one in fit]
        # Of two addresses, the one to which it is sent.
        clues += [
            Clue(one.name, 1.0, "where it is sent to")
            for one in found.free()
            if one.route is not None
            and (one.name.partition(".")[0] in orders.sending or _sent_to(one))
            and (one in fit or strength(one.name, vocabulary().fields["orders"][name])[0] >= 2)
        ]  # fmt: skip
        clues += [
            Clue(one.name, -_NONE, "of another kind")
            for one in found.free()
            if vocabulary().no_places & set(words_of(one.name)) or one.mails
        ]
        if found.choose(name, clues) is None and len(fit) > 1:
            names = ", ".join(f"{one.name} ({one.shown(1)})" for one in fit)
            found.ask(name, f"any of these could be it: {names}")
        column = found.table.columns.get(found.columns.get(name, ""))
        if column is not None and any(str(value).isspace() for value in column.counts):
            found.forms[name] = "nullif(trim({}), '')"  # blanks alone are nothing


def _sent_to(column: ColumnSeen) -> bool:
    """Whether it is of an address to which an order is sent, by a name or by a word of its kind."""
    told = set(words_of(column.name.partition(".")[0]))
    kinds = [hop.kind[1] for hop in (column.route.hops if column.route else ()) if hop.kind]
    return bool(vocabulary().sending & told.union(*(words_of(str(word)) for word in kinds)))
