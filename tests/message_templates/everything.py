"""Every template of the product, rendered with views that fill all of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from message_templates.engine import Message, Templates
from tests.message_templates import builders

LANGUAGES = ("en", "zh-Hant")
TEMPLATES = Templates(builders.TAIPEI)
METADATA = {"incident": 412, "version": 7, "step": "3.3.1.s2", "channel": "C0INCIDENTS"}

# Parts of other templates; the fields of forms are reached through the forms.
PARTS = frozenset(
    {"button", "error", "field", "list_item", "notice_buttons", "runbook_step", "typed"}
    | {
        f"field_{kind}"
        for kind in (
            "text", "lines", "number", "money", "date", "datetime", "select", "person", "tick"
        )
    }
)  # fmt: skip

Rendered = tuple[str, Any, dict[str, Any]]


def inputs() -> Iterator[Rendered]:
    """Template, view and parameters of everything that is rendered."""
    for card in (
        builders.card_open(),
        builders.card_passed_over(),
        builders.card_running(),
        builders.card_mitigated(),
        builders.card_waiting(),
        builders.card_restored(),
        *builders.card_closed(),
    ):
        yield "card", card, {}
    for runbook in (
        builders.runbook_mitigated(),
        builders.runbook_skipped(),
        builders.runbook_all_states(),
        builders.runbook_long(60),
    ):
        yield "runbook", runbook, {}
    for line in (*builders.log_lines(), *builders.alert_lines()):
        yield "log", line, {}
    for name, (view, params) in builders.modals().items():
        yield name, view, {**params, "metadata": METADATA}
    for form in builders.forms():
        yield "form", {"form": form, "scope": builders.scope()}, {"metadata": METADATA}
    for name, (view, params) in builders.notices().items():
        yield name, view, params
    for view, params in builders.desk_notes():
        yield "desk", view, params
    for picture in builders.pictures():
        yield "picture", picture, {}
    yield "notice", builders.card_open(), {"event": "no_owner", "minutes": 5}
    yield "answer", None, {"code": "stale", "params": {"at": builders.at("03:07")}}
    yield "review", builders.review_view(), {}
    yield "review", builders.review_view(), {"buttons": [builders.take_button()]}


def rendered() -> Iterator[tuple[str, str, Message]]:
    for name, view, params in inputs():
        for language in LANGUAGES:
            yield name, language, TEMPLATES.render(name, view, language=language, params=params)


def template_names() -> set[str]:
    folder = files("message_templates").joinpath("templates")
    return {
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
