"""The review written as Markdown, as a page of its own, as JSON and as Slack's first screen."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from html import escape
from importlib.resources import files
from typing import Any

from message_templates import review_document, writers
from message_templates.engine import Templates
from message_templates.review_builder import Cell, Composer, Document, Table, without_keys
from message_templates.text_parts import clean
from plan.languages import LANGUAGES

_PLACE = re.compile(r"\{\{(language|title|body)\}\}")


def _document(templates: Templates, view: Any, language: str, zone: tzinfo | None) -> Document:
    return Composer(view, templates.state(language, zone)).document()


def review_markdown(
    templates: Templates, view: Any, *, language: str, zone: tzinfo | None = None
) -> str:
    """The whole review as Markdown."""
    made = _document(templates, view, language, zone)
    return review_document.whole(made)


def review_screen(
    templates: Templates, view: Any, *, language: str, zone: tzinfo | None = None
) -> str:
    """The first screen, for Slack's `markdown` block (thread-examples 1.9)."""
    return review_document.screen(_document(templates, view, language, zone))


def review_html(
    templates: Templates, view: Any, *, language: str, zone: tzinfo | None = None
) -> str:
    """The review as one page that needs nothing else and prints well."""
    made = _document(templates, view, language, zone)
    page = files("message_templates").joinpath("templates", "review.html").read_text("utf-8")
    times = Table("", tuple(name for name, _ in made.times), (tuple(c for _, c in made.times),))
    points = "\n".join(
        f"<dt>{escape(name)}</dt><dd>{writers.html(cell)}</dd>" for name, cell in made.points
    )
    changes = "<br>".join(writers.html(cell) for cell in made.changes)
    body = [
        f"<h1>{writers.html(made.title)}</h1>",
        f'<p class="identity">{writers.html(made.identity)}</p>',
        f'<p class="summary">{writers.html(made.summary)}</p>',
        _html_table(times, "times") if made.times else "",
        f"<dl>{points}<dt>{escape(made.changes_heading)}</dt><dd>{changes}</dd></dl>",
        *(
            f"<section><h2>{escape(table.heading)}</h2>{_html_table(table)}</section>"
            for table in made.tables
        ),
        *(f'<p class="closing">{writers.html(cell)}</p>' for cell in made.closing),
    ]
    filled = {
        "language": made.language,
        "title": escape(writers.plain(made.title, 200)),
        "body": "\n".join(part for part in body if part),
    }
    return _PLACE.sub(lambda found: filled[found.group(1)], page)


def _html_table(table: Table, kind: str = "record") -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(f"<tr>{_html_row(row)}</tr>" for row in table.rows)
    label = f' aria-label="{escape(table.heading)}"' if table.heading else ""
    inner = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    kind += " wide" if kind == "record" and len(table.columns) > 4 else ""
    return f'<div class="{kind}" tabindex="0" role="region"{label}><table>{inner}</table></div>'


def _html_row(row: tuple[Cell, ...]) -> str:
    return "".join(f"<td>{writers.html(cell)}</td>" for cell in row)


def review_json(templates: Templates, view: Any, *, zone: tzinfo | None = None) -> dict[str, Any]:
    """The review as data: stable names, ISO times, minor units, words in every language."""
    return {
        "reference": view.reference,
        "number": view.number,
        "title": _both(templates, view.title, view.scope, zone),
        "summary": _both(templates, view.summary, view.scope, zone),
        "severity": view.severity,
        "status": view.status,
        "family": view.family,
        "section": view.section,
        "plan": {"version": view.plan_version, "hash": view.plan_hash},
        "times": {name: _plain(at) for name, at in view.times},
        "outages": [{"from": _plain(began), "to": _plain(ended)} for began, ended in view.outages],
        "acknowledged_after_seconds": view.acknowledged_after,
        "acknowledge_limit_seconds": view.acknowledge_limit,
        "found_after_seconds": view.found_after,
        "timeline": [
            {
                "sequence": entry.sequence,
                "at": _plain(entry.at),
                "kind": entry.kind,
                "actor": _person(entry.actor),
                "text": _log_text(templates, entry, zone),
                "written": entry.text,
            }
            for entry in view.timeline
        ],
        "steps": [
            {
                "id": step.step_id,
                "number": step.number,
                "section": step.section,
                "title": _both(templates, step.title, step.scope, zone),
                "state": step.state,
                "actor": _person(step.actor) or step.actor_kind,
                "at": _plain(step.at),
                "verified_at": _plain(step.verified_at),
                "first_at": _plain(step.first_at),
                "reason": step.reason,
            }
            for step in view.steps
        ],
        "actions": [
            {
                "action": one.action,
                "title": _both(templates, one.title, one.scope, zone),
                "actor": _person(one.actor),
                "requested_at": _plain(one.requested_at),
                "settled_at": _plain(one.settled_at),
                "state": one.state,
                "before": _plain(without_keys(one.before or {})) or None,
                "after": _plain(without_keys(one.after or {})) or None,
                "undone": one.undone,
            }
            for one in view.actions
        ],
        "cases": [
            {
                "kind": case.kind,
                "key": case.key,
                "state": case.state,
                "outcome": case.outcome,
                "amount": _plain(case.amount),
                "facts": _plain(without_keys(case.facts)),
            }
            for case in view.cases
        ],
        "cause": {"code": view.cause_code, "text": view.cause_text, "by": _person(view.cause_by)},
        "follow_ups": [
            {"text": text, "owner": _person(owner), "due": _plain(due), "done": done}
            for text, owner, due, done in view.follow_ups
        ],
        "plan_followed": {
            "done": view.steps_done,
            "skipped": view.steps_skipped,
            "in_order": view.in_order,
            "left": len(view.steps_left),
            "needed": view.steps_needed,
            "touched": view.touched,
        },
        "end": view.end,
        "solution_after_seconds": view.solution_after,
        "solution_limit_seconds": view.solution_limit,
        "rings": dict(view.rings),
        "notes": [
            {"by": _person(who), "at": _plain(at), "text": text} for who, at, text in view.notes
        ],
        "open_items": [_open_item(templates, item, view.scope, zone) for item in view.open_items],
        "written_at": _plain(view.written_at),
    }


def _both(
    templates: Templates, words: Any, scope: Mapping[str, Any], zone: tzinfo | None
) -> dict[str, str]:
    return {
        language: templates.words(words, scope, language=language, zone=zone)
        for language in LANGUAGES
    }


def _open_item(
    templates: Templates, item: Any, scope: Mapping[str, Any], zone: tzinfo | None
) -> Any:
    words, more = item if isinstance(item, tuple) else (item, {})
    both = hasattr(words, "in_")
    return _both(templates, words, {**scope, **more}, zone) if both else str(words)


def _log_text(templates: Templates, entry: Any, zone: tzinfo | None) -> dict[str, str]:
    made: dict[str, str] = {}
    for language in LANGUAGES:
        state = templates.state(language, zone)
        line = state.leaf("{{ log_line(entry) }}", {"entry": clean(entry)})
        made[language] = writers.plain(state.parts(line))
    return made


def _person(person: Any) -> str | None:
    return None if person is None else str(person.name)


def _plain(value: Any) -> Any:
    """Times as ISO text, mappings and dataclasses as plain data."""
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
