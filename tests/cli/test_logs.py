"""Logs that are set up once are written where standard error is at the moment of the line."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import configure


@pytest.fixture
def as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("as_it_was")
def test_a_line_after_standard_error_was_replaced_and_closed_still_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    configure()
    log = structlog.get_logger("kept")
    log.warning("before")
    monkeypatch.setattr(sys, "stderr", second)
    first.close()
    log.warning("after")
    assert '"event": "after"' in second.getvalue()
