"""Answering what a proposal leaves open, as somebody who knows the shop would, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from checks.shop.inspection.proposal import Proposal
from tests.shops.renaming import Renamed

Answers = Mapping[str, Any]
_ALSO = {
    "orders.fields.state": ("state_changes.fields.from_state", "state_changes.fields.to_state")
}


def answered(proposal: Proposal, answers: Answers, names: Renamed) -> dict[str, Any]:
    """The mapping. An answer speaks of `{table}` and `{table.column}` by their old names; None:
    there is none."""
    mapping: dict[str, Any] = copy.deepcopy(proposal.mapping)
    for path in proposal.open:
        assert path in answers, f"{path} is asked: {proposal.judged[path].reason}"
        answer = names.called(answers[path])
        entity, _, rest = path.partition(".fields.")
        field, _, what = rest.partition(".")
        if path in ("zone", "unit"):
            for one in mapping.values():
                one.update({path: answer} if path in one else {})
        elif answer is None:
            (mapping if not rest else mapping[entity]["fields"]).pop(field or entity, None)
        elif not rest:
            mapping[entity] = answer
        elif what == "words" and not answer.keys() & {"column", "sql"}:
            for place in (f"{entity}.fields.{field}", *_ALSO.get(f"{entity}.fields.{field}", ())):
                of, _, name = place.partition(".fields.")
                if of in mapping:
                    mapping[of]["fields"][name] |= {"ignore": [], **answer}
        else:
            mapping[entity]["fields"][field] = answer
    return mapping
