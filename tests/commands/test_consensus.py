"""`!consensus`: what the panel agrees on in words, for whom it speaks, and how little a few opinions say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .chat import ANDERS, FREJA, KASPER, METTE, OPINION, PIOTR, SASKIA, Chat


@pytest.fixture
async def answered(chat: Chat) -> Chat:
    """Two advise surgery, one watchful waiting, one has a conflict of interest."""
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund mette.holm")
    await chat.here(SASKIA, f"{OPINION} concerns=airway,vision")
    await chat.here(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=5 concerns=airway")
    await chat.here(FREJA, "!opinion diagnosis=OMIM:123100 recommendation=watch confidence=3")
    await chat.here(METTE, "!opinion diagnosis=OMIM:123100 recommendation=watch confidence=1")
    await chat.here(METTE, "!conflict I advise the maker of the helmet.")
    return chat


async def test_the_panel_in_words(answered: Chat) -> None:
    assert await answered.here(ANDERS, "!consensus") == (
        "Where the panel stands\n\n"
        "Most likely diagnosis: Two of three say “ORPHA:2343”, one “OMIM:123100”.\n"
        "Recommended next step: Two of three advise “Surgery”, one “Watchful waiting”.\n"
        "Confidence, from 1 (low) to 5 (high): median 4, from 3 to 5, three answers\n"
        "What must be watched: Two of two name “Airway”, one “Vision”.\n\n"
        "Not counted, because of a conflict of interest or because they left: Mette Holm\n\n"
        "With three counted, this says what these people think, and no more."
    )
    assert "To af tre anbefaler “Operation”, én “Observation”." in answered.last.danish
    assert await answered.here(SASKIA, "!consensus") == answered.last.text


async def test_a_conflict_is_kept_and_not_counted(answered: Chat) -> None:
    case = await answered.case()
    assert case.conflicts == {METTE: "I advise the maker of the helmet."}
    assert [opinion.author for opinion in case.set_aside] == [METTE]
    assert "Mette Holm" not in await answered.here(ANDERS, "!opinion show")


async def test_a_conflict_that_comes_with_an_opinion_counts_as_one(answered: Chat) -> None:
    case = await answered.case()
    opinions = tuple(replace(o, conflict=True) if o.author == SASKIA else o for o in case.opinions)
    assert replace(case, opinions=opinions).conflicted == {METTE, SASKIA}


async def test_a_reveal_says_where_the_panel_stands(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel blind on")
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
    await chat.alone(SASKIA, OPINION)
    await chat.here(ANDERS, "!consensus")
    assert chat.last.text.startswith("Opinions are sealed until they are revealed.")
    await chat.alone(PIOTR, "!opinion diagnosis=OMIM:123100 recommendation=surgery confidence=4")
    await chat.here(ANDERS, "!reveal confirm")
    assert "Recommended next step: All two advise “Surgery”." in "\n".join(chat.texts())


async def test_who_may_not_read_opinions_learns_nothing(answered: Chat) -> None:
    async with answered.nothing_changes():
        for line in ("!consensus", "!conflict none of your business"):
            assert await answered.here(KASPER, line) == "There is no case here that you take part in."
        assert (await answered.here(SASKIA, "!conflict")).startswith("Type it like this: `!conflict <reason …>`")
        assert "1 to 500 characters" in await answered.here(SASKIA, f"!conflict {'x' * 501}")


async def test_one_opinion_is_no_consensus(chat: Chat) -> None:
    await chat.assessing()
    answer = await chat.here(ANDERS, "!consensus")
    assert "The only advice is “Surgery”." in answer
    assert "4, from one answer" in answer
    assert "With one counted" in answer


async def test_nobody_counts(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(SASKIA, f"{OPINION} conflict=yes")
    assert (await chat.here(ANDERS, "!consensus")).startswith("Nobody who gave an opinion counts")


async def test_no_opinion_no_consensus(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    assert await chat.here(ANDERS, "!consensus") == "Nobody has given an opinion yet, so there is nothing to gather."
