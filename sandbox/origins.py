"""Origins: who may ask a sandbox: programs, and its own pages in a browser of this machine.

A page of somebody else in the tester's browser reaches loopback addresses too: by a request of its
own (it has an Origin, or Sec-Fetch-Site says so), or under a name that it lets lead to 127.0.0.1
(then the Host is that name). Programs, the bot among them, send neither.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

__all__ = ["own_only"]

_HOST = "Only an address of this machine leads here: open it as 127.0.0.1 or localhost."
_ORIGIN = "Only a page of this sandbox may ask this in a browser: open its address yourself."


def own_only(host: str) -> Middleware:
    """A middleware that answers 403 to others. `host`: where the sandbox listens."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = _refusal(request, host)
        if refusal is not None:
            body = {"ok": False, "error": "forbidden", "message": refusal}
            return web.json_response(body, status=403)
        return await handler(request)

    return guard


def _refusal(request: web.Request, host: str) -> str | None:
    asked = request.headers.get("Host", "")
    if not _ours(asked, host):
        return _HOST
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{asked.lower()}":
        return _ORIGIN
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site in ("none", "same-origin") or (site == "same-site" and _opens(request)):
        return None
    return _ORIGIN


def _opens(request: web.Request) -> bool:
    """A link from one of the sandboxes to another: a page that opens, whose text nobody gets."""
    headers = request.headers
    return (
        request.method == "GET"
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest") == "document"
    )


def _ours(asked: str, host: str) -> bool:
    try:
        name = (urlsplit(f"//{asked}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name in ("localhost", host.lower()):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or host in ("0.0.0.0", "::")  # noqa: S104 - where it was told to
