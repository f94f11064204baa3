"""Own nodes of a select: those that stand in it, not in a select within it."""

from __future__ import annotations

from typing import Any

from sqlglot import exp


def own_nodes(select: exp.Select, kind: Any) -> list[Any]:
    """The nodes of a kind that belong to this select; of selects, the next ones within."""
    found: list[Any] = []

    def go(node: exp.Expr) -> None:
        for child in node.iter_expressions():
            if isinstance(child, exp.Select):
                if kind is exp.Select:
                    found.append(child)
                continue
            if isinstance(child, kind):
                found.append(child)
            go(child)

    go(select)
    return found
