"""Orders told by an earlier version: the upgrade enters each in the table of its own."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from storage.upgrade import alembic_config


class Old:
    """A database of the version before, with one order, its case and its attempts."""

    def __init__(self, path: Path) -> None:
        self.path, self.attempts = path, 0
        self._upgrade("0005")
        with sqlite3.connect(path) as raw:
            raw.execute(
                "insert into cases (id, incident_id, kind, key, state, facts, updated_at)"
                " values (1, 1, 'order', 'FG-1', 'waiting', '{}', '2026-11-01')"
            )

    def attempt(self, state: str) -> None:
        self.attempts += 1
        with sqlite3.connect(self.path) as raw:
            raw.execute(
                "insert into action_attempts (id, key, incident_id, press, action, params, state,"
                " covers, requested_by, requested_at, looks)"
                " values (?, ?, 1, 'p', 'notify_customer', ?, ?, '[1]', 'U', '2026-11-01', 0)",
                (self.attempts, str(self.attempts), json.dumps({"template": "late"}), state),
            )

    def told(self) -> list[tuple[str, str, int, str]]:
        self._upgrade("0006")
        with sqlite3.connect(self.path) as raw:
            return raw.execute(
                "select order_key, state, attempt_id, facts from told_orders"
            ).fetchall()

    def _upgrade(self, to: str) -> None:
        engine = create_engine(f"sqlite:///{self.path}")  # without the rows that they refer to
        with engine.begin() as connection:
            command.upgrade(alembic_config(connection), to)
        engine.dispose()


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path / "muster.db")


def test_a_press_that_waits_for_approval_has_claimed(old: Old) -> None:
    old.attempt("awaiting_approval")
    assert [row[:3] for row in old.told()] == [("FG-1", "claimed", 1)]


@pytest.mark.parametrize("later", ["unknown", "sent", "awaiting_approval", "failed"])
def test_what_was_told_stays_told_whatever_was_asked_for_later(old: Old, later: str) -> None:
    old.attempt("done")
    old.attempt(later)
    assert [row[:3] for row in old.told()] == [("FG-1", "told", 1)]


def test_what_was_told_leaves_its_order_waiting(old: Old) -> None:
    old.attempt("done")
    [(_, _, _, facts)] = old.told()
    assert json.loads(facts) == {"state": "waiting"}
