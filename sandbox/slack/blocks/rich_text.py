"""Rich text: sections, lists, quotes and preformatted text, and what stands in them."""

from __future__ import annotations

import re

from sandbox.slack import limits
from sandbox.slack.blocks.objects import URL
from sandbox.slack.blocks.schema import ByType, Flag, Many, Record, Rule, Text, Whole, typed

STYLE = Record(
    {
        name: Flag()
        for name in (
            "bold",
            "italic",
            "strike",
            "code",
            "underline",
            "highlight",
            "client_highlight",
            "unlink",
        )
    }
)
_STYLED: dict[str, Rule] = {"style": STYLE}

LINK = typed("link", {"url": URL, "text": Text(), "unsafe": Flag(), **_STYLED}, ["url"])
TEXT = typed("text", {"text": Text(), **_STYLED}, ["text"])

PARTS = ByType(
    {
        "text": TEXT,
        "link": LINK,
        "emoji": typed(
            "emoji", {"name": Text(), "unicode": Text(), "skin_tone": Whole(), **_STYLED}, ["name"]
        ),
        "user": typed("user", {"user_id": Text(), **_STYLED}, ["user_id"]),
        "usergroup": typed("usergroup", {"usergroup_id": Text(), **_STYLED}, ["usergroup_id"]),
        "channel": typed("channel", {"channel_id": Text(), **_STYLED}, ["channel_id"]),
        "team": typed("team", {"team_id": Text(), **_STYLED}, ["team_id"]),
        "broadcast": typed(
            "broadcast",
            {
                "range": Text(choices=frozenset({"here", "channel", "everyone"})),
                **_STYLED,
            },
            ["range"],
        ),
        "date": typed(
            "date",
            {"timestamp": Whole(), "format": Text(), "url": Text(), "fallback": Text(), **_STYLED},
            ["timestamp", "format"],
        ),
        "color": typed(
            "color",
            {
                "value": Text(
                    pattern=re.compile(r"#[0-9A-Fa-f]{3,8}"), meaning="must be a hex colour"
                ),
                **_STYLED,
            },
            ["value"],
        ),
    }
)
LITERAL_PARTS = ByType({"text": TEXT, "link": LINK})
_BORDER: dict[str, Rule] = {"border": Whole(0, 1)}
SECTION = typed("rich_text_section", {"elements": Many(PARTS, least=0)}, ["elements"])

RICH_TEXT = typed(
    "rich_text",
    {
        "block_id": Text(longest=limits.BLOCK_ID),
        "elements": Many(
            ByType(
                {
                    "rich_text_section": SECTION,
                    "rich_text_list": typed(
                        "rich_text_list",
                        {
                            "elements": Many(ByType({"rich_text_section": SECTION})),
                            "style": Text(choices=frozenset({"bullet", "ordered"})),
                            "indent": Whole(0, 8),
                            "offset": Whole(0),
                            **_BORDER,
                        },
                        ["elements", "style"],
                    ),
                    "rich_text_quote": typed(
                        "rich_text_quote", {"elements": Many(PARTS), **_BORDER}, ["elements"]
                    ),
                    "rich_text_preformatted": typed(
                        "rich_text_preformatted",
                        {
                            "elements": Many(LITERAL_PARTS),
                            "language": Text(),
                            **_BORDER,
                        },
                        ["elements"],
                    ),
                }
            )
        ),
    },
    ["elements"],
)
