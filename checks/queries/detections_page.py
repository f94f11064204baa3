"""Detections page: the product's own checks as the table of docs/checks.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plan.check_files import check_files
from plan.sources import DATA, Source, plan_order

_TABLES = re.compile(r"\b(?:from|join) ([a-z_]+) [a-z]\b")


def detections_page() -> Iterator[str]:
    """One row each: name, section, what it finds (the head of its file), what it asks of."""
    yield "| check | section | what it finds | asks of |"
    yield "| --- | --- | --- | --- |"
    ours = [(s, c) for s, c in check_files() if s.path.is_relative_to(DATA)]
    for source, check in sorted(ours, key=lambda one: plan_order(_section(one[0]))):
        asked = dict.fromkeys(_TABLES.findall(str(check.get("find"))))
        tables = ", ".join(f"`{table}`" for table in asked)
        yield f"| `{source.path.stem}` | {_section(source)} | {_head(source)} | {tables} |"


def _section(source: Source) -> str:
    return source.path.parent.parent.name


def _head(source: Source) -> str:
    """What stands above the check, as one line."""
    lines = source.path.read_text(encoding="utf-8").splitlines()
    head = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    return " ".join(head)
