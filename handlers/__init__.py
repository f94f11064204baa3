"""Slack speaks to us: commands, buttons, modals, shortcuts, App Home."""

from handlers import (
    buttons,
    cases,
    commands,
    controls,
    declare,
    forms,
    gate,
    home,
    isolation,
    modals,
    shortcuts,
)
from handlers.registry import Registry

__all__ = ["register_all"]


def register_all(registry: Registry) -> None:
    """Every handler of the product, behind the gate. ValueError where one asks for no right."""
    for module in (
        commands,
        buttons,
        controls,
        modals,
        declare,
        cases,
        shortcuts,
        isolation,
        home,
    ):
        module.register(registry)
    registry.waiting = forms.checking
    registry.gate = gate.admit
    registry.rights()
