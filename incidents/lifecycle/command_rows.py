"""Commands that there are: the table with every row written.

A row stands on its function; who serves or offers commands reads the table from here, so that the
modules with the functions are there. A new module of commands is named here.
"""

from __future__ import annotations

from incidents.command_table import TABLE, Command, Given, offered
from incidents.lifecycle import closing, commands, record_confirmation, sections

MODULES = (closing, commands, record_confirmation, sections)

__all__ = ["MODULES", "TABLE", "Command", "Given", "offered"]
