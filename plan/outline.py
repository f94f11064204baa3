"""Outline of the emergency plan: its sections, steps and branches, with their titles.

`plan/data/outline.yaml` says what the plan asks for; the sections' own files say how. Lint and
coverage hold the two against each other.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from plan.model import Model, SectionId, StepId, Words
from plan.sources import DATA, PlanError, read_source

OUTLINE = DATA / "outline.yaml"


class Entry(Model):
    """One section of the plan. Runbooks name their live steps, review steps and branches."""

    title: Words
    chapter: int
    handling: Literal["taxonomy", "rule", "runbook", "runbook_part", "policy", "checklist"]
    detection: Literal["auto", "human", "hybrid"] | None = None
    runbook: SectionId | None = None  # the runbook that this part belongs to
    parts: tuple[SectionId, ...] = ()
    live: tuple[StepId, ...] = ()
    review: tuple[StepId, ...] = ()
    branches: tuple[str, ...] = Field(default=())


@lru_cache(maxsize=4)
def load_outline(path: Path = OUTLINE) -> dict[str, Entry]:
    """Every section of the plan by its number. Raises PlanError."""
    source = read_source(path, path.parent)
    entries: dict[str, Any] = source.data.get("outline") or {}
    if not entries:
        raise PlanError([f"{source.shown}:1: the outline is missing."])
    return {number: Entry.model_validate(entry) for number, entry in entries.items()}
