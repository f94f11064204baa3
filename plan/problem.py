"""Problem: a fault of the plan, before its place in a file is known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """`owner`: "section 3.3", "action refund", "cause vendor"; `keys`: the way from there down."""

    owner: str
    keys: tuple[str | int, ...]
    sentence: str

    @property
    def key(self) -> str:
        """The way down as people write it: `steps[2].buttons[0].label`."""
        text = ""
        for key in self.keys:
            text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
        return text

    @property
    def path(self) -> tuple[str | int, ...]:
        """The way down from the top of the file that the owner stands in."""
        kind, _, name = self.owner.partition(" ")
        top: tuple[str | int, ...] = ("section",) if kind == "section" else (f"{kind}s", name)
        return (*top, *self.keys)
