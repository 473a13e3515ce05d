"""The calendar on both databases: reminders in the morning, each once, whatever happens in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text

from ernbot.commands.effects import Access, Invite, Message, Remove
from ernbot.core import inviting
from ernbot.core.agenda import agenda as decide
from ernbot.core.case import Case
from ernbot.core.directory import Directory
from ernbot.core.invitation import Guest
from ernbot.core.states import Action
from ernbot.matrix.calendar import Calendar
from ernbot.storage.store import Store
from ernbot.storage.tables import agenda, case_people, cases, outbox, unplanned
from tests.commands.chat import ANDERS, DIRECTORY, METTE, OPINION, PIOTR, QUESTION, SASKIA, SERVER, Answer, Chat

PLAN_ANEW = insert(unplanned).from_select(
    ["case_id"], select(cases.c.id).where(cases.c.id.not_in(select(unplanned.c.case_id)))
)


@pytest.fixture
def chat(store: Store) -> Chat:
    return Chat(store)


def calendar(chat: Chat) -> Calendar:
    return Calendar(chat.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0)


async def turn(chat: Chat) -> None:
    """One turn of the calendar, and everything it sends."""
    await calendar(chat).turn()
    await chat.deliver()


async def morning(chat: Chat, days: int = 1) -> None:
    """The next mornings, one by one."""
    for _ in range(days):
        chat.now = (chat.now + timedelta(days=1)).replace(hour=8, minute=0)
        await turn(chat)


async def assess(chat: Chat) -> None:
    """A case with two experts who have accepted, of whom one has answered."""
    await chat.assessing()
    await chat.say(PIOTR, "!accept", room=chat.room)


def reminders(chat: Chat, user: str) -> list[Answer]:
    """What somebody was reminded of, apart from all else that they were told."""
    return [answer for answer in chat.told(user) if "!reminders weekly" in answer.text]


async def test_a_reminder_says_what_waits_and_nothing_clinical(chat: Chat) -> None:
    await assess(chat)
    await morning(chat, 7)
    (said,) = reminders(chat, PIOTR)
    nickname = (await chat.case()).nickname
    assert said.text == (
        "One thing waits for you\n\n"
        f"- {nickname} · give your opinion · ERN CRANIO https://matrix.to/#/%21{chat.room[1:].replace(':', '%3A')}\n\n"
        "Less often: `!reminders weekly` or `!reminders off`. Urgent cases are always said."
    )
    assert said.danish.startswith(f"Én ting venter på dig\n\n- {nickname} · afgiv din vurdering · ERN CRANIO")
    assert reminders(chat, SASKIA) == []


async def test_a_reminder_says_by_when(chat: Chat) -> None:
    await assess(chat)
    await chat.here(ANDERS, "!case due 2026-03-20")
    await morning(chat, 14)
    assert "give your opinion · ERN CRANIO · by 20 March 2026" in reminders(chat, PIOTR)[-1].text
    await morning(chat, 8)
    assert "give your opinion · ERN CRANIO · was due 20 March 2026" in reminders(chat, PIOTR)[-1].text
    assert (
        "afgiv din vurdering · ERN CRANIO · fristen 20. marts 2026 er overskredet" in reminders(chat, PIOTR)[-1].danish
    )


async def test_each_thing_is_said_once_a_week_and_stops_when_it_is_done(chat: Chat) -> None:
    await assess(chat)
    await morning(chat, 15)
    assert len(reminders(chat, PIOTR)) == 2
    await chat.here(PIOTR, OPINION)
    await morning(chat, 1)
    assert len(reminders(chat, PIOTR)) == 2
    assert "all opinions are in" in reminders(chat, ANDERS)[-1].text
    await morning(chat, 3)
    assert len(reminders(chat, ANDERS)) == 1


async def test_a_case_is_not_opened_again_for_the_next_reminder_of_a_schedule(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await assess(chat)
    await turn(chat)
    planned = []

    def counts(case: Case, *rest: object, **more: object) -> object:
        planned.append(case.id)
        return decide(case, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("ernbot.matrix.calendar.agenda", counts)
    await morning(chat, 8)
    assert len(reminders(chat, PIOTR)) == 1
    assert planned == []
    await morning(chat, 14)
    assert len(reminders(chat, PIOTR)) == 3


async def test_several_cases_are_one_message(chat: Chat) -> None:
    for _ in range(12):
        await assess(chat)
    await morning(chat, 7)
    (said,) = reminders(chat, PIOTR)
    assert said.text.startswith("12 things wait for you\n\n- ")
    assert said.text.count("\n- ") == 10
    assert "… and 2 more: `!cases waiting`" in said.text


async def test_after_days_off_there_is_one_reminder_and_none_at_night(chat: Chat) -> None:
    await assess(chat)
    chat.now = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
    await turn(chat)
    assert reminders(chat, PIOTR) == []
    await morning(chat)
    assert len(reminders(chat, PIOTR)) == 1
    await turn(chat)
    await turn(chat)
    assert len(reminders(chat, PIOTR)) == 1


async def test_a_clock_that_goes_back_says_nothing_twice(chat: Chat) -> None:
    await assess(chat)
    await morning(chat, 7)
    chat.now -= timedelta(hours=3)
    await turn(chat)
    chat.now += timedelta(hours=4)
    await turn(chat)
    assert len(reminders(chat, PIOTR)) == 1


async def test_who_wants_none_hears_of_urgent_cases_alone(chat: Chat) -> None:
    await chat.alone(PIOTR, "!reminders off")
    await assess(chat)
    await morning(chat, 8)
    assert reminders(chat, PIOTR) == []
    await assess(chat)
    async with chat.store.transaction() as tx:
        case = await tx.case_in(chat.room, ANDERS, Action.READ, DIRECTORY, chat.now)
        await tx.save_case(replace(case, urgent=True))
    await morning(chat)
    (said,) = reminders(chat, PIOTR)
    assert said.text.startswith(f"One thing waits for you\n\n- ❗ {case.nickname}")


async def test_what_somebody_did_not_want_to_hear_is_not_noted_as_said(chat: Chat) -> None:
    await chat.alone(PIOTR, "!reminders off")
    for urgent in (False, True):
        await chat.opened()
        await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
        for expert in (SASKIA, PIOTR):
            await chat.say(expert, "!accept", room=chat.room)
        async with chat.store.transaction() as tx:
            case = await tx.case_in(chat.room, ANDERS, Action.READ, DIRECTORY, chat.now)
            await tx.save_case(replace(case, urgent=urgent))
    chat.now += timedelta(days=6)
    await morning(chat)
    assert [reminders(chat, expert)[-1].text.split("\n")[0] for expert in (SASKIA, PIOTR)] == [
        "2 things wait for you",
        "One thing waits for you",
    ]
    async with chat.store.engine.connect() as connection:
        said = select(agenda.c.user_id, cases.c.urgent).join_from(agenda, cases).where(agenda.c.said_at.is_not(None))
        told = [tuple(row) for row in await connection.execute(said)]
    assert sorted(told) == [(PIOTR, True), (SASKIA, False), (SASKIA, True)]
    await chat.alone(PIOTR, "!reminders daily")
    await morning(chat)
    later = reminders(chat, PIOTR)[-1].text
    assert later.startswith("One thing waits for you\n\n- ")
    assert "❗" not in later


async def test_a_reminder_that_was_not_had_is_replaced_by_the_next(chat: Chat) -> None:
    await assess(chat)
    chat.delivers = False
    await morning(chat, 15)
    query = select(func.count()).where(outbox.c.kind == "message", outbox.c.tag == "reminder", ~outbox.c.done)
    async with chat.store.engine.connect() as connection:
        assert await connection.scalar(query.where(outbox.c.lane == f"direct:{PIOTR}")) == 1


async def test_a_crash_before_the_commit_says_it_once(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    await assess(chat)
    chat.now = (chat.now + timedelta(days=7)).replace(hour=8)

    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr("ernbot.matrix.calendar.remind", killed)
    with pytest.raises(Killed):
        await calendar(chat).turn()
    monkeypatch.undo()
    await turn(chat)
    await turn(chat)
    assert len(reminders(chat, PIOTR)) == 1


async def test_nobody_is_reminded_who_left_the_directory(chat: Chat) -> None:
    await assess(chat)
    await turn(chat)
    (cranio, *others) = DIRECTORY.networks
    by_id = {network.id: network for network in (cranio, *others)}
    left = by_id["ern-cranio"]
    gone = replace(left, people=tuple(person for person in left.people if person.user_id != PIOTR))
    chat.directory = Directory(tuple(gone if network is left else network for network in DIRECTORY.networks))
    await calendar(chat).begin()
    assert await chat.alone(SASKIA, "!cases") == (
        "Nothing here. `!cases all` shows every case that you take part in.\n\n"
        "I am still sorting older cases after an update. Some may be missing: ask again in a minute."
    )
    await morning(chat, 10)
    assert reminders(chat, PIOTR) == []
    assert (await chat.case()).nickname in await chat.alone(SASKIA, "!cases")


async def test_cases_of_an_earlier_version_get_their_index_and_agenda(chat: Chat) -> None:
    await assess(chat)
    async with chat.store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM agenda"))
        await connection.execute(text("DELETE FROM case_people"))
        await connection.execute(text("UPDATE cases SET brief = NULL"))
        await connection.execute(PLAN_ANEW)
    async with chat.store.transaction() as tx:
        assert [place.room_id for place in await tx.places_of(SASKIA)] == [chat.room]
    await turn(chat)
    assert (await chat.case()).nickname in await chat.alone(SASKIA, "!cases")
    async with chat.store.transaction() as tx:
        assert await tx.is_indexed()
        assert [place.room_id for place in await tx.places_of(SASKIA)] == [chat.room]


async def test_a_shredded_case_leaves_no_agenda_and_holds_nothing_up(chat: Chat) -> None:
    await assess(chat)
    shredded = (await chat.case()).id
    await turn(chat)
    await assess(chat)
    async with chat.store.transaction() as tx:
        await tx.shred(f"case:{shredded}")
    async with chat.store.engine.connect() as connection:
        for table in (agenda, case_people):
            assert await connection.scalar(select(func.count()).where(table.c.case_id == shredded)) == 0
    async with chat.store.engine.begin() as connection:
        await connection.execute(PLAN_ANEW)
    await morning(chat, 7)
    assert len(reminders(chat, PIOTR)) == 1
    await turn(chat)
    async with chat.store.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(unplanned)) == 0


async def test_a_case_that_cannot_be_planned_holds_up_no_other(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await assess(chat)
    broken = (await chat.case()).id
    await assess(chat)

    def fails(case: object, *rest: object, **more: object) -> object:
        if getattr(case, "id", None) == broken:
            raise ValueError("sagittal suture")
        return decide(case, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("ernbot.matrix.calendar.agenda", fails)
    await morning(chat, 7)
    assert len(reminders(chat, PIOTR)) == 1
    assert "ValueError" in caplog.text
    assert "suture" not in caplog.text


async def test_the_loop_wakes_and_ends(chat: Chat) -> None:
    await assess(chat)
    chat.now = (chat.now + timedelta(days=7)).replace(hour=9)
    await calendar(chat).begin()
    task = asyncio.create_task(calendar(chat).run())
    async with asyncio.timeout(10):
        while True:
            await asyncio.sleep(0.05)
            await chat.deliver()
            if reminders(chat, PIOTR):
                break
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# --- follow-up

JUNE = datetime(2026, 6, 5, 9, 0, tzinfo=UTC)


async def test_after_three_months_the_clinician_is_asked_in_the_room(chat: Chat) -> None:
    await chat.closed()
    await turn(chat)
    assert reminders(chat, ANDERS) == []
    before = len(chat.done)
    chat.now = JUNE
    await turn(chat)
    (asked,) = [answer for answer in chat.answers(before) if answer.message.choices]
    assert asked.text == (
        "Anders Kjær, some months ago the panel signed its outcome. Was it followed?\n\n"
        "- `1` yes, fully\n- `2` in part\n- `3` no\n\n"
        "Tap a number, or reply with it: I ask the rest in a thread, it takes a minute. The panel reads your answer."
    )
    assert asked.reader == ANDERS
    assert "Who must act: Anders Kjær" in chat.card
    await turn(chat)
    assert len([answer for answer in chat.answers(before) if answer.message.choices]) == 1


async def test_the_coordinator_is_told_when_nobody_answers(chat: Chat) -> None:
    await chat.closed()
    chat.now = JUNE
    await turn(chat)
    await morning(chat, 60)
    questions = [done for done in chat.done if isinstance(done.effect, Message) and done.effect.choices == 3]
    assert len(questions) == 3
    (told,) = reminders(chat, METTE)
    assert "no word of the patient’s course: please ask the clinician" in told.text
    assert "matrix.to" in told.text or (await chat.case()).nickname in told.text


async def test_a_withdrawal_ends_a_follow_up_that_is_half_filled(chat: Chat) -> None:
    await chat.closed()
    chat.now = JUNE
    await turn(chat)
    asked = next(answer for answer in reversed(chat.answers()) if answer.message.choices)
    await chat.say(ANDERS, "2", room=chat.room, replies_to=asked.event_id)
    await chat.here(ANDERS, "!consent withdraw care")
    (refused,) = await chat.say(ANDERS, "1", room=chat.room, thread=asked.event_id)
    assert refused == "Consent was withdrawn. Nothing in this case is processed any more."
    async with chat.store.transaction() as tx:
        assert await tx.dialogue(chat.room, ANDERS) is None
    before = len(chat.done)
    await morning(chat, 60)
    assert chat.done[before:] == []


async def test_a_guest_whose_time_is_over_is_removed_once(chat: Chat) -> None:
    await assess(chat)
    guest = f"@guest:{SERVER}"
    async with chat.store.transaction() as tx:
        context = await chat.context(tx, ANDERS, chat.room)
        case = await tx.case_in(chat.room, ANDERS, Action.READ, DIRECTORY, chat.now)
        until = (chat.now + timedelta(days=2)).date()
        await context.save(
            inviting.admit_guest(case, guest, Guest("O", "H", "NO"), until, None, by=ANDERS, at=chat.now)
        )
    await morning(chat, 2)
    assert guest in (await chat.case()).admitted
    await morning(chat, 3)
    assert guest not in (await chat.case()).admitted
    assert chat.effects(Remove) == [Remove(guest)]
    assert guest not in chat.effects(Access)[-1].admitted


def without(user: str) -> Directory:
    """The example directory without somebody."""
    return Directory(
        tuple(replace(n, people=tuple(p for p in n.people if p.user_id != user)) for n in DIRECTORY.networks)
    )


async def test_whoever_left_the_directory_leaves_the_room_and_comes_back_with_it(chat: Chat) -> None:
    await assess(chat)
    chat.directory = without(PIOTR)
    await calendar(chat).begin()
    await turn(chat)
    assert chat.effects(Remove) == [Remove(PIOTR)]
    assert PIOTR not in chat.effects(Access)[-1].admitted
    await turn(chat)
    assert len(chat.effects(Remove)) == 1
    chat.directory = DIRECTORY
    await calendar(chat).begin()
    await turn(chat)
    assert chat.effects(Invite)[-1] == Invite(PIOTR)
    assert PIOTR in chat.effects(Access)[-1].admitted


async def test_a_card_repeats_nothing_clinical_once_consent_is_over(chat: Chat) -> None:
    await assess(chat)
    assert QUESTION in chat.card
    chat.now = datetime(2041, 3, 2, 8, 0, tzinfo=UTC)
    assert QUESTION not in await chat.here(PIOTR, "!case show")
    await chat.arrive(PIOTR)
    assert QUESTION not in chat.card
    await turn(chat)
    assert QUESTION[:20] not in await chat.alone(PIOTR, "!cases all")
