"""Every endpoint, metric and part of readiness stands in docs/operations.md."""

from __future__ import annotations

import re
from pathlib import Path

from bot.web.routes import HEALTH, METRICS, READY
from tests.web.conftest import Running

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


async def test_every_metric_and_part_is_documented(bot: Running) -> None:
    """A figure that nobody can read about is no figure; nor is one that is not there any more."""
    text = await bot.metrics()
    shown = set(re.findall(r"^# TYPE (muster_\w+) ", text, re.MULTILINE))
    shown = {name for name in shown if not name.endswith("_created")}
    written = set(re.findall(r"`(muster_\w+)`", PAGE))
    assert shown == written
    _, said = await bot.get("/readyz")
    assert not [part for part in said["parts"] if f"| `{part}` |" not in PAGE]


def test_every_endpoint_is_documented() -> None:
    for path in (HEALTH, READY, METRICS):
        assert f"| `{path}` |" in PAGE
