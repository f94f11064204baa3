"""Drill files: the stories that stand in the folders of the sections."""

from __future__ import annotations

from pathlib import Path

from plan.sources import DRILLS, plan_order, roots


def stories(extra: Path | None = None) -> dict[str, Path]:
    """The drills' files by name, in the plan's order; a shop's own replace ours. Raises PlanError.

    "3.3" is `3.3/drills/main.yaml`, "3.3-relapse" the `relapse.yaml` beside it.
    """
    found: dict[str, Path] = {}
    for root in roots(extra):
        for path in root.rglob(f"{DRILLS}/*.yaml"):
            section, variant = path.parent.parent.name, path.stem
            found[section if variant == "main" else f"{section}-{variant}"] = path
    return dict(sorted(found.items(), key=lambda item: plan_order(item[0])))
