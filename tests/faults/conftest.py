"""Parts of the fault table: which are run."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.database import Database
from tests.actions.conftest import make_desk
from tests.conftest import KEY
from tests.faults.table import Case, cases, once_per_kind
from tests.intake.conftest import bot, connect

_FOLDER = Path(__file__).parent


def each(body: str) -> pytest.MarkDecorator:
    """Runs a test for each of its cells on both engines."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case, id=case.id, marks=[pytest.mark.postgres] * (case.engine == "postgresql")
            )
            for case in cases(body)
        ],
    )


def whole_table(config: pytest.Config) -> bool:
    """Asked for by name (`-m faults`, this folder, a file of it) or by MUSTER_FULL=1."""
    if os.environ.get("MUSTER_FULL") == "1" or "faults" in (config.option.markexpr or ""):
        return True
    named = [Path(arg.split("::")[0]).resolve() for arg in config.args]
    return any(path == _FOLDER or _FOLDER in path.parents for path in named)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everything here is marked `faults`; every day runs each kind once."""
    daily = None if whole_table(config) else once_per_kind()
    left_out = []
    for item in items:
        if _FOLDER not in item.path.parents:
            continue
        item.add_marker(pytest.mark.faults)
        if daily is None:
            continue
        case = _case(item)
        if item.get_closest_marker("slow") or (case is not None and case.id not in daily):
            left_out.append(item)
    if left_out:
        gone = set(left_out)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=left_out)


def _case(item: pytest.Item) -> Case | None:
    found = getattr(item, "callspec", None)
    case = found.params.get("case") if found is not None else None
    return case if isinstance(case, Case) else None


@pytest.fixture
def url(case: Case, request: pytest.FixtureRequest) -> str:
    """A database of this case's own on its engine."""
    name = "sqlite_url" if case.engine == "sqlite" else "pg_url"
    found: str = request.getfixturevalue(name)
    return found


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The case's database, open."""
    opened = Database.open(url, key=KEY)
    yield opened
    await opened.close()


@pytest.fixture
def mode() -> str:
    """Socket Mode; the transports' own differences are tests/intake's matter."""
    return "socket"


__all__ = ["bot", "connect", "make_desk"]
