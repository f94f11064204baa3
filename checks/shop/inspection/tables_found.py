"""Tables found: which table of the shop is which entity, one entity after the other.

A table is taken where its name says so or its rows prove it; one that only has the right shape is
asked of the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from checks.queries.entity import entities
from checks.shop.inspection.children_found import CHILDREN, Around
from checks.shop.inspection.columns_found import ColumnsFound
from checks.shop.inspection.joined import add
from checks.shop.inspection.orders_found import Orders, fields
from checks.shop.inspection.others_found import OTHERS
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.sums import amounts
from checks.shop.inspection.survey import Survey, TableSeen
from checks.shop.inspection.vocabulary import (
    given_back,
    meaning,
    strength,
    table_strength,
    vocabulary,
)

_SHOWN = 5
_MOST = 0.5  # of the orders have what every order has


@dataclass
class TablesFound:
    """Every entity with its fields; how sure its table is; what else it could have been."""

    entities: dict[str, ColumnsFound] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    currency: dict[str, str] = field(default_factory=dict)  # an entity: the one that all are in
    empty: list[str] = field(default_factory=list)  # what is said of tables that hold nothing yet
    asked: dict[str, str] = field(default_factory=dict)  # an entity: which tables could be it


def find(survey: Survey, orders: Orders) -> TablesFound:
    """Looks for every entity among the tables that are left."""
    found = TablesFound()
    own = fields(survey, orders)
    found.entities["orders"] = own
    found.judged["orders"] = orders.judged
    if not {"state", "total"} <= own.columns.keys():
        found.judged["orders"] = Judged("guess", orders.judged.reason)
    found.others["orders"] = orders.others
    placed = {"orders": orders.table}
    around = Around(survey, orders, own.columns.get("total"), placed)
    for entity, finder in {**CHILDREN, **OTHERS}.items():
        used = {one.name for one in placed.values()}
        fits = [
            made
            for table in survey.tables.values()
            if table.name not in used and table.rows and (made := finder(around, table)) is not None
        ]
        _take(around, entity, fits, found, placed)
        if entity == "refunds" and entity not in found.entities:
            _given_back(found)
        _empty(survey, entity, found)
    _currencies(survey, orders, found)
    return found


def _given_back(found: TablesFound) -> None:
    """Refunds that stand among the payments, told by a word of their state."""
    paid = found.entities.get("payments")
    if paid is None or not {"state", "order_key", "amount"} <= paid.columns.keys():
        return
    state = paid.table.columns[paid.columns["state"]]
    back = [word for word in state.counts if given_back(word)]
    if not back:
        return
    why = Judged("guess", f"rows of the payments whose {state.name} is {back[0]}")
    same = ColumnsFound("refunds", paid.table)
    for name in ("key", "order_key", "state", "amount", "currency", "created_at"):
        if name in paid.columns:
            same.take(name, paid.columns[name], Judged("guess", "as of the payments"))
    found.entities["refunds"], found.judged["refunds"] = same, why
    found.asked.pop("refunds", None)


def _currencies(survey: Survey, orders: Orders, found: TablesFound) -> None:
    """Amounts without a currency are in that of their order."""
    name = found.entities["orders"].columns.get("currency")
    if name is None:
        return
    codes = orders.table.columns[name].counts
    for entity, one in found.entities.items():
        money = any(entities()[entity].fields[f].type == "money" for f in one.columns)
        if entity == "orders" or "currency" in one.columns or not money:
            continue
        link = one.table.link_to(orders.table.name)
        if len(codes) == 1:
            found.currency[entity] = str(next(iter(codes)))
        elif link is not None and one.table.columns[link.column].join is None:
            made = add(survey, one.table, link, name)
            one.take("currency", made.name, Judged("sure", f"that of its order ({name})"))


def _take(
    around: Around,
    entity: str,
    fits: list[ColumnsFound],
    found: TablesFound,
    placed: dict[str, TableSeen],
) -> None:
    often = 3.0 if entity in ("payments", "order_lines") else 0.0
    ranked = sorted(
        fits, key=lambda one: _weight(one) + often * around.share(one.table), reverse=True
    )
    taken = [(one, why) for one in ranked if (why := _accepted(around, one)) is not None]
    if not taken:
        shaped = [one for one in ranked if entity in _SHAPE and _shaped(around, one)]
        if shaped:
            names = ", ".join(f"{one.table.name} ({_columns(one)})" for one in shaped[:_SHOWN])
            found.asked[entity] = f"no table is surely it; it could be {names}, or none is"
        return
    best, why = taken[0]
    rivals = [one.table.name for one, _ in taken[1:] if _weight(best) - _weight(one) < 2]
    certainty = why.certainty if not rivals else "guess"
    found.entities[entity] = best
    found.judged[entity] = Judged(certainty, why.reason)
    found.others[entity] = [one.table.name for one, _ in taken[1:] if one.table.name in rivals]
    placed[entity] = best.table


def _weight(one: ColumnsFound) -> float:
    return one.weight + 2.5 * table_strength(one.table.name, one.entity)


def _columns(one: ColumnsFound) -> str:
    told = [
        f"{column.name}: {column.shown(4)}"
        for column in one.table.columns.values()
        if not column.key
    ]
    return "; ".join(told[:_SHOWN])


def _empty(survey: Survey, entity: str, found: TablesFound) -> None:
    """Tables that are called so and are empty or copies: a person should know of them."""
    words = vocabulary().tables[entity]
    used = {one.table.name for one in found.entities.values()}
    named = [
        name
        for name, table in survey.tables.items()
        if name not in used and not table.rows and strength(name, words)[0] >= 1
    ]
    if entity in found.entities:
        said = found.others.setdefault(entity, [])
        said += [name for name in named if name not in said]
        return
    found.empty += [
        f"{name} is called like {entity} and is empty: ask again when it holds rows, or map it."
        for name in named
        if table_strength(name, entity) == 3
    ]


def _proves(one: ColumnsFound, *names: str) -> bool:
    return all(name in one.judged and one.judged[name].certainty == "sure" for name in names)


def _knows(one: ColumnsFound, name: str = "state") -> int:
    """How many of the words of its state are known, where most are."""
    column = one.columns.get(name)
    if column is None:
        return 0
    words = one.table.columns[column].counts
    known = sum(meaning(f"{one.entity}.{name}", word) is not None for word in words)
    return known if 2 * known > len(words) else 0


def _knows_all(one: ColumnsFound) -> bool:
    column = one.columns.get("state")
    return column is not None and _knows(one) == len(one.table.columns[column].counts) > 0


def _accepted(around: Around, one: ColumnsFound) -> Judged | None:
    """Why the table is the entity; None: nothing says so but its shape."""
    named = table_strength(one.table.name, one.entity)
    why = _RULES[one.entity](around, one)
    if named >= 2 and all(name in one.columns for name in _CORE[one.entity]):
        said = f"by its name; {why}" if why else "by its name"
        proven = why and (named == 3 or one.entity in _CONCLUSIVE)
        return Judged("sure" if proven else "guess", said)
    if why is None:
        return None
    return Judged("sure" if one.entity in _CONCLUSIVE else "guess", why)


def _changes(around: Around, one: ColumnsFound) -> str | None:
    past = around.orders.history
    return past.says if past is not None and past.table == one.table.name else None


def _payments(around: Around, one: ColumnsFound) -> str | None:
    if not (_proves(one, "amount") and "created_at" in one.columns):
        return None
    if around.share(one.table) < _MOST:  # what was given back adds up too, in few orders
        return None
    if _article_a_piece(around, one):
        return None
    return "it refers to the orders, and its amounts add up to theirs"


def _article_a_piece(around: Around, one: ColumnsFound) -> bool:
    """Whether it is rather lines: an amount of one piece times how many adds up."""
    return any(
        a.child == one.table.name
        and a.proves
        and a.quantity is not None
        and "state" not in one.columns
        for a in around.orders.agreements
    )


def _refunds(around: Around, one: ColumnsFound) -> str | None:
    if "amount" not in one.columns:
        return None
    if "payment_key" in one.columns and around.share(one.table) <= 0.5:
        return "it refers to payments of few orders"
    return "words of refunds in few orders" if _knows_all(one) and _few(around, one) else None


def _few(around: Around, one: ColumnsFound) -> bool:
    return around.share(one.table) <= 0.4


def _lines(around: Around, one: ColumnsFound) -> str | None:
    if _proves(one, "amount") and {"sku", "quantity"} <= one.columns.keys():
        return "an article and how many of it, and its amounts add up to the order's"
    many = around.share(one.table) >= _MOST
    return "an article and how many of it, of most orders" if many else None


def _scans(_: Around, one: ColumnsFound) -> str | None:
    return "the articles of the orders' lines" if "sku" in one.columns else None


def _shipments(around: Around, one: ColumnsFound) -> str | None:
    if "tracking" in one.columns:
        return "numbers of parcels"
    if _knows(one) >= 2:
        return "words of parcels"
    events = _events(around, one)
    return f"{events} refers to it, with words and times of its own" if events else None


def _events(around: Around, one: ColumnsFound) -> str | None:
    """A table that says what became of it, many to one; what has amounts is no parcel's."""
    if not {"shipped_at", "delivered_at"} <= one.columns.keys() or amounts(one.table):
        return None
    for table in around.survey.tables.values():
        link = table.link_to(one.table.name)
        if link is None or not table.rows or amounts(table):
            continue
        columns = table.columns.values()
        many = len(table.rows) > 1.2 * len(table.columns[link.column].counts)
        if many and any(c.few for c in columns) and any(c.certain_times for c in columns):
            return table.name
    return None


def _tracking(_: Around, one: ColumnsFound) -> str | None:
    return "it refers to the parcels" if {"state", "at"} <= one.columns.keys() else None


def _stock(_: Around, one: ColumnsFound) -> str | None:
    return "the articles of the orders' lines, one a row"


def _customers(_: Around, one: ColumnsFound) -> str | None:
    return "the orders refer to it, and it holds languages"


def _returns(around: Around, one: ColumnsFound) -> str | None:
    known = _knows(one) >= 2 and "asked_at" in one.columns and "reason" in one.columns
    return "words of requests, a text and a time" if known and _few(around, one) else None


def _cancels(around: Around, one: ColumnsFound) -> str | None:
    rest = [c for c in one.table.columns.values() if c.name not in one.columns.values()]
    bare = all(c.key or c.kind == "nothing" for c in rest)
    return "the orders and a time alone, of few orders" if bare and _few(around, one) else None


def _tickets(_: Around, one: ColumnsFound) -> str | None:
    return (
        "words of questions and answers"
        if _knows(one) >= 2 and "answered_at" in one.columns
        else None
    )


def _jobs(_: Around, one: ColumnsFound) -> str | None:
    return "words of jobs" if _knows(one, "kind") and _knows(one) >= 1 else None


_RULES: Mapping[str, Callable[[Around, ColumnsFound], str | None]] = {
    "state_changes": _changes,
    "payments": _payments,
    "order_lines": _lines,
    "refunds": _refunds,
    "scans": _scans,
    "shipments": _shipments,
    "tracking_events": _tracking,
    "stock": _stock,
    "customers": _customers,
    "return_requests": _returns,
    "cancel_requests": _cancels,
    "tickets": _tickets,
    "jobs": _jobs,
}
_CONCLUSIVE = ("state_changes", "payments")
_CORE: Mapping[str, tuple[str, ...]] = {
    "state_changes": ("order_key", "from_state", "to_state"),
    "payments": ("order_key",),
    "order_lines": ("order_key", "sku", "quantity"),
    "refunds": ("order_key",),
    "scans": ("order_key", "sku"),
    "shipments": ("order_key",),
    "tracking_events": ("shipment_key",),
    "stock": ("sku", "on_hand", "reserved"),
    "customers": ("key", "language"),
    "return_requests": ("order_key",),
    "cancel_requests": ("order_key",),
    "tickets": ("state",),
    "jobs": ("kind", "state"),
}


def _shaped(around: Around, one: ColumnsFound) -> bool:
    """Whether a person should be asked if the table is it: all that it must have is there, and
    nothing that it would not have."""
    if not set(_SHAPE[one.entity]) <= one.columns.keys():
        return False
    if one.entity == "payments":
        return around.share(one.table) >= _MOST
    return one.entity in ("tickets", "jobs") or _few(around, one) or one.entity == "shipments"


_SHAPE: Mapping[str, tuple[str, ...]] = {
    "payments": ("order_key", "amount", "created_at"),
    "refunds": ("order_key", "amount", "state"),
    "shipments": ("order_key", "state", "shipped_at", "delivered_at"),
    "return_requests": ("order_key", "state", "asked_at", "reason"),
    "tickets": ("state", "opened_at", "answered_at"),
    "jobs": ("started_at", "ended_at", "rows", "expected"),
}
