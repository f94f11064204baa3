"""Check files: checks that stand beside their section, in its folder's `checks/`, one a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plan.sources import CHECKS, Source, read_source, roots


def check_files(extra: Path | None = None) -> Iterator[tuple[Source, Mapping[str, Any]]]:
    """Each file with its check, ours and a shop's own. Raises PlanError for one not readable."""
    for root in roots(extra):
        for path in sorted(root.rglob(f"{CHECKS}/*.yaml")):
            source = read_source(path, root)
            check = source.data.get("check")
            yield source, check if isinstance(check, Mapping) else {}
