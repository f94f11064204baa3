"""Tables found: which table of the shop is which entity, one entity after the other.

A table is taken where its name says so or its rows prove it; one that only has the right shape is
asked of the person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from checks.queries.entity import entities
from checks.shop.inspection.acceptance import accepted, shaped
from checks.shop.inspection.around import Around
from checks.shop.inspection.children_found import CHILDREN
from checks.shop.inspection.column_seen import numbers
from checks.shop.inspection.columns_found import ColumnsFound
from checks.shop.inspection.joined import add
from checks.shop.inspection.orders_found import Orders, fields
from checks.shop.inspection.others_found import OTHERS
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.table_seen import TableSeen
from checks.shop.inspection.vocabulary import given_back, strength, table_strength, vocabulary

_SHOWN = 5
_SEEN = 3  # amounts below zero, under which it is chance


@dataclass
class TablesFound:
    """Every entity with its fields; how sure its table is; what else it could have been."""

    entities: dict[str, ColumnsFound] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)
    currency: dict[str, str] = field(default_factory=dict)  # an entity: the one that all are in
    empty: list[str] = field(default_factory=list)  # what is said of tables that hold nothing yet
    asked: dict[str, str] = field(default_factory=dict)  # an entity: which tables could be it
    back: list[Any] = field(default_factory=list)  # words of payments whose rows give back


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
    around = Around(survey, orders, own.columns.get("total"), placed, own.doubles)
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
    below = _below(paid.table, paid.columns["state"], paid.columns["amount"])
    back = [word for word in state.counts if given_back(word)] or below
    if not back:
        return
    said = ", and below zero" if set(back) <= set(below) else ""
    why = Judged("guess", f"rows of the payments whose {state.name} is {back[0]}{said}")
    same = ColumnsFound("refunds", paid.table)
    for name in ("key", "order_key", "state", "amount", "currency", "created_at"):
        if name in paid.columns:
            same.take(name, paid.columns[name], Judged("guess", "as of the payments"))
    if said:
        same.forms["amount"] = "-{}"
    found.back = back
    found.entities["refunds"], found.judged["refunds"] = same, why
    found.asked.pop("refunds", None)


def _below(table: TableSeen, state: str, amount: str) -> list[Any]:
    """The words of which every amount is below zero, where those of the others are not."""
    told: dict[Any, list[bool]] = {}
    for row in table.rows:
        for value in numbers([row[amount]]):
            told.setdefault(row[state], []).append(value < 0)
    found = [word for word, signs in told.items() if len(signs) >= _SEEN and all(signs)]
    return found if len(found) < len(told) and not any(
        any(signs) for word, signs in told.items() if word not in found
    ) else []  # fmt: skip


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
        elif link is not None and not one.table.columns[link.column].made:
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
    taken = [(one, why) for one in ranked if (why := accepted(around, one)) is not None]
    if not taken:
        alike = [one for one in ranked if shaped(around, one)]
        if alike:
            names = ", ".join(f"{one.table.name} ({_columns(one)})" for one in alike[:_SHOWN])
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
