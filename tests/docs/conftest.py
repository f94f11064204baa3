from __future__ import annotations

from tests.web.conftest import bot, session

__all__ = ["bot", "session"]
