"""Inspect: proposes a mapping for a shop's database from its names of tables and columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, MetaData, Table, create_engine, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.types import DateTime, Float, Integer, Numeric

from checks.queries.entity import entities
from checks.shop import session
from checks.shop.source import unreadable, unusable

_MOVES_BY_ITSELF = ("updated_at", "modified_at")
_PATIENCE = 60.0  # seconds for one question to a shop that is looked at for the first time

# Words that shops use, most telling first. What does not match is left to the person.
_TABLES = {
    "orders": ("orders", "order", "sales_order", "shop_order", "bestellung", "dingdan"),
    "payments": ("payment", "transaction", "zahlung", "charge"),
    "refunds": ("refund", "credit", "gutschrift", "return_payment"),
    "state_changes": ("order_event", "status_history", "order_history", "order_log", "state_log"),
    "customers": ("customers", "customer", "user", "member", "buyer", "kunde"),
}
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "orders": {
        "key": ("id", "order_id"),
        "number": ("number", "order_number", "order_no", "increment_id", "reference", "code"),
        "customer": ("customer_id", "user_id", "buyer_id", "member_id", "customer"),
        "state": ("status", "state", "order_status"),
        "state_since": ("status_since", "status_changed_at", "updated_at", "modified_at"),
        "placed_at": ("created_at", "placed_at", "ordered_at", "created"),
        "total": ("total_minor", "total", "grand_total", "amount", "total_price", "total_amount"),
        "currency": ("currency", "currency_code"),
        "language": ("language", "locale", "customer_locale", "customer_language", "lang"),
    },
    "customers": {
        "key": ("id", "customer_id", "user_id", "member_id"),
        "language": ("language", "locale", "preferred_language", "lang"),
    },
    "payments": {
        "key": ("id", "payment_id", "transaction_id"),
        "order_key": ("order_id", "order", "sales_order_id"),
        "channel": ("channel", "gateway", "provider", "psp", "method"),
        "amount": ("amount_minor", "amount", "total"),
        "currency": ("currency", "currency_code"),
        "state": ("status", "state", "result"),
        "stage": ("stage", "failure_stage", "failure_code", "error_code", "reason"),
        "bank": ("bank", "issuer", "issuing_bank"),
        "created_at": ("created_at", "created", "paid_at", "time"),
    },
    "refunds": {
        "order_key": ("order_id", "order"),
        "amount": ("amount_minor", "amount", "total"),
        "state": ("status", "state", "result"),
    },
    "state_changes": {
        "order_key": ("order_id", "order"),
        "from_state": ("from_status", "old_status", "previous_status"),
        "to_state": ("to_status", "new_status", "status"),
        "at": ("at", "created_at", "changed_at"),
    },
}
_REQUIRED = {
    "orders": ("key", "number", "state", "state_since", "total"),
    "payments": ("key", "order_key", "channel", "amount", "state", "created_at"),
    "refunds": ("order_key", "amount", "state"),
    "state_changes": ("order_key", "from_state", "to_state", "at"),
    "customers": ("key", "language"),
}


@dataclass
class Proposal:
    """A mapping that looks right, and what a person has to look at."""

    mapping: dict[str, Any] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)


def propose(url: str) -> Proposal:
    """Reads the schema and the distinct status words. ShopUnavailable if it cannot."""
    try:
        engine = create_engine(session.address(make_url(url)), hide_parameters=True)
        session.prepare(engine, _PATIENCE)
        found = inspect(engine)
        names = [*found.get_table_names(), *found.get_view_names()]
        return _propose(engine, {name: engine_table(engine, name) for name in names})
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise unusable(error) from error
    except SQLAlchemyError as error:
        raise unreadable(error) from error


def engine_table(engine: Engine, name: str) -> Table:
    """The table as the database describes it."""
    return Table(name, MetaData(), autoload_with=engine)


def _propose(engine: Engine, tables: dict[str, Table]) -> Proposal:
    proposal = Proposal()
    for logical, words in _TABLES.items():
        ranked = _ranked(engine, tables, words, logical)
        table = ranked[0] if ranked else None
        if table is None:
            if logical == "orders":
                proposal.questions.append("No table looks like orders: write shop.mapping.orders.")
            continue
        proposal.questions.extend(_doubts(logical, ranked))
        columns = _columns(table, logical)
        missing = [name for name in _REQUIRED[logical] if name not in columns]
        if missing and logical in ("state_changes", "customers"):
            continue
        fields = {name: _field(engine, table, logical, name, own) for name, own in columns.items()}
        proposal.mapping[logical] = {"from": str(table.name), "fields": fields}
        proposal.questions.extend(_not_found(logical, table, columns, missing))
        proposal.questions.extend(_without_zone(logical, fields))
        if "state" in columns:
            found = _distinct(engine, table, columns["state"])
            proposal.questions.append(
                f"shop.mapping.{logical}.fields.state.words: {table.name}.{columns['state']} holds "
                f"{', '.join(found) or 'nothing yet'}; say which mean what."
            )
    used = {one["from"] for one in proposal.mapping.values()}
    others = ", ".join(str(name) for name in tables if name not in used)
    if others:
        proposal.questions.append(
            f"Not used: {others}. What else there is to map, and who asks of it: docs/checks.md."
        )
    return proposal


def _not_found(
    logical: str, table: Table, columns: dict[str, str], missing: list[str]
) -> Iterator[str]:
    """What no column's name says, beside those that are left to say it."""
    left = [str(one.name) for one in table.columns if one.name not in columns.values()]
    if missing:
        yield (
            f"shop.mapping.{logical}.fields: no column of {table.name} looks like "
            f"{', '.join(missing)}; left are {', '.join(left) or 'none'}."
        )


def _without_zone(logical: str, fields: dict[str, Any]) -> Iterator[str]:
    """Times that do not say where they are of."""
    bare = [
        name
        for name, one in fields.items()
        if isinstance(one, dict) and one.get("form") in ("native", "iso", "sql")
    ]
    if bare:
        yield (
            f"shop.mapping.{logical}.zone: {', '.join(bare)} say no zone of their own; name it "
            "(zone: Asia/Taipei), or they are read as UTC."
        )


def _field(engine: Engine, table: Table, logical: str, name: str, own: str) -> Any:
    """The column, with what is seen of its unit or form; a time without a zone is a question."""
    kind = entities()[logical].fields[name].type
    if kind == "money":
        return {"column": own, "unit": _amounts(table, own)}
    if kind == "instant":
        return {"column": own, "form": _times(engine, table, own)}
    return own


def _ranked(
    engine: Engine, tables: dict[str, Table], words: tuple[str, ...], logical: str
) -> list[Table]:
    """The tables that look like it, the likeliest first: what is in use before what is empty, the
    name itself before one that holds it, then whose columns fit."""

    def score(table: Table) -> tuple[int, bool, bool, int, int]:
        name = table.name.lower()
        word = next((w for w in words if w in name), "")
        exact = name in (word, f"{word}s", word.removesuffix("s"))
        fit = len(_columns(table, logical))
        return len(words) - words.index(word), exact, _in_use(engine, table), fit, -len(name)

    found = [table for table in tables.values() if any(w in table.name.lower() for w in words)]
    scored = {table.name: score(table) for table in found}
    # An empty table is never before one that is used, however well it is called.
    return sorted(found, key=lambda t: (scored[t.name][2], *scored[t.name]), reverse=True)


def _in_use(engine: Engine, table: Table) -> bool:
    with engine.connect() as connection:
        return connection.execute(select(table).limit(1)).first() is not None


def _doubts(logical: str, ranked: list[Table]) -> list[str]:
    """What a person should look at: other tables that it could be, a time that moves by itself."""
    table, *others = ranked
    said = []
    if others:
        names = ", ".join(str(other.name) for other in others[:5])
        said.append(f"shop.mapping.{logical}.from: {table.name} was taken; it could be {names}.")
    since = _columns(table, logical).get("state_since", "")
    if since.lower() in _MOVES_BY_ITSELF:
        said.append(
            f"shop.mapping.{logical}.fields.state_since: {since} moves with every change of the "
            "row, so an order that stands still may look new; is there a time of its state?"
        )
    return said


def _columns(table: Table, logical: str) -> dict[str, str]:
    lower = {column.name.lower(): str(column.name) for column in table.columns}
    found = {}
    for name, words in _COLUMNS[logical].items():
        match = next((lower[w] for w in words if w in lower), None)
        if match is not None:
            found[name] = match
    key = [str(column.name) for column in table.primary_key.columns]
    if "key" in _COLUMNS[logical] and "key" not in found and len(key) == 1:
        found["key"] = key[0]
    return found


def _amounts(table: Table, name: str) -> str:
    kind = table.columns[name].type
    minor = name.lower().endswith(("_minor", "_cents")) or isinstance(kind, Integer)
    return "minor" if minor and not isinstance(kind, Numeric | Float) else "major"


def _times(engine: Engine, table: Table, name: str) -> str:
    column = table.columns[name]
    if isinstance(column.type, DateTime):
        return "native"
    with engine.connect() as connection:
        value = connection.scalar(select(column).where(column.is_not(None)).limit(1))
    if isinstance(value, int | float):
        return "epoch_ms" if value > 10**11 else "epoch"
    if isinstance(value, str):
        if value.endswith("Z"):
            return "iso_z"
        return "iso" if "T" in value else "sql"
    return "native"


def _distinct(engine: Engine, table: Table, name: str) -> list[str]:
    column = table.columns[name]
    query = select(column).group_by(column).order_by(func.count().desc()).limit(20)
    with engine.connect() as connection:
        return [str(value) for value in connection.scalars(query) if value is not None]
