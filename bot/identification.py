"""Identification: asks Slack who we are, until it has said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from bot.delivery.errors import SlackError, SlackRefused
from bot.delivery.sender import Sender
from handlers.identity import Identity

log = structlog.get_logger(__name__)

EVERY = 5.0  # seconds until Slack has said who we are: a press waits for it


async def identify(identity: Identity, sender: Sender) -> str | None:
    """Fills it in; a Slack that is away for the moment does not keep the bot from starting.

    Why Muster may not work with this token, where that is so: then nobody is known.
    """
    if identity.bot_user_id is None:
        refused = await _of_the_bot(identity, sender)
        if refused is not None:
            log.critical("workspace_refused", sentence=refused)
            return refused
    if identity.bot_id is not None and identity.app_id is None:
        await _of_the_app(identity, sender)
    return None


def install_problem(who: Mapping[str, Any]) -> str | None:
    """Why the token of this auth.test cannot be used; None where it can.

    Slack: a token of a whole Enterprise Grid organisation must name a workspace with each call, and
    channels, groups and people of all of them are behind it. One workspace of a Grid is like any.
    """
    if who.get("is_enterprise_install"):
        return (
            "The bot token is that of a whole organisation (Enterprise Grid), and Muster works in "
            "one workspace: install the app in that workspace and set MUSTER_SLACK_BOT_TOKEN to "
            "its token."
        )
    return None


async def _of_the_app(identity: Identity, sender: Sender) -> None:
    try:
        answer = await sender.call("bots.info", {"bot": identity.bot_id})
        identity.app_id = str((answer.get("bot") or {}).get("app_id") or "")
    except SlackRefused as error:  # then the signature alone says that it is for us
        log.warning("app_not_told", error=str(error))
        identity.app_id = ""
    except SlackError as error:
        log.info("app_not_told", error=str(error))


async def _of_the_bot(identity: Identity, sender: Sender) -> str | None:
    try:
        who = await sender.call("auth.test", {})
    except SlackError as error:
        log.warning("slack_not_reached", error=str(error))
        return None
    refused = install_problem(who)
    if refused is not None:
        return refused
    identity.team_id = who.get("team_id")
    identity.bot_id = who.get("bot_id")
    identity.bot_user_id = who.get("user_id")
    return None
