"""Report of the fault table after a run: for each engine, each cell and its outcome."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import pytest

from tests.faults.table import COLUMNS, ENGINES, FAULTS, Case, cell

PASSED, FAILED, NOT_RUN, NOT_APPLICABLE = "✓", "✗", "·", "–"
Outcomes = Mapping[str, bool]  # id of a case → whether it passed


def mark(case: Case, outcomes: Outcomes) -> str:
    """One character for a cell."""
    if case.cell.why is not None:
        return NOT_APPLICABLE
    outcome = outcomes.get(case.id)
    return NOT_RUN if outcome is None else PASSED if outcome else FAILED


def lines(outcomes: Outcomes) -> list[str]:
    """The whole table with its counts, one engine after the other."""
    said: list[str] = []
    total: Counter[str] = Counter()
    width = max(len(fault.title) for fault in FAULTS)
    heads = [column.id for column in COLUMNS]
    for engine in ENGINES:
        if not any(name.endswith(engine) for name in outcomes):
            said += [f"On {engine}: not run.", ""]
            total.update(mark(Case(cell(f, c), engine), outcomes) for f in FAULTS for c in COLUMNS)
            continue
        said.append(f"On {engine}")
        said.append(" " * width + "  " + " ".join(heads))
        counts: Counter[str] = Counter()
        for fault in FAULTS:
            marks = [mark(Case(cell(fault, column), engine), outcomes) for column in COLUMNS]
            counts.update(marks)
            row = " ".join(m.center(len(h)) for m, h in zip(marks, heads, strict=True))
            said.append(f"{fault.title:<{width}}  {row}")
        total.update(counts)
        said += [_sentence(counts), ""]
    said.append(f"Both engines: {_sentence(total)}")
    return said


def _sentence(counts: Counter[str]) -> str:
    apply = counts[PASSED] + counts[FAILED] + counts[NOT_RUN]
    return (
        f"exercised {counts[PASSED] + counts[FAILED]} of {apply} cells, "
        f"{counts[PASSED]} passed {PASSED}, {counts[FAILED]} failed {FAILED}, "
        f"{counts[NOT_RUN]} not run {NOT_RUN}; "
        f"{counts[NOT_APPLICABLE]} do not apply {NOT_APPLICABLE}."
    )


class TableReport:
    """Prints the table at the end of a run, whichever process ran its cells."""

    _CELL = re.compile(r"^tests/faults/.*\[([^\]]+)\]")

    def __init__(self) -> None:
        self._outcomes: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = self._CELL.match(report.nodeid)
        if found is None:
            return
        if report.failed or report.skipped:
            self._outcomes[found[1]] = False
        elif report.when == "call":
            self._outcomes.setdefault(found[1], report.passed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._outcomes:
            return
        terminalreporter.section("the fault table")
        for line in lines(self._outcomes):
            terminalreporter.write_line(line)
