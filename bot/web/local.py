"""Local: what comes over this machine's loopback address must have been meant for it.

A page of somebody else in a browser of this machine reaches 127.0.0.1 too, under a name that it
lets lead there (the Host is that name), or by a request across origins.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

_REFUSED = "Only this machine's own address (127.0.0.1, localhost) leads here, and no other page.\n"
_OWN = ("none", "same-origin")


def local_only(handler: Handler) -> Handler:
    """Answers 403 to what another page of a browser asks over loopback. Elsewhere a proxy's or a
    container's name is as good as another."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        if _over_loopback(request) and _foreign(request):
            return web.Response(status=403, text=_REFUSED)
        return await handler(request)

    return guarded


def _over_loopback(request: web.Request) -> bool:
    reached = request.get_extra_info("sockname")
    return reached is not None and _loopback(str(reached[0]))


def _foreign(request: web.Request) -> bool:
    asked = request.headers.get("Host", "")
    try:
        name = (urlsplit(f"//{asked}").hostname or "").rstrip(".")
    except ValueError:
        return True
    origin = request.headers.get("Origin")
    return (
        not (name == "localhost" or _loopback(name))
        or (origin is not None and origin.lower() != f"http://{asked.lower()}")
        or request.headers.get("Sec-Fetch-Site", "none") not in _OWN
    )


def _loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
