"""The locale catalogues: every fixed word of the product, in each language, under the same keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from plan.languages import DEFAULT, LANGUAGES, of_tag

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def normal(language: str | None) -> str:
    """The product's language for a tag: every Chinese reads zh-Hant, the others English."""
    return of_tag(language) or DEFAULT


def read_yaml(folder: str, name: str) -> Any:
    """A YAML file of this package."""
    text = files("message_templates").joinpath(folder, name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)


@dataclass(frozen=True)
class Catalogue:
    language: str
    entries: Mapping[str, str]

    def get(self, key: str) -> str | None:
        return self.entries.get(key)

    def keys_of(self, group: str) -> tuple[str, ...]:
        """The keys of a group, in the order of the file."""
        start = group + "."
        return tuple(key.removeprefix(start) for key in self.entries if key.startswith(start))


def _flat(node: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, str(node)


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language of `LANGUAGES`. Raises FileNotFoundError for another."""
    return Catalogue(language, dict(_flat(read_yaml("locales", f"{language}.yaml"))))
