"""What a copy of the database shows: no clinical word, and nothing at all of a destroyed key or a rotated one."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ernbot.core.states import Action
from ernbot.storage.audit import verify_audit
from ernbot.storage.errors import WrongKey
from ernbot.storage.records import MissedShare, OlmSession, OwnRoomKey, RoomKey, Step, StoredIdentity
from ernbot.storage.rotation import rotate
from ernbot.storage.store import Store
from ernbot.storage.tables import metadata, vault_keys
from tests.fixtures_database import MASTER_KEY, Database

from .samples import (
    CLINICAL_WORDS,
    DIRECTORY,
    EXPERT,
    NOW,
    REQUESTER,
    ROOM,
    case_file,
    dialogue,
    draft,
    drafting,
    image_job,
    original,
    received,
    to_send,
)

NEW_KEY = b"n" * 32

ROOM_KEY = RoomKey(ROOM, "session", "curve", EXPERT, "ed", "direct", 0, b"sessionpickle")
SECRETS = (
    *("secretseed", "channelpickle", "sessionpickle", "ownpickle", "sharedcurve", "missedsessionkey"),
    *("hermasterkey", "hercurve", "hered"),
)
"""Key material in what `_live` writes, and whom the bot trusts."""


async def _live(store: Store) -> None:
    """A case with everything that can be written about it."""
    async with store.transaction() as tx:
        await tx.add_case(draft())
        await tx.set_case_room("c-1", ROOM)
        await tx.receive(received())
        await tx.send(to_send())
    async with store.transaction() as tx:
        await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW)
        await tx.save_case(drafting())
        await tx.add_file(case_file())
        await tx.collect(image_job(), original(), quiet=timedelta(seconds=2), size=1)
        await tx.save_dialogue(dialogue())
        stored = await tx.case_as_stored("c-1")
        await tx.keep_step(Step(ROOM, REQUESTER, "$typed", NOW, "!outcome recommend", "case", stored, stored))
        await tx.set_secret("cross-signing", b"secretseed")
        await tx.save_olm_session(OlmSession("curve", "olm", b"channelpickle"), NOW)
        await tx.save_room_key(ROOM_KEY)
        await tx.save_own_room_key(
            OwnRoomKey(ROOM, "own", NOW, 1, b"ownpickle", frozenset({("@x:y", "D", "sharedcurve")}))
        )
        await tx.miss(MissedShare(ROOM, "own", EXPERT, "D", "missedsessionkey", 0, NOW))
        await tx.save_identity(StoredIdentity(EXPERT, "hermasterkey", None, None, (("D", "hercurve", "hered", True),)))
    async with store.transaction() as tx:
        await tx.receive(received("$other", "!direct:x"))
        await tx.handled("$in")
        await tx.send(to_send("out-2", "lane-2", case_id=None))


async def test_a_copy_of_the_database_shows_no_clinical_word(store: Store, database: Database) -> None:
    await _live(store)
    content = str([drafting(), case_file(), image_job(), original(), dialogue(), received(), to_send()])
    assert [word for word in CLINICAL_WORDS if word not in content] == []
    for copy in (database.raw(), await _all_values(store)):
        assert b"c-1" in copy
        folded = copy.lower()
        for word in (*CLINICAL_WORDS, *SECRETS):
            assert word.lower().encode() not in folded
            assert word.lower().encode().hex().encode() not in folded
    await store.close()
    assert CLINICAL_WORDS[0].encode() not in database.raw()


async def _all_values(store: Store) -> bytes:
    """Every value of every row, binary ones as they are."""
    values: list[bytes] = []
    async with store.engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                values += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(values)


async def test_the_columns_in_the_clear_are_known_to_be_harmless(store: Store) -> None:
    """A new column in the clear has to be thought about here."""
    await _live(store)
    clear = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if not re.match("BLOB|BYTEA|BINARY", str(column.type), re.IGNORECASE)
        and column.name not in ("id", "seq", "at", "scope", "kind", "sender", "attempts", "not_before")
        and not column.name.endswith("_id")
        and not column.name.endswith("_at")
    }
    assert clear == {
        *("audit.action", "audit.actor", "audit.decision", "audit.detail", "audit.hash", "audit.previous"),
        *("audit_head.entries", "audit_head.last_hash", "audit_head.mac"),
        *("appservice_events.origin_server_ts", "appservice_events.type"),
        *("case_files.preview_height", "case_files.preview_mimetype", "case_files.preview_width"),
        *("cases.network", "cases.requester", "cases.state"),
        *("cases.answered", "cases.due", "cases.urgent"),
        *("case_people.part", "case_people.until", "case_people.waits"),
        "reminders.every",
        "dialogues.thread",
        *("image_job_files.number", "image_jobs.files", "image_jobs.size", "image_jobs.state", "image_jobs.worker"),
        "inbox.handled",
        *("last_steps.result", "last_steps.what"),
        *("outbox.done", "outbox.lane", "outbox.reason", "outbox.tag"),
        *("identities.stale", "inbox.turn", "olm_sessions.curve25519"),
        "own_room_keys.messages",
        "people.language",
        *("room_key_uses.message_index", "room_key_uses.sender_key"),
        *("room_keys.backed_up", "room_keys.ed25519", "room_keys.first_index", "room_keys.sender_key"),
        "room_keys.source",
        "secrets.name",
        *("settings.name", "settings.value"),
        "withheld_keys.code",
    }


async def test_a_destroyed_key_is_nowhere_in_the_file(sqlite_store: Store) -> None:
    """Neither in a free page nor in the journal: the master key alone must not bring it back."""
    store = sqlite_store
    await _live(store)
    query = select(vault_keys.c.wrapped).where(vault_keys.c.scope == "case:c-1")
    async with store.engine.connect() as connection:
        wrapped = (await connection.execute(query)).scalar_one()
    path = store.engine.url.database
    assert path is not None
    file = Database(str(store.engine.url), "", Path(path), None)
    assert wrapped in file.raw()
    async with store.transaction() as tx:
        await tx.shred("case:c-1")
    assert wrapped not in file.raw()


async def test_rotation_makes_the_new_master_key_enough(store: Store, database: Database) -> None:
    await _live(store)
    secret = store.vault.derive("pickles")
    await store.close()

    both = await Store.open(database.url, NEW_KEY, [MASTER_KEY])
    async with both.engine.connect() as connection:
        keys = (await connection.execute(text("SELECT count(*) FROM vault_keys"))).scalar_one()
    assert await rotate(both) == keys
    assert await rotate(both) == 0
    async with both.transaction() as tx:
        assert await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW) == drafting()
    await both.close()

    with pytest.raises(WrongKey):
        await Store.open(database.url, MASTER_KEY)
    new = await Store.open(database.url, NEW_KEY)
    assert new.vault.derive("pickles") == secret
    async with new.transaction() as tx:
        assert await tx.case_in(ROOM, REQUESTER, Action.READ, DIRECTORY, NOW) == drafting()
        assert await tx.files("c-1") == [case_file()]
        assert await tx.secret("cross-signing") == b"secretseed"
        assert await tx.room_keys(ROOM, "session") == [ROOM_KEY]
        assert [item.event_id for item in await tx.pending()] == ["$other"]
    assert (await verify_audit(new)).intact
    await new.close()


async def test_a_rotation_without_the_previous_key_changes_nothing(store: Store, database: Database) -> None:
    await _live(store)
    async with store.engine.begin() as connection:
        await connection.execute(text("UPDATE vault_keys SET master_key_id = 'lost' WHERE scope = 'case:c-1'"))
        before = (await connection.execute(select(vault_keys).order_by(vault_keys.c.scope))).all()
    await store.close()
    both = await Store.open(database.url, NEW_KEY, [MASTER_KEY])
    with pytest.raises(WrongKey, match="its id is lost"):
        await rotate(both)
    async with both.engine.connect() as connection:
        assert (await connection.execute(select(vault_keys).order_by(vault_keys.c.scope))).all() == before
    await both.close()
