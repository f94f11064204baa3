"""Query: a check that is one `select` over the entities, for any shop that maps what it asks of.

Where each row tells when it changed, a run looks at what changed and at what was found before; what
becomes late by itself is looked at whole, through its own range.
"""

from __future__ import annotations

from sqlalchemy import Connection

from checks.kinds.base import CheckContext, Spent
from checks.kinds.known_words import known_words, words_are_known
from checks.kinds.query_look import Look, Looked
from checks.kinds.query_settings import QueryCheckSettings
from checks.model import CheckResult
from checks.queries.compiled_query import Query
from checks.shop.changes import Step, digest_of, step_of
from checks.shop.query_place import QueryPlace
from checks.shop.rows_seen import rows_seen
from checks.shop.source import ShopDatabase, ShopUnavailable


class QueryCheck:
    """One finding for each subject; its rows are the cases."""

    def __init__(self, settings: QueryCheckSettings) -> None:
        self.settings = settings

    async def run(self, context: CheckContext) -> CheckResult:
        spent = Spent(self.settings.deadline)
        shop = await context.place_of_query(self.settings.find)
        await shop.know()
        find = shop.query(self.settings.find, context.currency)
        step, look, found = await shop.read(lambda c: self._look(c, shop, find, context))
        seen = await self._seen(look, context)
        unread = shop.unreadable(find.needs)
        if not found.findings:  # nothing found is no proof where a word means nothing
            if unread is not None:
                raise ShopUnavailable(unread, f"shop.mapping.{find.needs[0]}")
            await known_words(shop, find.words, context.now)
        well = self._well(context, found)
        if found.findings and not await words_are_known(shop, find.words, context.now):
            well = ()
        fresh = any(subject in context.failed for subject in well)
        rows = await rows_seen(shop, find.looked, look.given, context.now, spent.left, fresh=fresh)
        if unread is not None or not rows.sure or not (seen or self._may_be_empty(context, find)):
            well = ()
        read_at = shop.read_at(find.needs)
        return CheckResult(
            name=self.settings.name,
            ran_at=context.now,
            findings=rows.told(found.findings),
            healthy_subjects=well,
            recovered_facts=rows.recovered(well),
            settled={
                s: found.left for s in (*(f.subject for f in found.findings), *well) if found.left
            },
            figures={
                "found": len(found.findings),
                "looked_at": seen,
                **rows.figures(),
                **({"read_at": read_at.isoformat()} if read_at is not None else {}),
                **({} if step is None or step.changed is None else {"changed": step.changed}),
            },
            mark=None if step is None else step.mark(found.keys),
        )

    def _look(
        self, connection: Connection, shop: QueryPlace, find: Query, context: CheckContext
    ) -> tuple[Step | None, Look, Looked]:
        """How it looked and what it found. Rows of a listing tell no changes: they come whole."""
        step, following = None, context.following
        follows = find.reach is not None and following is not None and not self._ages(find)
        whole = context.shop is None or shop is not context.shop
        if follows and not whole and isinstance(shop, ShopDatabase) and find.reach and following:
            asked = self.settings.model_dump(mode="json", include={"find", "parameters"})
            digest = digest_of(shop, asked, context.currency)
            step = step_of(connection, shop, find.reach, following, digest, context.now)
        look = Look(self.settings, find, context, shop, None if step is None else step.among)
        return step, look, look.findings(connection)

    def _ages(self, find: Query) -> bool:
        """What it finds depends on the time that passes: a row becomes late and does not change."""
        return bool(self.settings.passing & find.parameters)

    async def _seen(self, look: Look, context: CheckContext) -> int:
        """How much there was to look at; without words of its own, whether there is any row."""
        own, shop = self.settings.looked_at, look.shop
        if own is not None:
            shop = await context.place_of_query(own)
            await shop.know()
            looked = shop.query(own, context.currency)
        else:
            entity = look.query.needs[0]
            field = "key" if shop.maps(entity, "key") else shop.any_field(entity)
            any_row = f"select x.{field} as rows from {entity} x limit 1"  # noqa: S608 - our own names
            looked = shop.query(any_row, context.currency)
        return await shop.read(lambda connection: look.evidence(connection, looked))

    def _may_be_empty(self, context: CheckContext, find: Query) -> bool:
        """A listing of what is open alone has nothing to show when all is well."""
        listings = context.listings
        if listings is None or self.settings.looked_at is not None:
            return False
        return listings.may_be_empty(find.needs[0])

    def _well(self, context: CheckContext, looked: Looked) -> tuple[str, ...]:
        """The subjects that were looked at and are in order: its own, and those that failed."""
        findings = looked.findings
        if looked.full and self.settings.apart:
            return ()  # one that is not on the page may fail all the same
        found = {finding.subject for finding in findings}
        # Of many subjects nothing is in order by name but all of them together.
        alone = not self.settings.apart or not findings
        mine = (self.settings.subject,) if alone else ()
        failed = [s for s in context.failed if self.settings.names(s)]
        return tuple(subject for subject in (*mine, *failed) if subject not in found)
