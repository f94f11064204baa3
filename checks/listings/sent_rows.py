"""Sent rows: a listing as a table within the shop's own database, for a query that asks of both.

Its rows go along as one value of the query and are taken apart there, so that every form of a join
is exact and nothing is written. What limits the table makes each engine keep it apart and look its
rows up by a key of its own: without, each row would be sought by reading all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Integer, Uuid
from sqlalchemy.types import TypeEngine

from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping, EntityMapping

MOST = 5_000  # rows of one listing that are sent along
ColumnType = Callable[[str, str], TypeEngine[Any] | None]  # of an entity's field in the database

_TYPES = {"money": "whole", "integer": "whole", "flag": "whole", "instant": "instant"}
_WRITTEN: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"whole": "bigint", "uuid": "uuid", "instant": "timestamp", "text": "text"},
    "mysql": {"whole": "bigint", "uuid": "uuid", "instant": "datetime(6)", "text": "text"},
}


def value_name(entity: str) -> str:
    """The name under which the rows of an entity are bound."""
    return f"rows_{entity}"


def with_listings(
    database: EntitiesMapping, kept: EntitiesMapping, engine: str, column_type: ColumnType
) -> EntitiesMapping:
    """The database's mapping, with each listing as what is taken apart from its value."""
    sent = {
        name: one.model_copy(
            update={
                "table": None,
                "select": _select(name, one, engine, field_types(name, one, column_type)),
            }
        )
        for name, one in kept.entities.items()
    }
    return EntitiesMapping.model_construct(entities={**database.entities, **sent})


def field_types(entity: str, mapped: EntityMapping, column_type: ColumnType) -> dict[str, str]:
    """What each field is sent as; a key as the type of what it is compared with there."""
    kinds = entities()[entity].fields
    return {
        name: _key_type(entity, name, column_type)
        if kinds[name].type == "key"
        else _TYPES.get(kinds[name].type, "text")
        for name in mapped.fields
    }


def _key_type(entity: str, field: str, column_type: ColumnType) -> str:
    for other, its in _compared(entity, field):
        kind = column_type(other, its)
        if isinstance(kind, Integer):
            return "whole"
        if isinstance(kind, Uuid):
            return "uuid"
    return "text"


def _compared(entity: str, field: str) -> Iterator[tuple[str, str]]:
    """The fields of other entities that hold the same keys, by their names."""
    if field == "key":
        own = f"{entity.removesuffix('s')}_key"
        yield from ((other, own) for other, one in entities().items() if own in one.fields)
        if entity == "customers":
            yield "orders", "customer"
    elif field == "customer":
        yield from (("customers", "key"), ("orders", "customer"))
    else:
        parent = f"{field.removesuffix('_key')}s"
        yield parent, "key"
        yield from ((other, field) for other, one in entities().items() if field in one.fields)


def _select(entity: str, mapped: EntityMapping, engine: str, types: Mapping[str, str]) -> str:
    value = value_name(entity)
    if engine == "sqlite":
        columns = ", ".join(
            f'json_extract(r.value, \'$."{name}"\') AS "{name}"' for name in mapped.fields
        )
        taken = f"SELECT {columns} FROM json_each(:{value}) r LIMIT -1"  # noqa: S608 - our own names
        once = f"WITH rows AS MATERIALIZED (SELECT * FROM ({taken}) LIMIT -1)"  # noqa: S608
        return f"{once} SELECT * FROM rows LIMIT -1"  # noqa: S608
    if engine == "postgresql":
        written = _WRITTEN["postgresql"]
        columns = ", ".join(f'"{name}" {written[types[name]]}' for name in mapped.fields)
        return f"SELECT * FROM json_to_recordset(cast(:{value} as json)) AS r({columns}) OFFSET 0"  # noqa: S608
    written = _WRITTEN["mysql"]
    columns = ", ".join(
        f"`{name}` {written[types[name]]} PATH '$.\"{name}\"'" for name in mapped.fields
    )
    return (
        f"SELECT * FROM json_table(:{value}, '$[*]' COLUMNS ({columns})) r "  # noqa: S608
        "LIMIT 18446744073709551615"
    )


def written(rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> str:
    """The rows as one value. A key that cannot be one of the database's is no key there."""
    return json.dumps([{n: _held(v, n, types) for n, v in row.items()} for row in rows])


def _held(value: Any, name: str, types: Mapping[str, str]) -> Any:
    if types[name] != "whole" or not isinstance(value, str):
        return value
    plain = value.isascii() and value.removeprefix("-").isdigit() and len(value) < 19
    return int(value) if plain and str(int(value)) == value else None
