"""The stack in HTTP mode, as tests/public has it."""

from tests.public.conftest import public

__all__ = ["public"]
