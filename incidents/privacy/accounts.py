"""Bank accounts: IBANs by length and check digits, others by the word that they stand behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from incidents.privacy.found import Found

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?\d[ -]?\d")
_GAP = " -.\n\t_"
# Characters of an IBAN by its country (SWIFT's registry).
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL FK SD", 19: "MK SI",
        20: "AT BA EE KZ XK LT LU MN", 21: "HR LV LI CH", 22: "BH BG CR GE DE IE ME RS GB VA",
        23: "IL GI IQ TL AE OM SO", 24: "AD CZ MD PK RO SA SK ES SE TN VG DZ",
        25: "LY PT ST", 26: "IS TR", 27: "FR GR IT MC MR SM BI DJ",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE",
        31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_NAMED = re.compile(
    r"(?:帳號|帳戶|戶頭|局號|匯款|轉帳|匯到|匯至|銀行代[碼號]|郵局"
    r"|(?<![a-z])(?:accounts?|acct|a/c|sort\s?code|routing|bank\s?code)(?![a-z]))"
    r"(?:[^\d\n]|\n(?=\s*\d)){0,14}?\(?"
    r"(\d(?:[\d() \-]{4,24})\d)(?!\d)",
    re.IGNORECASE,
)

_PHONE = re.compile("電話|手機|phone|mobile|cell|tel", re.IGNORECASE)


def accounts(text: str) -> Iterator[Found]:
    """IBANs, and numbers of accounts that are named as such."""
    for match in _IBAN.finditer(text):
        end = _iban_end(text, match.start())
        if end is not None:
            yield Found("iban", match.start(), end)
    for match in _NAMED.finditer(text):
        count = sum(char.isdigit() for char in match.group(1))
        if 6 <= count <= 20 and not _PHONE.search(match.group()):
            yield Found("bank_account", match.start(1), match.end(1))


def _iban_end(text: str, start: int) -> int | None:
    length = _LENGTHS.get(text[start : start + 2].upper())
    if length is None:
        return None
    taken, gap, at = "", 0, start
    for at in range(start, min(len(text), start + 2 * length + 8)):
        char = text[at]
        if char.isascii() and char.isalnum():
            taken, gap = taken + char, 0
        elif char in _GAP and gap < 2:
            gap += 1
        else:
            return None
        if len(taken) == length:
            return at + 1 if _mod_97(taken.upper()) else None
    return None


def _mod_97(iban: str) -> bool:
    digits = "".join(str(int(char, 36)) for char in iban[4:] + iban[:4])
    return int(digits) % 97 == 1
