"""The fault table: every fault crossed with everything that can suffer it.

Rows are faults, columns are delivery classes, intakes and action contracts. A cell names the test
body that runs it, or says in a sentence why the fault does not apply there. A cell with neither is
an error (test_table.py), so that a fault that is not exercised is visible as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Engine = Literal["sqlite", "postgresql"]
ENGINES: tuple[Engine, ...] = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Fault:
    """A row. `family` says what it happens to: an answer, a redelivery, the process …"""

    id: str
    title: str
    family: Literal["answer", "redelivery", "process", "database", "replica"]


@dataclass(frozen=True)
class Column:
    """A delivery class, an intake, an action contract, or a form from its sending to its end."""

    id: str
    title: str
    group: Literal["delivery", "intake", "action", "form"]


FAULTS = (
    Fault("rate_limited", "429 with Retry-After", "answer"),
    Fault("http_500", "500", "answer"),
    Fault("http_503", "503", "answer"),
    Fault("timeout_before", "timeout before the effect", "answer"),
    Fault("lost_reply", "reply lost after the effect", "answer"),
    Fault("reset", "connection reset", "answer"),
    Fault("malformed", "malformed reply", "answer"),
    Fault("slack_down", "Slack down for an hour", "answer"),
    Fault("late_effect", "effect after the client gave up", "answer"),
    Fault("no_retry_after", "429, Retry-After missing", "answer"),
    Fault("retry_after_600", "429, Retry-After 600", "answer"),
    Fault("twice_at_once", "delivered twice at once", "redelivery"),
    Fault("twice_3_s_apart", "delivered twice, 3 s apart", "redelivery"),
    Fault("after_restart", "redelivered after a restart", "redelivery"),
    Fault("kill_at_commit", "SIGKILL at each commit point", "process"),
    Fault("kill_at_random", "SIGKILL at random moments", "process"),
    Fault("stop_past_lease", "SIGSTOP past the lease, and on", "process"),
    Fault("database_locked", "database locked", "database"),
    Fault("database_gone", "database gone", "database"),
    Fault("disk_full", "disk full", "database"),
    Fault("restored", "restored from an older backup", "database"),
    Fault("second_replica", "second replica at the same moment", "replica"),
)

COLUMNS = (
    Column("post", "root post", "delivery"),
    Column("reply", "reply", "delivery"),
    Column("update", "update", "delivery"),
    Column("direct", "direct message", "delivery"),
    Column("file", "file", "delivery"),
    Column("ephemeral", "ephemeral", "delivery"),
    Column("view", "view", "delivery"),
    Column("respond", "response_url", "delivery"),
    Column("command", "command", "intake"),
    Column("button", "button", "intake"),
    Column("submission", "submission", "intake"),
    Column("shortcut", "shortcut", "intake"),
    Column("event", "event", "intake"),
    Column("webhook", "webhook", "intake"),
    Column("form", "every form of the product", "form"),
    Column("keys", "honours keys", "action"),
    Column("lookup", "can be looked up", "action"),
    Column("neither", "neither", "action"),
)

# Which body runs a family of faults for a group of columns: module.function of this folder.
BODIES: dict[tuple[str, str], str] = {
    ("answer", "delivery"): "test_delivery.test_an_answer_of_slack",
    ("process", "delivery"): "test_process.test_delivery",
    ("database", "delivery"): "test_delivery.test_the_database",
    ("replica", "delivery"): "test_delivery.test_a_second_replica",
    ("answer", "intake"): "test_intake.test_an_answer_of_slack",
    ("redelivery", "intake"): "test_intake.test_a_redelivery",
    ("process", "intake"): "test_process.test_intake",
    ("database", "intake"): "test_intake.test_the_database",
    ("replica", "intake"): "test_intake.test_a_second_replica",
    ("answer", "form"): "test_form.test_an_answer_of_slack",
    ("redelivery", "form"): "test_form.test_a_redelivery",
    ("process", "form"): "test_form.test_a_process",
    ("database", "form"): "test_form.test_the_database",
    ("replica", "form"): "test_form.test_a_second_replica",
    ("answer", "action"): "test_action.test_an_answer_of_the_shop",
    ("redelivery", "action"): "test_action.test_a_press_again",
    ("process", "action"): "test_process.test_action",
    ("database", "action"): "test_action.test_the_database",
    ("replica", "action"): "test_action.test_a_second_replica",
}

# Why a cell has no body: of a whole column, of a family in a group, or of one cell.
DOES_NOT_APPLY: dict[tuple[str, str], str] = {
    ("*", "webhook"): "Muster takes nothing in by a webhook: only Slack speaks to it.",
    ("redelivery", "delivery"): "Slack sends again what it says to us, never what we say to it.",
    **{
        ("slack_down", contract): "An action asks the shop, not Slack; what it says is delivery's."
        for contract in ("keys", "lookup", "neither")
    },
}


@dataclass(frozen=True)
class Cell:
    """One fault for one column: what runs it, or why nothing has to."""

    fault: Fault
    column: Column
    body: str | None
    why: str | None

    @property
    def id(self) -> str:
        return f"{self.fault.id}-{self.column.id}"


@dataclass(frozen=True)
class Case:
    """A cell on one engine."""

    cell: Cell
    engine: Engine

    @property
    def fault(self) -> Fault:
        return self.cell.fault

    @property
    def column(self) -> Column:
        return self.cell.column

    @property
    def id(self) -> str:
        return f"{self.cell.id}-{self.engine}"


def cell(fault: Fault, column: Column) -> Cell:
    """The table's entry for a fault and a column."""
    why = next(
        (
            DOES_NOT_APPLY[key]
            for key in (("*", column.id), (fault.id, column.id), (fault.family, column.group))
            if key in DOES_NOT_APPLY
        ),
        None,
    )
    body = None if why else BODIES.get((fault.family, column.group))
    return Cell(fault, column, body, why)


def cells() -> Iterator[Cell]:
    """The whole table, row by row."""
    for fault in FAULTS:
        for column in COLUMNS:
            yield cell(fault, column)


def cases(body: str) -> list[Case]:
    """What a test body runs: its cells on both engines."""
    return [Case(one, engine) for engine in ENGINES for one in cells() if one.body == body]


def once_per_kind() -> set[str]:
    """A part of the table for every day: each fault and each column once, engines in turn.

    Row by row the next column that has not had its turn; then the columns that are left.
    """
    chosen: set[str] = set()
    turn = {column.id: 0 for column in COLUMNS}

    def choose(candidates: list[Cell]) -> None:
        least = min(candidates, key=lambda one: turn[one.column.id])
        turn[least.column.id] += 1
        chosen.add(Case(least, ENGINES[len(chosen) % 2]).id)

    for fault in FAULTS:
        choose([one for one in cells() if one.fault is fault and one.body])
    for column in COLUMNS:
        if not turn[column.id] and any(one.body for one in cells() if one.column is column):
            choose([one for one in cells() if one.column is column and one.body])
    return chosen
