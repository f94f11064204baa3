"""What was parsed is kept for the next process, and never believed when it should not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan import loader, plan_cache
from plan.loader import LoadedPlan, load_plan


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(loader, "_CACHE", {})
    return tmp_path / "cache/muster"


def again(monkeypatch: pytest.MonkeyPatch, *, parsing: bool) -> LoadedPlan:
    """The plan as another process reads it; `parsing`: whether it may parse the files."""
    loader._CACHE.clear()
    if not parsing:
        monkeypatch.setattr(loader, "read_sources", None)
    return load_plan()


def test_another_process_need_not_parse(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_plan()
    second = again(monkeypatch, parsing=False)
    assert second == first
    assert second.plan.incident_type("complaint").facts["order"].sample == "FG-10482"


@pytest.mark.parametrize(
    "spoiled", ["", "x", "[]\n{}", '{"facts": 1, "sources": {}}\n{}', "{}\n{}"]
)
def test_what_cannot_be_read_is_parsed(
    kept: Path, monkeypatch: pytest.MonkeyPatch, spoiled: str
) -> None:
    first = load_plan()
    (file,) = kept.iterdir()
    file.write_text(spoiled, "utf-8")
    assert again(monkeypatch, parsing=True) == first


def test_what_another_could_have_written_is_parsed(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever writes the plan says what buttons do."""
    first = load_plan()
    (file,) = kept.iterdir()
    file.write_text(file.read_text("utf-8").replace("2026.11", "2026.99"), "utf-8")
    file.chmod(0o666)
    assert again(monkeypatch, parsing=True) == first


def test_another_code_reads_anew(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_plan()
    monkeypatch.setattr(plan_cache, "_code", lambda: b"the next version")
    loader._CACHE.clear()
    load_plan()
    assert len(list(kept.iterdir())) == 2


def test_no_place_to_keep_it_is_no_fault(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.parent.mkdir()
    kept.write_text("a file where the folder should be", "utf-8")
    assert load_plan() == again(monkeypatch, parsing=True)
