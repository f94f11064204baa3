"""Tables of a shop whose software does not run here: made from a file of statements, and filled."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text


class Tables:
    """The tables of one file, with a prefix of the shop's own before `prefixed` ones."""

    def __init__(self, engine: Engine, schema: Path, own: str = "", prefix: str = "") -> None:
        self.engine = engine
        self._own, self._prefix = own, prefix
        statements = re.sub(r"^--.*$", "", schema.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found = re.findall(r"create table (\w+)", statements)
        for table in sorted(found, key=len, reverse=True):
            statements = re.sub(rf"\b{table}\b", self.called(table), statements)
        with engine.begin() as connection:
            for statement in filter(str.strip, statements.split(";")):
                connection.execute(text(statement))

    def called(self, table: str) -> str:
        return self._prefix + table.removeprefix(self._own)

    def add(self, table: str, **values: Any) -> int:
        """One row; its number, where the table counts."""
        names = ", ".join(f"`{name}`" for name in values)
        given = ", ".join(f":{name}" for name in values)
        statement = f"insert into {self.called(table)} ({names}) values ({given})"
        with self.engine.begin() as connection:
            return int(connection.execute(text(statement), values).lastrowid)

    def change(self, table: str, key: str, number: int, **values: Any) -> None:
        """Columns of one row."""
        given = ", ".join(f"`{name}` = :{name}" for name in values)
        statement = f"update {self.called(table)} set {given} where {key} = :number"
        with self.engine.begin() as connection:
            connection.execute(text(statement), {**values, "number": number})
