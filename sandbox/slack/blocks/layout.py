"""Layout blocks: the table of every block type that the sandbox takes."""

from __future__ import annotations

from sandbox.slack import limits
from sandbox.slack.blocks.elements import (
    ACCESSORY,
    IMAGE,
    IN_ACTIONS,
    IN_CARD,
    IN_CONTEXT_ACTIONS,
    IN_INPUT,
)
from sandbox.slack.blocks.objects import SLACK_FILE, not_both_images, plain, words
from sandbox.slack.blocks.rich_text import RICH_TEXT
from sandbox.slack.blocks.schema import (
    ByType,
    Extra,
    Flag,
    Found,
    Later,
    Many,
    Number,
    Record,
    Rule,
    Text,
    Whole,
    one_of,
    typed,
)
from sandbox.slack.errors import Json

BLOCK_ID = Text(longest=limits.BLOCK_ID)
MESSAGE = ("message",)
ANYWHERE = ("message", "modal", "home")


def block(
    kind: str,
    fields: dict[str, Rule],
    required: tuple[str, ...] = (),
    extra: tuple[Extra, ...] = (),
    surfaces: tuple[str, ...] = ANYWHERE,
) -> Record:
    return typed(kind, {"block_id": BLOCK_ID, **fields}, required, extra, surfaces)


def _unique_actions(value: Json, at: str, found: Found) -> None:
    seen: set[str] = set()
    for index, element in enumerate(value["elements"]):
        action_id = element.get("action_id")
        if action_id is None:
            continue
        if action_id in seen:
            found.add(
                f"{at}/elements/{index}/action_id", f'`action_id` "{action_id}" already exists'
            )
        seen.add(action_id)


def _uniform_rows(value: Json, at: str, found: Found) -> None:
    widths = {len(row) for row in value["rows"]}
    if len(widths) > 1:
        found.add(f"{at}/rows", "all rows must have the same number of cells")


def _plain_header(value: Json, at: str, found: Found) -> None:
    for index, cell in enumerate(value["rows"][0]):
        if cell["type"] == "rich_text":
            found.add(f"{at}/rows/0/{index}/type", "unsupported type: rich_text in the header row")
    header = value.get("row_header_column_index", 0)
    if header >= len(value["rows"][0]):
        found.add(f"{at}/row_header_column_index", "must name one of the columns")


def _collapsing(value: Json, at: str, found: Found) -> None:
    collapsible = value.get("is_collapsible") is True
    if value.get("default_collapsed") is True and not collapsible:
        found.add(f"{at}/default_collapsed", "requires is_collapsible to be true")
    if value.get("has_header_divider") is True and collapsible:
        found.add(f"{at}/has_header_divider", "cannot be set when is_collapsible is true")


def _categories(value: Json, at: str, found: Found) -> None:
    wanted = value["axis_config"]["categories"]
    for index, series in enumerate(value["series"]):
        if [point["label"] for point in series["data"]] != wanted:
            found.add(f"{at}/series/{index}/data", "labels must be the categories, in their order")


CELLS = ByType(
    {
        "raw_text": typed("raw_text", {"text": Text()}, ["text"]),
        "raw_number": typed("raw_number", {"value": Number(), "text": Text()}, ["value"]),
        "rich_text": RICH_TEXT,
    }
)
_POINT = Record(
    {"label": Text(longest=limits.CHART_LABEL), "value": Number()}, frozenset({"label", "value"})
)
_CHART_FIELDS: dict[str, Rule] = {
    "series": Many(
        Record(
            {
                "name": Text(longest=limits.CHART_LABEL),
                "data": Many(_POINT, most=limits.CHART_POINTS),
            },
            frozenset({"name", "data"}),
        ),
        most=limits.CHART_SERIES,
    ),
    "axis_config": Record(
        {
            "categories": Many(Text(longest=limits.CHART_LABEL), most=limits.CHART_POINTS),
            "x_label": Text(longest=limits.CHART_AXIS_LABEL),
            "y_label": Text(longest=limits.CHART_AXIS_LABEL),
        },
        frozenset({"categories"}),
    ),
}
CHART = ByType(
    {
        "pie": typed(
            "pie",
            {
                "segments": Many(
                    Record(
                        {
                            "label": Text(longest=limits.CHART_LABEL),
                            "value": Number(above=0),
                        },
                        frozenset({"label", "value"}),
                    ),
                    most=limits.CHART_SERIES,
                )
            },
            ["segments"],
        ),
        **{
            kind: typed(kind, _CHART_FIELDS, ["series", "axis_config"], [_categories])
            for kind in ("bar", "line", "area")
        },
    }
)
SOURCE = typed("url", {"url": Text(longest=limits.URL), "text": Text()}, ["url", "text"])
TASK_CARD = block(
    "task_card",
    {
        "task_id": Text(),
        "title": Text(),
        "details": ByType({"rich_text": RICH_TEXT}),
        "output": ByType({"rich_text": RICH_TEXT}),
        "sources": Many(SOURCE),
        "status": Text(choices=frozenset({"pending", "in_progress", "complete", "error"})),
    },
    ("task_id", "title", "status"),
    (),
    MESSAGE,
)
CARD = block(
    "card",
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": words(limits.CARD_TITLE),
        "subtitle": words(limits.CARD_TITLE),
        "body": words(limits.CARD_BODY),
        "actions": Many(IN_CARD),
    },
    (),
    (one_of("hero_image", "title", "actions", "body"),),
    MESSAGE,
)

BLOCKS: dict[str, Record] = {
    "section": block(
        "section",
        {
            "text": words(limits.SECTION_TEXT),
            "fields": Many(words(limits.SECTION_FIELD_TEXT), most=limits.SECTION_FIELDS),
            "accessory": ACCESSORY,
            "expand": Flag(),
        },
        (),
        (one_of("text", "fields"),),
    ),
    "header": block("header", {"text": plain(limits.HEADER_TEXT)}, ("text",)),
    "divider": block("divider", {}),
    "image": block(
        "image",
        {
            "image_url": Text(longest=limits.IMAGE_URL),
            "alt_text": Text(longest=limits.ALT_TEXT),
            "title": plain(limits.IMAGE_TITLE),
            "slack_file": SLACK_FILE,
        },
        ("alt_text",),
        (not_both_images,),
    ),
    "context": block(
        "context",
        {
            "elements": Many(
                ByType(
                    {
                        **words(limits.CONTEXT_TEXT).kinds,
                        "image": IMAGE,
                    }
                ),
                most=limits.CONTEXT_ELEMENTS,
            )
        },
        ("elements",),
    ),
    "actions": block(
        "actions",
        {
            "elements": Many(IN_ACTIONS, most=limits.ACTIONS_ELEMENTS),
        },
        ("elements",),
        (_unique_actions,),
    ),
    "context_actions": block(
        "context_actions",
        {
            "elements": Many(IN_CONTEXT_ACTIONS, most=limits.CONTEXT_ACTIONS_ELEMENTS),
        },
        ("elements",),
        (_unique_actions,),
        MESSAGE,
    ),
    "input": block(
        "input",
        {
            "label": plain(limits.INPUT_LABEL),
            "hint": plain(limits.INPUT_HINT),
            "element": IN_INPUT,
            "optional": Flag(),
            "dispatch_action": Flag(),
        },
        ("label", "element"),
    ),
    "rich_text": RICH_TEXT,
    "markdown": block(
        "markdown", {"text": Text(longest=limits.MESSAGE_MARKDOWN)}, ("text",), (), MESSAGE
    ),
    "alert": block(
        "alert",
        {
            "text": words(limits.ALERT_TEXT),
            "level": Text(choices=frozenset({"default", "info", "warning", "error", "success"})),
        },
        ("text",),
    ),
    "table": block(
        "table",
        {
            "rows": Many(Many(CELLS, most=limits.TABLE_COLUMNS), most=limits.TABLE_ROWS),
            "column_settings": Many(
                Record(
                    {
                        "align": Text(choices=frozenset({"left", "center", "right"})),
                        "is_wrapped": Flag(),
                    }
                ),
                most=limits.TABLE_COLUMNS,
            ),
        },
        ("rows",),
        (_uniform_rows,),
        MESSAGE,
    ),
    "data_table": block(
        "data_table",
        {
            "caption": Text(),
            "rows": Many(Many(CELLS, most=limits.TABLE_COLUMNS), 2, limits.DATA_TABLE_ROWS),
            "page_size": Whole(1, limits.DATA_TABLE_PAGE),
            "row_header_column_index": Whole(0),
        },
        ("caption", "rows"),
        (_uniform_rows, _plain_header),
        MESSAGE,
    ),
    "data_visualization": block(
        "data_visualization",
        {
            "title": Text(longest=limits.CHART_TITLE),
            "chart": CHART,
        },
        ("title", "chart"),
        (),
        MESSAGE,
    ),
    "card": CARD,
    "carousel": block(
        "carousel",
        {
            "elements": Many(ByType({"card": CARD}), most=limits.CAROUSEL_CARDS),
        },
        ("elements",),
        (),
        MESSAGE,
    ),
    "task_card": TASK_CARD,
    "plan": block(
        "plan",
        {"title": Text(), "tasks": Many(ByType({"task_card": TASK_CARD}))},
        ("title",),
        (),
        MESSAGE,
    ),
}

# Slack: a container holds any block but another container, an input, a carousel or a plan.
_CHILDREN = ByType(
    {
        name: BLOCKS[name]
        for name in BLOCKS
        if name not in ("input", "carousel", "plan", "task_card")
    }
)
BLOCKS["container"] = block(
    "container",
    {
        "title": plain(limits.CONTAINER_TITLE),
        "rich_text_title": ByType({"rich_text": RICH_TEXT}),
        "subtitle": words(limits.CONTAINER_SUBTITLE),
        "icon": IMAGE,
        "child_blocks": Many(_CHILDREN, most=limits.CONTAINER_CHILDREN),
        "width": Text(choices=frozenset({"narrow", "standard", "wide", "full"})),
        "is_collapsible": Flag(),
        "default_collapsed": Flag(),
        "has_header_divider": Flag(),
    },
    ("child_blocks",),
    (one_of("title", "rich_text_title"), _collapsing),
)

ANY_BLOCK: Rule = Later(lambda: ByType(BLOCKS))
