"""Proxy: by which one an address outside is reached (HTTPS_PROXY, NO_PROXY of the environment).

slack_sdk asks the environment for its own calls alone, and without NO_PROXY. What goes past it (the
socket, a file's bytes, a response_url) asks here, so that all of it takes one way.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_AS_HTTP = {"wss": "https", "ws": "http"}  # a socket goes by the way of its first request


def proxy_for(url: str) -> str | None:
    """The proxy's address; None where it is reached directly, as one of this machine is."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_here(host) or proxy_bypass(host):
        return None
    return getproxies().get(_AS_HTTP.get(parts.scheme, parts.scheme))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
