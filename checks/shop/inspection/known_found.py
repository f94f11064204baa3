"""Known found: the proposal for a shop software that is known by the names of its tables."""

from __future__ import annotations

from checks.shop.inspection.proposal import Certainty, Proposal
from checks.shop.known_shop import KnownShop


def proposed(shop: KnownShop) -> Proposal:
    """Its ready-made mapping. What was held against the software itself is sure."""
    named = f"{shop.name} {shop.version}"
    certainty: Certainty = "sure" if shop.ran else "guess"
    rests = (
        f"the mapping of {named}, held against the software itself"
        if shop.ran
        else f"the mapping of {named}, from its sources; it was not run"
    )
    proposal = Proposal(mapping=dict(shop.mapping))
    for entity in shop.mapping:
        proposal.judge(entity, certainty, rests)
    for one in shop.open:
        proposal.judge(one.path, "open", one.why)
    proposal.questions.append(
        f"Its tables are those of {named} ({shop.source.project}). If this is another shop with "
        "tables of these names: muster shop inspect --no-signatures."
    )
    return proposal
