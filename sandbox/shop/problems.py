"""Problems: what the shop refuses, in one sentence, and the reading of request bodies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["Body", "Problem"]

_LARGEST = 10**12  # minor units; above it an amount is a typing error


class Problem(Exception):
    """A request that is refused without effect."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


class Body:
    """A JSON object's fields, each read with its rule. Raises Problem 422 naming the field."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def has(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def text(self, name: str, *, most: int = 200, default: str | None = None) -> str:
        value = self.fields.get(name, default)
        if not isinstance(value, str) or not value.strip():
            raise _invalid(name, "a text")
        if len(value) > most:
            raise _invalid(name, f"at most {most} characters")
        return value

    def choice(self, name: str, among: Collection[str], default: str | None = None) -> str:
        value = self.fields.get(name, default)
        if value not in among:
            raise _invalid(name, "one of " + ", ".join(sorted(among)))
        return str(value)

    def whole(
        self, name: str, *, least: int = 0, most: int = _LARGEST, default: int | None = None
    ) -> int:
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _invalid(name, f"a whole number from {least} to {most}")
        return value

    def number(
        self, name: str, *, least: float, most: float, default: float | None = None
    ) -> float:
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _invalid(name, f"a number from {least:g} to {most:g}")
        if not least <= value <= most:
            raise _invalid(name, f"a number from {least:g} to {most:g}")
        return float(value)

    def minor(self, name: str = "amount_minor", *, least: int = 1) -> int:
        """An amount in minor units: NT$120 is 12000."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
            raise _invalid(name, "a whole number of minor units, like 12000 for NT$120")
        return value

    def reference(self, name: str) -> str:
        """A record's id or number."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _invalid(name, "an order's id or number")
        return str(value)

    def several(self, name: str, among: Collection[str]) -> list[str]:
        """At least one of these, none twice."""
        value = self.fields.get(name)
        known = isinstance(value, list) and all(
            isinstance(one, str) and one in among for one in value
        )
        if not known or not value or len(set(value)) != len(value):
            raise Problem(
                422, "invalid_field", f"“{name}” is not valid: list some of {', '.join(among)}."
            )
        return list(value)

    def currency(self, expected: str) -> str:
        value = self.fields.get("currency", expected)
        if value != expected:
            raise _invalid("currency", expected)
        return expected

    def flag(self, name: str, default: bool) -> bool:
        value = self.fields.get(name, default)
        if not isinstance(value, bool):
            raise _invalid(name, "true or false")
        return value


def _invalid(name: str, wanted: str) -> Problem:
    return Problem(422, "invalid_field", f"“{name}” is not valid: give {wanted}.")
