"""The table itself: nothing in it is left open."""

from __future__ import annotations

import importlib

from tests.faults.table import BODIES, COLUMNS, FAULTS, Case, cells, once_per_kind


def test_every_cell_is_run_or_says_why_not() -> None:
    open_cells = [one.id for one in cells() if one.body is None and not one.why]
    assert open_cells == []


def test_every_body_exists() -> None:
    for body in BODIES.values():
        module, _, function = body.partition(".")
        assert callable(getattr(importlib.import_module(f"tests.faults.{module}"), function))


def test_every_day_runs_each_fault_and_each_column_once() -> None:
    """What `.ci/run` takes of the table, on both engines in turn."""
    daily = once_per_kind()
    by_id = {Case(one, engine).id: one for one in cells() for engine in ("sqlite", "postgresql")}  # type: ignore[arg-type]
    chosen = [by_id[name] for name in daily]
    assert {one.fault.id for one in chosen} == {fault.id for fault in FAULTS}
    runnable = {one.column.id for one in cells() if one.body}
    assert {one.column.id for one in chosen} == runnable == {c.id for c in COLUMNS} - {"webhook"}
    assert len({name.rsplit("-", 1)[1] for name in daily}) == 2
