"""Channel names: what a channel may be called. Source: Slack's conversations.create."""

from __future__ import annotations

import re

from sandbox.slack import limits
from sandbox.slack.errors import Refused
from sandbox.slack.state import Workspace

_NAME = re.compile(r"[\w-]+")


def check_name(workspace: Workspace, name: str) -> None:
    """Raises `invalid_name_maxlength`, `invalid_name_specials` or `name_taken`."""
    if len(name) > limits.CHANNEL_NAME:
        raise Refused("invalid_name_maxlength")
    if name != name.lower() or not _NAME.fullmatch(name):
        raise Refused("invalid_name_specials")
    if workspace.named(name) is not None:
        raise Refused("name_taken")
