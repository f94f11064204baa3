"""The Web API's methods, each with its table of arguments, its scopes and its tier."""

from __future__ import annotations

from sandbox.slack.methods import (
    basics,
    chat,
    conversations,
    files,
    marks,
    people,
    views,
)
from sandbox.slack.methods.registry import METHODS, Call, Method

__all__ = [
    "METHODS",
    "Call",
    "Method",
    "basics",
    "chat",
    "conversations",
    "files",
    "marks",
    "people",
    "views",
]
