"""HTTP mode: payloads as signed requests to the app's URL."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp

from sandbox.slack import cast
from sandbox.slack.clock import SandboxClock
from sandbox.slack.delivery import COMMANDS, EVENTS, Outcome, Parcel, Patience


def signature(secret: str, timestamp: str, body: str) -> str:
    """Slack's v0 signature. Source: slack-facts "Signing"."""
    base = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpEvents:
    """Sends each payload to one URL, or to the three that the manifest names."""

    def __init__(
        self,
        clock: SandboxClock,
        url: str,
        patience: Patience,
        *,
        interactivity_url: str | None = None,
        options_url: str | None = None,
        secret: str = cast.SIGNING_SECRET,
    ) -> None:
        self._clock = clock
        self._url = url
        self._patience = patience
        self._interactivity_url = interactivity_url or url
        self._options_url = options_url or self._interactivity_url
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None

    async def send(self, parcel: Parcel) -> Outcome:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        url, body, headers = self._request(parcel)
        entry = parcel.entry
        entry.sent, written = self._clock.now(), time.perf_counter()
        try:
            async with self._session.post(
                url,
                data=body.encode(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self._patience.seconds),
            ) as response:
                answer = await _answer(response)
                status = response.status
                no_retry = response.headers.get("X-Slack-No-Retry") == "1"
        except TimeoutError:
            return Outcome(False, "operation_timeout", reason="http_timeout")
        except aiohttp.ClientError:
            return Outcome(False, "dispatch_failed", reason="connection_failed")
        if not 200 <= status < 300:
            return Outcome(False, "dispatch_failed", reason="http_error", no_retry=no_retry)
        entry.acked, entry.took = self._clock.now(), time.perf_counter() - written
        return Outcome(True, payload=answer)

    def _request(self, parcel: Parcel) -> tuple[str, str, dict[str, str]]:
        kind = "application/x-www-form-urlencoded"
        if parcel.type == EVENTS:
            url, body, kind = self._url, json.dumps(parcel.payload), "application/json"
        elif parcel.type == COMMANDS:
            url, body = self._url, urlencode(parcel.payload)
        else:
            options = parcel.payload.get("type") == "block_suggestion"
            url = self._options_url if options else self._interactivity_url
            body = urlencode({"payload": json.dumps(parcel.payload)})
        # The receiver compares with its own clock, so real time stands here.
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }
        if parcel.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(parcel.retry_attempt)
            headers["X-Slack-Retry-Reason"] = parcel.retry_reason or "http_timeout"
        return url, body, headers

    async def volley(self, parcels: list[Parcel]) -> list[Outcome]:
        """Over connections that are open before the first request is written."""
        url = urlsplit(self._url)
        lines = [await asyncio.open_connection(url.hostname, url.port) for _ in parcels]
        requests = [self._bytes(parcel) for parcel in parcels]
        try:
            return list(
                await asyncio.gather(
                    *(
                        self._exchange(parcel, request, *line)
                        for parcel, request, line in zip(parcels, requests, lines, strict=True)
                    )
                )
            )
        finally:
            for _, writer in lines:
                writer.close()

    def _bytes(self, parcel: Parcel) -> bytes:
        url, body, headers = self._request(parcel)
        parts, content = urlsplit(url), body.encode()
        headers |= {
            "Host": parts.netloc,
            "Content-Length": str(len(content)),
            "Connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + content

    async def _exchange(
        self,
        parcel: Parcel,
        request: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> Outcome:
        written = time.perf_counter()
        parcel.entry.sent = self._clock.now()
        writer.write(request)
        try:
            status = await asyncio.wait_for(reader.readline(), self._patience.seconds)
        except (TimeoutError, ConnectionError):
            return Outcome(False, "operation_timeout")
        if b" 200 " not in status:
            return Outcome(False, "dispatch_failed")
        parcel.entry.took = time.perf_counter() - written
        parcel.entry.acked = self._clock.now()
        return Outcome(True)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _answer(response: aiohttp.ClientResponse) -> Any:
    text = await response.text()
    if not text:
        return None
    if response.content_type == "application/json":
        try:
            return json.loads(text)
        except ValueError:
            return {"text": text}
    return {"text": text}
