"""Pictures: blocks that a workspace may not have yet. What is refused with one is sent again
without it; its numbers stand in the message as text.

Slack: data_visualization is rolled out by and by.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.delivery.content import Content
from bot.delivery.errors import SlackRefused

_BLOCKS = frozenset({"data_visualization"})
_REFUSALS = frozenset({"invalid_blocks", "invalid_blocks_format"})
_AGAIN = timedelta(days=1)  # then it is tried once more: it may have come in the meantime


class Pictures:
    """Whether the workspace draws them, as far as Slack has said."""

    def __init__(self) -> None:
        self._not_before: datetime | None = None

    def where_taken(self, content: Content, now: datetime) -> Content:
        """The message as the workspace takes it, by what it said lately."""
        resting = self._not_before is not None and now < self._not_before <= now + _AGAIN
        return without_pictures(content) if resting else content

    def refused(self, content: Content, error: SlackRefused, now: datetime) -> bool:
        """Whether it may be for its picture that Slack refuses it; kept in mind for a day."""
        if error.code not in _REFUSALS or not _has_picture(content):
            return False
        self._not_before = now + _AGAIN
        return True


def without_pictures(content: Content) -> Content:
    """The same message with what every workspace has."""
    if not _has_picture(content):
        return content
    kept = [block for block in content.blocks if block.get("type") not in _BLOCKS]
    return replace(content, blocks=kept)


def _has_picture(content: Content) -> bool:
    return any(block.get("type") in _BLOCKS for block in content.blocks)
