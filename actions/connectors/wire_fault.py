"""Wire fault: what went wrong between this house and an address, told in one place.

Refused, no such name, TLS, unreachable, timeout, reset and a broken connection are told apart by
what the transport itself raised: the names that httpx gives them are not to be trusted (a closed
port is its ConnectTimeout). Probes, looks, actions, pages and the heartbeat all ask here.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

import aiohttp
import httpx

RAISED = (TimeoutError, httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError)
"""What an exchange may raise."""

_CODES = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENETDOWN: "unreachable",
}


@dataclass(frozen=True)
class WireFault:
    """`code`: a word of the failure catalogue."""

    code: str
    may_have_arrived: bool  # False: certainly no request left this house
    of_proxy: bool = False  # the proxy on the way, not what was asked


def wire_fault(error: BaseException) -> WireFault:
    """What an error of the transport means; httpx wraps aiohttp's, which says what it was."""
    cause = error.__cause__ if isinstance(error, httpx.HTTPError) else error
    if isinstance(cause, aiohttp.ClientHttpProxyError | aiohttp.ClientProxyConnectionError):
        return WireFault("proxy", may_have_arrived=False, of_proxy=True)
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return WireFault("dns", may_have_arrived=False)
    if isinstance(cause, aiohttp.ClientSSLError):
        return WireFault("tls", may_have_arrived=False)
    if isinstance(cause, aiohttp.ClientConnectorError):
        return WireFault(_code(cause.os_error, "refused"), may_have_arrived=False)
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return WireFault("timeout", may_have_arrived=False)
    if isinstance(cause, aiohttp.InvalidURL):
        return WireFault("refused", may_have_arrived=False)
    if isinstance(cause, ConnectionResetError):
        return WireFault("reset", may_have_arrived=True)
    if isinstance(cause, aiohttp.ClientOSError):
        return WireFault(_code(cause, "broken"), may_have_arrived=True)
    if isinstance(cause, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return WireFault(_code(cause.__cause__, "broken"), may_have_arrived=True)
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol):
        return WireFault("refused", may_have_arrived=False)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return WireFault("timeout", may_have_arrived=True)
    return WireFault(_code(error, "broken"), may_have_arrived=True)


def problem_of(error: BaseException) -> str:
    """Its word alone, for who has no effect to weigh."""
    return wire_fault(error).code


def _code(error: BaseException | None, otherwise: str) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return _CODES.get(number or 0, otherwise)
