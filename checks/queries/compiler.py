"""Compiler: a query over the entities becomes the shop's own SQL, through its own indexes.

A comparison of a mapped word becomes `column in (the shop's words)`, a comparison of a time binds
the moment in the column's own form: nothing is wrapped around a column, or its index would be lost.
Money is counted in the column's own scale and rounded once, where a sum is finished. What the query
names is held against the entities and the mapping when it is read: each fault is one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import ParseError, TokenError

from checks.queries import instants
from checks.queries.clickhouse_text import FACTOR
from checks.queries.compiled_query import (
    DIALECT,
    Bind,
    NotMapped,
    Output,
    Query,
    QueryError,
)
from checks.queries.dialect_text import SECONDS, or_empty, texts_of
from checks.queries.entity import entities
from checks.queries.entity_mapping import FINE, EntitiesMapping, EntityMapping, FieldMapping
from checks.queries.expression_types import MONEY_MADE_OF, type_of
from checks.queries.looked_rows import LookedRows
from checks.queries.own_nodes import own_nodes
from checks.queries.query_source import Source
from checks.queries.reach import CASE_KEY, CHANGED_AT, KEY, Reach
from checks.queries.route_search import reach_of
from checks.queries.row_reading import Reading, called_of, narrow
from checks.queries.shop_tables import table_of, worked_out
from storage.money import digits_apart, exponent

EVERY = "every"  # before a table: all of its rows, whatever counts
FUNCTIONS = (
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.Avg, exp.Abs, exp.Coalesce, exp.Case, exp.If,
    exp.Exists, exp.Lower, exp.Upper, exp.Trim, exp.Round, exp.And, exp.Or, exp.Nullif,
)  # fmt: skip
_WORDS = (
    f"{SECONDS}, count, sum, min, max, avg, abs, coalesce, case, exists, lower, upper, trim, "
    "round, nullif"
)

_Sources = dict[str, Source]
# What a case is the better for, and a finding none the less without it.
_OPTIONAL = frozenset({"customer", "language", "total"})


def compile_query(text: str, mapping: EntitiesMapping, currency: str) -> Query:
    """The query over the shop's own tables. Raises QueryError."""
    try:
        tree = parse_one(text, dialect=DIALECT)
    except (ParseError, TokenError) as error:
        raise QueryError(f"it cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(tree, exp.Select):
        raise QueryError("it is no select: a check only reads")
    return _Compiler(mapping, currency).query(tree)


def _every(schema: str, mapped: EntityMapping) -> EntityMapping:
    if schema.lower() != EVERY:
        raise QueryError(f"there is no “{schema}” before a table; there is {EVERY}")
    return mapped.model_copy(update={"where": None})


class _Compiler:
    def __init__(self, mapping: EntitiesMapping, currency: str) -> None:
        self.mapping = mapping
        self.currency = currency
        self.binds: dict[str, Bind] = {}
        self.needs: list[str] = []
        self.words: list[tuple[str, str]] = []
        self.tables: list[tuple[exp.Expr, str, Source]] = []

    def query(self, tree: exp.Select) -> Query:
        self._allowed(tree)
        reach = reach_of(tree)
        called = called_of(tree)
        outputs = self._select(tree, [], answers=True)
        self._by_key(tree, called)
        self._literals(tree)
        named = None if reach is None else self._named(tree, reach)
        for table, alias, source in self.tables:
            if source.computed and source.mapping is not None:
                table.replace(worked_out(source.mapping, alias, sorted(source.computed)))
        needs, words = tuple(dict.fromkeys(self.needs)), tuple(dict.fromkeys(self.words))
        texts, refused = texts_of(tree, self.binds)
        if reach is not None and named is not None:
            reach = replace(reach, texts=texts_of(_among(tree, named), self.binds)[0])
        else:
            reach = None
        return Query(texts, outputs, self.binds, needs, words, reach, refused, self._looked())

    def _by_key(self, tree: exp.Select, alias: str | None) -> None:
        """A row without a number is one by its key, which stands beside."""
        source = next((one for _, name, one in self.tables if name == alias), None)
        if source is None or "key" not in source.fields:
            return
        name = exp.to_identifier(CASE_KEY, quoted=True)
        tree.append("expressions", exp.Alias(this=source.column("key", str(alias)), alias=name))

    def _looked(self) -> tuple[LookedRows, ...]:
        """What it goes over, of the first table first. Of all rows of one nothing is judged."""
        sources = [source for _, _, source in self.tables if not source.every]
        return tuple(dict.fromkeys(one.reading.rows(one.entity) for one in sources))

    def _read(self, column: exp.Column, scopes: list[_Sources]) -> tuple[Reading, str, str] | None:
        """Of which table a column is that its mapping has; its faults are told elsewhere."""
        name, alias = column.name.lower(), column.table
        having = [
            source
            for sources in scopes
            for called, source in sources.items()
            if called == alias or (not alias and name in source.fields)
        ]
        source = having[0] if having else None
        if source is None or name not in source.fields:
            return None
        return source.reading, source.entity, name

    def _named(self, tree: exp.Select, reach: Reach) -> dict[str, exp.Column] | None:
        """The columns by which rows of the first table are named; the answer says its key too.

        None: not every row tells when it changed, or a part of one stands in a table of which that
        is not known.
        """
        read = [source.mapping for _, _, source in self.tables if source.mapping is not None]
        told = all(CHANGED_AT in mapped.fields for mapped in read)
        beyond = any(source.joined for _, _, source in self.tables)
        _, alias, first = self.tables[0]
        if not told or beyond or first.mapping is None:
            return None
        if any(name not in first.mapping.fields for name in reach.fields):
            return None
        columns = {name: first.column(name, alias) for name in reach.fields}
        key = exp.Alias(this=columns["key"].copy(), alias=exp.to_identifier(KEY, quoted=True))
        tree.append("expressions", key)
        return columns

    def _allowed(self, tree: exp.Select) -> None:
        for node in tree.walk():
            if isinstance(node, exp.Anonymous) and node.name.lower() == SECONDS:
                if len(node.expressions) != 2:
                    raise QueryError(f"{SECONDS} takes two times, the later one first")
            elif isinstance(node, exp.Func) and not isinstance(node, FUNCTIONS):
                name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
                raise QueryError(f"there is no function “{name.lower()}”; there are {_WORDS}")
            if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
                raise QueryError("name the columns: “*” is another one in every shop")
            if isinstance(node, exp.With | exp.SetOperation | exp.Into | exp.Lock | exp.Window):
                raise QueryError(
                    f"“{node.key}” is not understood here: one select, with subqueries"
                )

    # one select, from its tables inward

    def _select(
        self, select: exp.Select, outer: list[_Sources], *, answers: bool = False
    ) -> tuple[Output, ...]:
        """Makes it the shop's own. `answers`: its columns are read by name, and so have one."""
        sources = dict(self._sources(select))
        scopes = [sources, *outer]
        narrow(select, lambda column: self._read(column, scopes))
        for column in own_nodes(select, exp.Column):
            self._resolve(column, scopes)
        for within in own_nodes(select, exp.Select):
            if not within.meta.get("done"):  # what stands in “from” has been seen to
                self._select(within, scopes)
        outputs = tuple(self._output(one) for one in select.expressions) if answers else ()
        self._meanings(select)
        select.meta["done"] = True
        return outputs

    def _sources(self, select: exp.Select) -> Iterator[tuple[str, Source]]:
        start = select.args.get("from_") or select.args.get("from")
        if start is None:
            raise QueryError("it asks of no table")
        for table in [start.this, *(join.this for join in select.args.get("joins") or ())]:
            if isinstance(table, exp.Subquery):
                inner = table.this
                if not isinstance(inner, exp.Select) or not table.alias:
                    raise QueryError("a query within “from” is one select with a name")
                made = self._select(inner, [], answers=True)
                yield table.alias, Source(outputs={one.name: one for one in made})
                continue
            name, alias = table.name.lower(), table.alias_or_name
            mapped = self.mapping.entities.get(name)
            if name not in entities():
                raise QueryError(f"there is no “{name}”; there are {', '.join(entities())}")
            if mapped is None:
                raise NotMapped(f"“{name}” is not mapped: say where the shop keeps it")
            self.needs.append(name)
            if table.db:  # `every.orders`: what the mapping's `where` leaves out as well
                mapped = _every(table.db, mapped)
            source = Source(name, mapped, every=bool(table.db))
            kept = table_of(mapped, alias)
            table.replace(kept)
            self.tables.append((kept, alias, source))
            yield alias, source

    def _resolve(self, column: exp.Column, scopes: list[_Sources]) -> None:
        name, alias = column.name.lower(), column.table
        if alias:
            source = next((one[alias] for one in scopes if alias in one), None)
            if source is None:
                raise QueryError(f"“{alias}.{name}”: there is no table “{alias}” here")
        else:
            alias, source = self._only(name, scopes)
        if source.mapping is None:
            found = source.outputs.get(name)
            if found is None:
                raise QueryError(f"“{alias}” has no column “{name}”")
            column.set("table", exp.to_identifier(alias))
            column.meta["output"] = found
            if found.type == "instant":  # it is still in the form of its column
                column.meta.update(type="instant", field=found.mapping, name=name)
            return
        kind = entities()[source.entity].fields.get(name)
        if kind is None:
            known = ", ".join(entities()[source.entity].fields)
            raise QueryError(f"{source.entity} has no field “{name}”; there are {known}")
        mapped = source.mapping.fields.get(name)
        if mapped is None and name == "currency":
            only = self._bind(source.mapping.currency or self.currency)
            only.meta.update(type="text", name=name)
            column.replace(only)
            return
        if mapped is None and name in _OPTIONAL and _answers(column):
            nothing = exp.Null()
            nothing.meta.update(name=name)
            column.replace(nothing)
            return
        if mapped is None:
            raise NotMapped(f"{source.entity}.{name} is not mapped: say where the shop keeps it")
        source.reading.note(column, name)
        own = source.column(name, alias)
        words = (*kind.words, *mapped.own) if kind.type == "word" else ()
        own.meta.update(type=kind.type, field=mapped, words=words, name=name)
        if kind.type == "word":
            self.words.append((source.entity, name))
        if kind.type == "money":
            own.meta["factor"] = self._factor(source, alias, mapped)
        column.replace(own)

    @staticmethod
    def _only(name: str, scopes: list[_Sources]) -> tuple[str, Source]:
        for sources in scopes:
            having = [
                (alias, source)
                for alias, source in sources.items()
                if name in source.outputs
                or (source.entity and name in entities()[source.entity].fields)
            ]
            if len(having) > 1:
                raise QueryError(f"“{name}” stands in several tables: say of which")
            if having:
                return having[0]
        raise QueryError(f"there is no field “{name}” in its tables")

    # what the fields mean where they stand

    def _meanings(self, select: exp.Select) -> None:
        for compared in own_nodes(select, instants.COMPARED):
            instants.bind(compared, self._parameter)
        for column in list(own_nodes(select, exp.Column)):
            kind = column.meta.get("type")
            if kind == "word":
                self._word(column)
            elif kind == "money":
                self._money(column)
            elif kind == "text" and isinstance(column.parent, exp.Is):
                or_empty(column, column.parent)

    def _word(self, column: exp.Column) -> None:
        above, mapped = column.parent, column.meta["field"]
        if isinstance(above, exp.EQ | exp.NEQ):
            other = above.expression if above.this is column else above.this
            if isinstance(other, exp.Literal) and other.is_string:
                found = self._theirs(column, [other])
                above.replace(found if isinstance(above, exp.EQ) else exp.not_(exp.paren(found)))
                return
        listed = above.expressions if isinstance(above, exp.In) and above.this is column else []
        if above is not None and listed and all(isinstance(o, exp.Literal) for o in listed):
            above.replace(self._theirs(column, listed))
            return
        if isinstance(above, exp.Is):
            or_empty(column, above)
            return
        if not mapped.words:
            return
        whens = exp.Case()
        for word, theirs in {**mapped.words, **mapped.own}.items():
            if not theirs:
                continue
            is_one = exp.In(this=column.copy(), expressions=[self._bind(one) for one in theirs])
            whens = whens.when(is_one, self._bind(word), copy=False)
        column.replace(whens)

    def _theirs(self, column: exp.Column, words: list[exp.Expr]) -> exp.Expr:
        mapped: FieldMapping = column.meta["field"]
        raw: list[Any] = []
        for word in words:
            if column.meta["words"] and word.name not in column.meta["words"]:
                known = ", ".join(column.meta["words"])
                raise QueryError(f"“{word.name}” is no {column.meta['name']}; there are {known}")
            raw += mapped.theirs(word.name)
        numbers = [one for one in raw if isinstance(one, int)]
        same = numbers if numbers else raw  # a column knows one kind of words
        if not same:
            return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
        return exp.In(this=column.copy(), expressions=[self._bind(one) for one in same])

    def _money(self, column: exp.Column) -> None:
        factor: exp.Expr | None = column.meta["factor"]
        if factor is None:
            return
        top: Any = column
        while isinstance(top.parent, MONEY_MADE_OF):
            top = top.parent
        factor.meta[FACTOR] = True
        made = exp.Div if column.meta["field"].unit == "fine" else exp.Mul
        scaled = made(expression=factor)
        column.replace(exp.Paren(this=scaled))
        scaled.set("this", column)
        top = scaled.parent if top is column else top
        if isinstance(top.parent, exp.Round) and top.parent.meta.get("rounded"):
            return  # of two amounts in one sum, the first has seen to it
        rounded = exp.Round()
        rounded.meta["rounded"] = True
        top.replace(rounded)
        rounded.set("this", top)

    def _factor(self, source: Source, alias: str, mapped: FieldMapping) -> exp.Expr | None:
        """By what an amount in the shop's scale is multiplied (one of a listing: divided); None: it
        stands in minor units."""
        assert source.mapping is not None  # noqa: S101 - it has a field of it
        if mapped.unit == "fine":  # divided by a number that is no whole one, or SQLite cuts it off
            return exp.Literal.number(f"{FINE}.0")
        if mapped.unit != "major":
            return None
        if "currency" not in source.mapping.fields:
            of = source.mapping.currency or self.currency
            return exp.Literal.number(10 ** exponent(of))
        case = exp.Case()
        for digits, currencies in digits_apart().items():
            held = exp.In(
                this=source.column("currency", alias),
                expressions=[self._bind(one) for one in currencies],
            )
            case = case.when(held, exp.Literal.number(10**digits), copy=False)
        return case.else_(exp.Literal.number(100), copy=False)

    # what is bound

    def _literals(self, tree: exp.Select) -> None:
        for literal in list(tree.find_all(exp.Literal)):
            if literal.is_string:
                literal.replace(self._bind(literal.name))
        for placeholder in list(tree.find_all(exp.Placeholder)):
            placeholder.replace(self._parameter(placeholder.name, None))

    def _bind(self, value: Any) -> exp.Expr:
        known = next((n for n, one in self.binds.items() if _same(one, value)), None)
        name = known or f"v{len(self.binds)}"
        self.binds[name] = Bind(value=value)
        return exp.Var(this=f":{name}")

    def _parameter(self, name: str, form: FieldMapping | None) -> exp.Expr:
        if not name:
            raise QueryError("a parameter has a name, like :now")
        bind = Bind(parameter=name, form=form)
        key = next((n for n, one in self.binds.items() if one == bind), f"p{len(self.binds)}")
        self.binds[key] = bind
        return exp.Var(this=f":{key}")

    @staticmethod
    def _output(projected: exp.Expr) -> Output:
        aliased = isinstance(projected, exp.Alias)
        made = projected.this if aliased else projected
        kind, mapped, own = type_of(made)
        name = projected.alias if aliased else own
        if not name:
            raise QueryError(f"“{made.sql(DIALECT)}” needs a name: write “… as name”")
        if not aliased:
            alias = exp.Alias(alias=exp.to_identifier(name, quoted=True))
            projected.replace(alias)
            alias.set("this", projected)
        return Output(name.lower(), kind, mapped)


def _answers(column: exp.Column) -> bool:
    """Whether it stands among what the whole query answers, by itself."""
    above = column.parent.parent if isinstance(column.parent, exp.Alias) else column.parent
    return isinstance(above, exp.Select) and above.parent is None


def _among(tree: exp.Select, named: Mapping[str, exp.Column]) -> exp.Select:
    """The same query among rows of its first table."""
    one_of = [
        exp.In(this=column.copy(), field=exp.Var(this=f":among_{name}"))
        for name, column in named.items()
    ]
    return tree.where(exp.or_(*one_of), copy=True)


def _same(bind: Bind, value: Any) -> bool:
    return bind.parameter is None and type(bind.value) is type(value) and bind.value == value
