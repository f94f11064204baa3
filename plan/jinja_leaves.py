"""Jinja's templates and expressions, prepared for being used many times a second.

`Template.render` and `compile_expression` put a context together in which every global is looked
up anew, which for a text of a few words takes ten times as long as its rendering.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jinja2

from plan import bounds

_RESULT = "result"


def template(environment: jinja2.Environment, source: str) -> Callable[[Mapping[str, Any]], str]:
    """The rendering of the source, in a scope. Raises jinja2.TemplateSyntaxError."""
    compiled = environment.from_string(source)
    known = dict(environment.globals)

    def render(scope: Mapping[str, Any]) -> str:
        context = environment.context_class(environment, {**known, **scope}, None, {})
        counting = bounds.begin()
        try:
            return bounds.joined(compiled.root_render_func(context))
        finally:
            bounds.end(counting)

    return render


def expression(environment: jinja2.Environment, source: str) -> Callable[[Mapping[str, Any]], Any]:
    """The value of the source, in a scope; an Undefined where it is none.

    Raises jinja2.TemplateSyntaxError.
    """
    # By itself, so that nothing but an expression is taken (and a mistake names its place in it).
    environment.compile_expression(source, undefined_to_none=False)
    compiled = environment.from_string(f"{{% set {_RESULT} = ({source}) %}}")
    known = dict(environment.globals)

    def evaluate(scope: Mapping[str, Any]) -> Any:
        context = environment.context_class(environment, {**known, **scope}, None, {})
        counting = bounds.begin()
        try:
            for _ in compiled.root_render_func(context):
                pass
        finally:
            bounds.end(counting)
        return context.vars[_RESULT]

    return evaluate
