"""Sharing of the tests among processes: which stay together, and which begin first.

A file stays together, for its fixtures' sake; the fault table and the hunt for customer data are
halved by engine, and a test that starts a world of its own goes by itself. pytest-xdist groups by
a suffix that it appends to a test's name (`--dist=loadgroup`), which pytest 9 does not report: so
we say it ourselves.
"""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling

# What takes longest begins first, so that nobody waits for it at the end.
_LONG = (
    "tests/house/test_clock_program.py",
    "tests/replicas/test_storm_of_kills.py",
    "tests/replicas/",
    "tests/drills/",
    "tests/browser/",
    "tests/faults/",
    "tests/truth/",
    "tests/journeys/",
    "tests/web/",
    "tests/delivery/",
)
_ALONE = (
    "tests/drills/test_drills.py::test_a_broken_build_does_not_pass",
    "tests/drills/test_drills.py::test_ctrl_c_ends_every_world_at_once",
)


def group_of(nodeid: str) -> str:
    """The tests of one group are run by one process, one after the other."""
    if nodeid.startswith(_ALONE):
        return nodeid
    if nodeid.startswith("tests/faults/"):
        return "faults-postgresql" if "postgresql" in nodeid else "faults-sqlite"
    file = nodeid.split("::")[0]
    if file == "tests/journeys/test_customer_data.py":
        return f"{file}-pg" if nodeid.endswith("[pg]") else file
    return file


def place_of(nodeid: str) -> int:
    """How soon a test begins: the long ones first, the others as they stand."""
    found = [at for at, folder in enumerate(_LONG) if nodeid.startswith(folder)]
    return found[0] if found else len(_LONG)


class Sharing(LoadScopeScheduling):
    """Hands out whole groups, in the order in which the tests stand."""

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
