"""The audit log: append-only, chained, sealed."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage import audit, audit_proof
from storage.database import Database
from storage.models import AuditEntry, Incident, PlanContent

NOW = datetime(2026, 11, 24, 4, 0, 0, 123456, tzinfo=UTC)


def write(session: Session, chain: str = "INC-1", **values: Any) -> None:
    defaults: dict[str, Any] = {
        "chain": chain, "incident_id": None, "actor": "U0MEI", "roles": ["oncall", "approver"],
        "action": "step.run", "object": "switch_channel", "result": "allowed",
        "data": {"步驟": 1}, "now": NOW,
    }  # fmt: skip
    audit.record(session, **(defaults | values))


async def test_chains_are_whole_also_when_written_at_once(database: Database) -> None:
    await asyncio.gather(
        *(database.write(lambda s, n=n: write(s, f"INC-{n % 2}")) for n in range(12))
    )
    assert await database.read(audit_proof.verify) is None


@pytest.mark.parametrize("statement", ["update audit set actor = 'U0SAM'", "delete from audit"])
async def test_an_entry_can_be_neither_changed_nor_deleted(
    database: Database, statement: str
) -> None:
    await database.write(write)
    with pytest.raises(DBAPIError, match="append-only"):
        await database.write(lambda s: s.execute(text(statement)) and None)
    assert await database.read(audit_proof.verify) is None


def tamper(database: Database, statement: str) -> None:
    """What somebody with the file in their hands can do: switch the triggers off."""

    def unit(session: Session) -> None:
        if database.embedded:
            session.execute(text("drop trigger if exists audit_no_update"))
            session.execute(text("drop trigger if exists audit_no_delete"))
        else:
            session.execute(text("alter table audit disable trigger user"))
        session.execute(text(statement))

    database.write_now(unit)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("update audit set actor = 'U0SAM' where sequence = 2", "INC-1 entry 2: was changed"),
        ("update audit set result = 'refused' where sequence = 3", "INC-1 entry 3: was changed"),
        ("delete from audit where sequence = 2", "INC-1 entry 2: is missing"),
        ("delete from audit where chain='INC-1' and sequence = 3", "INC-1 entry 3: is missing"),
        ("delete from audit where chain = 'INC-1'", "INC-1 entry 3: is missing"),
    ],
)
async def test_tampering_is_found(database: Database, statement: str, problem: str) -> None:
    for _ in range(3):
        await database.write(write)
    assert await database.write(lambda s: audit.seal(s, now=NOW)) is not None
    assert await database.write(lambda s: audit.seal(s, now=NOW)) is None
    assert await database.read(audit_proof.verify) is None
    tamper(database, statement)
    assert str(await database.read(audit_proof.verify)) == problem


async def test_a_rewritten_chain_does_not_pass_its_seal(database: Database) -> None:
    await database.write(write)
    await database.write(lambda s: audit.seal(s, now=NOW))
    tamper(database, "delete from audit where chain = 'INC-1'")
    await database.write(lambda s: write(s, actor="U0SAM"))
    found = await database.read(audit_proof.verify)
    assert str(found) == "INC-1 entry 1: was changed after it was sealed"


def rehash(session: Session) -> None:
    """Somebody with the file and the source, and without the key, works every hash out anew."""
    previous: dict[str, str] = {}
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.chain, AuditEntry.id)):
        entry.actor = "U0SAM"
        entry.previous = previous.get(entry.chain, audit.START)
        if entry.action == audit.SEAL:
            heads = {c: [n[0], previous[c]] for c, n in entry.data["heads"].items()}
            entry.data = {**entry.data, "heads": heads}
        entry.hash = previous[entry.chain] = hashlib.sha256(audit.said_by(entry)).hexdigest()


async def test_hashes_that_were_worked_out_anew_are_not_the_keys(database: Database) -> None:
    for _ in range(2):
        await database.write(write)
    await database.write(lambda s: audit.seal(s, now=NOW))
    tamper(database, "select 1")
    await database.write(rehash)
    found = str(await database.read(audit_proof.verify))
    assert found.endswith("entry 1: was not written with Muster's key")


async def test_what_was_cut_off_is_named_by_a_head_that_was_kept_elsewhere(
    database: Database,
) -> None:
    heads = []
    for _ in range(3):
        await database.write(write)
        await database.write(lambda s: audit.seal(s, now=NOW))
        heads.append(await database.read(audit_proof.head))
    for head in heads:
        assert await database.read(partial(audit_proof.verify, kept=head)) is None
    again = audit_proof.Head.parse(str(heads[-1]))
    tamper(database, "delete from audit where (chain, sequence) in (('house', 3), ('INC-1', 3))")
    assert await database.read(audit_proof.verify) is None  # an older state, whole in itself
    assert await database.read(partial(audit_proof.verify, kept=heads[1])) is None
    cut = await database.read(partial(audit_proof.verify, kept=again))
    assert str(cut) == "house entry 3: is missing: what came after was cut off"
    await database.write(lambda s: audit.seal(s, now=NOW) or write(s, actor="U0SAM"))
    await database.write(lambda s: audit.seal(s, now=NOW))
    other = await database.read(partial(audit_proof.verify, kept=again))
    assert str(other) == "house entry 3: is another one than was kept outside"


async def test_an_emptied_log_and_an_incident_without_one_are_named(database: Database) -> None:
    number = await database.write(_incident)
    await database.write(lambda s: write(s, incident_id=number))
    assert await database.read(audit_proof.verify) is None
    tamper(database, "delete from audit")
    assert str(await database.read(audit_proof.verify)) == "INC-1 entry 1: is missing"


async def test_entries_of_the_time_before_the_key_stand_and_no_later_ones(
    database: Database,
) -> None:
    """A log that was begun without tags goes on; whoever adds one without the key is named."""

    def untagged(session: Session) -> None:
        write(session)
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert entry is not None
        entry.hash = hashlib.sha256(audit.said_by(entry)).hexdigest()

    tamper(database, "select 1")
    await database.write(untagged)
    assert "was not written with" in str(await database.read(audit_proof.verify))
    await database.write(lambda s: audit.seal(s, now=NOW))
    assert await database.read(audit_proof.verify) is None
    await database.write(untagged)
    await database.write(lambda s: audit.seal(s, now=NOW))
    found = str(await database.read(audit_proof.verify))
    assert found == "INC-1 entry 2: was not written with Muster's key"


def _incident(session: Session) -> int:
    session.add(PlanContent(hash="h", version="1", content="{}", stored_at=NOW))
    session.flush()
    incident = Incident(
        number=1,
        incident_type="x",
        family="order",
        section="3.3",
        subject="channel:a",
        fingerprint="3.3/channel:a",
        severity=1,
        audience="incidents",
        source="check:a",
        plan_version="1",
        plan_hash="h",
        facts={},
        opening_facts={},
        started_at=NOW,
        detected_at=NOW,
    )
    session.add(incident)
    session.flush()
    return incident.id


async def test_units_that_lock_the_incident_before_or_after_do_not_deadlock(
    database: Database,
) -> None:
    """Some units take the incident first, some are in the audit log first: no run is in vain."""
    number = await database.write(_incident)
    runs: list[int] = []

    def incident_first(session: Session) -> None:
        runs.append(1)
        incident = session.get_one(Incident, number, with_for_update=True)
        write(session, incident_id=number)
        incident.version += 1

    def audit_first(session: Session) -> None:
        runs.append(2)
        write(session, incident_id=number)
        incident = session.get_one(Incident, number, with_for_update=True, populate_existing=True)
        incident.version += 1

    units = [incident_first, audit_first] * 20
    await asyncio.gather(*(database.write(unit) for unit in units))
    assert len(runs) == len(units)
    assert await database.read(audit_proof.verify) is None
    version = await database.read(lambda s: s.get_one(Incident, number).version)
    assert version == 1 + len(units)
