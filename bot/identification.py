"""Identification: asks Slack who we are, until it has said so."""

from __future__ import annotations

import structlog

from bot.delivery.errors import SlackError, SlackRefused
from bot.delivery.sender import Sender
from handlers.identity import Identity

log = structlog.get_logger(__name__)

EVERY = 5.0  # seconds until Slack has said who we are: a press waits for it


async def identify(identity: Identity, sender: Sender) -> None:
    """Fills it in; a Slack that is away for the moment does not keep the bot from starting."""
    if identity.bot_user_id is None:
        await _of_the_bot(identity, sender)
    if identity.bot_id is None or identity.app_id is not None:
        return
    try:
        answer = await sender.call("bots.info", {"bot": identity.bot_id})
        identity.app_id = str((answer.get("bot") or {}).get("app_id") or "")
    except SlackRefused as error:  # then the signature alone says that it is for us
        log.warning("app_not_told", error=str(error))
        identity.app_id = ""
    except SlackError as error:
        log.info("app_not_told", error=str(error))


async def _of_the_bot(identity: Identity, sender: Sender) -> None:
    try:
        who = await sender.call("auth.test", {})
    except SlackError as error:
        log.warning("slack_not_reached", error=str(error))
        return
    identity.team_id = who.get("team_id")
    identity.bot_id = who.get("bot_id")
    identity.bot_user_id = who.get("user_id")
    if who.get("is_enterprise_install"):
        identity.enterprise_id = who.get("enterprise_id")
