"""Block elements: what a person presses, chooses or fills in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sandbox.slack import limits
from sandbox.slack.blocks.objects import (
    ACTION_ID,
    CHECK_OPTION,
    CONFIRM,
    DISPATCH_CONFIG,
    FILTER,
    OPTION_GROUPS,
    OVERFLOW_OPTION,
    SELECT_OPTION,
    SELECT_OPTIONS,
    SLACK_FILE,
    STYLE,
    URL,
    initial_offered,
    not_both_images,
    options_or_groups,
    plain,
)
from sandbox.slack.blocks.rich_text import RICH_TEXT
from sandbox.slack.blocks.schema import (
    ByType,
    Extra,
    Flag,
    Found,
    Many,
    Record,
    Rule,
    Text,
    Whole,
    typed,
)
from sandbox.slack.errors import Json

DATE = Text(
    pattern=re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"),
    meaning="must be a date like 2026-11-24",
)
TIME = Text(pattern=re.compile(r"([01]\d|2[0-3]):[0-5]\d"), meaning="must be a time like 23:59")
LABEL = Text(longest=limits.ACCESSIBILITY_LABEL)
PLACEHOLDER = plain(limits.PLACEHOLDER)
CHANNEL_ID = Text(pattern=re.compile(r"[CDG][A-Z0-9]+"), meaning="must be a channel id")
USER_ID = Text(pattern=re.compile(r"[UW][A-Z0-9]+"), meaning="must be a user id")
FIELD: Mapping[str, Rule] = {"action_id": ACTION_ID, "focus_on_load": Flag()}
CHOICE: Mapping[str, Rule] = {**FIELD, "confirm": CONFIRM}
PICK: Mapping[str, Rule] = {**CHOICE, "placeholder": PLACEHOLDER}
TYPED: Mapping[str, Rule] = {
    **FIELD,
    "placeholder": PLACEHOLDER,
    "dispatch_action_config": DISPATCH_CONFIG,
}
NUMERAL = re.compile(r"-?\d+(\.\d+)?")


def _lengths(element: Json, at: str, found: Found) -> None:
    least, most = element.get("min_length", 0), element.get("max_length")
    if most is not None and least > most:
        found.add(f"{at}/min_length", "must be less than or equal to max_length")


def _numbers(element: Json, at: str, found: Found) -> None:
    whole = not element["is_decimal_allowed"]
    for name in ("min_value", "max_value", "initial_value"):
        if whole and "." in element.get(name, ""):
            found.add(f"{at}/{name}", "must be a whole number when decimals are not allowed")
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and most is not None and float(least) > float(most):
        found.add(f"{at}/min_value", "must be less than or equal to max_value")


def _selects(
    name: str,
    one: Rule,
    fields: Mapping[str, Rule],
    required: tuple[str, ...],
    extra: tuple[Extra, ...],
    initial: str,
) -> dict[str, Record]:
    """A select and its multi-select."""
    single_only: dict[str, Rule] = {}
    if name in ("conversations", "channels"):
        single_only["response_url_enabled"] = Flag()
    return {
        f"{name}_select": typed(
            f"{name}_select",
            {**PICK, **fields, **single_only, initial: one},
            required,
            extra,
        ),
        f"multi_{name}_select": typed(
            f"multi_{name}_select",
            {**PICK, **fields, f"{initial}s": Many(one), "max_selected_items": Whole(least=1)},
            required,
            extra,
        ),
    }


BUTTON = typed(
    "button",
    {
        "action_id": ACTION_ID,
        "text": plain(limits.BUTTON_TEXT),
        "url": URL,
        "value": Text(longest=limits.BUTTON_VALUE),
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": LABEL,
        "visible_to_user_ids": Many(USER_ID),
    },
    ["text"],
)
FEEDBACK = Record(
    {
        "text": plain(limits.BUTTON_TEXT),
        "value": Text(longest=limits.BUTTON_VALUE),
        "accessibility_label": LABEL,
    },
    frozenset({"text", "value"}),
)
IMAGE = typed(
    "image",
    {
        "image_url": Text(longest=limits.IMAGE_URL),
        "alt_text": Text(longest=limits.ALT_TEXT),
        "slack_file": SLACK_FILE,
    },
    ["alt_text"],
    [not_both_images],
)

ELEMENTS: dict[str, Record] = {
    "button": BUTTON,
    "image": IMAGE,
    "overflow": typed(
        "overflow",
        {
            "action_id": ACTION_ID,
            "confirm": CONFIRM,
            "options": Many(OVERFLOW_OPTION, most=limits.OVERFLOW_OPTIONS),
        },
        ["options"],
    ),
    "checkboxes": typed(
        "checkboxes",
        {
            **CHOICE,
            "options": Many(CHECK_OPTION, most=limits.CHECK_OPTIONS),
            "initial_options": Many(CHECK_OPTION),
        },
        ["options"],
        [initial_offered],
    ),
    "radio_buttons": typed(
        "radio_buttons",
        {
            **CHOICE,
            "options": Many(CHECK_OPTION, most=limits.CHECK_OPTIONS),
            "initial_option": CHECK_OPTION,
        },
        ["options"],
        [initial_offered],
    ),
    "datepicker": typed("datepicker", {**PICK, "initial_date": DATE}),
    "timepicker": typed("timepicker", {**PICK, "initial_time": TIME, "timezone": Text()}),
    "datetimepicker": typed(
        "datetimepicker",
        {
            **CHOICE,
            "initial_date_time": Whole(least=1_000_000_000, most=9_999_999_999),
        },
    ),
    **_selects(
        "static",
        SELECT_OPTION,
        {"options": SELECT_OPTIONS, "option_groups": OPTION_GROUPS},
        (),
        (options_or_groups, initial_offered),
        "initial_option",
    ),
    **_selects(
        "external", SELECT_OPTION, {"min_query_length": Whole(least=0)}, (), (), "initial_option"
    ),
    **_selects("users", USER_ID, {}, (), (), "initial_user"),
    **_selects(
        "conversations",
        CHANNEL_ID,
        {"default_to_current_conversation": Flag(), "filter": FILTER},
        (),
        (),
        "initial_conversation",
    ),
    **_selects("channels", CHANNEL_ID, {}, (), (), "initial_channel"),
    "plain_text_input": typed(
        "plain_text_input",
        {
            **TYPED,
            "initial_value": Text(limits.PLAIN_TEXT_INPUT, 0),
            "multiline": Flag(),
            "min_length": Whole(0, limits.PLAIN_TEXT_INPUT),
            "max_length": Whole(1, limits.PLAIN_TEXT_INPUT),
        },
        (),
        [_lengths],
    ),
    "email_text_input": typed("email_text_input", {**TYPED, "initial_value": Text()}),
    "url_text_input": typed("url_text_input", {**TYPED, "initial_value": URL}),
    "number_input": typed(
        "number_input",
        {
            **TYPED,
            "is_decimal_allowed": Flag(),
            **{
                name: Text(pattern=NUMERAL, meaning="must be a number written as a string")
                for name in ("initial_value", "min_value", "max_value")
            },
        },
        ["is_decimal_allowed"],
        [_numbers],
    ),
    "rich_text_input": typed(
        "rich_text_input",
        {
            **TYPED,
            "initial_value": ByType({"rich_text": RICH_TEXT}),
            "min_lines": Whole(1),
            "max_lines": Whole(1),
        },
        ["action_id"],
    ),
    "file_input": typed(
        "file_input",
        {
            "action_id": ACTION_ID,
            "filetypes": Many(Text()),
            "max_files": Whole(1, limits.FILE_INPUT_FILES),
        },
    ),
    "feedback_buttons": typed(
        "feedback_buttons",
        {
            "action_id": ACTION_ID,
            "positive_button": FEEDBACK,
            "negative_button": FEEDBACK,
        },
        ["positive_button", "negative_button"],
    ),
    "icon_button": typed(
        "icon_button",
        {
            "action_id": ACTION_ID,
            "icon": Text(choices=frozenset({"trash"})),
            "text": plain(limits.BUTTON_TEXT),
            "value": Text(longest=limits.BUTTON_VALUE),
            "confirm": CONFIRM,
            "accessibility_label": LABEL,
            "visible_to_user_ids": Many(USER_ID),
        },
        ["icon", "text"],
    ),
}

_SELECT_TYPES = tuple(
    f"{multi}{kind}_select"
    for multi in ("", "multi_")
    for kind in ("static", "external", "users", "conversations", "channels")
)
_PICKERS = ("checkboxes", "radio_buttons", "datepicker", "timepicker", *_SELECT_TYPES)


def _some(*names: str) -> ByType:
    return ByType({name: ELEMENTS[name] for name in names})


# Slack: which elements a block may hold.
ACCESSORY = _some("button", "image", "overflow", *_PICKERS)
IN_ACTIONS = _some("button", "overflow", "datetimepicker", *_PICKERS)
IN_INPUT = _some(
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "rich_text_input",
    "file_input",
    "datetimepicker",
    *_PICKERS,
)
IN_CONTEXT_ACTIONS = _some("feedback_buttons", "icon_button")
IN_CARD = _some("button")
