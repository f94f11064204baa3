"""Tables of a shop within a query: its own table, what of it counts, what is worked out beside."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from checks.queries.entity_mapping import EntityMapping


def table_of(mapped: EntityMapping, alias: str) -> exp.Expr:
    """The shop's own table, or what of it counts, under the query's name for it."""
    if mapped.select is None and mapped.where is None:
        return exp.alias_(_named(str(mapped.table)), alias, table=True)
    return _within(mapped, alias, ["*"], [])


def worked_out(mapped: EntityMapping, alias: str, fields: list[str]) -> exp.Expr:
    """The same with fields beside its columns: pieces of the shop's SQL, columns of other tables.

    Only those that the query asks for are brought in.
    """
    shown: list[Any] = ["t.*"]
    joins: list[tuple[exp.Expr, exp.Expr]] = []
    for at, name in enumerate(fields):
        one = mapped.fields[name]
        called = exp.to_identifier(f"muster_{name}", quoted=True)
        if one.join is None:
            shown.append(exp.Alias(this=exp.Var(this=f"({one.sql})"), alias=called))
            continue
        there = f"j{at}"
        on = [
            exp.EQ(this=exp.column(their, table=there), expression=exp.column(own, table="t"))
            for their, own in one.join.on.items()
        ]
        table = exp.alias_(_named(one.join.from_), there, table=True)
        joins.append((table, exp.and_(*on)))
        shown.append(exp.Alias(this=exp.column(one.join.column, table=there), alias=called))
    return _within(mapped, alias, shown, joins)


def _within(
    mapped: EntityMapping, alias: str, shown: list[Any], joins: list[tuple[exp.Expr, exp.Expr]]
) -> exp.Expr:
    if mapped.select is not None:
        base: exp.Expr = exp.Var(this=f"({mapped.select}) t")
    else:
        base = exp.alias_(_named(str(mapped.table)), "t", table=True)
    kept = exp.select(*shown).from_(base)
    for table, on in joins:
        kept = kept.join(table, on=on, join_type="left")
    if mapped.where is not None:
        kept = kept.where(exp.Var(this=f"({mapped.where})"))
    kept.meta.update(done=True, shop=True)
    return exp.Subquery(this=kept, alias=exp.TableAlias(this=exp.to_identifier(alias)))


def _named(table: str) -> exp.Table:
    schema, _, name = table.rpartition(".")
    return exp.table_(name, db=schema or None)
