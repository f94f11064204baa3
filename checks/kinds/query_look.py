"""Look of a query check: one run of its query, and what is derived from it by wrapping it.

The page of rows that a person sees, the whole figures of what is found, whether orders of open
incidents still stand in it, and what shows that there was something to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, text

from checks.kinds.base import CheckContext
from checks.kinds.query_settings import QueryCheckSettings, TypeBy
from checks.model import CaseFound, Finding
from checks.queries.compiled_query import Output, Query, quoted
from checks.queries.reach import CASE_KEY, KEY
from checks.shop.query_place import QueryPlace
from storage.money import Money

LISTED = 2_000  # cases kept by name in one incident; the counts are always whole
_USED = {"key", "number", "customer", "currency", "total", "entered_at"}


@dataclass(frozen=True)
class Looked:
    """What one look found. `keys`: of all rows that it found; None where there are more.

    `full`: there are more than the page shows, and subjects of which nothing was read.
    """

    findings: tuple[Finding, ...] = ()
    left: tuple[CaseFound, ...] = ()
    keys: tuple[Any, ...] | None = ()
    full: bool = False


class Look:
    """One run: the query with its parameters, and how its rows are read."""

    def __init__(
        self,
        settings: QueryCheckSettings,
        query: Query,
        context: CheckContext,
        shop: QueryPlace,
        among: Mapping[str, list[Any]] | None = None,
    ) -> None:
        """`among`: rows of its first table, by field, that it looks at; None: at all."""
        self.settings = settings
        self.query = query
        self.shop = shop
        self.context = context
        self.among = among
        self.given = settings.given(context.now, context.failed, context.calendar)

    def findings(self, connection: Connection) -> Looked:
        """What is found, by subject, and which awaited orders are found no more."""
        engine = connection.dialect.name
        found: dict[str, list[Mapping[str, Any]]] = {}
        rows = self._page(connection, engine)
        for row in rows:
            found.setdefault(self.settings.subject_of(row), []).append(row)
        full = len(rows) >= LISTED
        wholes = self._wholes(connection, engine, rows, full=full) if found else {}
        made = tuple(
            self._finding(subject, of_it, wholes.get(subject, {}))
            for subject, of_it in found.items()
            if wholes.get(subject, {}).get("count", len(of_it)) >= self._enough(subject)
        )
        keys = None if full else tuple(row[KEY] for row in rows if KEY in row)
        return Looked(made, self._left(connection, engine), keys, full)

    def _enough(self, subject: str) -> int:
        """So many rows are a finding; what was one stays one until the last is gone."""
        return 1 if subject in self.context.failed else self.settings.at_least

    def evidence(self, connection: Connection, looked: Query) -> int:
        """How many rows it looked at; 0 where there are none, or none that is new enough."""
        engine = connection.dialect.name
        values = looked.bound(self.given, engine)
        row = connection.execute(text(looked.sql(engine)), values).mappings().first()
        if row is None or not row["rows"]:
            return 0
        newest = next((one for one in looked.outputs if one.name == "newest"), None)
        if newest is not None and newest.mapping is not None:
            at = newest.mapping.read(row["newest"])
            if at is None or self.context.now - at > timedelta(hours=self.settings.stale_after):
                return 0
        return int(row["rows"]) if isinstance(row["rows"], int) else 1

    def _within(self, engine: str) -> str:
        reach = self.query.reach
        followed = self.among is not None and reach is not None
        sql = reach.texts[engine] if followed and reach else self.query.sql(engine)
        return f"({sql}) AS {quoted('found', engine)}"

    def _page(self, connection: Connection, engine: str) -> list[Mapping[str, Any]]:
        if self.among is not None and not any(self.among.values()):
            return []  # nothing changed, and nothing was found before
        order = [n for n in ("entered_at", "number", "key") if self.query.has(n)]
        by = ", ".join(quoted(name, engine) for name in order) or "1"
        within = self._within(engine)
        if engine == "postgresql":  # else it sorts all candidates before it knows which are found
            within = f"(SELECT * FROM {within} OFFSET 0) AS {quoted('found', engine)}"  # noqa: S608
        sql = f"SELECT * FROM {within} ORDER BY {by} LIMIT :page"  # noqa: S608
        return self._rows(connection, sql, page=LISTED)

    def _rows(self, connection: Connection, sql: str, **more: Any) -> list[Mapping[str, Any]]:
        values = {**self.query.bound(self.given, connection.dialect.name), **more}
        lists = {f"among_{name}": held for name, held in (self.among or {}).items()}
        lists |= {name: value for name, value in more.items() if isinstance(value, list)}
        listed: list[Any] = [bindparam(name, expanding=True) for name in lists]
        asked = text(sql).bindparams(*listed) if listed else text(sql)
        return [dict(row) for row in connection.execute(asked, {**values, **lists}).mappings()]

    def _shown(self, rows: list[Mapping[str, Any]], engine: str) -> tuple[str, dict[str, Any]]:
        """The condition for the subjects of the page alone: of others nothing is shown."""
        values = {name: list({row[name] for row in rows}) for name in self.settings.apart}
        values = {f"shown_{name}": held for name, held in values.items() if None not in held}
        said = [f"{quoted(one.removeprefix('shown_'), engine)} IN :{one}" for one in values]
        return (f" WHERE {' AND '.join(said)}" if said else ""), values

    def _wholes(
        self, connection: Connection, engine: str, rows: list[Mapping[str, Any]], *, full: bool
    ) -> dict[str, dict[str, Any]]:
        """The whole figures of each subject, however many rows are shown: counts, sums, oldest."""

        def q(name: str) -> str:
            return quoted(name, engine)

        groups = [*self.settings.apart, *(["currency"] if self._sums else [])]
        columns = ["count(*) AS n"]
        columns += [f"{q(name)}" for name in groups]
        if self.query.has("entered_at"):
            columns.append(f"min({q('entered_at')}) AS oldest")
        if self._sums:
            columns.append(f"sum({q('total')}) AS amount")
        grouped = f" GROUP BY {', '.join(map(q, groups))}" if groups else ""
        only, shown = self._shown(rows, engine) if full else ("", {})
        sql = f"SELECT {', '.join(columns)} FROM {self._within(engine)}{only}{grouped}"  # noqa: S608
        found: dict[str, dict[str, Any]] = {}
        for row in self._rows(connection, sql, **shown):
            subject = self.settings.subject_of(row)
            whole = found.setdefault(subject, {"count": 0, "amounts": {}, "oldest": None})
            whole["count"] += int(row["n"])
            if self._sums:
                currency = str(row["currency"] or self.context.currency)
                before = whole["amounts"].get(currency, 0)
                whole["amounts"][currency] = before + round(row["amount"] or 0)
            oldest = row.get("oldest")
            if oldest is not None and (whole["oldest"] is None or oldest < whole["oldest"]):
                whole["oldest"] = oldest
        for row in self._people(connection, engine, only, shown):
            subject = self.settings.subject_of(row)
            if subject in found:  # the shop goes on between two questions
                found[subject]["customers"] = int(row["customers"])
        return found

    def _people(
        self, connection: Connection, engine: str, only: str, shown: dict[str, Any]
    ) -> list[Mapping[str, Any]]:
        if not self.query.has("customer"):
            return []
        own = ", ".join(quoted(name, engine) for name in self.settings.apart)
        also, grouped = (f", {own}", f" GROUP BY {own}") if own else ("", "")
        sql = (
            f"SELECT count(DISTINCT {quoted('customer', engine)}) AS customers{also} "  # noqa: S608
            f"FROM {self._within(engine)}{only}{grouped}"
        )
        return self._rows(connection, sql, **shown)

    @property
    def _sums(self) -> bool:
        return self.query.has("total") and self.query.has("currency")

    def _left(self, connection: Connection, engine: str) -> tuple[CaseFound, ...]:
        """The awaited orders that the shop has and that the query finds no more."""
        of_orders = self.settings.case_kind == "order" and self.query.has("number")
        if not self.context.awaited or not of_orders or "orders" not in self.shop.mapping.entities:
            return ()
        q, numbers = quoted("number", engine), list(self.context.awaited)
        listed: Any = bindparam("awaited", expanding=True)
        whole = f"({self.query.sql(engine)}) AS {quoted('found', engine)}"
        sql = f"SELECT {q} FROM {whole} WHERE {q} IN :awaited"  # noqa: S608
        values = {**self.query.bound(self.given, connection.dialect.name), "awaited": numbers}
        still = {str(row[0]) for row in connection.execute(text(sql).bindparams(listed), values)}
        known = self.shop.query("select o.number from orders o", self.context.currency)
        sql = f"SELECT {q} FROM ({known.sql(engine)}) AS o WHERE {q} IN :awaited"  # noqa: S608
        there = connection.execute(text(sql).bindparams(listed), {"awaited": numbers})
        kind = self.settings.case_kind
        return tuple(
            CaseFound(kind=kind, key=str(row[0])) for row in there if str(row[0]) not in still
        )

    def _finding(
        self, subject: str, rows: list[Mapping[str, Any]], whole: Mapping[str, Any]
    ) -> Finding:
        cases = tuple(self._case(row) for row in rows if _name(row) is not None)
        oldest = self._moment("entered_at", whole.get("oldest"))
        amounts = [Money(minor, unit) for unit, minor in whole.get("amounts", {}).items()]
        facts = {
            "orders": whole.get("count", len(cases)),
            "customers": whole.get("customers"),
            "amount": amounts[0].as_json() if len(amounts) == 1 else None,
            "oldest_since": oldest.isoformat() if oldest else None,
            **self.settings.facts,
        }
        by, severity_by = self.settings.subject_by, self.settings.severity_by
        for name in (*([by] if by else ()), *self.settings.facts_from):
            facts[name] = _number(rows[0][name])
        severity = self.settings.severity
        if severity_by is not None:
            severity = min(int(row[severity_by]) for row in rows)
        kind = self.settings.incident_type
        return Finding(
            subject=subject,
            incident_type=str(rows[0][kind.by]) if isinstance(kind, TypeBy) else kind,
            facts=facts,
            cases=cases,
            severity=severity,
            count=whole.get("count", len(cases)),
            started_at=oldest,
        )

    def _case(self, row: Mapping[str, Any]) -> CaseFound:
        currency = str(row.get("currency") or self.context.currency)
        total, customer = row.get("total"), row.get("customer")
        since = self._moment("entered_at", row.get("entered_at"))
        more = {
            one.name: self._plain(one, row[one.name], currency)
            for one in self.query.outputs
            if one.name not in _USED and one.name != self.settings.type_by
        }
        return CaseFound(
            kind=self.settings.case_kind,
            key=str(_name(row)),
            amount=None if total is None else Money(round(total), currency),
            customer_key=None if customer is None else str(customer),
            facts={"since": since.isoformat() if since else None, **more},
        )

    def _moment(self, name: str, value: Any) -> datetime | None:
        output = next((one for one in self.query.outputs if one.name == name), None)
        if output is None or output.mapping is None or value is None:
            return None
        return output.mapping.read(value)

    @staticmethod
    def _plain(output: Output, value: Any, currency: str) -> Any:
        if value is None:
            return None
        if output.type == "money":
            return Money(round(value), currency).as_json()
        if output.type == "instant" and output.mapping is not None:
            read = output.mapping.read(value)
            return read.astimezone(UTC).isoformat() if read else None
        told = _number(value)
        return told if isinstance(told, bool | int | float | str) else str(told)


def _name(row: Mapping[str, Any]) -> Any:
    """What the row is called: by its key, where it has no number; None: it has neither."""
    called = (row.get(one) for one in ("number", "key", CASE_KEY))
    return next((one for one in called if one not in (None, "")), None)


def _number(value: Any) -> Any:
    """A count as people write it, whatever the shop's column adds: 2, not 2.0000."""
    if isinstance(value, float | Decimal):
        return int(value) if value % 1 == 0 else float(value)
    return value
