"""`!figures`: coordinators of a network see numbers that point at nobody; nobody else sees any."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ernbot.core.case import Case, new_case
from ernbot.core.clocks import Clocks
from ernbot.core.consent import Paper, Purpose, Signer
from ernbot.core.figures import told
from ernbot.core.followup import Changed, Followed, FollowUp, Report, WhyNot
from ernbot.core.states import Archived, Withdrawn
from ernbot.locales import LANGUAGES

from .chat import ANDERS, KASPER, METTE, NORA, STRANGER, Chat
from .golden import Transcript

NETWORK = "ern-cranio"


def archived(chat: Chat, number: int, followed: Followed) -> Case:
    """A case that was signed after as many days as its number, and followed up a hundred days later."""
    begun = chat.now - timedelta(days=200)
    paper = Paper("2.1", "da", Signer.PARENT, begun.date())
    case = new_case(f"{number:016x}", NETWORK, f"Quiet Heron {number:03}", ANDERS, "Operate or wait?", begun)
    case = case.give_consent((Purpose.CARE,), paper, by=ANDERS, at=begun)
    signed = begun + timedelta(days=number)
    clocks = Clocks(begun + timedelta(days=1), signed, signed, signed + timedelta(days=100), urgent=number > 20)
    why = () if followed is Followed.FULLY else (WhyNot.PATIENT,)
    report = Report(ANDERS, chat.now, followed, Changed.MANAGEMENT, why, "Well since.")
    done = FollowUp(signed, (signed,), answered=True, reports=(report,))
    return replace(case, state=Archived(None, signed), clocks=clocks, follow_up=done)


async def add(chat: Chat, *cases: Case) -> None:
    async with chat.store.transaction() as tx:
        for case in cases:
            await tx.add_case(case)


@pytest.fixture
async def busy(chat: Chat) -> Chat:
    """A network with 22 archived cases, of which two were not followed and two urgent."""
    await add(
        chat,
        *(archived(chat, number, Followed.FULLY) for number in range(1, 14)),
        *(archived(chat, number, Followed.PARTLY) for number in range(14, 21)),
        *(archived(chat, number, Followed.NO) for number in range(21, 23)),
    )
    return chat


@pytest.mark.parametrize("language", LANGUAGES)
async def test_figures_of_a_network(busy: Chat, language: str, rewrite: bool) -> None:
    if language != "en":
        await busy.alone(METTE, f"!language {language}")
    transcript = Transcript(busy, language)
    transcript.skip()
    await transcript.direct(METTE, "!figures")
    transcript.matches("figures", rewrite=rewrite)


async def test_only_coordinators_of_the_network_see_them(busy: Chat) -> None:
    for user in (ANDERS, KASPER, NORA, STRANGER):
        for line in ("!figures", f"!figures {NETWORK}"):
            answer = await busy.say(user, line)
            assert all("Cases" not in text for text in answer)
    assert await busy.alone(ANDERS, "!figures") == "This is for coordinators of a network."
    assert await busy.alone(METTE, "!figures ern-elsewhere") == "This is for coordinators of a network."
    assert (await busy.alone(METTE, "!figures ERN CRANIO")).startswith("Figures of ERN CRANIO")


async def test_what_consent_does_not_cover_counts_by_its_state_alone(chat: Chat) -> None:
    cases = [archived(chat, number, Followed.FULLY) for number in range(1, 8)]
    withdrawn = [replace(case, state=Withdrawn(chat.now)) for case in cases[:5]]
    await add(chat, *withdrawn, *cases[5:])
    answer = await chat.alone(METTE, "!figures")
    assert "withdrawn: 5" in answer
    assert "No step was reached by five cases yet." in answer
    assert "Fewer than five follow-ups were answered." in answer


async def test_of_a_handful_of_cases_nothing_is_told(chat: Chat) -> None:
    await add(chat, *(archived(chat, number, Followed.NO) for number in range(1, 5)))
    assert await chat.alone(METTE, "!figures") == "ERN CRANIO has fewer than five cases: too few for figures."


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (4, 0), (5, 5), (7, 5), (8, 10), (12, 10), (13, 15)])
def test_counts_are_rounded_to_fives(count: int, shown: int) -> None:
    assert told(count) == shown
