"""Bounds of what a text with expressions may cost: steps, size and depth, for the plan's own and a
shop's alike.

A plan is written by people, and rendered in the process that has to answer them. What may be
written is Jinja without what has no end: no macros, no `range`, no text by format, no function but
ours. What is left is counted: a loop and a filter spend steps, a text and a list have a size, a
source has a length and a depth. Whatever exceeds is one error, at once, and never a wait.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextvars import ContextVar, Token
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment

STEPS = 100_000  # of one text or expression: turns of loops, items that filters go through
MESSAGE_STEPS = 1_000_000  # of all texts of one message together
SIZE = 200_000  # characters of a text, items of a list with all that is in them
SOURCE = 10_000  # characters of a text before it is filled
DEPTH = 40  # brackets within one another
_BITS = 4096  # of a whole number
_NARROW = 1000  # of what says how often, or how wide

_FILTERS = frozenset(
    {
        "abs", "batch", "capitalize", "count", "d", "default", "dictsort", "first", "float",
        "groupby", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min",
        "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort",
        "string", "sum", "title", "trim", "truncate", "unique", "upper",
    }
)  # fmt: skip
_TEXTUAL = frozenset(
    {"capitalize", "join", "lower", "replace", "string", "title", "trim", "truncate", "upper"}
)
_METHODS = frozenset(
    {
        "capitalize", "count", "endswith", "get", "isdecimal", "isdigit", "items", "keys", "lower",
        "lstrip", "removeprefix", "removesuffix", "rstrip", "split", "startswith", "strip",
        "title", "upper", "values",
    }
)  # fmt: skip
_BUILT_IN = (str, bytes, list, tuple, set, frozenset, int, float, Mapping)
_ALLOWED = (nodes.Output, nodes.If, nodes.For, nodes.Assign)
_EACH = "each__"


class TooMuch(jinja2.TemplateRuntimeError):
    """It would take more steps, room or depth than one text has."""


class _Budget:
    __slots__ = ("left",)

    def __init__(self, steps: int) -> None:
        self.left = steps


_now: ContextVar[_Budget | None] = ContextVar("budget", default=None)


def begin(steps: int = STEPS) -> Token[_Budget | None] | None:
    """What follows is counted, until `end` gets what this gives; within another, by that one."""
    return _now.set(_Budget(steps)) if _now.get() is None else None


def end(token: Token[_Budget | None] | None) -> None:
    if token is not None:
        _now.reset(token)


def spend(steps: int) -> None:
    """Raises TooMuch when nothing is left."""
    budget = _now.get()
    if budget is None:
        return
    budget.left -= steps
    if budget.left < 0:
        raise TooMuch("it takes too many steps")


def joined(pieces: Iterable[str]) -> str:
    """The text of its pieces. Raises TooMuch."""
    found: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > SIZE:
            raise TooMuch(f"it is longer than {SIZE} characters")
        found.append(piece)
    return "".join(found)


def weigh(value: object) -> object:
    """The value, unless it holds more than SIZE with all that is in it, however often."""
    if not isinstance(value, list | tuple | Mapping):
        return value
    weight, left = 0, [value]
    while left:
        one = left.pop()
        weight += len(one) if isinstance(one, str) else 1
        if weight > SIZE:
            raise TooMuch(f"it holds more than {SIZE} items")
        if isinstance(one, Mapping):
            weight += len(one)
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)
    spend(weight // 100)  # what is walked through takes time, wherever it comes from
    return value


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with an end."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.code_generator_class = _Counting
        self.globals.clear()
        built_in = {name: self.filters[name] for name in _FILTERS}
        self.filters.clear()
        self.filters |= {name: _spending(name, one) for name, one in built_in.items()}
        self.filters[_EACH] = _each

    def call_binop(
        self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any
    ) -> Any:
        _check_operands(operator, left, right)
        found = self.binop_table[operator](left, right)
        return weigh(found) if operator in "+*" else found

    def is_safe_callable(self, obj: Any) -> bool:
        if isinstance(obj, type):
            return False
        if isinstance(getattr(obj, "__self__", None), _BUILT_IN):
            return getattr(obj, "__name__", "") in _METHODS
        return super().is_safe_callable(obj)

    def wrap_str_format(self, value: Any) -> None:
        """A text's `format` is no method that may be called."""

    def compile_expression(
        self, source: str, undefined_to_none: bool = True
    ) -> jinja2.environment.TemplateExpression:
        _check_source(source)
        try:
            return super().compile_expression(source, undefined_to_none)
        except (RecursionError, MemoryError):
            raise _too_deep() from None

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        _check_source(source)
        try:
            return super()._parse(source, name, filename)
        except (RecursionError, MemoryError):
            raise _too_deep() from None

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        try:
            _guard(source)
            return super()._generate(source, name, filename, defer_init)
        except (RecursionError, MemoryError):
            raise _too_deep() from None

    def _compile(self, source: str, filename: str) -> Any:
        try:
            return super()._compile(source, filename)
        except (RecursionError, MemoryError, SyntaxError):
            raise _too_deep() from None

    # --- called by what `_Counting` writes

    def concatenated(self, parts: tuple[Any, ...]) -> str:
        return joined(str(weigh(part)) for part in parts)

    def made(self, value: Any) -> Any:
        inner = value.values() if isinstance(value, Mapping) else value
        nested = any(isinstance(one, list | tuple | Mapping) for one in inner)
        return weigh(value) if nested else value


class _Counting(CodeGenerator):
    """Jinja's compiler, whose texts and lists are made by the environment."""

    def visit_Concat(self, node: nodes.Concat, frame: Any) -> None:  # noqa: N802 - as Jinja names it
        self.write("environment.concatenated((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Any) -> None:  # noqa: N802 - as Jinja names it
        self._made(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Any) -> None:  # noqa: N802 - as Jinja names it
        self._made(super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Any) -> None:  # noqa: N802 - as Jinja names it
        if node.ctx == "load":
            self._made(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def _made(self, visit: Callable[[Any, Any], None], node: nodes.Node, frame: Any) -> None:
        self.write("environment.made(")
        visit(node, frame)
        self.write(")")


def _too_deep() -> jinja2.TemplateSyntaxError:
    return jinja2.TemplateSyntaxError("it is nested too deeply", 1)


def _check_source(source: str) -> None:
    if len(source) > SOURCE:
        raise jinja2.TemplateSyntaxError(f"it is longer than {SOURCE} characters", 1)
    depth = 0
    for sign in source:
        if sign in "([{":
            depth += 1
            if depth > DEPTH:
                raise _too_deep()
        elif sign in ")]}":
            depth = max(0, depth - 1)


def _guard(tree: nodes.Template) -> None:
    """Nothing without an end is in it, and every loop counts its turns."""
    for node in tree.find_all(nodes.Stmt):
        if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.For) and node.recursive):
            raise jinja2.TemplateSyntaxError(
                f"“{type(node).__name__.lower()}” is not for texts of a plan", node.lineno
            )
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, _EACH, [], [], None, None, lineno=loop.lineno)
        if tree.environment is not None:
            loop.iter.set_environment(tree.environment)


def _each(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        spend(1)
        yield item


def _check_operands(operator: str, left: Any, right: Any) -> None:
    if operator == "%" and isinstance(left, str | bytes):
        raise TooMuch("a text is not filled by %")
    if operator == "*":
        for many, times in ((left, right), (right, left)):
            sized = isinstance(many, str | bytes | list | tuple)
            if sized and isinstance(times, int) and len(many) * times > SIZE:
                raise TooMuch(f"it is longer than {SIZE}")
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length()
        if operator == "*" and bits + right.bit_length() > _BITS:
            raise TooMuch("the number is too large")
        if operator == "**" and (right > _BITS or bits * right > _BITS):
            raise TooMuch("the number is too large")
    both = isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple)
    if operator == "+" and both and len(left) + len(right) > SIZE:
        raise TooMuch(f"it is longer than {SIZE}")


def _spending(name: str, built_in: Callable[..., Any]) -> Callable[..., Any]:
    """A filter of Jinja that counts what it goes through, and whose result has a size."""
    at = 1 if hasattr(built_in, "jinja_pass_arg") else 0

    @functools.wraps(built_in)
    def counted(*given: Any, **named: Any) -> Any:
        value, more = given[at], [*given[at + 1 :], *named.values()]
        if isinstance(value, Sized):
            spend(len(value) // 100 + 1 if isinstance(value, str) else len(value) + 1)
        if name in _TEXTUAL:
            weigh(value)
        _BOUNDS.get(name, _nothing)(value, more)
        found = built_in(*given, **named)
        if isinstance(found, str) and len(found) > SIZE:
            raise TooMuch(f"it is longer than {SIZE} characters")
        return found

    return counted


def _nothing(_value: Any, _more: list[Any]) -> None:
    return


def _join(value: Any, more: list[Any]) -> None:
    between = max((len(one) for one in more if isinstance(one, str)), default=0)
    if isinstance(value, Sized) and len(value) * between > SIZE:
        raise TooMuch(f"it is longer than {SIZE} characters")


def _replace(value: Any, more: list[Any]) -> None:
    texts = [one for one in more if isinstance(one, str)]
    longest = max(map(len, texts), default=0)
    if (len(str(value)) + 1) * max(1, longest) > SIZE:
        raise TooMuch(f"it is longer than {SIZE} characters")


def _narrow(_value: Any, more: list[Any]) -> None:
    if any(isinstance(one, int) and abs(one) > _NARROW for one in more):
        raise TooMuch(f"a width is at most {_NARROW}")


def _rounded(_value: Any, more: list[Any]) -> None:
    if any(isinstance(one, int) and abs(one) > 15 for one in more):
        raise TooMuch("a number is rounded to at most 15 places")


def _summed(_value: Any, more: list[Any]) -> None:
    if any(isinstance(one, list | tuple) for one in more):
        raise TooMuch("a sum is of numbers")


_BOUNDS: Mapping[str, Callable[[Any, list[Any]], None]] = {
    "batch": _narrow,
    "join": _join,
    "replace": _replace,
    "round": _rounded,
    "sum": _summed,
}

__all__ = [
    "BoundedEnvironment", "TooMuch", "begin", "end", "joined", "spend", "weigh",
]  # fmt: skip
