"""Inspect: proposes a mapping for a shop's database, each field with how sure it is and why.

Keys first, then names, then a bounded look at the rows (`checks/shop/inspection`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from checks.queries.entity import entities
from checks.shop import session
from checks.shop.inspection import forms_found, known_found, orders_found, tables_found, words_found
from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.columns_found import ColumnsFound
from checks.shop.inspection.proposal import Judged, Proposal
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.tables_found import TablesFound
from checks.shop.inspection.vocabulary import moves
from checks.shop.inspection.words_found import Words
from checks.shop.known_shop import recognise
from checks.shop.source import unreadable, unusable

_COMMON = (
    "order_lines", "refunds", "shipments", "state_changes", "stock", "return_requests",
)  # fmt: skip
_UNPAID = (
    "no table holds amounts that add up to what orders cost: where does it stand what was paid, "
    "and when? If it stands beside the order itself, a select of the orders can be the payments"
)
_PATIENCE = 60.0  # seconds for one question to a shop that is looked at for the first time


def propose(url: str, *, signatures: bool = True, now: datetime | None = None) -> Proposal:
    """Reads the schema and some rows of each table. ShopUnavailable if it cannot.

    `signatures`: a shop that is known by its tables is proposed as it is known.
    """
    try:
        engine = create_engine(session.address(make_url(url)), hide_parameters=True)
        session.prepare(engine, _PATIENCE)
        try:
            known = recognise(_names(engine)) if signatures else None
            return _proposed(engine, now) if known is None else known_found.proposed(known)
        finally:
            engine.dispose()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise unusable(error) from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def _names(engine: Engine) -> list[str]:
    found = inspect(engine)
    return [*found.get_table_names(), *found.get_view_names()]


def _proposed(engine: Engine, now: datetime | None) -> Proposal:
    survey = Survey(engine, now)
    proposal = Proposal()
    orders = orders_found.find(survey)
    if orders is None:
        proposal.questions.append("No table looks like orders: write shop.mapping.orders.")
        return proposal
    found = tables_found.find(survey, orders)
    words = words_found.find(survey, found)
    units = forms_found.units(found)
    zone = forms_found.zone(found)
    if zone is not None:
        proposal.judged["zone"] = zone
    for entity, one in found.entities.items():
        proposal.judged[entity] = found.judged[entity]
        proposal.mapping[entity] = _entity(proposal, survey, found, entity, words, units)
        for name, judged in one.judged.items():
            proposal.judged[f"{entity}.fields.{name}"] = judged
        if found.others.get(entity):
            names = ", ".join(found.others[entity][:5])
            proposal.questions.append(
                f"shop.mapping.{entity}.from: {one.table.name} was taken; it could be {names}."
            )
    for entity, asked in found.asked.items():
        proposal.judge(entity, "open", asked)
    if not {"payments"} & (proposal.mapping.keys() | found.asked.keys()):
        proposal.judge("payments", "open", _UNPAID)
    proposal.questions += found.empty
    _not_found(proposal)
    _stamps(proposal, found)
    _left(proposal, survey)
    return proposal


def _entity(
    proposal: Proposal,
    survey: Survey,
    found: TablesFound,
    entity: str,
    words: dict[tuple[str, str], Words],
    units: dict[tuple[str, str], tuple[str, Judged]],
) -> dict[str, Any]:
    """The entity as it is written, with what all of its fields share said once."""
    one = found.entities[entity]
    forms = forms_found.forms(one)
    own_units = {name: unit for (of, name), (unit, _) in units.items() if of == entity}
    made: dict[str, Any] = {"from": one.table.place}
    counts = [survey.speech.same("t", *kind) for kind in (one.table.kind,) if kind is not None]
    counts += one.where
    if counts:
        made["where"] = " and ".join(counts)
    for key, each in (("unit", own_units), ("form", forms)):
        if len(set(each.values())) == 1:
            made[key] = next(iter(each.values()))
    if entity in found.currency:
        made["currency"] = found.currency[entity]
    if forms_found.without_zone(one):
        made["zone"] = "UTC"
    for (of, name), (_, judged) in units.items():
        if of == entity:
            _unit(proposal, f"{entity}.fields.{name}.unit", judged)
    fields: dict[str, Any] = {}
    for name in entities()[entity].fields:
        if name not in one.columns:
            continue
        given = _place(survey, one, name)
        if name in own_units and "unit" not in made:
            given["unit"] = own_units[name]
        if name in forms and "form" not in made:
            given["form"] = forms[name]
        if (entity, name) in words:
            meant = words[entity, name]
            given["words"] = meant.words
            if meant.ignore:
                given["ignore"] = meant.ignore
            if meant.judged is not None:
                proposal.judged[f"{entity}.fields.{name}.words"] = meant.judged
        fields[name] = given["column"] if given.keys() == {"column"} else given
    return {**made, "fields": fields}


def _place(survey: Survey, one: ColumnsFound, name: str) -> dict[str, Any]:
    """The column of a field, here or in another table."""
    column = one.table.columns[one.columns[name]]
    given: dict[str, Any] = {"column": column.name}
    if column.route is not None:
        join = column.route.join
        if join is not None:
            join = {**join, "from": survey.tables[join["from"]].place}
        given = {"sql": survey.speech.of(column.route)} if join is None else {"join": join}
    elif column.sql is not None:
        given = {"sql": column.sql}
    if name in one.forms:
        given = {"sql": one.forms[name].format(survey.speech.at(column))}
    if name in one.besides:
        first = given.get("sql") or survey.speech.at(column)
        given = {"sql": f"coalesce({first}, {one.besides[name]})"}
    if "sql" in given and column.kind == "text":
        # Nor is it seen of a piece of SQL that it is text, of which an empty one is missing.
        given["empty"] = True
    # Its own type is not seen through a piece of SQL: a time that keeps its zone is read as UTC's.
    keeps = "sql" in given and column.times and column.aware
    return {**given, **({"zone": "UTC"} if keeps else {})}


def _unit(proposal: Proposal, path: str, judged: Judged) -> None:
    """Amounts of which nobody knows the unit are one question for the whole shop."""
    if judged.certainty != "open":
        proposal.judged[path] = judged
    elif "unit" not in proposal.judged:
        proposal.judged["unit"] = judged


def _not_found(proposal: Proposal) -> None:
    """What most shops keep, and nothing was found of."""
    lacking = [one for one in _COMMON if one not in proposal.mapping and one not in proposal.judged]
    if lacking:
        proposal.questions.append(
            f"Not found: {', '.join(lacking)}. Where the shop keeps them, map them; checks that "
            "ask of them are off until then."
        )


def _stamps(proposal: Proposal, found: TablesFound) -> None:
    """Columns that are called as those that move with every change: a person knows if one does."""
    named = {
        entity: names[0]
        for entity, one in found.entities.items()
        if len(names := [c.name for c in one.table.columns.values() if _moves(c)]) == 1
    }
    if named:
        told = ", ".join(f"{entity} ({name})" for entity, name in named.items())
        proposal.questions.append(
            f"changed_at of {told}: where it moves with every change of its row, map it, and a run "
            "looks at what changed alone."
        )


def _moves(column: ColumnSeen) -> bool:
    return column.times and not column.made and moves(column.name)


def _left(proposal: Proposal, survey: Survey) -> None:
    used = {one["from"] for one in proposal.mapping.values()}
    others = [name for name, table in survey.tables.items() if table.place not in used]
    if others:
        shown = ", ".join(others[:30]) + (" …" if len(others) > 30 else "")
        proposal.questions.append(
            f"Not used: {shown}. What else there is to map, and who asks of it: docs/checks.md."
        )
