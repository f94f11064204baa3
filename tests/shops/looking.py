"""Looking at a shop as its owner would: ready-made mapping, `muster shop verify`, `muster check`.

Both are the real command line. What is found comes back by check and subject, with the keys.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import create_engine, inspect

from checks.shop.known_shop import KnownShop, recognise

Found = dict[str, dict[str, set[str]]]


def recognised(url: str) -> KnownShop:
    """The shop that its tables show it to be."""
    engine = create_engine(url)
    try:
        known = recognise(inspect(engine).get_table_names())
    finally:
        engine.dispose()
    assert known is not None, "the tables were not recognised"
    return known


@dataclass
class Looker:
    """One shop with its mapping; `open` answers what the mapping leaves open."""

    folder: Path
    url: str
    currency: str
    mapping: dict[str, Any]
    checks: Sequence[dict[str, Any]]

    def configured(self) -> Path:
        path = self.folder / "muster.yaml"
        data = {
            "slack": {"channels": {"incidents": {"id": "C1"}}},
            "roles": {"oncall": {"people": ["U1"]}},
            "shop": {
                "name": "Shop",
                "currency": self.currency,
                "database_url": self.url,
                "mapping": self.mapping,
            },
            "checks": list(self.checks),
        }
        path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return path

    def verified(self) -> str:
        """What `muster shop verify` says; it must find nothing to put right."""
        done = self._run("shop", "verify")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def found(self) -> Found:
        """What the checks find; each must have been able to look."""
        done = self._run("check", "--json")
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, done.stderr
        results = json.loads(done.stdout)
        assert not [one["error"] for one in results if one["error"]]
        return {
            one["check"]: {
                finding["subject"]: {case["key"] for case in finding["cases"]}
                for finding in one["findings"]
            }
            for one in results
            if one["findings"]
        }

    def ran(self) -> set[str]:
        """The checks that look at this shop, the product's own detections among them."""
        done = self._run("check", "--json")
        return {one["check"] for one in json.loads(done.stdout)}

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot.cli", *words, "--config", str(self.configured())],
            capture_output=True,
            text=True,
            check=False,
        )
