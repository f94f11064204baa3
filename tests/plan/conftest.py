"""Copies of the plan's files that a test may spoil."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from plan import loader, sources
from plan.lint import Fault, lint_sources
from plan.model import Plan
from plan.outline import load_outline
from plan.sources import DATA, read_source


@dataclass
class PlanCopy:
    """The product's plan in a folder of its own."""

    root: Path

    def change(self, file: str, old: str, new: str) -> None:
        """Replaces one place of a file; the text to replace must stand there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def lint(self) -> list[Fault]:
        paths = sources.files(self.root)
        return lint_sources([read_source(path, self.root) for path in paths], load_outline())

    def build(self) -> Plan:
        paths = sources.files(self.root)
        return loader.build([read_source(path, self.root) for path in paths])[0]


@pytest.fixture
def copy(tmp_path: Path) -> PlanCopy:
    root = tmp_path / "data"
    shutil.copytree(DATA, root)
    return PlanCopy(root)


@pytest.fixture(scope="session")
def plan() -> Plan:
    return loader.load_plan().plan
