"""A declared request filled with an attempt's values: address, headers and body."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote

import httpx
import jinja2

from actions.declarations import Declaration
from actions.errors import NotSent
from plan import expressions, jinja_leaves

Scope = Mapping[str, object]


@dataclass(frozen=True)
class FilledRequest:
    """What goes over the wire; `timeout` in seconds, for the whole exchange."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Any
    timeout: float


_EDGE = "\0"  # around each value while an address is filled: no address holds one
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BETWEEN = re.compile(r"[/\\]")
_DEEPEST = 4  # times that a value may have been encoded by those before us


def _quoted(value: object) -> str:
    """A printed value stays inside its path segment: `../refunds?x=1` becomes one odd name."""
    if value is None or isinstance(value, jinja2.Undefined):
        raise expressions.ExpressionError("a value is not known")
    return f"{_EDGE}{quote(str(value), safe='')}{_EDGE}"


_ADDRESSES = expressions.environment()
_ADDRESSES.finalize = _quoted


@lru_cache(maxsize=1024)
def _address(source: str) -> Callable[[Scope], str]:
    return jinja_leaves.template(_ADDRESSES, source)


def _require_segments(address: str) -> None:
    """Each value in the path is a name of its own. Raises NotSent.

    `..` and `.` are the folder above and the folder itself, however they are encoded and whatever
    a server on the way makes of them; of nothing at all `/orders/` is every order.
    """
    path = address.partition("?")[0].partition("#")[0]
    for segment in path.split("/"):
        if _EDGE not in segment:
            continue
        said = segment.replace(_EDGE, "")
        for _ in range(_DEEPEST):
            if _leaves(said):
                raise NotSent(
                    "unsafe_value", f"“{unquote(segment.replace(_EDGE, ''))[:40]}” is no name"
                )
            said = unquote(said)


def _leaves(said: str) -> bool:
    """Whether it would be another place than the one that it stands in."""
    if not said.strip() or _CONTROL.search(said):
        return True
    parts = (part.partition(";")[0].strip() for part in _BETWEEN.split(said))
    return any(part in (".", "..") for part in parts)


def fill_address(template: str, scope: Scope, base_url: str | None) -> str:
    """The absolute address. NotSent if a value is missing or the address is not safe."""
    try:
        path = _address(template)(scope)
        _require_segments(path)
        path = path.replace(_EDGE, "")
    except (jinja2.TemplateError, expressions.ExpressionError, TypeError, ValueError) as error:
        shown = template.partition("?")[0]  # a key may follow it
        raise NotSent("missing_value", f"“{shown}”: {error}") from None
    if template.startswith(("http://", "https://")):
        url = path
    elif base_url is None:
        raise NotSent("no_address", "shop.control_url is missing: name the shop's control address.")
    else:
        url = base_url.rstrip("/") + "/" + path.lstrip("/")
    require_safe(url)
    return url


def require_safe(url: str) -> None:
    """Plain http carries keys and order data in the clear: allowed only inside this machine.

    Raises NotSent with the remedy.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise NotSent("unsafe_address", f"“{url}” is not an address: {error}") from None
    if parsed.scheme == "https" or (parsed.scheme == "http" and _loopback(parsed.host)):
        return
    raise NotSent(
        "unsafe_address", f"{parsed.scheme}://{parsed.host} is not encrypted: write https://"
    )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fill_body(body: Any, scope: Scope) -> Any:
    """The body with its templates worked out; a lone `{{ … }}` keeps its type (a number, a list).

    Raises NotSent if a value is not known: half a request never leaves the house.
    """
    if isinstance(body, str):
        if "{{" not in body and "{%" not in body:
            return body
        try:
            return expressions.value(body, scope)
        except expressions.ExpressionError as error:
            raise NotSent("missing_value", str(error)) from None
    if isinstance(body, Mapping):
        return {key: fill_body(item, scope) for key, item in body.items()}
    if isinstance(body, list | tuple):
        return [fill_body(item, scope) for item in body]
    return body


def _header(name: str, template: str, scope: Scope) -> str:
    """A header is one line. Raises NotSent."""
    found = str(fill_body(template, scope))
    if _CONTROL.search(found):
        raise NotSent("unsafe_value", f"the header {name} would be more than one line")
    return found


def fill(
    declaration: Declaration, method: str, body: Any, scope: Scope, base_url: str | None
) -> FilledRequest:
    """The whole request. Raises NotSent."""
    return FilledRequest(
        method=method,
        url=fill_address(declaration.url, scope, base_url),
        headers={name: _header(name, text, scope) for name, text in declaration.headers.items()},
        body=fill_body(body, scope),
        timeout=declaration.timeout,
    )
