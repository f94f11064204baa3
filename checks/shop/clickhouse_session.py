"""ClickHouse session: what is asked of every query, and seen to be so before the first one.

There is no session that a server keeps: the driver sends these settings with each query. What they
change is how an answer is to be read, so a server that will not have them is not asked at all.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

_NAME = "muster"
_IN_PROCESS = "chdb"  # the driver's word for an engine that runs in this process
_READS_ONLY = 2  # and lets a query say its own settings
_OLDEST = (25, 8)  # from which a query within may ask of the row outside
# What makes an answer the one that the other engines give.
_ALIKE = {
    "session_timezone": "UTC",
    "join_use_nulls": "1",  # what a left join does not find is null, not 0 or 1970
    "aggregate_functions_null_for_empty": "1",  # nor is the newest of nothing
    "cast_keep_nullable": "1",
    "prefer_column_name_to_alias": "1",
}


# What stands around the server's own word.
_AROUND = (
    (re.compile(r"^HTTP driver received .*?server response: "), ""),
    (re.compile(r"[.:]? In scope .*?(?=\([A-Z_]+\)|$)"), ". "),
    (re.compile(r" \(for url [^)]*\)$"), ""),
    (re.compile(r"^Error HTTPS?ConnectionPool.*$"), "no ClickHouse server answers at its address"),
)
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # who raises need not log


class NotAsAsked(SQLAlchemyError):
    """The server, or the account, does not let the checks read as they must: one sentence."""


def prepare(engine: Engine, timeout: float) -> None:
    """Every connection of the engine begins as the checks need it. Raises NotAsAsked."""
    asked = {**_ALIKE, "max_execution_time": str(math.ceil(timeout))}

    @event.listens_for(engine, "do_connect")
    def _before(_dialect: Any, _record: Any, _given: Any, named: dict[str, Any]) -> None:
        if named.get("interface") == _IN_PROCESS:
            _is_there(str(named.get("path", "")))
            return
        named.setdefault("client_name", _NAME)
        named["send_receive_timeout"] = math.ceil(timeout) + 5
        named["connect_timeout"] = min(10, math.ceil(timeout))

    @event.listens_for(engine, "connect")
    def _after(connection: Any, _record: Any) -> None:
        _begin(connection.client, asked)

    engine.update_execution_options(query_formats={"FixedString": "string"})


def plain(reason: str) -> str:
    """Without what ClickHouse and its driver put around: the query, with its values, and the
    address."""
    for around, instead in _AROUND:
        reason = around.sub(instead, reason)
    return reason


def _is_there(path: str) -> None:
    """The engine is installed, and its folder is one: what does not exist it would make."""
    if importlib.util.find_spec(_IN_PROCESS) is None:
        raise NotAsAsked("the in-process engine is not installed: pip install 'muster[chdb]'")
    if path not in ("", ":memory:") and not Path(path).is_dir():
        raise NotAsAsked("the folder of the in-process engine does not exist")


def _begin(client: Any, asked: Mapping[str, str]) -> None:
    """Sets what is asked, and looks whether it holds."""
    version = tuple(int(one) for one in str(client.server_version).split(".")[:2])
    if version < _OLDEST:
        raise NotAsAsked(
            f"ClickHouse {client.server_version} has no `exists` that asks of a row; "
            f"{_OLDEST[0]}.{_OLDEST[1]} is the oldest that can"
        )
    held = client.server_settings.get("readonly")
    try:
        for name, value in asked.items():
            client.set_client_setting(name, value)
        if held is None or held.value != str(_READS_ONLY):
            client.set_client_setting("readonly", str(_READS_ONLY))
        wanted = ", ".join(f"toString(getSetting('{name}'))" for name in (*asked, "readonly"))
        (found,) = client.query(f"SELECT {wanted}").result_rows
    except _refusal() as error:
        raise NotAsAsked(
            "the account may not say the settings that a look needs (it has readonly = 1, or a "
            "constraint): give it readonly = 2"
        ) from error
    names = [*asked, "readonly"]
    for name, value, wished in zip(names, found, [*asked.values(), str(_READS_ONLY)], strict=True):
        if _number(value) != _number(wished):
            raise NotAsAsked(f"the server does not keep {name} = {wished}; it says {value}")


def _number(value: str) -> str:
    return {"true": "1", "false": "0"}.get(str(value), str(value))


def _refusal() -> type[Exception]:
    """What the driver raises where the server says no."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    refusal: type[Exception] = ClickHouseError
    return refusal
