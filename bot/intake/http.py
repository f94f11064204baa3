"""HTTP mode: signed requests from Slack. Source: slack-facts "Signing"."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from slack_sdk.signature import SignatureVerifier

from bot.intake.parse import parse_body
from bot.intake.receive import Intake

log = structlog.get_logger(__name__)

PATH = "/slack/events"
LARGEST = 1024 * 1024
_NUMBER = re.compile("[0-9]{1,12}")
_PATIENCE = 10.0  # for a body to come in whole, in whatever way it is sent


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer to Slack."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"


class HttpIntake:
    """Verifies, stores and acknowledges what Slack's events, commands and interactions send."""

    def __init__(self, intake: Intake, *, signing_secret: str) -> None:
        self._intake = intake
        self._verifier = SignatureVerifier(signing_secret)
        self._open = True

    def add_to(self, app: web.Application) -> None:
        """The route in an aiohttp application; `bot.intake.front` is quicker under a burst."""
        app.router.add_post(PATH, self.handle)

    def close(self) -> None:
        """From now on Slack is told to try elsewhere or later."""
        self._open = False

    async def handle(self, request: web.Request) -> web.Response:
        """The aiohttp handler of the route."""
        if (request.content_length or 0) > LARGEST:
            return web.Response(status=413)
        try:
            async with asyncio.timeout(_PATIENCE):
                raw = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            return web.Response(status=400)  # chunks or a compression that are none, or cut off
        answer = await self.answer(request.headers, raw)
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type
        )

    async def answer(self, headers: Mapping[str, str], raw: bytes) -> Answer:
        """The answer to one request. `headers` is looked up by Slack's spelling."""
        if not self._open:
            return Answer(503)
        if not self._signed(headers, raw):
            log.warning("signature_refused")
            return Answer(401)
        kind = headers.get("Content-Type", "").split(";", 1)[0].strip().lower()
        parsed = parse_body(raw.decode("utf-8", "replace"), kind)
        if parsed is None:
            return Answer(400)
        body, text = parsed
        if body.get("type") == "url_verification":
            return Answer(200, str(body.get("challenge", "")).encode())
        if "ssl_check" in body:
            return Answer(200)
        retry = headers.get("X-Slack-Retry-Num", "0")
        attempt = int(retry) if _NUMBER.fullmatch(retry) else 0
        reply = await self._intake.receive(body, text, attempt=attempt)
        if not reply.acknowledge:
            return Answer(503)
        if reply.payload is None:
            return Answer(200)
        payload = json.dumps(reply.payload, ensure_ascii=False).encode()
        return Answer(200, payload, "application/json")

    def _signed(self, headers: Mapping[str, str], raw: bytes) -> bool:
        """Whether Slack signed it. The verifier of the SDK raises at a timestamp that is no number,
        a body that is no UTF-8 and a signature beyond ASCII: none of them is Slack's."""
        stamp = headers.get("X-Slack-Request-Timestamp", "")
        signature = headers.get("X-Slack-Signature", "")
        if not _NUMBER.fullmatch(stamp) or not signature.isascii():
            return False
        try:
            return self._verifier.is_valid(body=raw, timestamp=stamp, signature=signature)
        except UnicodeDecodeError:
            return False
