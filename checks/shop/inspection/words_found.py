"""Words found: what each word of a state means, by what shops call it; what nobody knows is asked.

What the rows say of an unknown word (how many of its orders are paid, how many sent) is told beside
the question and answers nothing by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.queries.entity import entities
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.survey import Survey
from checks.shop.inspection.tables_found import TablesFound
from checks.shop.inspection.vocabulary import meaning

_SHOWN = 12
_ENOUGH = 5  # orders
_PAID = 0.6  # of the orders with a word are paid: it does not mean that they are to be
_SAME = {"state_changes.from_state": "orders.state", "state_changes.to_state": "orders.state"}


@dataclass
class Words:
    """The words of one field: ours → theirs, with what is not known of them."""

    words: dict[str, list[Any]] = field(default_factory=dict)
    ignore: list[Any] = field(default_factory=list)
    judged: Judged | None = None


def find(survey: Survey, found: TablesFound) -> dict[tuple[str, str], Words]:
    """Every field of words with its meaning; the orders' words once for all that hold them."""
    made: dict[tuple[str, str], Words] = {}
    counted: dict[str, dict[Any, int]] = {}
    for entity, columns in found.entities.items():
        for name, column in columns.columns.items():
            if entities()[entity].fields[name].type != "word":
                continue
            place = _SAME.get(f"{entity}.{name}", f"{entity}.{name}")
            seen = counted.setdefault(place, {})
            for word, count in survey.words(columns.table.name, column).items():
                seen.setdefault(word, count)
    told = {place: _meant(survey, found, place, seen) for place, seen in counted.items()}
    _among_payments(found, told)
    for entity, columns in found.entities.items():
        for name in columns.columns:
            own = f"{entity}.{name}"
            place = _SAME.get(own, own)
            if place not in told or entities()[entity].fields[name].type != "word":
                continue
            once = told[place]
            made[entity, name] = once if place == own else Words(once.words, once.ignore)
    return made


def _among_payments(found: TablesFound, told: dict[str, Words]) -> None:
    """Of refunds that stand among the payments, the payments' words are no business."""
    refunds, paid = found.entities.get("refunds"), found.entities.get("payments")
    if refunds is None or paid is None or refunds.table is not paid.table:
        return
    own = told["refunds.state"]
    every = {word for words in told["payments.state"].words.values() for word in words}
    own.words = {
        ours: kept
        for ours, words in own.words.items()
        if (kept := [word for word in words if word not in every])
    }
    used = {word for words in own.words.values() for word in words}
    column = paid.table.columns[paid.columns["state"]]
    own.ignore = [word for word in column.counts if word not in used]
    own.judged = Judged("guess", "the words of payments that give back")


def _meant(survey: Survey, found: TablesFound, place: str, seen: Mapping[Any, int]) -> Words:
    made, strange = Words(), []
    hints = _hints(survey, found, place)
    against = _against(survey, found, place)
    for word in seen:
        ours = meaning(place, word)
        if word in found.back and place == "payments.state":
            ours = "ignore"
        elif place == "refunds.state" and found.back:
            ours = (ours or "succeeded") if word in found.back else "ignore"
        if word in against:
            strange.append(word)
        elif ours == "ignore":
            made.ignore.append(word)
        elif ours is None:
            strange.append(word)
        else:
            made.words.setdefault(ours, []).append(word)
    entity, _, name = place.partition(".")
    order = entities()[entity].fields[name].words
    made.words = {ours: made.words[ours] for ours in order if ours in made.words}
    if strange:
        said = "; ".join(
            f"{word} ({seen[word]} rows{hints.get(word, '')}{against.get(word, '')})"
            for word in strange[:_SHOWN]
        )
        more = " …" if len(strange) > _SHOWN else ""
        made.judged = Judged("open", f"which of {', '.join(order)}, or in ignore: {said}{more}")
    elif made.words or made.ignore:
        told = ", ".join(f"{', '.join(map(str, own))}: {ours}" for ours, own in made.words.items())
        made.judged = Judged("guess", f"as shops use these words ({told})")
    else:
        made.judged = Judged("open", f"which words are {', '.join(order)}: it holds nothing yet")
    return made


def _against(survey: Survey, found: TablesFound, place: str) -> dict[Any, str]:
    """Words whose rows speak against what shops mean by them, and what that would be."""
    if place == "payments.state":
        return {
            word: f"; by its name it is {ours}"
            for word in _hints(survey, found, place)
            if (ours := meaning(place, word)) not in (None, "captured")
        }
    orders = found.entities.get("orders")
    if place != "orders.state" or orders is None or "state" not in orders.columns:
        return {}
    column = orders.columns["state"]
    told: dict[Any, str] = {}
    for word, (count, paid) in _paid(survey, found, orders.table.name, column).items():
        ours = meaning(place, word)
        share = paid / count
        if count >= _ENOUGH and (
            (ours == "awaiting_payment" and share > _PAID)
            or (ours in ("paid", "dispatched", "delivered", "completed") and share < 1 - _PAID)
        ):
            told[word] = f"; by its name it is {ours}"
    return told


def _paid(
    survey: Survey, found: TablesFound, table: str, column: str
) -> dict[Any, tuple[int, int]]:
    """Of each word, how many of the sampled orders there are, and how many have been paid."""
    child = found.entities.get("payments")
    link = child.table.link_to(table) if child is not None else None
    if child is None or link is None or "order_key" not in child.columns:
        return {}
    rows = survey.children(child.table.name, child.columns["order_key"], table)
    state = child.columns.get("state")
    counted: dict[Any, tuple[int, int]] = {}
    for row in survey.parents(table):
        own = rows.get(row[link.key], [])
        paid = any(
            state is None or meaning("payments.state", one[state]) not in ("failed", "unknown")
            for one in own
        )
        count, before = counted.get(row[column], (0, 0))
        counted[row[column]] = (count + 1, before + paid)
    return counted


def _hints(survey: Survey, found: TablesFound, place: str) -> dict[Any, str]:
    """What the rows of a word have beside them."""
    orders = found.entities.get("orders")
    column = orders.columns.get("state") if orders is not None else None
    if orders is None or column is None or orders.table.identity is None:
        return {}
    if place == "orders.state":
        return _of_orders(survey, found, orders.table.name, column)
    payments = found.entities.get("payments")
    if place == "payments.state" and payments is not None and "amount" in payments.columns:
        why = payments.judged["state"].reason if "state" in payments.judged else ""
        own = payments.columns.get("state", "")
        counts = payments.table.columns[own].counts if own else {}
        return {word: ", whose amounts add up" for word in counts if f" is {word} adds up" in why}
    return {}


def _of_orders(survey: Survey, found: TablesFound, table: str, column: str) -> dict[Any, str]:
    said: dict[Any, list[str]] = {}
    for entity, what in (
        ("payments", "paid"),
        ("shipments", "with a parcel"),
        ("refunds", "refunded"),
    ):
        child = found.entities.get(entity)
        if child is None or "order_key" not in child.columns:
            continue
        rows = survey.children(child.table.name, child.columns["order_key"], table)
        link = child.table.link_to(table)
        total: dict[Any, int] = {}
        held: dict[Any, int] = {}
        for row in survey.parents(table):
            word = row[column]
            total[word] = total.get(word, 0) + 1
            held[word] = held.get(word, 0) + (link is not None and row[link.key] in rows)
        for word, count in total.items():
            if word is not None:
                said.setdefault(word, []).append(f"{100 * held[word] // count} % {what}")
    return {word: ", " + ", ".join(parts) for word, parts in said.items()}
