"""The review's document as Markdown: whole for a file, its first screen for Slack."""

from __future__ import annotations

from typing import Any

from message_templates import writers
from message_templates.review_builder import Document, Table

SCREEN = 11_000  # Slack: the `markdown` blocks of a message hold 12,000 characters together


def whole(made: Document) -> str:
    """The first screen, the record and who wrote it."""
    record = [part for table in made.tables for part in _table(table)]
    closing = [writers.markdown(cell) for cell in made.closing]
    return "\n".join([*_first_screen(made), "", *record, "---", *closing]) + "\n"


def screen(made: Document) -> str:
    """The first screen (thread-examples 1.9), within Slack's size."""
    text = "\n".join(_first_screen(made))
    return text if writers.size(text) <= SCREEN else text[: SCREEN // 2].rsplit("\n", 1)[0]


def _first_screen(made: Document) -> list[str]:
    lines = [f"# {writers.markdown(made.title)}", "", writers.markdown(made.summary), ""]
    if made.times:
        lines += _rows(
            tuple(name for name, _ in made.times), [tuple(cell for _, cell in made.times)]
        )
        lines.append("")
    lines += [f"**{name}** {writers.markdown(cell)}  " for name, cell in made.points]
    changes = " ".join(writers.markdown(cell) for cell in made.changes)
    lines += [f"**{made.changes_heading}** {changes}", "", writers.markdown(made.identity)]
    return lines


def _table(table: Table) -> list[str]:
    return [f"## {table.heading}", "", *_rows(table.columns, table.rows), ""]


def _rows(columns: tuple[str, ...], rows: Any) -> list[str]:
    lines = [_row(columns), "|" + "---|" * len(columns)]
    return lines + [_row(tuple(writers.markdown(cell) for cell in row)) for row in rows]


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("\n", " ") or " " for cell in cells) + " |"
