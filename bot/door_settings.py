"""Door settings: what the addresses of looks and actions ask of the rest of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from actions.declarations import ActionDeclaration, LookDeclaration


def below_control_url(
    looks: Mapping[str, LookDeclaration], actions: Mapping[str, ActionDeclaration]
) -> str | None:
    """The first look or action whose address is not absolute, by its place."""
    doors = {
        **{f"shop.looks.{name}": look.url for name, look in looks.items()},
        **{f"shop.actions.{name}": action.url for name, action in actions.items()},
    }
    relative = (at for at, url in doors.items() if not url.startswith(("http://", "https://")))
    return next(relative, None)
