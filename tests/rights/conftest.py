from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rights.scene import Scene, furnish
from tests.web.conftest import session


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnish(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def scene(furnished: Path, tmp_path: Path) -> Iterator[Scene]:
    """The house on a database of this test's own."""
    copy = tmp_path / "muster.db"
    shutil.copy(furnished, copy)
    made = Scene(f"sqlite:///{copy}")
    yield made
    made.close()


__all__ = ["session"]
