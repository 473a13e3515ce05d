"""`!cases`: what waits for somebody first, on one screen, and nothing of a case that is not theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table

from ernbot.core.directory import Directory
from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.storage.sealing import SealedRows

from .chat import ANDERS, BRAM, DIRECTORY, KASPER, METTE, PIOTR, QUESTION, SASKIA, STRANGER, Chat


def link(room: str) -> str:
    return f"https://matrix.to/#/%21{room[1:].replace(':', '%3A')}"


async def change(chat: Chat, **values: object) -> None:
    """Change the latest case as a command would."""
    async with chat.store.transaction() as tx:
        context = await chat.context(tx, ANDERS, chat.room)
        case = await tx.case_in(chat.room, ANDERS, Action.READ, chat.directory, chat.now)
        await context.save(replace(case, **values))  # type: ignore[arg-type]
    await chat.deliver()


async def test_what_waits_for_me_comes_first(chat: Chat) -> None:
    await chat.opened()
    mine = (await chat.case()).nickname, chat.room
    chat.later(hours=1)
    await chat.assessing()
    theirs = (await chat.case()).nickname, chat.room
    assert await chat.alone(ANDERS, "!cases") == (
        "2 cases, one waits for you\n\n"
        f"- {mine[0]} · “{QUESTION}” · you: bring experts in · open {link(mine[1])}\n"
        f"- {theirs[0]} · “{QUESTION}” · waits for Piotr Zieliński · with the experts {link(theirs[1])}"
    )
    assert await chat.alone(PIOTR, "!cases") == (
        "One case, one waits for you\n\n"
        f"- {theirs[0]} · “{QUESTION}” · you: give your opinion · with the experts {link(theirs[1])}"
    )
    assert (await chat.alone(SASKIA, "!cases")).startswith("One case, none waits for you")
    await chat.alone(PIOTR, "!language da")
    await chat.alone(PIOTR, "!cases")
    assert chat.last.danish.startswith(
        f"Én sag, én venter på dig\n\n- {theirs[0]} · “{QUESTION}” · dig: afgiv din vurdering"
    )


async def test_a_case_stays_in_the_list_while_its_lead_looks_for_experts(chat: Chat) -> None:
    await chat.opened()
    before = await chat.alone(ANDERS, "!cases")
    assert (await chat.case()).nickname in before
    await chat.here(ANDERS, "!panel suggest craniosynostosis")
    assert await chat.alone(ANDERS, "!cases") == before


async def test_urgent_and_due_cases_stand_above_the_others(chat: Chat) -> None:
    names = []
    for values in ({}, {"due": (chat.now + timedelta(days=9)).date()}, {"due": (chat.now - timedelta(days=2)).date()}):
        await chat.assessing()
        await change(chat, **values)
        names.append((await chat.case()).nickname)
    await chat.assessing()
    await change(chat, urgent=True)
    names.append((await chat.case()).nickname)
    lines = [line for line in (await chat.alone(PIOTR, "!cases")).splitlines() if line.startswith("- ")]
    assert [next(name for name in names if name in line) for line in lines] == [names[3], names[2], names[1], names[0]]
    assert lines[0].startswith("- ❗ ")
    assert "was due 3 March 2026" in lines[1]
    assert "by 14 March 2026" in lines[2]
    overdue = await chat.alone(PIOTR, "!cases overdue")
    assert names[2] in overdue
    assert names[1] not in overdue


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("!cases", 2),
        ("!CASES  Mine", 2),
        ("!cases wating", 1),
        ("!cases unanswered", 1),
        ("!cases ERN CRANIO", 2),
        ("!cases cranio waiting", 1),
        ("!cases ecnm", 0),
        ("!cases overdue", 0),
        ("!cases forsinkede", 0),
        ("!cases all", 2),
        ("!cases 7", 0),
    ],
)
async def test_words_are_forgiven(chat: Chat, typed: str, count: int) -> None:
    await chat.opened()
    await chat.assessing()
    assert (await chat.alone(ANDERS, typed)).count("\n- ") == count


async def test_a_word_that_means_nothing_is_told(chat: Chat) -> None:
    assert (await chat.alone(ANDERS, "!cases xyzzy")).startswith(
        "I do not know `xyzzy`. Try `!cases`, or `!cases` with one of: mine, waiting, overdue, unanswered, all, "
        "or with a network: ern-cranio"
    )


async def test_one_screen_at_a_time(chat: Chat) -> None:
    for _ in range(13):
        await chat.draft()
    first = await chat.alone(ANDERS, "!cases waiting")
    assert first.startswith("13 cases, 13 wait for you\n\n- ")
    assert first.count("\n- ") == 10
    assert QUESTION not in first
    assert first.endswith("… and 3 more: `!cases waiting 2`")
    assert (await chat.alone(ANDERS, "!cases waiting 2")).count("\n- ") == 3
    assert await chat.alone(ANDERS, "!cases waiting 3") == "That is beyond the last page. `!cases` begins anew."


async def test_a_coordinator_gets_the_network_without_a_clinical_word(chat: Chat) -> None:
    await chat.assessing()
    nickname = (await chat.case()).nickname
    assert await chat.alone(METTE, "!cases ern-cranio") == (
        f"One case, none waits for you\n\n- {nickname} · waits for Piotr Zieliński · with the experts"
    )
    assert await chat.alone(METTE, "!cases") == "Nothing here. `!cases all` shows every case that you take part in."
    for other in (BRAM, KASPER):
        assert nickname not in await chat.alone(other, "!cases ern-cranio")
    assert nickname not in (await chat.alone(STRANGER, "!cases all"))


async def test_nothing_is_shown_to_somebody_who_lost_access(chat: Chat) -> None:
    await chat.assessing()
    nickname = (await chat.case()).nickname
    assert nickname in await chat.alone(SASKIA, "!cases all")
    gone = Directory(
        tuple(
            replace(network, people=tuple(person for person in network.people if person.user_id != SASKIA))
            for network in DIRECTORY.networks
        )
    )
    chat.directory = gone
    assert nickname not in await chat.alone(SASKIA, "!cases all")
    chat.directory = DIRECTORY
    await chat.here(ANDERS, "!consent withdraw care")
    for user in (SASKIA, PIOTR):
        assert (
            await chat.alone(user, "!cases all") == "Nothing here. `!cases all` shows every case that you take part in."
        )
    withdrawn = await chat.alone(ANDERS, "!cases all")
    assert nickname in withdrawn
    assert QUESTION not in withdrawn


async def test_a_shredded_case_is_gone_from_the_list(chat: Chat) -> None:
    await chat.assessing()
    case = await chat.case()
    async with chat.store.transaction() as tx:
        await tx.shred(f"case:{case.id}")
    assert case.nickname not in await chat.alone(SASKIA, "!cases")
    assert case.nickname not in await chat.alone(METTE, "!cases ern-cranio")


async def test_reminders_are_as_somebody_wants_them(chat: Chat) -> None:
    assert await chat.alone(ANDERS, "!reminders") == (
        "Reminders: at most one a day, at 8:00 UTC. Urgent cases are always said. "
        "Change it with `!reminders daily`, `weekly` or `off`."
    )
    assert (await chat.alone(ANDERS, "!reminders Ugentligt")).startswith("Reminders: at most one a week")
    assert (await chat.alone(ANDERS, "!reminders stop")).startswith("Reminders: none")
    assert (await chat.alone(ANDERS, "!reminders")).startswith("Reminders: none")
    assert "I do not know `hourly`." in await chat.alone(ANDERS, "!reminders hourly")


async def test_a_case_is_found_by_its_name_without_opening_others(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await chat.opened()
    wanted = await chat.case()
    opened: list[str] = []
    real = SealedRows._open

    def counting(self: SealedRows, row: Any, table: Table, column: str, *key: str) -> bytes:
        if column == "content" and table.name == "cases":
            opened.extend(key)
        return real(self, row, table, column, *key)

    monkeypatch.setattr(SealedRows, "_open", counting)
    async with chat.store.transaction() as tx:
        for user, action in ((ANDERS, Action.READ), (METTE, Action.TAKE_OVER)):
            found = await tx.case_named(wanted.nickname.upper(), user, action, chat.directory, chat.now)
            assert found.id == wanted.id
        with pytest.raises(Refused, match="case-unknown"):
            await tx.case_named(wanted.nickname, KASPER, Action.READ, chat.directory, chat.now)
    assert set(opened) == {wanted.id}


async def test_a_case_without_an_index_is_found_all_the_same(chat: Chat) -> None:
    await chat.opened()
    wanted = await chat.case()
    async with chat.store.transaction() as tx:
        await tx.plan_all_anew()
        assert (await tx.case_named(wanted.nickname, ANDERS, Action.READ, chat.directory, chat.now)).id == wanted.id
        with pytest.raises(Refused, match="case-unknown"):
            await tx.case_named(wanted.nickname, SASKIA, Action.READ, chat.directory, chat.now)
