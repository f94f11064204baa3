"""HTTP mode: signed requests from Slack. Source: slack-facts "Signing"."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.intake.receive import Intake

log = structlog.get_logger(__name__)

PATH = "/slack/events"
_LARGEST = 1024 * 1024


class HttpIntake:
    """The route that Slack's events, commands and interactions come to."""

    def __init__(self, intake: Intake, *, signing_secret: str) -> None:
        self._intake = intake
        self._verifier = SignatureVerifier(signing_secret)
        self._open = True

    def add_to(self, app: web.Application) -> None:
        app.router.add_post(PATH, self.handle)

    def close(self) -> None:
        """From now on Slack is told to try elsewhere or later."""
        self._open = False

    async def handle(self, request: web.Request) -> web.Response:
        if not self._open:
            return web.Response(status=503)
        if (request.content_length or 0) > _LARGEST:
            return web.Response(status=413)
        raw = await request.read()
        headers = request.headers
        if not self._verifier.is_valid(
            body=raw,
            timestamp=headers.get("X-Slack-Request-Timestamp", ""),
            signature=headers.get("X-Slack-Signature", ""),
        ):
            log.warning("signature_refused", remote=request.remote)
            return web.Response(status=401)
        parsed = parse_body(raw.decode("utf-8", "replace"), request.content_type)
        if parsed is None:
            return web.Response(status=400)
        body, text = parsed
        if body.get("type") == "url_verification":
            return web.Response(text=str(body.get("challenge", "")))
        if "ssl_check" in body:
            return web.Response()
        retry = headers.get("X-Slack-Retry-Num", "0")
        reply = await self._intake.receive(body, text, attempt=int(retry) if retry.isdigit() else 0)
        if not reply.acknowledge:
            return web.Response(status=503)
        if reply.payload is None:
            return web.Response()
        return web.json_response(reply.payload)


def parse_body(raw: str, content_type: str) -> tuple[dict[str, Any], str] | None:
    """The payload and its JSON: JSON for events, a form for commands, a form with `payload` for
    the rest. None when it is none of them."""
    text = raw
    try:
        if content_type != "application/json":
            form = {name: values[-1] for name, values in parse_qs(raw, True).items()}
            text = form["payload"] if "payload" in form else json.dumps(form, ensure_ascii=False)
        body = json.loads(text)
    except ValueError:
        return None
    return (body, text) if isinstance(body, dict) and body else None
