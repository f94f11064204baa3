"""Languages of the product, one row each: what Babel calls them, how people ask for them, and how
their sentences are set.

A new language is a row here, a catalogue in `message_templates/locales`, and its text beside the
others wherever the plan has one; what is missing is named when it is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

_NOTHING = re.compile(r"(?!)")


@dataclass(frozen=True)
class Language:
    """One language. `locale` is CLDR's name of it; patterns of dates are CLDR's too.

    `tags` are the beginnings of IETF and ISO 639 tags whose speakers read it; those of no row read
    the first one. `script` is what each of its texts has (None: any), `foreign` what none has.
    """

    code: str
    locale: str
    called: str  # in English
    asked_as: tuple[str, ...]  # what may be typed to choose it
    tags: tuple[str, ...]
    day: str = "d MMM"
    space: str = " "  # between sentences
    comma: str = ", "  # between clauses
    listed: str = ", "  # between the things of a list
    semicolon: str = "; "
    full_stop: str = "."
    dense: bool = False  # a character says a word: half the room, labels are counted by characters
    notice: int = 110  # characters of a lock screen
    script: re.Pattern[str] | None = None
    foreign: Mapping[str, re.Pattern[str]] = field(default_factory=dict)  # what it is → where
    greeting: str = ""  # a message to a customer begins with it
    inner: re.Pattern[str] = _NOTHING  # words of the house that say nothing to a customer

    @property
    def name(self) -> str:
        """Its name where a name of Python is needed: `zh_hant`."""
        return self.code.replace("-", "_").lower()


_CJK = re.compile(r"[一-鿿]")
_SIMPLIFIED = re.compile(r"[这们为时问题请发认证货应订单处备间开关经银检询额细预务买卖读写换损坏]")

ROWS = (
    Language(
        code="en",
        locale="en_GB",
        called="English",
        asked_as=("en", "english", "英文"),
        tags=("en", "eng"),
        foreign={"Chinese": _CJK},
        greeting="Hello",
        inner=re.compile(
            r"\b(SEV ?[1-4]|INC-\d*|incidents?|runbook|Muster|Slack|on-call|audit|ticket)\b", re.I
        ),
    ),
    Language(
        code="zh-Hant",
        locale="zh_Hant_TW",
        called="Chinese",
        asked_as=("zh", "zh-hant", "zh-tw", "chinese", "中文", "繁體中文", "繁中"),
        tags=("zh", "zho", "chi"),
        day="M/d",
        space="",
        comma="，",
        listed="、",
        semicolon="；",
        full_stop="。",
        dense=True,
        notice=55,
        script=_CJK,
        foreign={"simplified writing": _SIMPLIFIED},
        greeting="您好",
        inner=re.compile(r"SEV ?[1-4]|INC-|Muster|Slack|事件|處置手冊|值班|稽核|案號|工單"),
    ),
)

_BY_CODE: Mapping[str, Language] = {row.code: row for row in ROWS}
LANGUAGES = tuple(_BY_CODE)
DEFAULT = LANGUAGES[0]
if TYPE_CHECKING:
    Code = str
else:
    Code = Literal[LANGUAGES]  # a language of the configuration: pydantic refuses any other
ORIGINAL = "zh-Hant"  # in which the emergency plan is written


def row(code: str) -> Language:
    """The row of a language; of one that there is not, the first."""
    return _BY_CODE.get(code, ROWS[0])


def of_tag(tag: str | None) -> str | None:
    """The language that the speakers of an IETF or ISO 639 tag read: `zh_TW`, `EN-us`, `eng`.

    None: it is empty, or we have no words in it.
    """
    primary = (tag or "").strip().lower().replace("_", "-").partition("-")[0]
    return next((row.code for row in ROWS if primary in row.tags), None)


def asked(words: str) -> str | None:
    """The language that somebody asks for: `English`, `中文`, `zh-TW`. None: none of ours."""
    said = words.strip().casefold().replace("_", "-")
    return next((row.code for row in ROWS if said in row.asked_as), None) or of_tag(said)
