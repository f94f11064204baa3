"""The state of one render: its language, its zone, its catalogue, and the leaves in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import Any

import jinja2
import structlog

from message_templates.catalogue import Catalogue, catalogue
from message_templates.environment import STATE
from message_templates.text_parts import NOT_KNOWN, Ours, Part, parse

_log = structlog.get_logger(__name__)


Links = Callable[[str], str | None]
"""Where the thread of an incident is found, by how people call it (INC-412)."""


Channels = Callable[[str], str | None]
"""What Slack calls a channel, by its id; None: not known, or not for everybody's eyes."""


Checks = Mapping[str, Mapping[str, str]]
"""What the configured checks are called: by name, then by language."""
NO_CHECKS: Checks = MappingProxyType({})


def no_links(_: str) -> None:
    """No address of any incident is at hand."""


def no_names(_: str) -> None:
    """No channel's name is at hand."""


class TemplateFailed(Exception):
    """A template could not be rendered; delivery sends plain text instead."""


class State:
    """The language, zone and catalogue of one render, at hand in every leaf.

    `links`: the number of an incident leads to its thread wherever the place takes links.
    """

    def __init__(
        self,
        language: str,
        zone: tzinfo | None,
        *,
        template: Callable[[str], Callable[[Mapping[str, Any]], str]],
        expression: Callable[[str], Callable[[Mapping[str, Any]], Any]],
        links: Links = no_links,
        checks: Checks = NO_CHECKS,
        commands: Mapping[str, str] = MappingProxyType({}),
        channels: Channels = no_names,
    ) -> None:
        self._template = template
        self._expression = expression
        self.language = language
        self.zone = zone
        self.links = links
        self.checks = checks
        self.commands = commands
        self.channels = channels
        self.catalogue: Catalogue = catalogue(language)

    def text(self, key: str, scope: Mapping[str, Any]) -> Ours | None:
        """The catalogue's entry rendered in the scope; None where there is no such entry."""
        source = self.catalogue.get(key)
        return None if source is None else self.leaf(source, scope)

    def leaf(self, source: str, scope: Mapping[str, Any]) -> Ours:
        return Ours(self._template(source)({**scope, STATE: self}))

    def evaluate(self, expression: str, scope: Mapping[str, Any]) -> Any:
        return self._expression(expression)({**scope, STATE: self})

    def parts(self, text: str) -> list[Part]:
        unknown = self.catalogue.get("not_known") or "?"
        return parse(text.replace(NOT_KNOWN, unknown))

    def words(self, words: Any, scope: Mapping[str, Any]) -> Ours:
        """A bilingual text of the plan; what cannot be worked out is "not known", and logged."""
        source = words if isinstance(words, str) else words.in_(self.language)
        try:
            return self.leaf(source, scope)
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            _log.warning("template.words_failed", source=source, error=str(error))
            return Ours(NOT_KNOWN)
