"""Errors: what can go wrong with the shop, drawn once.

ShopError            base; `code` is a word of the failure catalogue
├── NotSent          certainly no effect: nothing left this house (refused, unsafe_address …)
├── Refused          the shop answered 4xx: it did not do it, and says why
└── NoAnswer         the outcome is unknown: timeout, reset, 5xx, an unreadable answer
"""

from __future__ import annotations


class ShopError(Exception):
    """A request to the shop that had no usable answer. `code`: timeout, refused, http_503 …"""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail


class NotSent(ShopError):
    """The request certainly had no effect."""


class Refused(ShopError):
    """The shop answered that it does not do it (4xx). `detail` is its own sentence."""

    def __init__(self, status: int, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"http_{status}", detail)
        self.status = status
        self.retry_after = retry_after


class NoAnswer(ShopError):
    """Whether the request had an effect is not known."""
