"""A key is changed while the bot runs: nothing is lost or unreadable, and the log stays whole."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from functools import partial

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from storage import audit, audit_proof
from storage.cipher import AesCipher, Keys
from storage.database import Database
from storage.errors import WrongKey
from storage.models import TimelineEntry
from storage.rotation import rotate
from storage.types import Personal
from tests.conftest import KEY
from tests.storage.test_audit import NOW, _incident, write

OLD = KEY  # with which the databases of these tests are made
NEW, THIRD = (bytes([n]) * 32 for n in (2, 3))
ROWS = 450  # more than two pages


def note(session: Session, incident: int, number: int) -> None:
    session.add(
        TimelineEntry(
            incident_id=incident, sequence=number, at=NOW, kind="note", actor="U0MEI",
            data={}, text=Personal(f"note {number}"),
        )
    )  # fmt: skip
    write(session, chain="INC-1", incident_id=incident)


def texts(session: Session) -> list[str]:
    rows = session.scalars(select(TimelineEntry).order_by(TimelineEntry.sequence))
    return [one.text.reveal() for one in rows if one.text is not None]


async def test_rotated_under_load_all_is_read_with_the_new_key_alone(database_url: str) -> None:
    first = Database.start(database_url, key=OLD)
    number = await first.write(_incident)
    for at in range(1, ROWS + 1):
        await first.write(partial(note, incident=number, number=at))
    await first.write(lambda s: audit.seal(s, now=datetime.now(UTC)))
    await first.close()

    bot = Database.start(database_url, key=Keys(NEW, (OLD,)))
    beside = Database.open(database_url, key=Keys(NEW, (OLD,)))
    done = asyncio.Event()

    async def load() -> int:
        at = ROWS
        while not done.is_set():
            at += 1
            await bot.write(partial(note, incident=number, number=at))
            assert len(await bot.read(texts)) == at
        return at

    working = asyncio.create_task(load())
    written = await asyncio.to_thread(rotate, beside)
    done.set()
    last = await working
    assert written == ROWS  # what was written meanwhile is the new key's already
    assert await bot.read(audit_proof.verify) is None
    assert await asyncio.to_thread(rotate, beside) == 0
    beside.close_now()
    await bot.close()

    with pytest.raises(WrongKey, match="MUSTER_OLD_KEYS"):
        Database.open(database_url, key=OLD)
    alone = Database.open(database_url, key=NEW)
    assert await alone.read(texts) == [f"note {at}" for at in range(1, last + 1)]
    column = TimelineEntry.__table__.c.text
    stored = select(type_coerce(column, LargeBinary)).where(column.is_not(None))
    raw = await alone.read(lambda s: s.scalars(stored).all())
    cipher = AesCipher(NEW)
    assert all(cipher.is_current(bytes(one)) for one in raw)
    # Entries that the old key tagged are proven still, after another change too.
    assert await alone.read(audit_proof.verify) is None
    await alone.close()
    again = Database.start(database_url, key=Keys(THIRD, (NEW,)))
    await asyncio.to_thread(rotate, again)
    await again.close()
    third = Database.open(database_url, key=THIRD)
    assert await third.read(audit_proof.verify) is None
    assert len(await third.read(texts)) == last
    await third.close()


def test_a_value_of_the_form_without_a_name_is_read_by_any_known_key() -> None:
    """What a version before the names wrote."""
    token = b"\x01" + b"n" * 12 + AESGCM(OLD).encrypt(b"n" * 12, b"kept", b"\x01")
    assert AesCipher(Keys(NEW, (OLD,))).decrypt(token) == b"kept"
    with pytest.raises(WrongKey):
        AesCipher(NEW).decrypt(token)


def test_what_people_had_encrypted_is_no_key_of_the_audit_log() -> None:
    """Somebody with the database and a Slack account: their own words, put where a key stands."""
    cipher = AesCipher(NEW)
    other = AesCipher(Keys(NEW, (OLD,)))
    [(key_id, token)] = other.wrapped().items()
    cipher.learn({key_id: token})
    assert cipher.is_tag(AesCipher(OLD).tag(b"x"), b"x")
    forged = base64.b64encode(cipher.encrypt(THIRD)[1:]).decode()
    with pytest.raises(WrongKey, match="audit log's key"):
        AesCipher(NEW).learn({"aaaaaaaa": forged})
    with pytest.raises(WrongKey, match="audit log's key"):
        AesCipher(NEW).learn({"aaaaaaaa": token})
