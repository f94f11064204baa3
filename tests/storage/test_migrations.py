"""The migrations give what the models say, on both engines, in one transaction."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from storage.database import Database
from storage.errors import NotThere
from storage.models import Base
from storage.schema import HEAD, current
from storage.upgrade import alembic_config, upgrade
from tests.conftest import KEY


def test_models_and_migrations_agree(database_url: str) -> None:
    database = Database.open(database_url, key=KEY)
    with database.writing_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
        assert current(connection) == HEAD
        assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD
    database.close_now()


def test_partial_indexes_stand_in_the_database(database_url: str) -> None:
    database = Database.open(database_url, key=KEY)
    source = (
        "select sql from sqlite_master where type='index' and sql is not null"
        if database.embedded
        else "select indexdef from pg_indexes where schemaname='public'"
    )
    lines = database.read_now(lambda s: [str(r[0]).lower() for r in s.execute(text(source))])
    partial = ("uq_incidents_live_fingerprint", "ix_work_due", "uq_work_refresh", "ix_work_parked")
    for name in partial:
        [line] = [line for line in lines if name in line]
        assert "where" in line
    database.close_now()


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    assert upgrade(database_url, KEY) == HEAD
    assert upgrade(database_url, KEY) == HEAD


def test_a_failed_upgrade_leaves_the_database_as_it_was(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/m.db"

    def broken(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("storage.upgrade.write_proof", broken)
    with pytest.raises(RuntimeError):
        upgrade(url, KEY)
    monkeypatch.undo()
    with pytest.raises(NotThere, match="holds nothing yet: muster run fills it"):
        Database.open(url, key=KEY)
    assert upgrade(url, KEY) == HEAD
    Database.open(url, key=KEY).close_now()
