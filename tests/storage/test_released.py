"""Forward from every released schema, with rows in every table, and nothing of them is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, func, insert, select, text
from sqlalchemy.engine import make_url

from storage.cipher import AesCipher
from storage.engines import database_url as parsed_url
from storage.engines import writing_engine
from storage.schema import HEAD, current
from storage.upgrade import alembic_config, upgrade
from tests.conftest import KEY

REVISIONS = [one.revision for one in ScriptDirectory.from_config(alembic_config()).walk_revisions()]


def _value(column: Any) -> Any:
    kind = str(column.type).upper()
    if "INT" in kind:
        return 1
    if "BOOL" in kind:
        return True
    if "TIME" in kind:
        return datetime(2026, 11, 24, tzinfo=UTC)
    if "BLOB" in kind or "BYTEA" in kind or "BINARY" in kind:
        return AesCipher(KEY).encrypt(b"x")
    return '{"next": 1}' if column.name in ("value", "payload", "facts") else "{}"


def _fill(connection: Any, table: Table) -> None:
    rows = {c.name: _value(c) for c in table.columns if not (c.nullable and c.foreign_keys)}
    connection.execute(insert(table), rows)


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_a_released_schema_come_to_this_one(tmp_path: Path, revision: str) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    engine = writing_engine(make_url(str(parsed_url(url))), AesCipher(KEY))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), revision)
    old = MetaData()
    old.reflect(engine)
    names = [t for t in old.sorted_tables if t.name != "alembic_version"]
    with engine.begin() as connection:
        for table in names:
            _fill(connection, table)
    assert upgrade(url, KEY) == HEAD
    with engine.connect() as connection:
        assert current(connection) == HEAD
        for table in names:
            assert connection.scalar(select(func.count()).select_from(text(table.name))) >= 1
    engine.dispose()
