"""Instants of a query: each is held against a moment in the form of the column that it comes from.

Also where it was worked out: the latest of many, the first that there is, one of a query within.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from checks.queries.compiled_query import QueryError
from checks.queries.entity_mapping import FieldMapping
from checks.queries.expression_types import type_of

COMPARED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
Parameter = Callable[[str, FieldMapping | None], exp.Expr]


def bind(compared: exp.Expr, parameter: Parameter) -> None:
    """Binds what one comparison holds an instant against. Raises QueryError for what is no moment,
    or is one in another form."""
    sides = [one for one in compared.args.values() if isinstance(one, exp.Expr)]
    held = [(one, *type_of(one)[:2]) for one in sides]
    mapped = next((form for _, kind, form in held if kind == "instant" and form is not None), None)
    if mapped is None:
        return
    for side, kind, theirs in held:
        if isinstance(side, exp.Placeholder):
            side.replace(parameter(side.name, mapped))
        elif isinstance(side, exp.Literal):
            raise QueryError("a time is compared with a parameter, like :now")
        elif kind == "instant" and theirs is not None and not theirs.alike(mapped):
            raise QueryError(
                f"{mapped.where} and {theirs.where} hold times in different forms: "
                "compare each with a parameter"
            )
