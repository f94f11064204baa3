"""Columns found: which column of a table is which field of an entity, by names and by clues.

A clue is something that the data say. What proves makes a field sure; a name, or a clue that
proves nothing, is a guess; two columns that are equally likely are a question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.queries.entity import entities
from checks.shop.inspection.column_seen import ColumnSeen
from checks.shop.inspection.proposal import Judged
from checks.shop.inspection.survey import TableSeen
from checks.shop.inspection.vocabulary import strength, vocabulary

_BY_NAME = {0: 0.0, 1: 0.5, 2: 1.5, 3: 3.0}
_CLOSE = 0.3  # two weights that are nearer say nothing about which it is
_ENOUGH = 5  # rows, under which nothing is proven by them
PROOF = 6.0


@dataclass(frozen=True)
class Clue:
    """What the data say of a column. `against`: what makes a guess of it even by its name."""

    column: str
    weight: float
    reason: str
    proves: bool = False
    doubt: bool = False  # it stays a guess, and the reason is the question


@dataclass
class ColumnsFound:
    """The fields of one entity in one table, as they are found one after the other."""

    entity: str
    table: TableSeen
    columns: dict[str, str] = field(default_factory=dict)
    judged: dict[str, Judged] = field(default_factory=dict)
    weight: float = 0.0
    where: list[str] = field(default_factory=list)  # what of its rows counts, in the shop's SQL
    forms: dict[str, str] = field(default_factory=dict)  # a field: the SQL around what stands there
    besides: dict[str, str] = field(default_factory=dict)  # … and that of another, where it is none
    doubles: list[str] = field(default_factory=list)  # amounts of which any may be the total

    def take(self, name: str, column: str, judged: Judged, weight: float = 1.0) -> None:
        self.columns[name] = column
        self.judged[name] = judged
        self.weight += weight

    def ask(self, name: str, reason: str) -> None:
        self.judged[name] = Judged("open", reason)

    def free(self) -> list[ColumnSeen]:
        """Columns that are no field yet."""
        taken = set(self.columns.values())
        return [one for one in self.table.columns.values() if one.name not in taken]

    def choose(self, name: str, clues: Iterable[Clue] = (), *, needed: bool = False) -> str | None:
        """The column that is most likely the field; None: none is, or two are."""
        told = list(clues)
        words = vocabulary().fields[self.entity].get(name, ())
        kind = entities()[self.entity].fields[name].type
        ranked: list[tuple[float, int, ColumnSeen]] = []
        place: dict[
            str, int
        ] = {}  # where the name stands in the list, whose first are most telling
        for column in self.free():
            by_name: int
            by_name, early = strength(column.name, words)
            if not _fits(self.table, column, kind, by_name):
                continue
            weight = _BY_NAME[by_name] - min(1.0, 0.1 * early) * (by_name > 1)
            weight += sum(one.weight for one in told if one.column == column.name)
            weight -= 0.05 * column.made  # of two that are the same, the one that is simply there
            place[column.name] = early
            if weight > 0:
                ranked.append((weight, by_name, column))
        ranked.sort(key=lambda one: -one[0])
        if not ranked:
            if needed and any(_fits(self.table, one, kind, 0) for one in self.free()):
                self._not_found(name)
            return None
        weight, by_name, best = ranked[0]
        own = [one for one in told if one.column == best.name]
        rivals = [
            one
            for one in ranked[1:]
            if weight - one[0] < _CLOSE
            and one[1] >= by_name
            and not (by_name >= 2 and place[best.name] < place[one[2].name])
        ]
        proven = any(one.proves for one in own)
        same = [one[2] for one in rivals if one[2].values == best.values]
        if rivals and len(same) == len(rivals):
            # Which of them it is makes no difference to any row that there is.
            names = ", ".join(one.name for one in same)
            own.append(Clue(best.name, 0.0, f"{names} is the same in every row", doubt=True))
            proven = True
        if rivals and not proven:
            if needed:
                names = ", ".join(f"{one[2].name} ({one[2].shown(4)})" for one in ranked[:4])
                self.ask(name, f"any of these could be it: {names}")
            return None
        self.take(name, best.name, _judged(name, best, by_name, own), weight)
        return best.name

    def _not_found(self, name: str) -> None:
        left = ", ".join(one.name for one in self.free())
        self.ask(name, f"no column of {self.table.name} looks like it; left are {left}")


def _judged(name: str, column: ColumnSeen, by_name: int, clues: list[Clue]) -> Judged:
    reasons = [one.reason for one in sorted(clues, key=lambda one: -one.weight)]
    if by_name >= 2:
        reasons.append("by its name")
    elif by_name == 1:
        reasons.append(f"its name speaks of {name}")
    proven = any(one.proves for one in clues) or (
        by_name == 3 and any(one.weight > 0 for one in clues)
    )
    proven = proven and len(column.held) >= _ENOUGH
    doubtful = any(one.doubt for one in clues)
    return Judged("sure" if proven and not doubtful else "guess", "; ".join(reasons))


def _fits(table: TableSeen, column: ColumnSeen, kind: str, by_name: int) -> bool:
    """Whether the column can be of this type; one that holds nothing, by its name alone."""
    if column.kind == "nothing":
        return by_name >= 2
    linked = column.name in table.linked()
    if kind == "money":
        number = column.kind == "decimal" or (column.kind == "integer" and not column.times)
        return number and not linked and not column.key
    if kind == "instant":
        return column.certain_times or (column.times and by_name >= 2)
    if kind == "integer":
        return column.kind in ("integer", "decimal") and not linked and not column.key
    if kind == "word":
        refers = linked and column.kind == "integer" and by_name < 3
        return not (column.certain_times or refers) and (column.few or by_name == 3)
    if kind == "key":
        return column.kind in ("integer", "text", "other") and not column.certain_times
    # A number that refers to a row elsewhere is no text, whatever it is called like; a code may be.
    refers = linked and column.kind == "integer" and by_name < 2
    return column.kind in ("text", "integer") and not (column.certain_times or refers)


def keyed(found: ColumnsFound) -> None:
    """The key of the table as the entity's."""
    table = found.table
    if table.key is not None:
        found.take("key", table.key, Judged("sure", "the primary key"), 0.0)
    elif table.identity is not None:
        found.take("key", table.identity, Judged("guess", "no value stands twice in it"), 0.0)
    elif found.entity in ("orders", "payments"):
        found.ask("key", f"no column of {table.name} is its key")


def linked(found: ColumnsFound, name: str, parent: str) -> bool:
    """The column that refers to that table, as a field."""
    link = found.table.link_to(parent)
    if link is None or link.column in found.columns.values():
        return False
    certainty = Judged("sure" if link.declared else "guess", link.reason)
    found.take(name, link.column, certainty, 2.0)
    return True


def decides(column: ColumnSeen, other: ColumnSeen) -> bool:
    """Whether each of its words says if there is something in the other column, as a state does."""
    if other.always or not other.held or len(column.counts) < 2:
        return False
    rows: dict[object, list[bool]] = {}
    for word, value in zip(column.values, other.values, strict=True):
        if word is not None:
            rows.setdefault(word, []).append(value is not None and value != "")
    shares = [sum(held) / len(held) for held in rows.values()]
    return (
        all(share <= 0.05 or share >= 0.95 for share in shares)
        and any(share <= 0.05 for share in shares)
        and any(share >= 0.95 for share in shares)
    )


def tongue(column: ColumnSeen) -> Clue:
    """What a column of tags of languages says, which may be countries."""
    if column.countries:
        said = f"holds tags of languages or of countries ({column.shown(4)}): which?"
        return Clue(column.name, 0.0, said, doubt=True)
    return Clue(column.name, 3.0, f"holds tags of languages ({column.shown(4)})", True)


def coded(found: ColumnsFound) -> None:
    """The currency, by its codes. Of several, the one that differs from row to row: the others are
    those of the shop, in which its books are kept."""
    codes = [one for one in found.free() if one.currencies]
    differ = [one for one in codes if len(one.counts) > 1]
    told = differ if len(differ) == 1 else codes
    alone = "" if len(codes) == 1 else "; of several, the only one that is not always the same"
    clues = [
        Clue(one.name, 3.0, f"holds codes of currencies ({one.shown(4)}){alone if differ else ''}",
             len(codes) == 1)
        for one in told
    ]  # fmt: skip
    chosen = found.choose("currency", clues)
    if chosen is None and codes:
        names = ", ".join(f"{one.name} ({one.shown(4)})" for one in codes)
        found.ask("currency", f"any of these could be it: {names}")
    elif chosen is not None and found.table.columns[chosen].small_letters:
        found.forms["currency"] = "upper({})"


def in_order(columns: list[ColumnSeen]) -> list[ColumnSeen]:
    """Columns of times, the one that is never after another first."""

    def later(one: ColumnSeen) -> float:
        """How often it is after another, on the average."""
        before = after = 0
        for other in columns:
            if other is one:
                continue
            for a, b in zip(one.values, other.values, strict=True):
                mine, theirs = one.moment(a), other.moment(b)
                if mine is not None and theirs is not None and mine != theirs:
                    before += mine < theirs
                    after += mine > theirs
        return after / max(1, before + after)

    return sorted(columns, key=lambda one: (later(one), not one.always, -len(one.held)))
