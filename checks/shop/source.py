"""Source: the connection to the shop's database, read-only, bounded in time, off the event loop."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, not_, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.types import TypeEngine

from checks.queries.compiled_query import Query
from checks.queries.entity import entities
from checks.queries.entity_mapping import EntitiesMapping, typed
from checks.queries.query_cache import compiled
from checks.shop import session
from checks.shop.clickhouse_session import plain
from checks.shop.clickhouse_types import CLICKHOUSE
from checks.shop.column_types import ColumnTypes
from checks.shop.logical_table import LogicalTable
from checks.shop.mapping_faults import is_of_names, mapping_fault

T = TypeVar("T")
_TIMES = 20  # values of a field that are looked at
_POSSIBLE = 1980  # seconds that are taken for thousandths lie before it
_NOTHING = re.compile(r"0*$|0000-|1970-01-01[ T]00:00:00")  # what shops write for no time
_WITH_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)
DATABASE = "shop-database"
HIDDEN = ":***@"  # as SQLAlchemy prints an address whose password is not to be read


class ShopUnavailable(Exception):
    """The shop's database could not be read; the sentence says why and what to do.

    `cause`: what other checks meet as well, and is told once for all of them.
    """

    def __init__(self, sentence: str, cause: str | None = None) -> None:
        super().__init__(sentence)
        self.cause = cause


def unusable(error: Exception) -> ShopUnavailable:
    """The address is none: how one is written. Of a mistyped one nothing is repeated."""
    why = f" ({error})" if not isinstance(error, ArgumentError) else ""
    if "clickhouse" in why:
        why = " (the driver is not installed: pip install 'muster[clickhouse]')"
    return ShopUnavailable(
        f"shop.database_url cannot be used{why}: write it like "
        "postgresql+psycopg://user@host/shop, clickhousedb://user@host:8443/shop?secure=true or "
        "sqlite:////path/shop.db."
    )


def unreadable(error: SQLAlchemyError, called: str = "the shop's database") -> ShopUnavailable:
    """The database's own word, without what its driver adds."""
    return ShopUnavailable(f"{called} cannot be read: {said_by(error)}", DATABASE)


def said_by(error: SQLAlchemyError) -> str:
    return plain(str(getattr(error, "orig", None) or error).splitlines()[0])


def _opened(url: str) -> Engine:
    if HIDDEN in url:
        raise ShopUnavailable(
            "shop.database_url holds *** where its password was not printed: give the address with "
            "--shop URL beside --mapping, or write ${env:SHOP_PASSWORD} in its place and set that "
            "variable."
        )
    try:
        return create_engine(
            session.address(make_url(url)),
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=0,
            hide_parameters=True,
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise unusable(error) from error


class Asked(NamedTuple):
    """One question as it was sent, with what it bound, and how long its answer took."""

    sql: str
    values: Any
    seconds: float


class ShopDatabase:
    """Reads the shop's own tables. Raises ShopUnavailable for whatever the database says."""

    called = "the shop's database"
    counts_stand = True  # what was counted (checks.shop.rows_seen) is not counted in each run

    def __init__(
        self,
        url: str | Engine,
        mapping: EntitiesMapping,
        *,
        timeout: float = 20.0,
    ) -> None:
        self.mapping = mapping
        self._types = ColumnTypes()
        self._exact = False  # whether the amounts were seen to be such
        self.words_seen: dict[
            tuple[str, str], datetime
        ] = {}  # when all words of a field were known
        self.counts: dict[Any, Any] = {}  # of rows that were looked at, while it stands
        self.usual: dict[str, tuple[datetime, Any]] = {}  # of a channel, since its last payment
        self._timeout = timeout
        self._engine = _opened(url) if isinstance(url, str) else url
        session.prepare(self._engine, timeout)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Runs the query in a thread. ShopUnavailable after `timeout` seconds or on an error."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self.read_now, query), self._timeout)
        except TimeoutError:
            raise ShopUnavailable(
                f"{self.called} did not answer within {self._timeout:.0f} s", DATABASE
            ) from None

    def read_now(self, query: Callable[[Connection], T]) -> T:
        """The same, in this thread."""
        try:
            with self._engine.connect() as connection:
                self._types.learn(connection, self._tables())
                self._amounts(connection)
                return query(connection)
        except SQLAlchemyError as error:
            raise self._misnamed(error) or unreadable(error, self.called) from error

    def _misnamed(self, error: SQLAlchemyError) -> ShopUnavailable | None:
        """What the mapping names and the database has not, where that is why it refused."""
        if not isinstance(error, DBAPIError) or not is_of_names(error):
            return None
        try:
            with self._engine.connect() as connection:
                found = mapping_fault(connection, self.mapping, said_by(error))
        except SQLAlchemyError:
            return None
        if found is None:
            return None
        self._types = ColumnTypes()  # what is known of its tables is of before
        place, sentence = found
        return ShopUnavailable(sentence, place)

    def table(self, entity: str) -> LogicalTable:
        """An entity by its name. Raises ShopUnavailable where it is not mapped."""
        return self._mapped(entity, "x")

    def orders(self) -> LogicalTable:
        return self._mapped("orders", "o")

    def payments(self) -> LogicalTable:
        return self._mapped("payments", "p")

    def refunds(self) -> LogicalTable:
        return self._mapped("refunds", "r")

    def history(self) -> LogicalTable:
        return self._mapped("state_changes", "h")

    def _mapped(self, entity: str, alias: str) -> LogicalTable:
        mapping = self.mapping.entities.get(entity)
        if mapping is None:
            raise ShopUnavailable(
                f"shop.mapping.{entity} is missing: this check needs it; say where the shop keeps "
                "it, or remove the check."
            )
        customers = self.mapping.entities.get("customers")
        if self._engine.dialect.name == CLICKHOUSE:
            alias = f"m_{alias}"  # not what a table of the shop's may be called
        return LogicalTable(entity, mapping, alias, customers, self._types)

    def _amounts(self, connection: Connection) -> None:
        """Every mapped amount can be read exactly: looked at once. Raises ShopUnavailable."""
        if self._exact:
            return
        for entity, mapped in self.mapping.entities.items():
            for field, one in mapped.fields.items():
                if one.unit is None or one.column is None or mapped.table is None:
                    continue
                whole = one.unit == "minor"
                fault = self._types.amount_fault(connection, mapped.table, one.column, whole=whole)
                if fault is not None:
                    place = f"shop.mapping.{entity}.{field}"
                    raise ShopUnavailable(f"{place}: {fault}", place)
        for entity, mapped in self.mapping.entities.items():
            for field, one in mapped.fields.items():
                seen = one.column is not None and mapped.table is not None
                if seen and one.form and self._types.of(str(mapped.table), str(one.column)):
                    self._times(connection, f"shop.mapping.{entity}.{field}", entity, field)
        self._exact = True

    def _times(self, connection: Connection, place: str, entity: str, field: str) -> None:
        """What stands there is a time in the form that it is mapped with: of none that can be read
        a check would find nothing, and call it well. One bad row is another matter."""
        table = self._mapped(entity, "x").only((field,))  # by no other field's fault
        own = table.col(field)
        held = connection.scalars(select(own).where(own.is_not(None)).limit(_TIMES)).all()
        held = [one for one in held if not _NOTHING.match(str(one))]
        form = table.field(field).form
        read = [table.read_time(one, field) for one in held]
        sound = any(one is not None and one.year > _POSSIBLE for one in read)
        texts = [one for one in held if isinstance(one, str)] if form == "iso_z" else []
        if texts and not any(map(_WITH_ZONE.search, texts)):
            sound = False  # it says no zone, and would be read as UTC
        if held and not sound:
            raise ShopUnavailable(
                f"{place}: “{str(held[0])[:40]}” is no time in the form {form}; say which it is",
                place,
            )

    def _tables(self) -> set[str]:
        """Every table that is mapped, as the mapping names it."""
        mapped = self.mapping.entities.values()
        joins = {f.join.from_ for one in mapped for f in one.fields.values() if f.join is not None}
        return joins | {one.table for one in mapped if one.table is not None}

    @cached_property
    def entities(self) -> EntitiesMapping:
        """All that the shop maps, with what its database says, as queries ask for it."""
        return typed(self.mapping, self._types)

    @cached_property
    def described(self) -> str:
        """This shop and how it is mapped: what was seen of another one says nothing of it."""
        place = self._engine.url.render_as_string(hide_password=True)
        return f"{place} {self.mapping.model_dump_json(exclude_defaults=True)}"

    def query(self, text: str, currency: str) -> Query:
        """The query over this shop's own tables, read once. Raises QueryError; ShopUnavailable
        where it is right and this engine cannot be asked so."""
        query = compiled(text, self.entities, currency)
        why = query.refused.get(self._engine.dialect.name)
        if why is not None:
            raise ShopUnavailable(why)
        return query

    @contextmanager
    def overheard(self) -> Iterator[list[Asked]]:
        """Every question that is sent to it meanwhile."""
        heard: list[Asked] = []
        began: dict[int, float] = {}

        def before(_c: Any, cursor: Any, *_: Any) -> None:
            began[id(cursor)] = time.monotonic()

        def after(_c: Any, cursor: Any, sql: str, values: Any, *_: Any) -> None:
            took = time.monotonic() - began.pop(id(cursor), time.monotonic())
            heard.append(Asked(sql, values, took))

        event.listen(self._engine, "before_cursor_execute", before)
        event.listen(self._engine, "after_cursor_execute", after)
        try:
            yield heard
        finally:
            event.remove(self._engine, "before_cursor_execute", before)
            event.remove(self._engine, "after_cursor_execute", after)

    async def know(self) -> None:
        """Learns the types of the mapped columns, which say how queries bind. ShopUnavailable."""
        await self.read(lambda _: None)

    @property
    def engine_name(self) -> str:
        """SQLAlchemy's name of it."""
        return self._engine.dialect.name

    def column_type(self, entity: str, field: str) -> TypeEngine[Any] | None:
        """What the database says of the column of a field; None: nothing is known of it."""
        mapped = self.mapping.entities.get(entity)
        one = mapped.fields.get(field) if mapped is not None else None
        if mapped is None or mapped.table is None or one is None or one.column is None:
            return None
        return self._types.of(mapped.table, one.column)

    async def strange_word(self, entity: str, field: str) -> str | None:
        """A word that stands in the field and that the mapping does not know."""
        return await self.read(partial(self.unknown_word, entity=entity, field=field))

    def unknown_word(self, connection: Connection, entity: str, field: str) -> str | None:
        """A word that stands in the field and that the mapping does not know; None: there is none.

        A misspelt word in a mapping finds nothing, which is not the same as finding all well.
        """
        table = self._mapped(entity, "x")
        own, mapped = table.col(field), table.field(field)
        known = mapped.known() or entities()[entity].fields[field].words  # its words are ours
        strange = (
            select(own)
            .select_from(table.source)
            .where(own.is_not(None), not_(table.is_one(field, known)))
            .limit(1)
        )
        if mapped.empty:  # an empty text is a missing one, and hides none that stands behind it
            strange = strange.where(own != "")
        row = connection.execute(strange).first()
        return None if row is None or row[0] == "" else str(row[0])

    def maps(self, entity: str, field: str) -> bool:
        return field in self.entities.entities[entity].fields

    def any_field(self, entity: str) -> str:
        """A field that the shop maps of the entity, whichever."""
        return next(iter(self.entities.entities[entity].fields))

    def home(self, entity: str) -> ShopDatabase:
        """Where the rows of an entity stand: here, all of them."""
        return self

    def unreadable(self, asked: Iterable[str]) -> str | None:
        """What of these entities could not be read when it came; None: a database tells by row."""
        return None

    def read_at(self, asked: Iterable[str]) -> datetime | None:
        """When the rows of these entities came; None: a database is asked now."""
        return None

    def close(self) -> None:
        self._engine.dispose()
