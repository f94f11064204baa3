"""What takes long runs with MUSTER_FULL=1 alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked `slow` in this folder, unless the whole is asked for."""
    if os.environ.get("MUSTER_FULL"):
        return
    slow = {i for i in items if _FOLDER in i.path.parents and i.get_closest_marker("slow")}
    if slow:
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=list(slow))
