"""Found: finding of the screen, something personal, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """Something personal in a text. `kind` is a code of the catalogue's `personal`."""

    kind: str  # phone, email, card, iban, bank_account, identity, address, customer
    start: int
    end: int
