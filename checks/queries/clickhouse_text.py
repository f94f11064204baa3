"""ClickHouse text of a query: what its words do otherwise than the other engines' do.

A moment is compared as one, whatever zone the column is shown in; a factor is wide enough for what
it multiplies; an aggregate of no rows is what it is everywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from checks.queries.compiled_query import Bind
from checks.queries.unnested_values import unnest

FACTOR = "multiplies"  # the mark of what an amount is multiplied by
_LETTERS = {exp.Lower: "lowerUTF8", exp.Upper: "upperUTF8"}  # its own know ASCII only


def for_clickhouse(tree: exp.Expr, binds: Mapping[str, Bind]) -> None:
    """Changes the tree, which is the caller's own, into what ClickHouse is to be asked."""
    for variable in list(tree.find_all(exp.Var)):
        _moment(variable, binds)
    for factor in [one for one in tree.walk() if one.meta.get(FACTOR)]:
        _wide(factor)
    for kind, name in _LETTERS.items():
        for call in list(tree.find_all(kind)):
            call.replace(exp.Anonymous(this=name, expressions=[call.this]))
    for division in list(tree.find_all(exp.Div)):  # of decimals it cuts off what is beyond theirs
        division.set("this", _call("toFloat64", division.this))
    unnest(tree)


def _call(name: str, *given: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(given))


def _moment(variable: exp.Var, binds: Mapping[str, Bind]) -> None:
    """A text would be read in the column's own zone; seconds since 1970 are of no zone."""
    bind = binds.get(variable.name.removeprefix(":"))
    if bind is None or bind.form is None or bind.form.form not in ("native", "aware"):
        return
    zone = exp.Var(this="'UTC'")
    variable.replace(_call("toDateTime", exp.Var(this=variable.name), zone))


def _wide(factor: exp.Expr) -> None:
    """Decimal(9, 2) times a hundred has no room from 214,748.37 on."""
    plain = factor.copy()
    plain.meta.pop(FACTOR)
    factor.replace(_call("toDecimal128", plain, exp.Literal.number(0)))
