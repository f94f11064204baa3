"""Upgrade: brings a database to this version's schema. Alembic is imported only when there is
work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, DBAPIError

from storage.cipher import AesCipher, Keys
from storage.continuity import refuse_mixture
from storage.engines import database_url, sqlite_path, writing_engine
from storage.errors import CannotOpen, WrongSchema
from storage.files import keep_private, rewrite
from storage.key import check_key, write_proof
from storage.schema import HEAD, current

_LOCK = 8_402_001  # PostgreSQL: one replica upgrades, the others wait for it


def upgrade(url: str, key: bytes | Keys) -> str:
    """Upgrades in one transaction; a failure leaves the database as it was. The revision.

    Raises CannotOpen, WrongKey, or WrongSchema when the database is newer than this program.
    """
    cipher = AesCipher(key)
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        folder = sqlite_path(parsed).absolute().parent
        if not folder.is_dir():
            raise CannotOpen(
                f"database.url: the folder {folder} does not exist; create it or name another."
            )
        refuse_mixture(sqlite_path(parsed).absolute())
        keep_private(sqlite_path(parsed))
    engine = writing_engine(parsed, cipher)
    try:
        check_key(engine, cipher)
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            before = current(connection)
            if before != HEAD:
                _run(connection)
            write_proof(connection, cipher)
        if before not in (None, HEAD) and engine.dialect.name == "sqlite":
            rewrite(sqlite_path(parsed))
    except DBAPIError as error:
        lines = str(error.orig).strip().splitlines() or ["no answer"]
        damaged = type(error) is DatabaseError  # "malformed", "not a database"
        remedy = (
            "put the newest backup in its place: muster db restore FILE."
            if damaged and engine.dialect.name == "sqlite"
            else "check the address, that its server runs and that it may be written."
        )
        raise CannotOpen(
            f"database.url: the database was not brought up to date ({lines[0]}); {remedy}"
        ) from error
    finally:
        engine.dispose()
    return HEAD


def alembic_config(connection: Connection | None = None) -> Any:
    """Alembic's configuration with the scripts of this package; no file beside it."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    config = alembic_config(connection)
    revision = current(connection)
    scripts = ScriptDirectory.from_config(config)
    try:
        scripts.get_revision(revision or HEAD)
    except CommandError:
        raise WrongSchema(
            f"the database stands at schema {revision}, which this version of Muster does not "
            "know: install the newer version again, or restore an older backup."
        ) from None
    command.upgrade(config, "head")
