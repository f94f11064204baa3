"""Walks over blocks that are known to be valid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.slack.errors import Json


def each_block(blocks: Sequence[Json]) -> Iterator[Json]:
    """Every block, those in containers and carousels included."""
    for block in blocks:
        yield block
        yield from each_block(block.get("child_blocks", ()))
        if block["type"] == "carousel":
            yield from block["elements"]


def elements_of(block: Json) -> Iterator[Json]:
    """The elements of one block that a person can use."""
    if "accessory" in block:
        yield block["accessory"]
    if "element" in block:
        yield block["element"]
    if block["type"] in ("actions", "context_actions"):
        yield from block["elements"]
    if block["type"] == "card":
        yield from block.get("actions", ())


def each_element(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Every (block, element)."""
    for block in each_block(blocks):
        for element in elements_of(block):
            yield block, element


def literal_length(value: Any) -> int:
    """How many characters of text stand in a block, wherever they stand in it."""
    if isinstance(value, list):
        return sum(literal_length(item) for item in value)
    if isinstance(value, dict):
        own = value.get("text")
        return (len(own) if isinstance(own, str) else 0) + sum(
            literal_length(item) for item in value.values() if isinstance(item, dict | list)
        )
    return 0
