"""Engine: rendering, a template, a view, a language and a zone make a message, a modal or a home
tab.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from typing import Any

import jinja2
import yaml

from message_templates import limits, notification_text, writers
from message_templates.catalogue import normal, read_yaml
from message_templates.environment import environment
from message_templates.expansion import Expansion, Pending, StructureError
from message_templates.filters import AS_FUNCTIONS, FILTERS
from message_templates.functions import AS_FILTERS, FUNCTIONS
from message_templates.state import (
    Channels,
    Checks,
    Links,
    State,
    TemplateFailed,
    no_links,
    no_names,
)
from message_templates.text_parts import NOT_KNOWN, clean
from plan import bounds, jinja_leaves

__all__ = ["Message", "TemplateFailed", "Templates"]

_EMPTY: Mapping[str, Any] = {}
_ENVIRONMENT = environment({**FILTERS, **AS_FILTERS}, {**AS_FUNCTIONS, **FUNCTIONS})


_PATH = re.compile(r"[a-z_]+(?:\.[a-z_]+)*")


@lru_cache(maxsize=8192)
def _compiled(source: str) -> Callable[[Mapping[str, Any]], str]:
    """A leaf, ready to be rendered; one without Jinja is itself."""
    if "{" not in source:
        return lambda _: source
    return jinja_leaves.template(_ENVIRONMENT, source)


@lru_cache(maxsize=4096)
def _expression(source: str) -> Callable[[Mapping[str, Any]], Any]:
    """An expression, ready to be evaluated; a mere path needs no compiler."""
    if not _PATH.fullmatch(source) or source in ("none", "true", "false"):
        return jinja_leaves.expression(_ENVIRONMENT, source)
    first, *rest = source.split(".")

    def follow(scope: Mapping[str, Any]) -> Any:
        value = scope[first] if first in scope else _ENVIRONMENT.undefined(name=first)
        for name in rest:
            value = _ENVIRONMENT.getattr(value, name)
        return value

    return follow


def _state(
    language: str,
    zone: tzinfo | None,
    links: Links = no_links,
    checks: Checks = _EMPTY,
    commands: Mapping[str, str] = _EMPTY,
    channels: Channels = no_names,
) -> State:
    return State(
        normal(language),
        zone,
        template=_compiled,
        expression=_expression,
        links=links,
        checks=checks,
        commands=commands,
        channels=channels,
    )


@lru_cache(maxsize=256)
def _load(name: str) -> Any:
    return read_yaml("templates", f"{name}.yaml")


@dataclass(frozen=True)
class Message:
    """What goes to Slack: the notification text and the blocks, or a whole view."""

    text: str
    blocks: list[dict[str, Any]]
    view: dict[str, Any] | None = None  # a modal or a home tab
    metadata_extra: dict[str, Any] = field(default_factory=dict)


class Templates:
    """Renders the templates of this package. `zone` is the house's, for readers without one;
    `checks`: what the configured checks are called; `commands`: what is typed, by our name;
    `channels`: what Slack calls them."""

    def __init__(
        self,
        zone: tzinfo | None = None,
        checks: Checks = _EMPTY,
        commands: Mapping[str, str] = _EMPTY,
        channels: Channels = no_names,
    ) -> None:
        self._zone = zone
        self._checks = checks
        self._commands = commands
        self._channels = channels

    def render(
        self,
        template: str,
        view: Any,
        *,
        language: str,
        zone: tzinfo | None = None,
        params: Mapping[str, Any] = _EMPTY,
        links: Links = no_links,
    ) -> Message:
        """A message, or with `Message.view` a modal or home tab.

        `view` is plain data with the attributes of `incidents.views`; `params` are further names;
        `links` knows where an incident's thread is found.
        Raises TemplateFailed if the template does not exist or cannot be rendered.
        """
        state = self.state(language, zone, links)
        counting = bounds.begin(bounds.MESSAGE_STEPS)
        try:
            structure = _load(template)
            made = Expansion(_Shown(state), _load).expand(
                structure, clean({"view": view, "params": dict(params)})
            )
            return self._message(made, state, params)
        except TemplateFailed:
            raise
        except FileNotFoundError:
            raise TemplateFailed(f"there is no template “{template}”") from None
        except (yaml.YAMLError, StructureError) as error:
            raise TemplateFailed(f"template “{template}” cannot be read: {error}") from error
        except (jinja2.TemplateError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise TemplateFailed(f"template “{template}”: {error}") from error
        finally:
            bounds.end(counting)

    def _message(self, made: dict[str, Any], state: State, params: Mapping[str, Any]) -> Message:
        reference = str(made.pop("reference", "") or "") or None
        told = made.pop("text", "")
        text = writers.notice(told.parts) if isinstance(told, Pending) else str(told)
        text = notification_text.shorten(text, reference, state.language)
        if made.get("type") in ("modal", "home"):
            view = limits.finish(made)
            if "metadata" in params:
                view["private_metadata"] = json.dumps(params["metadata"], ensure_ascii=False)
            view["blocks"] = limits.fit(view["blocks"], limits.VIEW_BLOCKS)
            return Message(text, [], view)
        return Message(text, limits.message(made.get("blocks", [])))

    def answer(
        self,
        code: str,
        params: Mapping[str, Any],
        *,
        language: str,
        zone: tzinfo | None = None,
    ) -> Message:
        """What is said to one person only: the entry `answers.<code>` of the catalogue."""
        return self.render(
            "answer", None, language=language, zone=zone, params={"code": code, "params": params}
        )

    def state(self, language: str, zone: tzinfo | None = None, links: Links = no_links) -> State:
        """The state of one render, for documents that are composed part by part."""
        zone = zone or self._zone
        return _state(language, zone, links, self._checks, self._commands, self._channels)

    def words(
        self,
        words: Any,
        scope: Mapping[str, Any],
        *,
        language: str,
        zone: tzinfo | None = None,
    ) -> str:
        """A bilingual text of the plan as plain text."""
        state = self.state(language, zone)
        return writers.plain(state.parts(state.words(words, clean(dict(scope)))))

    def text(
        self,
        key: str,
        *,
        language: str,
        zone: tzinfo | None = None,
        **params: Any,
    ) -> str:
        """An entry of the catalogue as plain text. Raises TemplateFailed if there is none."""
        state = self.state(language, zone)
        found = state.text(key, clean(params))
        if found is None:
            raise TemplateFailed(f"the catalogue has no “{key}”")
        return writers.plain(state.parts(found))

    def word(self, code: str, *, language: str) -> str:
        """The catalogue's word of a code; a code that has none is shown without underscores."""
        state = self.state(language, None)
        found = state.text(f"words.{code}", {})
        return code.replace("_", " ") if found is None else writers.plain(state.parts(found))


class _Shown:
    """Leaves whose unknown facts are already said in the render's language."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._unknown = state.catalogue.get("not_known") or "?"

    def evaluate(self, expression: str, scope: Mapping[str, Any]) -> Any:
        return self._state.evaluate(expression, scope)

    def leaf(self, source: str, scope: Mapping[str, Any]) -> str:
        return self._state.leaf(source, scope).replace(NOT_KNOWN, self._unknown)
