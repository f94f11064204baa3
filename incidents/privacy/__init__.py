"""Screening of what people type, before anything of it is posted (rule 9).

Found are the forms of phone numbers, e-mail addresses, payment cards, bank accounts, identity
numbers and addresses, and what is known of the customer in question. Text is looked at in its
normal form, so full-width digits and invisible characters hide nothing; Chinese beside a number is
no part of it; a number may be spaced, split over lines or written in words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from incidents.privacy.accounts import accounts
from incidents.privacy.addresses import addresses
from incidents.privacy.cards import cards
from incidents.privacy.digits import windows
from incidents.privacy.found import Found
from incidents.privacy.identities import identities
from incidents.privacy.known_customers import customers
from incidents.privacy.mails import mails
from incidents.privacy.phones import phones

__all__ = ["MASK", "Found", "masked", "normal", "screen"]

MASK = "•••"
_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212\u30fb\uff70]|(?<=\\d)ー(?=\\d)")
_LINES = re.compile("\r\n?|[\u2028\u2029\x0b\x0c\x85]")


def normal(text: str) -> str:
    """The text in one form: no full width, no invisible characters, one kind of dash and line."""
    if text.isascii():
        return _LINES.sub("\n", text)
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    plain = _LINES.sub("\n", _DASHES.sub("-", plain))
    return "".join(_digit(char) for char in plain)


def _digit(char: str) -> str:
    """Digits of other scripts as ours."""
    if char.isascii() or not char.isdecimal():
        return char
    return str(unicodedata.decimal(char))


def screen(text: str, *, known: Iterable[str] = ()) -> tuple[Found, ...]:
    """What in the normal form of the text looks personal, in its order.

    `known`: the customer's own name, address and the like, as the shop has them.
    """
    plain = normal(text)
    found = [
        *mails(plain),
        *identities(plain),
        *accounts(plain),
        *addresses(plain),
        *customers(plain, [normal(value) for value in known]),
    ]
    numbers = list(windows(plain))
    if numbers:
        found += cards(plain, numbers)
        found += phones(plain, numbers)
    return tuple(_apart(found))


_RANK = ("card", "iban", "identity", "email", "bank_account", "phone", "customer", "address")


def _apart(found: list[Found]) -> Iterator[Found]:
    """Each place once, under its surest kind."""
    taken: list[Found] = []
    for one in sorted(found, key=lambda f: (_RANK.index(f.kind), f.start - f.end, f.start)):
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    yield from sorted(taken, key=lambda f: f.start)


def masked(text: str, *, known: Iterable[str] = ()) -> str:
    """The normal form of the text with what looks personal as dots; unchanged if nothing does."""
    found = screen(text, known=known)
    if not found:
        return text
    plain = normal(text)
    made, at = [], 0
    for one in found:
        made += [plain[at : one.start], MASK]
        at = one.end
    return "".join([*made, plain[at:]])
