"""The state of encryption at rest: kept with everything else, bound to its place, and gone with the key of its case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from ernbot.storage.crypto import MAX_OLM_SESSIONS
from ernbot.storage.errors import Tampered
from ernbot.storage.records import MissedShare, OlmSession, OwnRoomKey, RoomKey
from ernbot.storage.store import Store
from ernbot.storage.tables import missed_shares, olm_sessions, own_room_keys, room_keys
from ernbot.storage.transaction import Transaction

from .samples import EXPERT, LATER, NOW, REQUESTER, ROOM, draft, received

OTHER = "!other:hospital.example"
PHONE = (EXPERT, "PHONE", "curve-phone")
LAPTOP = (EXPERT, "LAPTOP", "curve-laptop")


class Crash(Exception):
    """Stands for the process dying."""


def room_key(room_id: str = ROOM, session_id: str = "session", sender_key: str = "curve", **changes: object) -> RoomKey:
    key = RoomKey(room_id, session_id, sender_key, EXPERT, "ed", "direct", 0, b"pickle-of-" + session_id.encode())
    return replace(key, **changes)  # type: ignore[arg-type]


def own_key(room_id: str = ROOM, **changes: object) -> OwnRoomKey:
    key = OwnRoomKey(room_id, "own", NOW, 3, b"own-pickle", frozenset({PHONE}), frozenset({LAPTOP}))
    return replace(key, **changes)  # type: ignore[arg-type]


def missed(room_id: str = ROOM, device_id: str = "LAPTOP", **changes: object) -> MissedShare:
    share = MissedShare(room_id, "own", EXPERT, device_id, "session-key", 0, NOW)
    return replace(share, **changes)  # type: ignore[arg-type]


async def everything(tx: Transaction) -> None:
    """One row of each kind in the case's room."""
    await tx.save_olm_session(OlmSession("curve", "olm", b"olm-pickle"), NOW)
    await tx.save_room_key(room_key())
    await tx.save_own_room_key(own_key())
    await tx.miss(missed())
    await tx.use_room_key("session", "curve", 0, "$1")
    await tx.withhold(ROOM, "session", EXPERT, "m.unverified")


async def with_case(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.add_case(draft())
        await tx.set_case_room("c-1", ROOM)


# --- round trip


async def test_what_is_kept_comes_back(store: Store) -> None:
    async with store.transaction() as tx:
        await everything(tx)
    async with store.transaction() as tx:
        assert await tx.olm_sessions(["curve", "nobody"]) == {"curve": [OlmSession("curve", "olm", b"olm-pickle")]}
        assert await tx.room_keys(ROOM, "session") == [room_key()]
        assert await tx.own_room_key(ROOM) == own_key()
        assert await tx.missed_shares(NOW) == [missed()]
        assert await tx.withheld_code(ROOM, "session", EXPERT) == "m.unverified"


async def test_what_was_never_kept_is_not_there(store: Store) -> None:
    async with store.transaction() as tx:
        await everything(tx)
        assert await tx.olm_sessions([]) == {}
        for place in ((OTHER, "session"), (ROOM, "other")):
            assert await tx.room_keys(*place) == []
            assert await tx.withheld_code(*place, EXPERT) is None
        assert await tx.withheld_code(ROOM, "session", REQUESTER) is None
        assert await tx.own_room_key(OTHER) is None
        assert await tx.missed_shares(NOW - timedelta(seconds=1)) == []


async def test_keeping_again_replaces(store: Store) -> None:
    new = own_key(session_id="new", messages=0, shared=frozenset(), withheld=frozenset({PHONE}))
    async with store.transaction() as tx:
        await everything(tx)
    async with store.transaction() as tx:
        await tx.save_olm_session(OlmSession("curve", "olm", b"turned"), LATER)
        await tx.save_room_key(room_key(first_index=0, source="forwarded", pickle=b"other"))
        await tx.save_own_room_key(new)
        await tx.miss(missed(attempts=1, not_before=LATER))
        await tx.withhold(ROOM, "session", EXPERT, "m.no_olm")
    async with store.transaction() as tx:
        assert await tx.olm_sessions(["curve"]) == {"curve": [OlmSession("curve", "olm", b"turned")]}
        assert [key.pickle for key in await tx.room_keys(ROOM, "session")] == [b"other"]
        assert await tx.own_room_key(ROOM) == new
        assert await tx.missed_shares(NOW) == []
        assert await tx.missed_shares(LATER) == [missed(attempts=1, not_before=LATER)]
        assert await tx.withheld_code(ROOM, "session", EXPERT) == "m.no_olm"


async def test_a_session_that_two_devices_claim_has_two_rows(store: Store) -> None:
    keys = [room_key(), room_key(sender_key="another", user_id=REQUESTER, pickle=b"theirs")]
    async with store.transaction() as tx:
        for key in keys:
            await tx.save_room_key(key)
    async with store.transaction() as tx:
        assert sorted(await tx.room_keys(ROOM, "session"), key=lambda key: key.sender_key) == sorted(
            keys, key=lambda key: key.sender_key
        )


async def test_a_rollback_undoes_it_all(store: Store) -> None:
    async def work() -> None:
        async with store.transaction() as tx:
            await everything(tx)
            await tx.receive(replace(received("$late"), session_id="session", not_before=LATER))
            raise Crash

    with pytest.raises(Crash):
        await work()
    async with store.transaction() as tx:
        assert await tx.olm_sessions(["curve"]) == {}
        assert await tx.room_keys(ROOM, "session") == []
        assert await tx.own_room_key(ROOM) is None
        assert await tx.missed_shares(NOW) == []
        assert await tx.withheld_code(ROOM, "session", EXPERT) is None
        assert await tx.use_room_key("session", "curve", 0, "$2"), "the index of the event that was undone is free"


# --- each kind of row


async def test_an_index_belongs_to_one_event(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.use_room_key("s", "curve", 7, "$1")
    async with store.transaction() as tx:
        assert await tx.use_room_key("s", "curve", 7, "$1"), "the same event is no replay"
        assert not await tx.use_room_key("s", "curve", 7, "$2")
        assert await tx.use_room_key("s", "curve", 7, "$1"), "a refused one changes nothing"
        for other in (("s", "curve", 8), ("s", "another", 7), ("other", "curve", 7)):
            assert await tx.use_room_key(*other, "$2")
        assert await tx.use_room_key("s", "curve", 2**32 - 1, "$3"), "the last index that there is"


async def test_the_channel_used_last_comes_first_and_the_oldest_are_forgotten(store: Store) -> None:
    async with store.transaction() as tx:
        for number in range(MAX_OLM_SESSIONS + 3):
            used_at = NOW + timedelta(seconds=number)
            await tx.save_olm_session(OlmSession("curve", f"s{number:02}", b"pickle"), used_at)
            await tx.save_olm_session(OlmSession("another", f"s{number:02}", b"pickle"), used_at)
        await tx.save_olm_session(OlmSession("curve", "s00", b"pickle"), NOW + timedelta(minutes=1))
        await tx.forget_old_olm_sessions("curve")
    async with store.transaction() as tx:
        found = await tx.olm_sessions(["curve", "another"])
        ids = [session.session_id for session in found["curve"]]
        assert ids == ["s00", *(f"s{number:02}" for number in range(MAX_OLM_SESSIONS + 2, 3, -1))]
        assert len(found["another"]) == MAX_OLM_SESSIONS + 3, "of nobody else"


async def test_a_key_that_comes_hurries_the_events_that_wait_for_it(store: Store) -> None:
    async with store.transaction() as tx:
        for event_id, session_id in (("$1", "s"), ("$2", "other"), ("$3", None), ("$4", "s")):
            await tx.receive(replace(received(event_id), session_id=session_id, not_before=LATER))
        await tx.handled("$4")
        await tx.hurry_events("s")
        assert [item.event_id for item in await tx.pending(at=NOW)] == ["$1"]
        assert [item.event_id for item in await tx.pending(at=LATER)] == ["$1", "$2", "$3"]


async def test_missed_shares_end_when_they_are_made_good_or_the_person_leaves(store: Store) -> None:
    shares = [missed(), missed(device_id="PHONE"), missed(user_id=REQUESTER), missed(room_id=OTHER, user_id=REQUESTER)]
    async with store.transaction() as tx:
        for share in shares:
            await tx.miss(share)
        await tx.forget_missed(shares[1])
        await tx.forget_missed_of_others(ROOM, {EXPERT})
    async with store.transaction() as tx:
        assert set(await tx.missed_shares(NOW)) == {shares[0], shares[3]}
        assert len(await tx.missed_shares(NOW, limit=1)) == 1
        await tx.forget_missed_of_others(ROOM, [])
        assert await tx.missed_shares(NOW) == [shares[3]]


# --- the backup


async def test_keys_are_backed_up_once(store: Store) -> None:
    async with store.transaction() as tx:
        for number in range(3):
            await tx.save_room_key(room_key(session_id=f"s{number}"))
        await tx.save_room_key(room_key(session_id="restored"), backed_up=True)
        first = await tx.room_keys_to_back_up(2)
        assert [key.session_id for key in first] == ["s0", "s1"]
        await tx.mark_backed_up(first)
        assert [key.session_id for key in await tx.room_keys_to_back_up(2)] == ["s2"]
    async with store.transaction() as tx:
        await tx.back_up_everything()
        assert len(await tx.room_keys_to_back_up(10)) == 4


@pytest.mark.parametrize("better", [{"first_index": 0}, {"source": "direct"}])
async def test_a_better_key_that_came_meanwhile_is_backed_up_too(store: Store, better: dict[str, object]) -> None:
    poor = room_key(first_index=5, source="backup", sender_key="curve")
    async with store.transaction() as tx:
        await tx.save_room_key(poor)
        under_way = await tx.room_keys_to_back_up(10)
    good = replace(poor, **better)  # type: ignore[arg-type]
    async with store.transaction() as tx:
        await tx.save_room_key(good)
        await tx.mark_backed_up(under_way)
        assert await tx.room_keys_to_back_up(10) == [good]


async def test_only_the_key_that_was_backed_up_is_marked(store: Store) -> None:
    keys = [room_key(), room_key(sender_key="another"), room_key(session_id="other"), room_key(room_id=OTHER)]
    async with store.transaction() as tx:
        for key in keys:
            await tx.save_room_key(key)
        await tx.mark_backed_up(keys[:1])
        left = await tx.room_keys_to_back_up(10)
    assert {(key.room_id, key.session_id, key.sender_key) for key in left} == {
        (ROOM, "session", "another"),
        (ROOM, "other", "curve"),
        (OTHER, "session", "curve"),
    }


# --- destroyed and moved


async def test_the_keys_of_a_case_go_with_it(store: Store) -> None:
    await with_case(store)
    async with store.transaction() as tx:
        await everything(tx)
        for row in (room_key(OTHER), own_key(OTHER), missed(OTHER)):
            match row:
                case RoomKey():
                    await tx.save_room_key(row)
                case OwnRoomKey():
                    await tx.save_own_room_key(row)
                case MissedShare():
                    await tx.miss(row)
    async with store.transaction() as tx:
        await tx.shred("case:c-1")
    for _ in range(2):
        async with store.transaction() as tx:
            assert await tx.room_keys(ROOM, "session") == []
            assert await tx.own_room_key(ROOM) is None
            assert await tx.missed_shares(NOW) == [missed(OTHER)]
            assert await tx.room_keys_to_back_up(10) == [room_key(OTHER)]
            assert await tx.room_keys(OTHER, "session") == [room_key(OTHER)]
            assert await tx.own_room_key(OTHER) == own_key(OTHER)
            assert await tx.olm_sessions(["curve"]), "channels belong to no room"


async def test_destroyed_keys_do_not_hold_up_the_backup(store: Store) -> None:
    await with_case(store)
    async with store.transaction() as tx:
        for number in range(5):
            await tx.save_room_key(room_key(session_id=f"a{number}"))
        await tx.save_room_key(room_key(OTHER, "z"))
        await tx.shred("case:c-1")
    async with store.transaction() as tx:
        await tx.room_keys_to_back_up(5)
        assert [key.session_id for key in await tx.room_keys_to_back_up(5)] == ["z"]


async def test_a_room_goes_on_under_a_new_key_after_its_case_was_destroyed(store: Store) -> None:
    await with_case(store)
    async with store.transaction() as tx:
        await everything(tx)
        await tx.shred("case:c-1")
    async with store.transaction() as tx:
        await tx.save_room_key(room_key(session_id="later"))
        assert await tx.own_room_key(ROOM) is None
    async with store.transaction() as tx:
        await tx.save_own_room_key(own_key(session_id="later"))
        assert await tx.room_keys(ROOM, "session") == []
        assert await tx.room_keys(ROOM, "later") == [room_key(session_id="later")]
        assert await tx.own_room_key(ROOM) == own_key(session_id="later")
        assert await tx.missed_shares(NOW) == []


async def test_a_room_key_that_came_before_its_case_stays_readable(store: Store) -> None:
    """A room belongs to its case only once it was made."""
    async with store.transaction() as tx:
        await everything(tx)
    await with_case(store)
    async with store.transaction() as tx:
        assert await tx.room_keys(ROOM, "session") == [room_key()]
        assert await tx.own_room_key(ROOM) == own_key()


MOVES = {
    "a channel to another device": update(olm_sessions).values(curve25519="another"),
    "a channel under another name": update(olm_sessions).values(session_id="another"),
    "a room key to another room": update(room_keys).values(room_id=OTHER),
    "a room key to another session": update(room_keys).values(session_id="another"),
    "a room key to another device": update(room_keys).values(sender_key="another"),
    "a room key to another person": update(room_keys).values(user_id=REQUESTER),
    "a room key to another signing key": update(room_keys).values(ed25519="another"),
    "a room key to a better source": update(room_keys).values(source="forwarded"),
    "our own key to another room": update(own_room_keys).values(room_id=OTHER),
    "a missed share to another device": update(missed_shares).values(device_id="ELSEWHERE"),
    "a missed share to another person": update(missed_shares).values(user_id=REQUESTER),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
async def test_a_sealed_value_does_not_open_in_another_row(store: Store, move: object) -> None:
    """Who can write to the database cannot give a key to somebody else."""
    async with store.transaction() as tx:
        await everything(tx)
    async with store.engine.begin() as connection:
        await connection.execute(move)  # type: ignore[call-overload]

    async def look() -> None:
        async with store.transaction() as tx:
            await tx.olm_sessions(["curve", "another"])
            for room in (ROOM, OTHER):
                await tx.own_room_key(room)
                for session in ("session", "another"):
                    await tx.room_keys(room, session)
            await tx.missed_shares(NOW)

    with pytest.raises(Tampered):
        await look()
