"""Declarations of the shop's doors in the configuration: what may be looked at, what may be done.

`shop.looks` are read-only questions, `shop.actions` are effects. Addresses and bodies are templates
of the plan's expression language over `params`, `key` (the idempotency key), `incident`, `case` and
`before`; what is printed into an address is percent-encoded.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from plan import expressions

Seconds = Annotated[float, Field(gt=0, le=120)]


def _template(text: str) -> str:
    """Compiled once when the settings are read, so that a typing error is a sentence there."""
    expressions.check(text, expression=False)
    return text


def _templates(body: Any) -> Any:
    if isinstance(body, str):
        _template(body)
    elif isinstance(body, dict):
        for part in body.values():
            _templates(part)
    elif isinstance(body, list | tuple):
        for part in body:
            _templates(part)
    return body


Template = Annotated[str, AfterValidator(_template)]
Body = Annotated[Any, AfterValidator(_templates)]  # JSON with templates as its leaves


class Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Template = Field(
        repr=False
    )  # absolute, or below shop.control_url: /channels/{{ params.channel }}
    headers: dict[str, Template] = Field(default={}, repr=False)  # may hold a token
    timeout: Seconds = 5.0
    # The only fields of the answer (or of each item of a list) that enter Muster; empty: all. What
    # is seen is kept with the attempt, so customers' names and addresses must not be in it.
    keep: tuple[str, ...] = ()


class LookDeclaration(Declaration):
    """A question. A POST here is a probe that changes nothing the shop keeps (a test payment)."""

    method: Literal["GET", "POST"] = "GET"
    body: Body = Field(default=None, repr=False)
    read: tuple[str, ...] = ()  # a path into the answer, where the shop wraps it: [data, items]
    # Error statuses whose JSON is the answer: a health page or a test payment that says 503.
    answers: tuple[Annotated[int, Field(ge=400, le=599)], ...] = ()


class ActionDeclaration(Declaration):
    """An effect, and what the shop promises about doing it twice.

    - `keys`: it honours Idempotency-Key; the same request with the same key has one effect;
    - `lookup`: it can be asked at `lookup` whether the key had an effect (404: it had none);
    - `neither`: after an unclear outcome a person decides.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: Body = Field(default=None, repr=False)
    contract: Literal["keys", "lookup", "neither"] = "neither"
    lookup: Template | None = Field(default=None, repr=False)  # /idempotency/{{ key }}
    timeout: Seconds = 10.0

    @model_validator(mode="after")
    def _lookup_has_an_address(self) -> ActionDeclaration:
        if self.contract == "lookup" and self.lookup is None:
            raise ValueError(
                "contract “lookup” needs the address to ask at; add lookup: /idempotency/{{ key }}"
            )
        return self
