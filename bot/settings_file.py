"""Settings file: what muster.yaml says, as text and as YAML, not yet held against anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bot import strict_yaml
from bot.settings_errors import SettingsError
from bot.strict_yaml import NotStrict


def read_data(path: Path) -> dict[str, Any]:
    """What the file says, not yet held against anything. SettingsError for what is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            [f"{path}: {error.strerror}; write the configuration there or name it with --config."]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError([f"{path}: line {line} is no UTF-8; save the file as UTF-8."]) from None
    try:
        data = strict_yaml.read(text)
    except NotStrict as error:
        raise SettingsError([f"{path.name}: {fault}" for fault in error.faults]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        problem = getattr(error, "problem", None) or "not readable"
        raise SettingsError([f"{path}: {place} is not YAML ({problem}); correct it."]) from error
    if not isinstance(data, dict):
        raise SettingsError([f"{path}: the file is empty; start from docs/configuration.md."])
    return data
