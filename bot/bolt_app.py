"""The Bolt app: one catch-all listener for each kind of payload, which looks its handler up.

Bolt's own matching goes through all listeners one after the other, its runner polls every 10 ms
for an acknowledgement, and a burst after the start calls `auth.test` once for each request
(decision 1). So the runner processes before it responds, and the authorization is handed in.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake.dispatch import CONTEXT, Dispatch
from handlers.identity import Identity
from handlers.registry import Interaction, Registry

_ANY = re.compile(".*", re.DOTALL)


def build_app(
    registry: Registry, desk: Any, client: AsyncWebClient, identity: Identity
) -> AsyncApp:
    """`desk` is what every handler gets beside its interaction."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_token=client.token,
            bot_id=identity.bot_id,
            bot_user_id=identity.bot_user_id,
        )

    # Bolt warns that the client's own token gives way to `authorize`: that is what is wanted.
    logger = logging.getLogger("slack_bolt.muster")
    logger.setLevel(logging.ERROR)
    app = AsyncApp(
        name="muster",
        logger=logger,
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,  # bot.intake.http has verified it before storing
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    route = _Route(registry, desk)

    async def listener(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await route(ack, body, context[CONTEXT])

    for register in (app.action, app.command, app.shortcut, app.options, app.event):
        register(_ANY)(listener)
    app.view(_ANY)(listener)
    app.view_closed(_ANY)(listener)
    return app


class _Route:
    """From a payload to its handler, or to the pure half of it that answers."""

    def __init__(self, registry: Registry, desk: Any) -> None:
        self._registry = registry
        self._desk = desk

    async def __call__(self, ack: AsyncAck, body: dict[str, Any], dispatch: Dispatch) -> None:
        interaction = self._registry.read(body, dispatch.key)
        try:
            if interaction is None:
                await ack()
            elif dispatch.phase == "answer":
                await self._answer(ack, interaction, dispatch)
            else:
                await self._work(interaction, dispatch)
                await ack()
        except Exception as error:
            dispatch.error = error
            await ack()

    async def _answer(self, ack: AsyncAck, interaction: Interaction, dispatch: Dispatch) -> None:
        dispatch.answer = self._registry.acknowledgement(interaction, self._desk)
        if dispatch.answer is None:
            await ack(options=[]) if interaction.kind == "options" else await ack()
        else:
            await ack(**dispatch.answer)

    async def _work(self, interaction: Interaction, dispatch: Dispatch) -> None:
        if dispatch.answered == "errors":  # the form went back to the person: nothing to do
            dispatch.handled = True
            return
        dispatch.handled = await self._registry.work(interaction, self._desk)
        dispatch.settled = interaction.progress.settled
