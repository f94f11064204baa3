"""The golden files: what is read of the example of section 3.3, in both languages.

`python -m tests.message_templates.golden_files` writes them anew; the difference is to be read
by a person before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from message_templates.engine import Templates
from message_templates.review import review_html, review_markdown
from tests.message_templates import builders
from tests.message_templates.shown import lines

FOLDER = Path(__file__).parent / "golden"
TEMPLATES = Templates(builders.TAIPEI)


def _cards(language: str) -> str:
    views = (
        builders.card_open(),
        builders.card_passed_over(),
        builders.card_with_unread(),
        builders.card_running(),
        builders.card_mitigated(),
        builders.card_relapsed(),
        builders.card_held_again(),
        builders.card_waiting(),
        builders.card_restored(),
    )
    return "\n\n".join(lines(TEMPLATES.render("card", view, language=language)) for view in views)


def _runbooks(language: str) -> str:
    views = (builders.runbook_mitigated(), builders.runbook_skipped(), builders.runbook_by_hand())
    return "\n\n".join(
        lines(TEMPLATES.render("runbook", view, language=language)) for view in views
    )


def _log(language: str) -> str:
    return "\n".join(
        lines(TEMPLATES.render("log", view, language=language))
        for view in (*builders.log_lines(), *builders.alert_lines())
    )


def _notices(language: str) -> str:
    return "\n\n".join(
        lines(TEMPLATES.render(name, view, language=language, params=params))
        for name, (view, params) in builders.notices().items()
    )


def _desk(language: str) -> str:
    """The service desk's note while it lasts, and when there is nothing to say any more."""
    return "\n\n".join(
        lines(TEMPLATES.render("desk", view, language=language, params=params))
        for view, params in builders.desk_notes()
    )


def _pictures(language: str) -> str:
    """Of the opening, and where the shop is too young for a usual hour."""
    return "\n\n".join(
        lines(TEMPLATES.render("picture", view, language=language)) for view in builders.pictures()
    )


def _review(language: str) -> str:
    return review_markdown(TEMPLATES, builders.review_view(), language=language)


def _page(language: str) -> str:
    return review_html(TEMPLATES, builders.review_view(), language=language)


MADE: dict[str, Callable[[str], str]] = {
    "card.txt": _cards,
    "runbook.txt": _runbooks,
    "log.txt": _log,
    "notices.txt": _notices,
    "desk.txt": _desk,
    "picture.txt": _pictures,
    "review.md": _review,
    "review.html": _page,
}


def path(name: str, language: str) -> Path:
    stem, _, suffix = name.partition(".")
    return FOLDER / f"{stem}.{language}.{suffix}"


def write_all() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, make in MADE.items():
        for language in ("en", "zh-Hant"):
            path(name, language).write_text(make(language).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_all()
