"""Inbox and outbox: handled once, sent once, in order; and what is kept per person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from ernbot.storage.errors import Tampered
from ernbot.storage.records import SentItem, Waiting
from ernbot.storage.store import Store

from .samples import EXPERT, LATER, NOW, REQUESTER, ROOM, dialogue, draft, received, to_send


async def test_an_event_is_received_once(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.receive(received("$1"))
        assert not await tx.receive(replace(received("$1"), payload={"body": "another"}))
    async with store.transaction() as tx:
        assert not await tx.receive(received("$1"))
        assert await tx.pending() == [received("$1")]
        await tx.handled("$1")
        assert await tx.pending() == []
    async with store.transaction() as tx:
        assert not await tx.receive(received("$1"))
        assert await tx.pending() == []


async def test_events_wait_in_the_order_in_which_they_came(store: Store) -> None:
    ids = [f"${number}" for number in (3, 1, 2)]
    async with store.transaction() as tx:
        for event_id in ids:
            await tx.receive(received(event_id, room_id=f"!{event_id}"))
    async with store.transaction() as tx:
        assert [item.event_id for item in await tx.pending()] == ids
        assert [item.event_id for item in await tx.pending(limit=2)] == ids[:2]


async def test_a_postponed_event_waits_for_its_time(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.receive(received("$1"))
        await tx.receive(received("$2"))
        await tx.postpone("$1", LATER, attempts=2)
        assert [item.event_id for item in await tx.pending(at=NOW)] == ["$2"]
        first, second = await tx.pending(at=LATER)
        assert (first.event_id, first.attempts, first.not_before) == ("$1", 2, LATER)
        assert (second.event_id, second.attempts, second.not_before) == ("$2", 0, None)


async def test_busy_rooms_do_not_hide_the_others(store: Store) -> None:
    async with store.transaction() as tx:
        for number in range(5):
            await tx.receive(received(f"${number}", room_id="!busy"))
        await tx.receive(received("$other", room_id="!other"))
        assert [item.event_id for item in await tx.pending(limit=3, busy=["!busy"])] == ["$other"]


async def test_what_is_found_later_takes_the_turn_of_its_gap(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.receive(received("$gap"))
        await tx.receive(received("$after"))
        [gap, _] = await tx.pending()
        for event_id in ("$found-1", "$found-2"):
            await tx.receive(replace(received(event_id), turn=gap.seq))
        await tx.rewrite(gap, {"from": "further"})
        assert [item.event_id for item in await tx.pending()] == ["$gap", "$found-1", "$found-2", "$after"]
        assert (await tx.pending())[0].payload == {"from": "further"}


async def test_events_that_wait_for_a_key_are_found_by_its_session(store: Store) -> None:
    async with store.transaction() as tx:
        for event_id, session in (("$1", "s"), ("$2", "s"), ("$3", "other")):
            await tx.receive(replace(received(event_id), session_id=session, not_before=LATER))
        assert await tx.waiting() == Waiting(3, received().at)
        assert (await tx.waiting("!nowhere")).events == 0
        assert await tx.pending(at=NOW) == []
        await tx.hurry_events("s")
        assert [item.event_id for item in await tx.pending(at=NOW)] == ["$1", "$2"]
        await tx.handled("$1")
        assert (await tx.waiting()).events == 2


async def test_each_lane_gives_its_first_item_alone(store: Store) -> None:
    async with store.transaction() as tx:
        for item_id, lane in (("a1", "a"), ("b1", "b"), ("a2", "a"), ("b2", "b")):
            await tx.send(to_send(item_id, lane))
        assert await tx.due(NOW) == [to_send("a1", "a"), to_send("b1", "b")]
        await tx.sent("a1", "$a1")
        assert [item.id for item in await tx.due(NOW)] == ["b1", "a2"]
        assert [item.id for item in await tx.due(NOW, limit=1)] == ["b1"]
        await tx.give_up("b1", "forbidden")
        assert [item.id for item in await tx.due(NOW)] == ["a2", "b2"]


async def test_a_postponed_first_item_holds_its_lane(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.send(to_send("a1", "a"))
        await tx.send(to_send("a2", "a"))
        await tx.send(replace(to_send("b1", "b"), not_before=LATER))
        await tx.retry("a1", LATER)
        assert await tx.due(NOW) == []
        due = await tx.due(LATER)
        assert [(item.id, item.attempts, item.not_before) for item in due] == [("a1", 1, LATER), ("b1", 0, LATER)]


async def test_an_item_added_twice_is_sent_once(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.send(to_send("a1", "a"))
        await tx.send(to_send("a1", "a"))
        await tx.sent("a1", "$a1")
    async with store.transaction() as tx:
        await tx.send(to_send("a1", "a"))
        assert await tx.due(NOW) == []


async def test_what_was_sent_is_known_by_its_event(store: Store) -> None:
    async with store.transaction() as tx:
        for number in (1, 2, 3):
            await tx.send(replace(to_send(f"a{number}", "a"), tag="card"))
            await tx.sent(f"a{number}", f"$a{number}" if number != 2 else None)
        await tx.send(replace(to_send("other", "b"), tag="card"))
        await tx.sent("other", "$b")
    async with store.transaction() as tx:
        assert await tx.sent_item("$a1") == SentItem("a1", "a", "message", "card", "c-1", "$a1")
        assert await tx.sent_item("$nobody") is None
        assert [item.id for item in await tx.tagged("a", "card")] == ["a3", "a1"]
        assert await tx.tagged("a", "opinion") == []


async def test_after_a_withdrawal_only_changes_of_the_room_are_still_sent(store: Store) -> None:
    async with store.transaction() as tx:
        for item_id, kind in (("m", "message"), ("f", "file"), ("k", "kick"), ("n", "message")):
            await tx.send(to_send(item_id, "a", kind=kind))
        await tx.send(to_send("elsewhere", "b"))
        await tx.sent("m", "$m")
        assert await tx.drop_lane_content("a") == 2
        assert [item.id for item in await tx.due(NOW)] == ["k", "elsewhere"]
        assert await tx.sent_item("$m") is not None
        assert await tx.drop_lane_content("a") == 0


async def test_settled_rows_hold_no_words_any_more(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.receive(received())
        await tx.handled("$in")
        for item_id in ("sent", "given-up"):
            await tx.send(to_send(item_id, item_id))
        await tx.sent("sent", "$e")
        await tx.give_up("given-up", "too-large")
    async with store.engine.connect() as connection:
        left = "SELECT payload FROM inbox UNION ALL SELECT payload FROM outbox"
        assert {row[0] for row in await connection.execute(text(left))} == {None}


@pytest.mark.parametrize("table", ["inbox", "outbox"])
async def test_a_swapped_payload_does_not_open(store: Store, table: str) -> None:
    async with store.transaction() as tx:
        for name in ("1", "2"):
            await tx.receive(received(f"${name}"))
            await tx.send(to_send(f"out-{name}", f"lane-{name}", case_id=None))
    async with store.engine.begin() as connection:
        other = f"(SELECT payload FROM {table} WHERE seq = 2)"
        await connection.execute(text(f"UPDATE {table} SET payload = {other} WHERE seq = 1"))
    async with store.transaction() as tx:
        with pytest.raises(Tampered):
            await (tx.pending() if table == "inbox" else tx.due(NOW))


async def test_the_scope_of_a_row_is_that_of_its_case_or_room(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.scope_of(ROOM) == f"room:{ROOM}"
        await tx.send(replace(to_send("lane", "space:x", case_id=None), room_id=None))
        await tx.send(to_send("before", "b", case_id=None))
        await tx.add_case(draft())
        await tx.set_case_room("c-1", ROOM)
        assert await tx.scope_of(ROOM) == "case:c-1"
        await tx.send(to_send("after", "a", case_id=None))
        await tx.send(replace(to_send("case", "c"), room_id=None))
        assert len(await tx.due(NOW)) == 4
    async with store.engine.connect() as connection:
        rows = await connection.execute(text("SELECT id, scope FROM outbox"))
        assert {row.id: row.scope for row in rows} == {
            "lane": "lane:space:x",
            "before": f"room:{ROOM}",
            "after": "case:c-1",
            "case": "case:c-1",
        }


async def test_languages_direct_rooms_and_the_sync_token_stay(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.language(REQUESTER) is None
        await tx.set_language(REQUESTER, "da")
        await tx.set_language(REQUESTER, "en")
        await tx.set_direct_room(REQUESTER, "!a:x")
        await tx.set_direct_room(EXPERT, "!b:x")
        await tx.set_direct_room(REQUESTER, "!b:x")
        await tx.set_sync_token("s1")
        await tx.set_sync_token("s2")
    async with store.transaction() as tx:
        assert await tx.language(REQUESTER) == "en"
        assert await tx.direct_room(REQUESTER) == "!b:x"
        assert await tx.direct_user("!b:x") == REQUESTER
        assert await tx.direct_user("!a:x") is None
        assert await tx.direct_room(EXPERT) is None
        assert await tx.sync_token() == "s2"
        await tx.forget_direct_room("!b:x")
        assert await tx.direct_room(REQUESTER) is None


async def test_two_direct_rooms_of_somebody_that_begin_at_once(store: Store) -> None:
    async def begin(room_id: str) -> None:
        async with store.transaction() as tx:
            await tx.set_direct_room(REQUESTER, room_id)
            await asyncio.sleep(0.1)

    await asyncio.gather(begin("!a:x"), begin("!b:x"))
    async with store.transaction() as tx:
        assert await tx.direct_room(REQUESTER) in ("!a:x", "!b:x")


async def test_a_dialogue_is_kept_replaced_and_ended(store: Store) -> None:
    first = dialogue()
    second = replace(first, kind="consent", thread=None, data={"step": 2}, at=NOW + timedelta(seconds=1))
    async with store.transaction() as tx:
        await tx.save_dialogue(first)
        assert await tx.dialogue(ROOM, EXPERT) == first
        await tx.save_dialogue(second)
        await tx.save_dialogue(dialogue(user_id=REQUESTER))
        await tx.save_dialogue(dialogue(room_id="!other:x"))
        await tx.save_dialogue(dialogue(room_id="!direct:x", case_id="c-2"))
        await tx.save_dialogue(dialogue(room_id="!direct:x", user_id=REQUESTER, case_id="c-3"))
    async with store.transaction() as tx:
        assert await tx.dialogue(ROOM, EXPERT) == second
        await tx.end_dialogue(ROOM, EXPERT)
        assert await tx.dialogue(ROOM, EXPERT) is None
        assert await tx.dialogue(ROOM, REQUESTER) is not None
        assert await tx.end_dialogues("c-2") == (EXPERT,)
        assert await tx.end_dialogues("c-2") == ()
        assert await tx.dialogue("!direct:x", EXPERT) is None
        assert await tx.dialogue("!direct:x", REQUESTER) is not None
        assert await tx.dialogue("!other:x", EXPERT) is not None


async def test_a_dialogue_that_began_before_the_case_had_its_room_still_opens(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.save_dialogue(dialogue())
        await tx.add_case(draft())
        await tx.set_case_room("c-1", ROOM)
        assert await tx.dialogue(ROOM, EXPERT) == dialogue()


async def test_secrets_come_back(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.secret("cross-signing") is None
        await tx.set_secret("cross-signing", b"\x00\x01")
        await tx.set_secret("cross-signing", b"\x02")
        await tx.set_secret("other", b"")
    async with store.transaction() as tx:
        assert await tx.secret("cross-signing") == b"\x02"
        assert await tx.secret("other") == b""
