"""Strict blocks: what Slack refuses, with the path of the fault."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.errors import SlackApiError
from slack_sdk.models import blocks as sdk
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import limits
from sandbox.slack.blocks.layout import BLOCKS
from sandbox.slack.blocks.validate import check_options, message_problems, view_problems
from tests.sandbox_slack.conftest import INCIDENTS

Block = dict[str, Any]


def plain(text: str = "x") -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Block:
    return {"type": "mrkdwn", "text": text}


def button(**more: Any) -> Block:
    return {"type": "button", "text": plain(), "action_id": "a", **more}


def option(value: str = "v", text: str = "x") -> Block:
    return {"text": plain(text), "value": value}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def field(element: Block, **more: Any) -> Block:
    return {"type": "input", "label": plain(), "element": element, **more}


def select(**more: Any) -> Block:
    return {"type": "static_select", "action_id": "a", **more}


def rich(*elements: Block) -> Block:
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": list(elements)}],
    }


def cell(text: str = "x") -> Block:
    return {"type": "raw_text", "text": text}


CONFIRM = {"title": plain(), "text": mrkdwn(), "confirm": plain(), "deny": plain()}
CONTAINER = {"type": "container", "title": plain(), "child_blocks": [{"type": "divider"}]}
DATA_TABLE = {"type": "data_table", "caption": "c", "rows": [[cell()], [cell()]]}
LINE = {
    "type": "data_visualization",
    "title": "t",
    "chart": {
        "type": "line",
        "axis_config": {"categories": ["a", "b"]},
        "series": [{"name": "s", "data": [{"label": "a", "value": 1}, {"label": "b", "value": 2}]}],
    },
}

VALID: list[Block] = [
    {"type": "section", "text": mrkdwn("x" * 3000)},
    {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10, "block_id": "b" * 255},
    {"type": "section", "text": plain(), "accessory": button(confirm=CONFIRM, style="danger")},
    {
        "type": "section",
        "text": plain(),
        "expand": True,
        "accessory": select(options=[option(str(n)) for n in range(100)]),
    },
    {"type": "header", "text": plain("x" * 150)},
    {"type": "divider"},
    {
        "type": "context",
        "elements": [
            mrkdwn(),
            {"type": "image", "alt_text": "x", "image_url": "https://example.org/x.png"},
        ],
    },
    actions(*(button(action_id=str(n), value="v" * 2000) for n in range(25))),
    actions({"type": "overflow", "action_id": "o", "options": [option(str(n)) for n in range(5)]}),
    actions({"type": "datetimepicker", "action_id": "d"}, {"type": "timepicker"}),
    field({"type": "plain_text_input", "action_id": "a", "max_length": 3000, "multiline": True}),
    field({"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}, optional=True),
    field({"type": "checkboxes", "options": [option()], "initial_options": [option()]}),
    rich(
        {"type": "text", "text": "x", "style": {"bold": True}},
        {"type": "user", "user_id": "U0MEI"},
        {"type": "date", "timestamp": 1, "format": "{time}", "fallback": "x"},
    ),
    {"type": "markdown", "text": "# x"},
    {
        "type": "table",
        "rows": [[cell(), {"type": "raw_number", "value": 3}], [cell(), cell()]],
        "column_settings": [{"align": "right", "is_wrapped": True}],
    },
    DATA_TABLE,
    CONTAINER,
    LINE,
    {"type": "alert", "text": mrkdwn(), "level": "warning"},
]


@pytest.mark.parametrize("block", VALID, ids=lambda block: block["type"])
def test_valid(block: Block) -> None:
    assert message_problems([block]) == []


def changed(block: Block, path: str, value: Any) -> Block:
    """The block with one place set, or taken out when the value is None."""
    block = copy.deepcopy(block)
    at: Any = block
    *parents, last = path.split("/")
    for step in parents:
        at = at[int(step)] if step.isdigit() else at[step]
    if value is None:
        del at[last]
    else:
        at[int(last) if last.isdigit() else last] = value
    return block


INVALID: list[tuple[Block, str, str]] = [
    ({"type": "sektion"}, "/blocks/0/type", "unsupported type: sektion"),
    ({"text": plain()}, "/blocks/0", "missing required field: type"),
    ({"type": "section"}, "/blocks/0", "must define one of: text, fields"),
    ({"type": "section", "text": "x"}, "/blocks/0/text", "must provide an object"),
    ({"type": "section", "text": mrkdwn("")}, "/blocks/0/text/text", "more than 0 characters"),
    ({"type": "section", "text": mrkdwn("x" * 3001)}, "/blocks/0/text/text", "less than 3001"),
    (
        {"type": "section", "text": {**mrkdwn(), "emoji": True}},
        "/blocks/0/text",
        "invalid additional property: emoji",
    ),
    (
        {"type": "section", "text": mrkdwn(), "colour": "red"},
        "/blocks/0",
        "invalid additional property: colour",
    ),
    (
        {"type": "section", "text": mrkdwn(), "accessory": None},
        "/blocks/0/accessory",
        "must provide an object",
    ),
    ({"type": "section", "fields": [mrkdwn()] * 11}, "/blocks/0/fields", "no more than 10"),
    ({"type": "section", "text": mrkdwn(), "block_id": "b" * 256}, "/blocks/0/block_id", "256"),
    (
        {"type": "section", "text": mrkdwn(), "accessory": {"type": "plain_text_input"}},
        "/blocks/0/accessory/type",
        "unsupported type",
    ),
    ({"type": "header", "text": mrkdwn()}, "/blocks/0/text/type", "unsupported type: mrkdwn"),
    ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text", "less than 151"),
    ({"type": "context", "elements": [mrkdwn()] * 11}, "/blocks/0/elements", "no more than 10"),
    (actions(), "/blocks/0/elements", "no fewer than 1"),
    (actions(*[button(action_id=str(n)) for n in range(26)]), "/blocks/0/elements", "25"),
    (actions(button(), button()), "/blocks/0/elements/1/action_id", "already exists"),
    (actions(button(text=plain("x" * 76))), "/blocks/0/elements/0/text/text", "less than 76"),
    (actions(button(value="x" * 2001)), "/blocks/0/elements/0/value", "less than 2001"),
    (actions(button(style="green")), "/blocks/0/elements/0/style", "must be one of"),
    (actions(button(action_id="a" * 256)), "/blocks/0/elements/0/action_id", "256"),
    (
        actions(button(confirm=changed(CONFIRM, "text/text", "x" * 301))),
        "/blocks/0/elements/0/confirm/text/text",
        "less than 301",
    ),
    (
        actions(button(confirm=changed(CONFIRM, "deny", None))),
        "/blocks/0/elements/0/confirm",
        "missing required field: deny",
    ),
    (
        actions({"type": "overflow", "options": [option(str(n)) for n in range(6)]}),
        "/blocks/0/elements/0/options",
        "no more than 5",
    ),
    (actions(select()), "/blocks/0/elements/0", "exactly one of: options, option_groups"),
    (
        actions(select(options=[option(str(n)) for n in range(101)])),
        "/blocks/0/elements/0/options",
        "no more than 100",
    ),
    (
        actions(select(options=[option()], initial_option=option("w"))),
        "/blocks/0/elements/0/initial_option",
        "match one of the options",
    ),
    (
        actions(select(options=[option(text="x" * 76)])),
        "/blocks/0/elements/0/options/0/text/text",
        "less than 76",
    ),
    (actions(select(options=[option("v" * 151)])), "/blocks/0/elements/0/options/0/value", "151"),
    (
        actions(select(options=[option()], placeholder=plain("x" * 151))),
        "/blocks/0/elements/0/placeholder/text",
        "less than 151",
    ),
    (
        actions({"type": "datepicker", "initial_date": "24.11.2026"}),
        "/blocks/0/elements/0/initial_date",
        "must be a date",
    ),
    (field({"type": "number_input"}), "/blocks/0/element", "is_decimal_allowed"),
    (
        field({"type": "plain_text_input", "max_length": 3001}),
        "/blocks/0/element/max_length",
        "at most 3000",
    ),
    (
        field({"type": "plain_text_input", "min_length": 9, "max_length": 3}),
        "/blocks/0/element/min_length",
        "less than or equal",
    ),
    (field(button()), "/blocks/0/element/type", "unsupported type: button"),
    (actions(button(url="nowhere")), "/blocks/0/elements/0/url", "valid URL"),
    (
        actions(select(options=[{**option(), "description": mrkdwn()}])),
        "/blocks/0/elements/0/options/0/description/type",
        "unsupported type: mrkdwn",
    ),
    ({"type": "header", "text": plain(), "level": 1}, "/blocks/0", "additional property: level"),
    (rich({"type": "bold", "text": "x"}), "/blocks/0/elements/0/elements/0/type", "unsupported"),
    ({"type": "markdown", "text": "x" * 12_001}, "/blocks/0/text", "less than 12001"),
    ({"type": "table", "rows": [[cell()] * 21]}, "/blocks/0/rows/0", "no more than 20"),
    ({"type": "table", "rows": [[cell()]] * 101}, "/blocks/0/rows", "no more than 100"),
    ({"type": "table", "rows": [[cell()], [cell(), cell()]]}, "/blocks/0/rows", "same number"),
    ({"type": "table", "rows": [[cell("x" * 600)]] * 20}, "/blocks", "less than 10001"),
    (
        changed(DATA_TABLE, "rows/0/0", rich({"type": "text", "text": "x"})),
        "/blocks/0/rows/0/0/type",
        "rich_text in the header",
    ),
    (changed(DATA_TABLE, "rows", [[cell()]]), "/blocks/0/rows", "no fewer than 2"),
    (changed(DATA_TABLE, "caption", None), "/blocks/0", "missing required field: caption"),
    ({**DATA_TABLE, "page_size": 101}, "/blocks/0/page_size", "at most 100"),
    (
        changed(CONTAINER, "child_blocks", [CONTAINER]),
        "/blocks/0/child_blocks/0/type",
        "unsupported type: container",
    ),
    (
        changed(CONTAINER, "child_blocks", [{"type": "divider"}] * 11),
        "/blocks/0/child_blocks",
        "no more than 10",
    ),
    ({**CONTAINER, "default_collapsed": True}, "/blocks/0/default_collapsed", "is_collapsible"),
    (
        changed(LINE, "chart/series/0/data/0/label", "z"),
        "/blocks/0/chart/series/0/data",
        "categories",
    ),
]


@pytest.mark.parametrize(
    ("block", "pointer", "words"),
    INVALID,
    ids=[f"{n}-{words[:30]}" for n, (_, _, words) in enumerate(INVALID)],
)
def test_invalid(block: Block, pointer: str, words: str) -> None:
    problems = message_problems([block])
    assert [(p.pointer, words in p.message) for p in problems] == [(pointer, True)], problems


def test_ids_are_unique_within_the_message_even_in_a_container() -> None:
    inner = {"type": "divider", "block_id": "same"}
    problems = message_problems([inner, changed(CONTAINER, "child_blocks", [inner])])
    assert "already exists" in problems[0].message
    other = actions(button())
    assert message_problems([other, other]) == [], "an action_id may come back in another block"


def test_fifty_blocks_and_no_more() -> None:
    assert message_problems([{"type": "divider"}] * 50) == []
    assert "no more than 50" in message_problems([{"type": "divider"}] * 51)[0].message
    table = {"type": "table", "rows": [[cell()]]}
    assert message_problems([table, table])[0].code == "only_one_table_allowed"


MODAL: Block = {"type": "modal", "title": plain(), "blocks": [{"type": "divider"}]}


@pytest.mark.parametrize(
    ("view", "pointer", "words"),
    [
        ({"type": "modal", "blocks": []}, "/view", "missing required field: title"),
        ({**MODAL, "title": plain("x" * 25)}, "/view/title/text", "less than 25"),
        ({**MODAL, "submit": plain("x" * 25)}, "/view/submit/text", "less than 25"),
        ({**MODAL, "close": mrkdwn()}, "/view/close/type", "unsupported type"),
        ({**MODAL, "private_metadata": "x" * 3001}, "/view/private_metadata", "less than 3001"),
        ({**MODAL, "callback_id": "x" * 256}, "/view/callback_id", "less than 256"),
        ({**MODAL, "state": {}}, "/view", "invalid additional property: state"),
        ({**MODAL, "blocks": [{"type": "divider"}] * 101}, "/view/blocks", "no more than 100"),
        ({**MODAL, "blocks": []}, "/view/blocks", "no fewer than 1"),
        (
            {**MODAL, "blocks": [{"type": "markdown", "text": "x"}]},
            "/view/blocks/0/type",
            "unsupported type: markdown in modal",
        ),
        ({**MODAL, "blocks": [field({"type": "plain_text_input"})]}, "/view", "submit"),
        ({"type": "home", "title": plain(), "blocks": []}, "/view", "additional property: title"),
        ({"type": "dialog"}, "/view/type", "unsupported type: dialog"),
        ({"blocks": []}, "/view", "missing required field: type"),
        (["modal"], "/view", "must provide an object"),
    ],
)
def test_invalid_views(view: Any, pointer: str, words: str) -> None:
    problems = view_problems(view)
    assert pointer in [p.pointer for p in problems]
    assert any(words in p.message for p in problems), problems


def test_focus_only_once() -> None:
    focus = [field({"type": "plain_text_input", "focus_on_load": True}, block_id=b) for b in "ab"]
    view = {**MODAL, "submit": plain(), "blocks": focus}
    assert "focus_on_load" in view_problems(view)[0].message


def test_options_for_an_external_select() -> None:
    assert check_options({"options": [option()]}) == []
    assert check_options({"options": []}) == []
    assert check_options({})[0].message.startswith("must define exactly one of")
    assert check_options({"options": [{"text": "x"}]})
    assert check_options("x")


async def test_slack_names_the_path(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(
            channel=INCIDENTS, text="x", blocks=[{"type": "section", "text": mrkdwn("")}]
        )
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] must be more than 0 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_blocks_validate_needs_no_token(client: AsyncWebClient) -> None:
    client.token = None
    assert (await client.api_call("blocks.validate", json={"view": MODAL}))["ok"]
    with pytest.raises(SlackApiError) as caught:
        await client.api_call("blocks.validate", json={"blocks": [{"type": "x"}]})
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["errors"][0]["pointer"] == "/0/type"


def test_what_the_sdks_models_write_is_accepted() -> None:
    written = [
        sdk.SectionBlock(
            text=sdk.MarkdownTextObject(text="x"),
            accessory=sdk.ButtonElement(text="x", action_id="a", style="primary"),
        ),
        sdk.ActionsBlock(
            elements=[
                sdk.StaticSelectElement(action_id="s", options=[sdk.Option(value="v", text="x")]),
                sdk.DatePickerElement(action_id="d", initial_date="2026-11-24"),
                sdk.OverflowMenuElement(action_id="o", options=[sdk.Option(value="v", text="x")]),
            ]
        ),
        sdk.ContextBlock(elements=[sdk.MarkdownTextObject(text="x")]),
        sdk.HeaderBlock(text="x"),
        sdk.DividerBlock(),
        sdk.MarkdownBlock(text="x"),
        sdk.InputBlock(label="x", element=sdk.PlainTextInputElement(action_id="i")),
    ]
    assert message_problems([json.loads(json.dumps(b.to_dict())) for b in written]) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "fields", "blocks", "options", "x"]),
            inner | st.sampled_from(sorted(BLOCKS)),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3) | JSON)
def test_anything_is_answered_and_nothing_raises(value: Any) -> None:
    message_problems(value)
    view_problems(value)


@given(st.sampled_from(VALID), st.data())
@settings(max_examples=200)
def test_a_field_that_slack_does_not_know_is_refused_wherever_it_stands(
    block: Block, data: st.DataObject
) -> None:
    block = copy.deepcopy(block)
    places: list[Block] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            places.append(value)
        for inner in (
            value.values()
            if isinstance(value, dict)
            else (value if isinstance(value, list) else ())
        ):
            collect(inner)

    collect(block)
    data.draw(st.sampled_from(places))["zzz"] = 1
    assert any("zzz" in p.message for p in message_problems([block]))


@given(st.integers(1, 4000))
@settings(max_examples=60)
def test_the_length_of_a_section_is_its_limit(length: int) -> None:
    problems = message_problems([{"type": "section", "text": mrkdwn("字" * length)}])
    assert bool(problems) == (length > limits.SECTION_TEXT)
