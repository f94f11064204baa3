"""The files of the sandbox's page: self-contained, free of markup from data, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sandbox.slack

PAGE = Path(sandbox.slack.__file__).parent / "page"
SCRIPTS = sorted(PAGE.rglob("*.js"))
ALL = [*SCRIPTS, *sorted(PAGE.rglob("*.css")), PAGE / "index.html"]
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(")
IMPORT = re.compile(r'from "(\.[^"]+)"')


def name(path: Path) -> str:
    return str(path.relative_to(PAGE))


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_no_script_builds_markup_from_text(script: Path) -> None:
    assert MARKUP.findall(script.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", ALL, ids=name)
def test_nothing_is_fetched_from_elsewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:src|href|url|import|from)\W{1,3}(?:https?:)?//\w", text) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_every_import_is_there(script: Path) -> None:
    for target in IMPORT.findall(script.read_text(encoding="utf-8")):
        assert (script.parent / target).is_file(), target


def words() -> dict[str, set[str]]:
    """The keys of each language in i18n.js."""
    text = (PAGE / "i18n.js").read_text(encoding="utf-8")
    english, chinese = text.split('"zh-Hant": {', 1)
    chinese = chinese.split("\n};", 1)[0]

    def keys(part: str) -> set[str]:
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', part)
        flat = re.sub(r"\{ (?:one: \"\", )?other: \"\" \}", '""', bare)
        return set(re.findall(r"(\w+): \"\"", flat))

    return {"en": keys(english), "zh-Hant": keys(chinese)}


def test_the_page_speaks_both_languages() -> None:
    spoken = words()
    assert len(spoken["en"]) > 100
    assert spoken["en"] ^ spoken["zh-Hant"] == set()


def test_every_word_is_used() -> None:
    """A word that nothing shows is a leftover."""
    text = (
        "".join(
            script.read_text(encoding="utf-8") for script in SCRIPTS if script.name != "i18n.js"
        )
        + (PAGE / "i18n.js").read_text(encoding="utf-8").split("export const languageOf")[1]
    )
    unused = {key for key in words()["en"] if f'"{key}"' not in text}
    assert {key for key in unused if not key.startswith("why_")} == set()


def test_every_word_that_is_asked_for_exists() -> None:
    known = words()["en"]
    for script in SCRIPTS:
        for key in re.findall(r'\bt\("(\w+)"', script.read_text(encoding="utf-8")):
            assert key in known, f"{name(script)}: {key}"
