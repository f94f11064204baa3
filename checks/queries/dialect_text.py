"""Dialect text of a query: what the parser's dialects do not say, in each engine's own words."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from checks.queries.clickhouse_text import for_clickhouse
from checks.queries.compiled_query import ENGINES, Bind, QueryError, Refused
from checks.queries.entity_mapping import FieldMapping

SECONDS = "seconds_between"  # of two instants, the later one first: a function of ours


def or_empty(column: exp.Column, asked: exp.Is) -> None:
    """An empty text is a missing one: `is null` finds it, `is not null` does not."""
    if not (isinstance(asked.expression, exp.Null) and column.meta["field"].empty):
        return
    above = asked.parent
    gone = exp.paren(exp.or_(asked.copy(), exp.EQ(this=column.copy(), expression=_EMPTY.copy())))
    if isinstance(above, exp.Not):
        above.replace(exp.not_(gone))
    else:
        asked.replace(gone)


_EMPTY = exp.Var(this="''")


def texts_of(tree: exp.Expr, binds: Mapping[str, Bind]) -> tuple[dict[str, str], dict[str, str]]:
    """By engine its text, or why there is none."""
    texts, refused = {}, {}
    for name, dialect in ENGINES.items():
        try:
            texts[name] = _text_of(tree, dialect, binds)
        except Refused as error:
            refused[name] = str(error)
    return texts, refused


def _text_of(tree: exp.Expr, dialect: str, binds: Mapping[str, Bind]) -> str:
    """In the words of one engine. Between two instants each has words of its own."""
    own = tree.copy()
    if dialect == "clickhouse":
        for_clickhouse(own, binds)
    for call in list(own.find_all(exp.Anonymous)):
        if call.name.lower() != SECONDS:
            continue
        later, earlier = (_seconds(one, dialect) for one in call.expressions)
        call.replace(exp.Var(this=f"({later} - {earlier})"))
    return str(own.sql(dialect, identify=True))


def _seconds(moment: exp.Expr, dialect: str) -> str:
    """An instant of the shop's as seconds, in the form in which its column holds it."""
    mapped: FieldMapping | None = moment.meta.get("field")
    if moment.meta.get("type") != "instant" or mapped is None:
        raise QueryError(f"{SECONDS} takes two times of the tables")
    column = str(moment.sql(dialect, identify=True))
    if mapped.form in ("epoch", "epoch_ms"):
        return column if mapped.form == "epoch" else f"({column} / 1000.0)"
    if dialect == "clickhouse" and mapped.form not in ("native", "aware"):
        column = f"parseDateTimeBestEffortOrNull({column}, 'UTC')"
    return _SECONDS_OF[dialect].format(column)


_SECONDS_OF = {
    "postgres": "extract(epoch from cast({} as timestamp))",
    "sqlite": "(julianday({}) * 86400.0)",
    "mysql": "timestampdiff(second, '1970-01-01', {})",
    "clickhouse": "toUnixTimestamp({})",
}
