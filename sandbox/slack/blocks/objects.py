"""Composition objects: texts, options, confirmation dialogs."""

from __future__ import annotations

import re

from sandbox.slack import limits
from sandbox.slack.blocks.schema import (
    ByType,
    Flag,
    Found,
    Many,
    Record,
    Rule,
    Text,
    one_of,
    typed,
)
from sandbox.slack.errors import Json

STYLE = Text(choices=frozenset({"primary", "danger"}))
URL = Text(
    longest=limits.URL,
    pattern=re.compile(r"(https?|slack)://\S+|mailto:\S+"),
    meaning="must be a valid URL",
)
ACTION_ID = Text(longest=limits.ACTION_ID)


def plain(longest: int | None = None, shortest: int = 1) -> ByType:
    """A text object that must be `plain_text`."""
    return ByType({"plain_text": _plain_record(longest, shortest)})


def words(longest: int | None = None) -> ByType:
    """A text object, `plain_text` or `mrkdwn`."""
    return ByType(
        {
            "plain_text": _plain_record(longest, 1),
            "mrkdwn": typed("mrkdwn", {"text": Text(longest), "verbatim": Flag()}, ["text"]),
        }
    )


def _plain_record(longest: int | None, shortest: int) -> Record:
    return typed("plain_text", {"text": Text(longest, shortest), "emoji": Flag()}, ["text"])


CONFIRM = Record(
    {
        "title": plain(limits.CONFIRM_TITLE),
        "text": words(limits.CONFIRM_TEXT),
        "confirm": plain(limits.CONFIRM_BUTTON),
        "deny": plain(limits.CONFIRM_BUTTON),
        "style": STYLE,
    },
    frozenset({"title", "text", "confirm", "deny"}),
)


def option(text: Rule, description: Rule, *, url: bool = False) -> Record:
    fields: dict[str, Rule] = {
        "text": text,
        "value": Text(longest=limits.OPTION_VALUE),
        "description": description,
    }
    if url:
        fields["url"] = URL
    return Record(fields, frozenset({"text", "value"}))


# Slack: options of selects and overflows are plain text, those of checkboxes and radios may be
# mrkdwn; only an overflow's option may carry a url.
_PLAIN_DESCRIPTION = plain(limits.OPTION_DESCRIPTION)
SELECT_OPTION = option(plain(limits.OPTION_TEXT), _PLAIN_DESCRIPTION)
CHECK_OPTION = option(words(limits.OPTION_TEXT), words(limits.OPTION_DESCRIPTION))
OVERFLOW_OPTION = option(plain(limits.OPTION_TEXT), _PLAIN_DESCRIPTION, url=True)
SELECT_OPTIONS = Many(SELECT_OPTION, most=limits.SELECT_OPTIONS)
OPTION_GROUPS = Many(
    Record(
        {"label": plain(limits.OPTION_GROUP_LABEL), "options": SELECT_OPTIONS},
        frozenset({"label", "options"}),
    ),
    most=limits.OPTION_GROUPS,
)
FILTER = Record(
    {
        "include": Many(Text(choices=frozenset({"im", "mpim", "private", "public"}))),
        "exclude_external_shared_channels": Flag(),
        "exclude_bot_users": Flag(),
    },
    extra=(one_of("include", "exclude_external_shared_channels", "exclude_bot_users"),),
)
DISPATCH_CONFIG = Record(
    {
        "trigger_actions_on": Many(
            Text(choices=frozenset({"on_enter_pressed", "on_character_entered"}))
        ),
    }
)
SLACK_FILE = Record({"id": Text(), "url": URL}, extra=(one_of("id", "url"),))


def offered(element: Json) -> list[Json]:
    """All options of an element, those of its groups included."""
    groups = element.get("option_groups") or []
    grouped = [option for group in groups for option in group.get("options", [])]
    return [*(element.get("options") or []), *grouped]


def initial_offered(element: Json, at: str, found: Found) -> None:
    """What is chosen at first must be one of the options, exactly."""
    chosen = element.get("initial_options") or []
    if "initial_option" in element:
        chosen = [element["initial_option"]]
    options = offered(element)
    if any(choice not in options for choice in chosen):
        field = "initial_option" if "initial_option" in element else "initial_options"
        found.add(f"{at}/{field}", "must match one of the options exactly")


def options_or_groups(element: Json, at: str, found: Found) -> None:
    if ("options" in element) == ("option_groups" in element):
        found.add(at, "must define exactly one of: options, option_groups")


def not_both_images(image: Json, at: str, found: Found) -> None:
    """Slack: an image has exactly one source."""
    if ("image_url" in image) == ("slack_file" in image):
        found.add(at, "must define exactly one of: image_url, slack_file")
