"""Types of a query's expressions: what a column of its answer is, and how it is read."""

from __future__ import annotations

from sqlglot import exp

from checks.queries.compiled_query import Output
from checks.queries.entity import Type
from checks.queries.entity_mapping import FieldMapping

MONEY_MADE_OF = (
    exp.Sum,
    exp.Min,
    exp.Max,
    exp.Abs,
    exp.Coalesce,
    exp.Add,
    exp.Sub,
    exp.Neg,
    exp.Paren,
)
_KEEPS_TYPE = (exp.Min, exp.Max, exp.Coalesce, exp.Paren)


def type_of(made: exp.Expr) -> tuple[Type | None, FieldMapping | None, str]:
    """What an expression of the answer is: type, the column whose form it has, and its name."""
    if isinstance(made, exp.Column):
        output: Output | None = made.meta.get("output")
        if output is not None:
            return output.type, output.mapping, output.name
        return made.meta.get("type"), made.meta.get("field"), made.meta.get("name", made.name)
    if isinstance(made, exp.Var | exp.Null):
        return made.meta.get("type"), None, made.meta.get("name", "")
    if isinstance(made, exp.Subquery) and isinstance(made.this, exp.Select):
        only = made.this.expressions[0]
        return type_of(only.this if isinstance(only, exp.Alias) else only)
    if isinstance(made, MONEY_MADE_OF):
        kind, mapped, _ = type_of(made.this)
        if kind == "money" or isinstance(made, _KEEPS_TYPE):
            return kind, mapped, ""
    return None, None, ""
