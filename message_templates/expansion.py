"""Expansion: the structure of a message: YAML whose control flow is small keys, so that it stays
data.

    if: EXPRESSION            the node is left out where it does not hold
    let: {name: EXPRESSION}   names for the node below
    each: NAME in EXPRESSION  with `do:`, once for each, spliced into the list around
    include: TEMPLATE         with `with: {name: EXPRESSION}`, another file in this place
    value: EXPRESSION         the value itself: a number, a truth value, a list
    mrkdwn, plain, rich       a text object; a list is its lines, each of which may have an `if:`
    notice                    the text of a lock screen

Every other text is a Jinja leaf taken literally (identifiers, values).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from message_templates.text_parts import Part, parse, plain


class Leaves(Protocol):
    """What evaluates expressions and renders leaves in the language of one render."""

    def evaluate(self, expression: str, scope: Mapping[str, Any]) -> Any: ...

    def leaf(self, source: str, scope: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True)
class Pending:
    """A text object whose place, and so its limit, is not known yet."""

    kind: str  # mrkdwn, plain, rich, notice
    parts: list[Part]


@dataclass(frozen=True)
class Splice:
    """Several nodes in the place of one."""

    nodes: list[Any]


class _Omitted:
    pass


OMITTED = _Omitted()
_TEXTS = ("mrkdwn", "plain", "rich", "notice")


class StructureError(ValueError):
    """A template file is not as this module reads it; names the file."""


class Expansion:
    """One expansion of a structure."""

    def __init__(self, leaves: Leaves, load: Callable[[str], Any]) -> None:
        self._leaves = leaves
        self._load = load

    def expand(self, node: Any, scope: Mapping[str, Any]) -> Any:
        """The node with its control flow carried out; `OMITTED` or a `Splice` may come back."""
        if isinstance(node, str):
            return plain(self._leaves.leaf(node, scope))
        if isinstance(node, list):
            return self._list(node, scope)
        if isinstance(node, Mapping):
            return self._mapping(node, scope)
        return node

    def _list(self, nodes: list[Any], scope: Mapping[str, Any]) -> list[Any]:
        made: list[Any] = []
        for node in nodes:
            found = self.expand(node, scope)
            if isinstance(found, Splice):
                made.extend(found.nodes)
            elif found is not OMITTED:
                made.append(found)
        return made

    def _mapping(self, node: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
        for key, expression in node.get("let", {}).items():  # each may use those before it
            scope = {**scope, key: self._leaves.evaluate(expression, scope)}
        if "if" in node and not self._leaves.evaluate(str(node["if"]), scope):
            return OMITTED
        rest = {key: item for key, item in node.items() if key not in ("if", "let")}
        if "each" in rest:
            return self._each(rest, scope)
        if "include" in rest:
            return self._include(rest, scope)
        if set(rest) == {"value"}:
            return self._leaves.evaluate(rest["value"], scope)
        if set(rest) == {"do"}:
            return Splice(self._list(rest["do"], scope))
        for kind in _TEXTS:
            if set(rest) == {kind}:
                return Pending(kind, parse(self._lines(rest[kind], scope)))
        return self._plain_mapping(rest, scope)

    def _plain_mapping(self, node: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in node.items():
            found = self.expand(item, scope)
            if found is OMITTED:
                continue
            made[key] = found.nodes if isinstance(found, Splice) else found
        return made

    def _each(self, node: Mapping[str, Any], scope: Mapping[str, Any]) -> Splice:
        name, _, source = str(node["each"]).partition(" in ")
        items = self._leaves.evaluate(source, scope) or ()
        made: list[Any] = []
        for position, item in enumerate(items):
            made.extend(self._list(node["do"], {**scope, name.strip(): item, "index": position}))
        return Splice(made)

    def _include(self, node: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
        given = node.get("with", {})
        named = {key: self._leaves.evaluate(at, scope) for key, at in given.items()}
        name = plain(self._leaves.leaf(str(node["include"]), scope))
        found = self.expand(self._load(name), {**scope, **named})
        return Splice(found) if isinstance(found, list) else found

    def _lines(self, node: Any, scope: Mapping[str, Any]) -> str:
        if isinstance(node, str):
            return self._leaves.leaf(node, scope)
        if not isinstance(node, list):
            raise StructureError(f"a text is a leaf or a list of lines, not {type(node).__name__}")
        return "\n".join(self._line_list(node, scope))

    def _line_list(self, nodes: list[Any], scope: Mapping[str, Any]) -> list[str]:
        made: list[str] = []
        for node in nodes:
            if isinstance(node, str):
                made.append(self._leaves.leaf(node, scope))
            elif "each" in node:
                name, _, source = str(node["each"]).partition(" in ")
                for position, item in enumerate(self._leaves.evaluate(source, scope) or ()):
                    inner = {**scope, name.strip(): item, "index": position}
                    made.extend(self._line_list(node["do"], inner))
            elif "if" not in node or self._leaves.evaluate(str(node["if"]), scope):
                made.append(self._leaves.leaf(node["line"], scope))
        return made
