"""Workspace settings: Slack's channels and commands, and where the bot itself is reached."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from plan import command_names
from plan.languages import DEFAULT, Code


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _id(begins: str, what: str, where: str) -> AfterValidator:
    """An id of Slack's, which is no name: names change, and two may be alike."""
    form = re.compile(f"[{begins}][A-Z0-9]+")

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(
                f"“{value}” is no id of {what}: it is like {begins[0]}0123ABCD ({where})"
            )
        return value

    return AfterValidator(check)


ChannelId = Annotated[str, _id("CG", "a channel", "at the foot of the channel's details")]
PersonId = Annotated[str, _id("UW", "a person", "in their profile, Copy member ID")]
GroupId = Annotated[str, _id("S", "a user group", "in the group's menu, Copy group ID")]


class Channel(Part):
    """A channel that Muster posts in, with the language in which it posts there."""

    id: ChannelId
    language: Code = DEFAULT
    private: bool = False
    fallback: str | None = None  # key of a channel of the same or a narrower audience


def _commands(value: dict[str, str]) -> dict[str, str]:
    for fault in command_names.faults(value):
        raise ValueError(fault)
    return value


class SlackPart(Part):
    mode: Literal["socket", "http"] = "socket"
    base_url: str = "https://slack.com/api/"
    connections: Annotated[int, Field(ge=1, le=10)] = 2  # Socket Mode: at most 10 an app
    channels: dict[str, Channel] = Field(min_length=1)
    desk: str | None = None  # key of the service desk's channel
    commands: Annotated[dict[str, str], AfterValidator(_commands)] = {}  # in this workspace


def _public(value: str) -> str:
    """Slack sends to https alone; the sandbox on this machine is reached without."""
    found = urlsplit(value)
    here = found.hostname in ("127.0.0.1", "localhost", "::1")
    if not found.hostname or found.scheme not in (("https", "http") if here else ("https",)):
        raise ValueError("it is no https address; write it like https://muster.example")
    if found.query or found.fragment or found.username:
        raise ValueError("it is an address and a path alone, like https://muster.example/muster")
    return value


class WebPart(Part):
    """The bot's own HTTP side: Slack's requests in HTTP mode, health."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    public_url: Annotated[str, AfterValidator(_public)] | None = None  # where others reach it
