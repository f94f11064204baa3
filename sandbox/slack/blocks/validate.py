"""Validate: checks of whole messages and views, what Slack refuses is refused, with the path of the
fault.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sandbox.slack import limits
from sandbox.slack.blocks.layout import ANY_BLOCK, BLOCKS
from sandbox.slack.blocks.objects import OPTION_GROUPS, SELECT_OPTIONS, options_or_groups, plain
from sandbox.slack.blocks.schema import Flag, Found, Many, Problem, Record, Text
from sandbox.slack.blocks.walk import each_block, each_element, literal_length
from sandbox.slack.errors import Json, Refused

__all__ = [
    "BLOCKS",
    "check_options",
    "check_view",
    "message_problems",
    "require_message_blocks",
    "view_problems",
]


_MODAL = Record(
    {
        "type": Text(),
        "title": plain(limits.VIEW_TITLE),
        "submit": plain(limits.VIEW_BUTTON),
        "close": plain(limits.VIEW_BUTTON),
        "blocks": Many(ANY_BLOCK, most=limits.VIEW_BLOCKS),
        "private_metadata": Text(limits.VIEW_PRIVATE_METADATA, 0),
        "callback_id": Text(limits.VIEW_CALLBACK_ID, 0),
        "clear_on_close": Flag(),
        "notify_on_close": Flag(),
        "external_id": Text(limits.VIEW_EXTERNAL_ID, 0),
    },
    frozenset({"type", "title", "blocks"}),
)
_HOME = Record(
    {
        "type": Text(),
        "blocks": Many(ANY_BLOCK, 0, limits.VIEW_BLOCKS),
        "private_metadata": Text(limits.VIEW_PRIVATE_METADATA, 0),
        "callback_id": Text(limits.VIEW_CALLBACK_ID, 0),
        "external_id": Text(limits.VIEW_EXTERNAL_ID, 0),
    },
    frozenset({"type", "blocks"}),
)
_VIEWS = {"modal": _MODAL, "home": _HOME}
_TABLES = ("table", "data_table")


def message_problems(blocks: Any, at: str = "/blocks") -> list[Problem]:
    found = Found("message")
    Many(ANY_BLOCK, least=0, most=limits.MESSAGE_BLOCKS).check(blocks, at, found)
    if not found.problems:
        _unique_block_ids(blocks, at, found)
        markdown = sum(len(b["text"]) for b in each_block(blocks) if b["type"] == "markdown")
        if markdown > limits.MESSAGE_MARKDOWN:
            found.add(at, f"markdown must be less than {limits.MESSAGE_MARKDOWN + 1} characters")
        _tables(blocks, at, found)
    return found.problems


def view_problems(view: Any, at: str = "/view") -> list[Problem]:
    if not isinstance(view, dict):
        return [Problem(at, "invalid_type", "must provide an object")]
    record = _VIEWS.get(str(view.get("type")))
    if record is None:
        kind = view.get("type")
        words = "missing required field: type" if kind is None else f"unsupported type: {kind}"
        return [Problem(at if kind is None else f"{at}/type", "unsupported_type", words)]
    found = Found(view["type"])
    record.check(view, at, found)
    if not found.problems:
        _view_rules(view, at, found)
    return found.problems


def require_message_blocks(blocks: Any) -> None:
    """Raises `invalid_blocks` or `msg_blocks_too_long`."""
    problems = message_problems(blocks)
    if problems:
        raise Refused(
            "invalid_blocks",
            messages=[p.words() for p in problems],
            errors=[p.words() for p in problems],
        )
    if sum(literal_length(block) for block in blocks) > limits.MESSAGE_BLOCKS_TEXT:
        raise Refused("msg_blocks_too_long")


def check_view(view: Any, *, kind: str) -> None:
    """Raises `invalid_arguments` or `view_too_large`."""
    problems = view_problems(view)
    if not problems and view["type"] != kind:
        problems = [Problem("/view/type", "unsupported_type", f"must be a {kind} view")]
    if problems:
        raise Refused("invalid_arguments", messages=[p.words() for p in problems])
    if len(json.dumps(view, ensure_ascii=False).encode()) > limits.VIEW_BYTES:
        raise Refused("view_too_large")


def check_options(answer: Any) -> list[Problem]:
    """The answer to a block_suggestion."""
    found = Found("modal")
    Record(
        {
            "options": Many(SELECT_OPTIONS.item, 0, limits.SELECT_OPTIONS),
            "option_groups": OPTION_GROUPS,
        },
        extra=(options_or_groups,),
    ).check(answer, "", found)
    return found.problems


def _unique_block_ids(blocks: Sequence[Json], at: str, found: Found) -> None:
    seen: set[str] = set()
    for block in each_block(blocks):
        block_id = block.get("block_id")
        if block_id is None:
            continue
        if block_id in seen:
            found.add(at, f'`block_id` "{block_id}" already exists')
        seen.add(block_id)


def _tables(blocks: Sequence[Json], at: str, found: Found) -> None:
    tables = [block for block in each_block(blocks) if block["type"] in _TABLES]
    if sum(block["type"] == "table" for block in tables) > 1:
        found.add(at, "only one table allowed", "only_one_table_allowed")
    if sum(literal_length(table["rows"]) for table in tables) > limits.TABLE_CHARACTERS:
        found.add(at, f"tables must be less than {limits.TABLE_CHARACTERS + 1} characters")


def _view_rules(view: Json, at: str, found: Found) -> None:
    _unique_block_ids(view["blocks"], f"{at}/blocks", found)
    has_input = any(block["type"] == "input" for block in view["blocks"])
    if view["type"] == "modal" and has_input and "submit" not in view:
        found.add(
            at, "missing required field: submit (required with an input block)", "missing_field"
        )
    focused = [e for _, e in each_element(view["blocks"]) if e.get("focus_on_load") is True]
    if len(focused) > 1:
        found.add(f"{at}/blocks", "only one element may have focus_on_load")
    _tables(view["blocks"], f"{at}/blocks", found)
