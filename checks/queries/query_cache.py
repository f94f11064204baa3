"""Cache of compiled queries: what a query came to over a mapping, kept by what both say.

Reading a query takes a parser whose import alone is as long as half a start of the bot; a run, and
the next start with the same mapping, need none.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from checks.queries.compiled_query import Bind, NotMapped, Output, Query, QueryError
from checks.queries.entity_mapping import EntitiesMapping, FieldMapping
from checks.queries.looked_rows import LookedRows
from checks.queries.reach import Hop, Reach, Route
from storage.kept_files import NOT_KEPT, KeptFiles, digest_of

_KEPT = KeptFiles("query", most=512)
_ERRORS = {one.__name__: one for one in (QueryError, NotMapped)}


@cache
def _code() -> bytes:
    """Whatever may have a part in it: all of this folder."""
    here = Path(__file__).parent
    return digest_of(sorted(one for one in here.iterdir() if one.suffix in (".py", ".yaml")))


def compiled(text: str, mapping: EntitiesMapping, currency: str) -> Query:
    """The query over the shop's own tables, compiled once. Raises QueryError."""
    return _known(text, mapping.model_dump_json(exclude_defaults=True), currency)


@lru_cache(maxsize=1024)
def _known(text: str, mapping: str, currency: str) -> Query:
    made_from = _code() + json.dumps([text, mapping, currency]).encode()
    kept = _KEPT.read(made_from)
    found = _read(kept) if kept is not None else None
    if isinstance(found, QueryError):
        raise found
    if found is not None:
        return found
    from checks.queries.compiler import compile_query

    try:
        query = compile_query(text, EntitiesMapping.model_validate_json(mapping), currency)
    except QueryError as error:
        _KEPT.write(made_from, json.dumps({type(error).__name__: str(error)}))
        raise
    _KEPT.write(made_from, json.dumps(_written(query), ensure_ascii=False))
    return query


def _written(query: Query) -> dict[str, Any]:
    return {
        "texts": dict(query.texts),
        "outputs": [[one.name, one.type, _form(one.mapping)] for one in query.outputs],
        "binds": {n: [b.value, b.parameter, _form(b.form)] for n, b in query.binds.items()},
        "needs": list(query.needs),
        "words": [list(pair) for pair in query.words],
        "reach": None if query.reach is None else asdict(query.reach),
        "refused": dict(query.refused),
        "looked": [asdict(one) for one in query.looked],
    }


def _read(text: str) -> Query | QueryError | None:
    """What came of it; None: it is not what this version writes."""
    try:
        kept = json.loads(text)
        for name, error in _ERRORS.items():
            if name in kept:
                return error(kept[name])
        return Query(
            texts=dict(kept["texts"]),
            outputs=tuple(Output(n, t, _field(form)) for n, t, form in kept["outputs"]),
            binds={n: Bind(v, p, _field(form)) for n, (v, p, form) in kept["binds"].items()},
            needs=tuple(kept["needs"]),
            words=tuple((entity, field) for entity, field in kept["words"]),
            reach=_reach(kept["reach"]),
            refused=dict(kept["refused"]),
            looked=tuple(map(_looked, kept["looked"])),
        )
    except (*NOT_KEPT, LookupError, AttributeError, TypeError):
        return None


def _reach(kept: dict[str, Any] | None) -> Reach | None:
    if kept is None:
        return None
    routes = tuple(
        Route(**{**one, "hops": tuple(Hop(**hop) for hop in one["hops"])}) for one in kept["routes"]
    )
    return Reach(kept["entity"], routes, dict(kept["texts"]))


def _looked(kept: dict[str, Any]) -> LookedRows:
    words = tuple((name, tuple(ours)) for name, ours in kept["words"])
    since = None if kept["since"] is None else tuple(kept["since"])
    return LookedRows(kept["entity"], tuple(kept["fields"]), words, since)


def _form(mapping: FieldMapping | None) -> dict[str, Any] | None:
    return None if mapping is None else mapping.model_dump(mode="json", exclude_defaults=True)


def _field(kept: dict[str, Any] | None) -> FieldMapping | None:
    return None if kept is None else FieldMapping.model_validate(kept)
