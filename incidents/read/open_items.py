"""Open items: what stands in a follow-up, a person's words, or the name of what was left open."""

from __future__ import annotations

from incidents.read import nouns
from incidents.read.reader import Reader
from plan import expressions
from plan.expressions import ExpressionError
from plan.model import Words
from storage.models import FollowUp


def words_of_item(reader: Reader, item: FollowUp) -> Words | str:
    """Words of the plan for a guard or a step that was open, with its figures; else the text."""
    text = item.text.reveal()
    what, _, name = text.partition(":")
    if what == "guard":
        for section in reader.plan.sections.values():
            for guard in section.guards:
                if guard.id == name:
                    return _filled(guard.words, reader)
    if what == "step":
        for section in reader.plan.sections.values():
            for step in section.steps:
                if step.id == name:
                    return _filled(step.title, reader)
    if what == "cases" and item.kind == "open_item":
        return _filled(nouns.case_label(reader), reader)
    return text


def _filled(words: Words, reader: Reader) -> Words:
    """The words with the figures of now; what cannot be filled is left out of nothing: as is."""
    try:
        return words.each(lambda _, text: expressions.fill(text, reader.scope))
    except ExpressionError:
        return reader.section.short
