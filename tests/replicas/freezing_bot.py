"""The bot as it is, in a process that freezes itself at a named point, once the file is there.

    python -m tests.replicas.freezing_bot POINT FILE run --config …

For moments that a signal from outside would hit by luck alone: the request is about to leave, and
nothing is asked any more. The product itself knows nothing of this.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from actions.http import ShopClient
from bot.cli.main import main
from bot.delivery.sender import Sender

_api_call = AsyncWebClient.api_call
_wait_for_token = Sender._wait_for_token
_send = ShopClient._send


def freeze(file: Path) -> None:
    """Nothing of this process runs until somebody sends SIGCONT; only once."""
    if file.exists():
        file.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)


def before_request(method: str) -> Callable[[Path], None]:
    """Between the last look at the lease and the request to Slack."""

    def install(file: Path) -> None:
        async def api_call(self: AsyncWebClient, name: str, **more: Any) -> Any:
            if name == method:
                freeze(file)
            return await _api_call(self, name, **more)

        AsyncWebClient.api_call = api_call  # type: ignore[method-assign]

    return install


def before_token(file: Path) -> None:
    """Before the lease is looked at: while a post waits for its turn."""

    async def wait(self: Sender, method: str, *more: Any) -> None:
        await _wait_for_token(self, method, *more)
        if method == "chat.postMessage":
            freeze(file)

    Sender._wait_for_token = wait  # type: ignore[method-assign]


def before_action(file: Path) -> None:
    """Between the last look at the lease and the request to the shop."""

    async def send(self: ShopClient, request: Any, headers: Any = None) -> Any:
        if headers:
            freeze(file)
        return await _send(self, request, headers)

    ShopClient._send = send  # type: ignore[method-assign]


POINTS = {
    "post": before_request("chat.postMessage"),
    "edit": before_request("chat.update"),
    "token": before_token,
    "act": before_action,
}

if __name__ == "__main__":
    point, file = sys.argv.pop(1), Path(sys.argv.pop(1))
    POINTS[point](file)
    main()
