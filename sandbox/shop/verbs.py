"""Verbs of the shop, read from `data/verbs.yaml`: find the records, check, set, make, answer.

A verb is one request that may change the shop, or one question. Its row says where it is asked
(`put: /traffic`), what its body must hold (`fields`), which records it is about (`finds`), what
must be true (`requires`), what it does and what it answers. What is money or the life of an order
is code, named by `does`; a verb that needs none is data alone. Expressions are Jinja's, over the
path's `parts`, the `fields`, what was found, what was `made`, `now` and `shop`. Names that there
are not are faults when the file is read.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from sandbox.shop import orders
from sandbox.shop.clock import stamp
from sandbox.shop.idempotency import Reply
from sandbox.shop.problems import Body, Problem
from sandbox.shop.store import Row, get, next_value, one, put, rows
from sandbox.shop.web import Call

__all__ = ["Does", "Verb", "VerbsError", "read_verbs", "work"]

Scope = dict[str, Any]
Does = Callable[[Call, Scope], tuple[Any, bool]]  # (answer, whether anything changed)

_METHODS = ("get", "post", "put", "patch")
_KEYS = {
    *_METHODS, "says", "fields", "finds", "lists", "requires", "sets", "moves", "puts", "makes",
    "does", "answers", "status",
}  # fmt: skip
_RULES = ("text", "choice", "list", "reference")
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined)
_ENVIRONMENT.tests["name"] = lambda text: (
    re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", text) is not None
)


class VerbsError(ValueError):
    """The file of verbs is wrong: which verb, and what."""


@dataclass(frozen=True)
class Kind:
    """What a record is found by, and what is said where there is none."""

    name: str
    table: str
    by: tuple[str, ...]
    says: str
    upper: bool = False  # its numbers are in capitals, however they are typed
    within: tuple[str, ...] = ()  # further columns, of which the scope has the values


@dataclass(frozen=True)
class Verb:
    name: str
    method: str
    path: str
    says: str = ""
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    finds: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Any] = field(default_factory=dict)
    requires: tuple[Mapping[str, Any], ...] = ()
    sets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)
    puts: Mapping[str, str] = field(default_factory=dict)
    makes: Mapping[str, Any] | None = None
    does: str | None = None
    answers: Any = None
    status: int = 200
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, and is asked without a key."""
        return self.method == "get"


def read_verbs(does: Mapping[str, Does], text: str | None = None) -> list[Verb]:
    """The verbs of the file. Raises VerbsError for a name that there is not."""
    file = resources.files("sandbox.shop").joinpath("data", "verbs.yaml")
    data = yaml.safe_load(text if text is not None else file.read_text(encoding="utf-8"))
    kinds = {
        name: Kind(
            name,
            kind["table"],
            tuple(kind["by"]),
            kind["says"],
            bool(kind.get("upper")),
            tuple(kind.get("within") or ()),
        )
        for name, kind in data["kinds"].items()
    }
    return [_verb(name, row, kinds, does) for name, row in data["verbs"].items()]


def _verb(
    name: str, row: Mapping[str, Any], kinds: Mapping[str, Kind], does: Mapping[str, Does]
) -> Verb:
    def wrong(sentence: str) -> VerbsError:
        return VerbsError(f"verbs.yaml: {name}: {sentence}")

    strange = row.keys() - _KEYS
    methods = [method for method in _METHODS if method in row]
    if strange or len(methods) != 1:
        raise wrong(f"give one of {', '.join(_METHODS)}, and only {', '.join(sorted(_KEYS))}")
    for wanted, at in (row.get("finds") or {}).items():
        if wanted not in kinds:
            raise wrong(f"there is no kind “{wanted}” to find ({at})")
    for asked, rule in (row.get("fields") or {}).items():
        if len([one for one in _RULES if one in rule]) != 1:
            raise wrong(f"{asked} needs one rule of {', '.join(_RULES)}")
    if row.get("does") is not None and row["does"] not in does:
        raise wrong(f"there is no code “{row['does']}”")
    for expression in _expressions(row):
        try:
            _expression(expression)
        except Exception as error:
            raise wrong(f"“{expression}” is no expression: {error}") from None
    given = {key: value for key, value in row.items() if key not in _METHODS}
    given["requires"] = tuple(given.get("requires") or ())
    return Verb(name, methods[0], row[methods[0]], kinds=kinds, **given)


def _expressions(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (row.get("finds") or {}).values()
    yield from (row.get("puts") or {}).values()
    yield from (row.get("moves") or {}).values()
    yield from ((row.get("lists") or {}).get("with") or {}).values()
    yield from ((row.get("makes") or {}).get("row") or {}).values()
    yield from (need["that"] for need in row.get("requires") or ())
    for columns in (row.get("sets") or {}).values():
        yield from columns.values()
    answers = row.get("answers")
    yield from answers.values() if isinstance(answers, Mapping) else ([answers] if answers else [])


@cache
def _expression(source: str) -> Callable[..., Any]:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


def work(verb: Verb, call: Call, does: Mapping[str, Does]) -> Reply:
    """Does the verb in the call's transaction. Raises Problem for what it refuses."""
    scope: Scope = {
        "parts": dict(call.request.match_info),
        "query": dict(call.request.query),
        "now": stamp(call.now),
        "shop": {"url": call.shop.control_url},
        "settings": _Settings(call.c),
        "journal": lambda query: _journal(call.c, query),
        "fields": {},
    }
    scope["fields"] = {name: _field(call.body, name, rule) for name, rule in verb.fields.items()}
    for kind, at in verb.finds.items():
        scope[kind] = _find(call.c, verb.kinds[kind], _value(at, scope), scope)
    for need in verb.requires:
        if not _value(need["that"], scope):
            said = _ENVIRONMENT.from_string(need["says"]).render(scope)
            raise Problem(need.get("status", 409), need["code"], said)
    changed = _change(verb, call, scope)
    if verb.does is not None:
        scope["done"], did = does[verb.does](call, scope)
        changed = changed or did
    if verb.lists:
        values = {name: _value(at, scope) for name, at in verb.lists["with"].items()}
        scope["listed"] = rows_of(call.c, verb.lists["sql"], values)
    return Reply(_answer(verb, scope), verb.status, effect=changed)


class _Settings:
    """What the shop keeps under a key, as it is asked for."""

    def __init__(self, c: sqlite3.Connection) -> None:
        self._c = c

    def __getitem__(self, key: str) -> Any:
        return get(self._c, key)


def _journal(c: sqlite3.Connection, query: Mapping[str, str]) -> int:
    """The order that a query asks for, also one whose data are lost: its money is still there."""
    if "order" not in query:
        raise Problem(422, "invalid_field", "“order” is missing: give an order's id or number.")
    return orders.journal_id(c, query["order"])


def _change(verb: Verb, call: Call, scope: Scope) -> bool:
    changed = False
    for name, columns in verb.sets.items():
        record, table = scope[name], verb.kinds[name].table
        for column, at in columns.items():
            value = _value(at, scope)
            if record[_column(column)] != value:
                sql = f"UPDATE {table} SET {column} = ? WHERE id = ?"  # noqa: S608 - our own names
                call.c.execute(sql, (value, record["id"]))
                record[column] = value
                changed = True
    for name, to in verb.moves.items():
        orders.set_status(call.c, scope[name], str(_value(to, scope)), call.now, "operator")
        changed = True
    for key, at in verb.puts.items():
        value = _value(at, scope)
        changed = changed or get(call.c, key) != value
        put(call.c, key, value)
    if verb.makes is not None:
        scope["made"] = _make(verb.makes, call, scope)
        changed = True
    return changed


def _make(makes: Mapping[str, Any], call: Call, scope: Scope) -> Row:
    numbered = makes.get("number")
    if numbered is not None:
        scope["number"] = next_value(call.c, numbered["sequence"], numbered["from"])
    made = {name: _value(at, scope) for name, at in makes["row"].items()}
    row_id = insert(call.c, makes["table"], made)
    return {"id": row_id, **made}


def insert(c: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    """Writes the row; gives its number. Raises Problem 422 for a column that there is not."""
    known = {found["name"] for found in rows(c, f"PRAGMA table_info({_column(table)})")}
    strange = sorted(set(row) - known)
    if not known or strange:
        what = f"no column “{strange[0][:40]}” in {table}" if known else f"no table “{table[:40]}”"
        raise Problem(422, "invalid_field", f"There is {what}.")
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    try:
        done = c.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608 - known names
            tuple(row.values()),
        )
    except sqlite3.IntegrityError as error:
        raise Problem(422, "invalid_field", f"The row does not fit in {table}: {error}.") from None
    return int(done.lastrowid or 0)


def rows_of(c: sqlite3.Connection, sql: str, values: Mapping[str, Any]) -> list[Row]:
    return [dict(row) for row in c.execute(sql, values)]


def _column(name: str) -> str:
    if re.fullmatch(r"[a-z_]+", name) is None:
        raise Problem(422, "invalid_field", f"“{name[:40]}” is no name of the shop's.")
    return name


def _find(c: sqlite3.Connection, kind: Kind, reference: Any, scope: Scope) -> Row:
    """By the first column that has it."""
    if isinstance(reference, bool) or not isinstance(reference, str | int):
        raise Problem(422, "invalid_field", "“order” is not valid: give an order's id or number.")
    text = str(reference).strip()
    asked = text.upper() if kind.upper else text
    where = "".join(f" AND {column} = ?" for column in kind.within)
    values = [scope["parts"][column] for column in kind.within]
    for column in kind.by:
        sql = f"SELECT * FROM {kind.table} WHERE {column} = ?{where}"  # noqa: S608 - our own names
        found = one(c, sql, (asked, *values))
        if found is not None:
            return found
    raise Problem(404, f"{kind.name}_not_found", kind.says.format(str(reference)[:40]))


def _field(body: Body, name: str, rule: Mapping[str, Any]) -> Any:
    default = rule.get("default")
    if "reference" in rule:
        return body.reference(name)
    if "choice" in rule:
        return body.choice(name, rule["choice"], default)
    if "list" in rule:
        return body.several(name, rule["list"])
    return body.text(name, most=int(rule["text"]), default=default)


def _value(source: str, scope: Scope) -> Any:
    return _expression(source)(**scope)


def _answer(verb: Verb, scope: Scope) -> Any:
    if isinstance(verb.answers, Mapping):
        return {name: _value(at, scope) for name, at in verb.answers.items()}
    if verb.answers is not None:
        return _value(verb.answers, scope)
    return scope.get("done", scope.get("made"))
