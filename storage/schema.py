"""Schema: at which version of the schema a database stands."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.errors import CannotOpen, NotThere, WrongSchema

HEAD = "0015"  # the newest migration; a test compares it with the scripts


def check_schema(engine: Engine) -> None:
    """Raises WrongSchema with what to do, NotThere for an empty one, or CannotOpen."""
    try:
        with engine.connect() as connection:
            found = current(connection)
    except DBAPIError as error:
        lines = str(error.orig).strip().splitlines() or ["no answer"]
        raise CannotOpen(
            f"database.url: the database does not open ({lines[0]}); "
            "check the address and that its server runs."
        ) from None
    if found is None:
        raise NotThere("the database holds nothing yet: muster run fills it, or muster db upgrade.")
    if found != HEAD:
        raise WrongSchema(
            f"the database stands at schema {found} and this version of Muster needs {HEAD}: run "
            "muster db upgrade, or install the version of Muster that the database was used with."
        )


def current(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(
        text("select version_num from alembic_version")
    ).scalar_one_or_none()
    return revision
