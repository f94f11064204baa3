"""Query: a check that is one `select` over the entities, for any shop that maps what it asks of.

The engine derives the rest from `find` by wrapping it: the whole figures, the page of rows that a
person sees, and whether the orders of open incidents still stand in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, bindparam, text

from checks.calendar.calendar import NO_CALENDAR, Calendar
from checks.kinds.base import CheckContext, CheckSettings
from checks.kinds.parameters import Age, Parameter, values_at
from checks.model import NONE_FAILED, CaseFound, CheckResult, Failed, Finding
from checks.queries.compiled_query import Output, Query, quoted
from checks.shop.query_place import QueryPlace
from checks.shop.source import ShopUnavailable
from storage.money import Money

LISTED = 2_000  # cases kept by name in one incident; the counts are always whole
_WORDS_STAND = timedelta(hours=1)
_NOW = "now"
_USED = {"key", "number", "customer", "currency", "total", "entered_at"}


TypeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class TypeBy(BaseModel):
    """The incident type stands in a column of the row, one of these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: str
    of: Annotated[list[TypeName], Field(min_length=1)]


class QueryCheckSettings(CheckSettings):
    kind: Literal["query"] = "query"
    incident_type: TypeName | TypeBy
    find: Annotated[str, Field(min_length=1)]
    # What is one incident: these words, and of them the value of a column.
    subject: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9:-]{0,60}$")]
    subject_by: str | None = None
    looked_at: str | None = None  # `rows` and `newest`: what it must have seen to call it well
    parameters: dict[str, Parameter] = {}  # further ones than :now
    stale_after: Annotated[float, Field(gt=0)] = 24.0  # hours without a new row: nothing is known
    case_kind: Annotated[str, Field(pattern=r"^[a-z_]+$")] = "order"
    facts: dict[str, Any] = {}  # of every finding, beside orders, customers, amount, oldest_since
    facts_from: list[str] = []  # columns that say the same of the whole finding: pieces missing
    severity_by: str | None = None  # column with 1 to 4: the most severe row counts
    at_least: Annotated[int, Field(ge=1)] = 1  # rows that make a finding; one that stands needs one
    open_after: int = 1
    recover_after: int = 1

    @property
    def opens(self) -> tuple[str, ...]:
        one = self.incident_type
        return tuple(one.of) if isinstance(one, TypeBy) else (one,)

    @property
    def type_by(self) -> str | None:
        """The column that holds the type, where a row says of which it is."""
        return self.incident_type.by if isinstance(self.incident_type, TypeBy) else None

    @property
    def apart(self) -> tuple[str, ...]:
        """The columns whose values make incidents of their own."""
        return tuple(one for one in (self.type_by, self.subject_by) if one is not None)

    @property
    def moments(self) -> frozenset[str]:
        """The parameters that are times."""
        ages = (name for name, value in self.parameters.items() if isinstance(value, Age))
        return frozenset((_NOW, *ages))

    def names(self, subject: str) -> bool:
        """Whether an incident of that subject is of this check."""
        return subject.partition("=")[0] == self.subject

    def subject_of(self, row: Mapping[str, Any]) -> str:
        return "=".join((self.subject, *(str(row[name]) for name in self.apart)))

    def given(
        self,
        now: datetime,
        failed: Mapping[str, Failed] = NONE_FAILED,
        calendar: Calendar = NO_CALENDAR,
    ) -> dict[str, Any]:
        """The parameters of a run at that moment. `failed`: what earlier ones found, by subject."""
        mine = (one.since for name, one in failed.items() if self.names(name))
        return {_NOW: now, **values_at(self.parameters, now, min((now, *mine)), calendar)}


class QueryCheck:
    """One finding for each subject; its rows are the cases."""

    def __init__(self, settings: QueryCheckSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        shop = await context.place_of_query(self.settings.find)
        await shop.know()
        find = shop.query(self.settings.find, context.currency)
        look = _Look(self.settings, find, context, shop)
        findings, left = await shop.read(look.findings)
        seen = await self._seen(look, context)
        unread = shop.unreadable(find.needs)
        if not findings:  # nothing found is no proof where a word means nothing
            if unread is not None:
                raise ShopUnavailable(unread, f"shop.mapping.{find.needs[0]}")
            await self._known(shop, find, context.now)
        sure = unread is None and (seen or self._may_be_empty(context, find))
        well = self._well(context, findings) if sure else ()
        read_at = shop.read_at(find.needs)
        return CheckResult(
            name=self.settings.name,
            ran_at=context.now,
            findings=findings,
            healthy_subjects=well,
            settled={s: left for s in (*(f.subject for f in findings), *well) if left},
            figures={
                "found": len(findings),
                "looked_at": seen,
                **({"read_at": read_at.isoformat()} if read_at is not None else {}),
            },
        )

    async def _known(self, shop: QueryPlace, find: Query, now: datetime) -> None:
        """Every word in the fields that it asks of is one that the mapping knows: looked at once an
        hour, for all checks, since it reads the whole table. Raises ShopUnavailable."""
        for entity, field in find.words:
            seen = shop.words_seen.get((entity, field))
            if seen is not None and now - seen < _WORDS_STAND:
                continue
            strange = await shop.strange_word(entity, field)
            if strange is not None:
                raise ShopUnavailable(
                    f"{entity}.{field} holds “{strange}”, which the mapping does not know: "
                    "say what it means, or that it is to be ignored",
                    f"shop.mapping.{entity}.{field}",
                )
            shop.words_seen[entity, field] = now

    async def _seen(self, look: _Look, context: CheckContext) -> int:
        """How much there was to look at; without words of its own, whether there is any row."""
        own, shop = self.settings.looked_at, look.shop
        if own is not None:
            shop = await context.place_of_query(own)
            await shop.know()
            looked = shop.query(own, context.currency)
        else:
            entity = look.query.needs[0]
            field = "key" if shop.maps(entity, "key") else shop.any_field(entity)
            any_row = f"select x.{field} as rows from {entity} x limit 1"  # noqa: S608 - our own names
            looked = shop.query(any_row, context.currency)
        return await shop.read(lambda connection: look.evidence(connection, looked))

    def _may_be_empty(self, context: CheckContext, find: Query) -> bool:
        """A listing of what is open alone has nothing to show when all is well."""
        listings = context.listings
        if listings is None or self.settings.looked_at is not None:
            return False
        return listings.may_be_empty(find.needs[0])

    def _well(self, context: CheckContext, findings: tuple[Finding, ...]) -> tuple[str, ...]:
        """The subjects that were looked at and are in order: its own, and those that failed."""
        found = {finding.subject for finding in findings}
        # Of many subjects nothing is in order by name but all of them together.
        alone = not self.settings.apart or not findings
        mine = (self.settings.subject,) if alone else ()
        failed = [s for s in context.failed if self.settings.names(s)]
        return tuple(subject for subject in (*mine, *failed) if subject not in found)


class _Look:
    """One run: the query with its parameters, and how its rows are read."""

    def __init__(
        self,
        settings: QueryCheckSettings,
        query: Query,
        context: CheckContext,
        shop: QueryPlace,
    ) -> None:
        self.settings = settings
        self.query = query
        self.shop = shop
        self.context = context
        self.given = settings.given(context.now, context.failed, context.calendar)

    def findings(self, connection: Connection) -> tuple[tuple[Finding, ...], tuple[CaseFound, ...]]:
        """What is found, by subject, and which awaited orders are found no more."""
        engine = connection.dialect.name
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in self._rows(connection, self._page(engine), page=LISTED):
            found.setdefault(self.settings.subject_of(row), []).append(row)
        wholes = self._wholes(connection, engine) if found else {}
        made = tuple(
            self._finding(subject, rows, wholes.get(subject, {}))
            for subject, rows in found.items()
            if wholes.get(subject, {}).get("count", len(rows)) >= self._enough(subject)
        )
        return made, self._left(connection, engine)

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
        return f"({self.query.sql(engine)}) AS {quoted('found', engine)}"

    def _page(self, engine: str) -> str:
        order = [n for n in ("entered_at", "number", "key") if self.query.has(n)]
        by = ", ".join(quoted(name, engine) for name in order) or "1"
        return f"SELECT * FROM {self._within(engine)} ORDER BY {by} LIMIT :page"  # noqa: S608

    def _rows(self, connection: Connection, sql: str, **more: Any) -> list[Mapping[str, Any]]:
        values = {**self.query.bound(self.given, connection.dialect.name), **more}
        return [dict(row) for row in connection.execute(text(sql), values).mappings()]

    def _wholes(self, connection: Connection, engine: str) -> dict[str, dict[str, Any]]:
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
        sql = f"SELECT {', '.join(columns)} FROM {self._within(engine)}{grouped}"  # noqa: S608
        found: dict[str, dict[str, Any]] = {}
        for row in self._rows(connection, sql):
            subject = self.settings.subject_of(row)
            whole = found.setdefault(subject, {"count": 0, "amounts": {}, "oldest": None})
            whole["count"] += int(row["n"])
            if self._sums:
                whole["amounts"][str(row["currency"])] = round(row["amount"] or 0)
            oldest = row.get("oldest")
            if oldest is not None and (whole["oldest"] is None or oldest < whole["oldest"]):
                whole["oldest"] = oldest
        for row in self._people(connection, engine):
            subject = self.settings.subject_of(row)
            if subject in found:  # the shop goes on between two questions
                found[subject]["customers"] = int(row["customers"])
        return found

    def _people(self, connection: Connection, engine: str) -> list[Mapping[str, Any]]:
        if not self.query.has("customer"):
            return []
        own = ", ".join(quoted(name, engine) for name in self.settings.apart)
        also, grouped = (f", {own}", f" GROUP BY {own}") if own else ("", "")
        sql = (
            f"SELECT count(DISTINCT {quoted('customer', engine)}) AS customers{also} "  # noqa: S608
            f"FROM {self._within(engine)}{grouped}"
        )
        return self._rows(connection, sql)

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
        sql = f"SELECT {q} FROM {self._within(engine)} WHERE {q} IN :awaited"  # noqa: S608
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
        cases = tuple(self._case(row) for row in rows)
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
            key=str(row.get("number") or row["key"]),
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


def _number(value: Any) -> Any:
    """A count as people write it, whatever the shop's column adds: 2, not 2.0000."""
    if isinstance(value, float | Decimal):
        return int(value) if value % 1 == 0 else float(value)
    return value
