"""Delphi rounds as the lead and the raters live them: set up, rated alone, closed, fed back, and told in a report."""

from __future__ import annotations

import pytest

from ernbot.commands.effects import SendDelphiReport
from ernbot.commands.rate import parse
from ernbot.core.errors import BadInput
from ernbot.documents import delphi_report
from ernbot.locales import catalogue

from .chat import ANDERS, CONSENT, FREJA, KASPER, METTE, PIOTR, SASKIA, Chat, direct_room

RATERS = (SASKIA, PIOTR, FREJA)
NOTHING_OPEN = "No open round asks you to rate anything."


@pytest.fixture
async def asked(chat: Chat) -> Chat:
    """A case with three experts."""
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
    return chat


async def prepare(chat: Chat) -> None:
    await chat.here(ANDERS, "!delphi new When to operate")
    await chat.here(ANDERS, "!delphi add Operate before nine months.\nMeasure the pressure first.")


@pytest.fixture
async def running(asked: Chat) -> Chat:
    """Two statements in an open first round."""
    await prepare(asked)
    await asked.here(ANDERS, "!delphi start")
    return asked


async def nickname(chat: Chat) -> str:
    return (await chat.case()).nickname


async def test_from_the_first_statement_to_the_report(asked: Chat) -> None:
    assert (await asked.here(ANDERS, "!delphi new When to operate")).startswith("Delphi: When to operate\n\nConsensus:")
    added = await asked.here(ANDERS, "!delphi add Operate before nine months.\nMeasure the pressure first.")
    assert "- 1. Operate before nine months.\n- 2. Measure the pressure first." in added
    assert "at least 80% rate a statement 7–9 and fewer than 10%" in await asked.here(ANDERS, "!delphi threshold 80 10")
    started = await asked.here(ANDERS, "!delphi start")
    assert started.startswith("Round 1 is open: 2 statements, 3 raters.")
    name = await nickname(asked)
    for rater in RATERS:
        (told,) = asked.told(rater)
        assert told.text == (
            f"{name}: round 1 asks you to rate 2 statements. Write `!rate` here when you have a minute."
        )
    assert await asked.alone(SASKIA, "!rate 1=8 2=3 only with signs") == (
        f"Recorded for {name}: 1=8, 2=3\n\nThat is all. You can change it with `!rate` until the round is closed.\n\n"
        "Is a statement missing? `!rate suggest …`"
    )
    assert "Still to rate: 2" in await asked.alone(PIOTR, "!rate 1=9")
    assert "Round 1 is open: 2 of 3 have rated." in await asked.here(FREJA, "!delphi show")
    assert "median" not in asked.last.text
    await asked.alone(PIOTR, "!rate 2=7")
    await asked.alone(SASKIA, "!rate suggest Follow up to the age of six.")
    await asked.alone(FREJA, "!rate 1=7, 2=8")
    (told,) = asked.told(ANDERS)
    assert told.text == f"{name}: everybody has rated. Close round 1 in its room with `!delphi close`."
    closed = await asked.here(ANDERS, "!delphi close")
    assert "1. Operate before nine months. – consensus in round 1: 100% at 7–9, median 8 (7.5–8.5), 3 ratings" in closed
    assert (
        "2. Measure the pressure first. – no consensus in round 1: 67% at 7–9, 33% at 1–3, median 7 (5–7.5)" in closed
    )
    assert "Suggested by raters. Take one with `!delphi take 3`:\n\n- 3. Follow up to the age of six." in closed
    assert "median 8 (7,5–8,5)" in asked.last.danish
    await asked.here(ANDERS, "!delphi take 3")
    assert "Round 2 is open: 2 statements, 3 raters." in await asked.here(ANDERS, "!delphi next")
    question = await asked.alone(SASKIA, "!rate")
    assert question.endswith(
        "1 of 2 – statement 2\n\n> Measure the pressure first.\n\nRound 1: 1 at 1–3, 0 at 4–6, 2 at 7–9.\n\n"
        "Median 7, middle half 5–7.5.\n\nYou rated 3.\n\n> only with signs"
    )
    for rater in RATERS:
        await asked.alone(rater, "!rate 2=8 3=9")
    assert "The rounds are over. `!delphi report` posts the report." in await asked.here(ANDERS, "!delphi close")
    answer = await asked.here(ANDERS, "!delphi report")
    assert answer.startswith("The report follows as a document.")
    sent = asked.effects(SendDelphiReport)
    assert [each.form for each in sent] == ["pdf", "md"]
    network = asked.directory.network("ern-cranio")
    assert network is not None
    told_report = delphi_report.report(
        sent[0].study, sent[0].conflicts, nickname=name, network=network, text=catalogue("en").text
    )
    assert "| 2 | Measure the pressure first. | Consensus | 2 | 100% |" in delphi_report.markdown(told_report)


async def test_no_reliability_is_made_up_for_a_single_statement(asked: Chat) -> None:
    await asked.here(ANDERS, "!delphi new When to operate")
    await asked.here(ANDERS, "!delphi add Operate before nine months.")
    await asked.here(ANDERS, "!delphi start")
    for rater, value in zip(RATERS, (2, 5, 9), strict=True):
        await asked.alone(rater, f"!rate 1={value}")
    closed = await asked.here(ANDERS, "!delphi close")
    assert "Krippendorff’s alpha cannot be computed: it takes two statements or more" in closed
    assert "Krippendorffs alfa kan ikke beregnes: Det kræver mindst to udsagn" in asked.last.danish


async def test_statement_by_statement_with_taps_and_words(running: Chat) -> None:
    opening = await running.alone(SASKIA, "!rate")
    assert "1 of 2 – statement 1\n\n> Operate before nine months." in opening
    assert running.last.choices == 9
    second = await tap(running, SASKIA, "8️⃣", running.last.event_id)
    assert second[0].startswith("2 of 2 – statement 2")
    assert "takes a whole number from 1 to 9, not “7.5”" in await running.alone(SASKIA, "7.5")
    summary = await running.alone(SASKIA, "3 only with signs")
    assert summary == (
        "- `1` 8\n- `2` 3 – only with signs\n\nIs this right? Answer yes in words to record it. "
        "To change a number, reply to its statement."
    )
    async with running.nothing_changes():
        assert await tap(running, SASKIA, "9️⃣", running.last.event_id) == []
        assert (await running.alone(SASKIA, "perhaps")).startswith("Answer yes")
    assert "1=8, 2=3" in await running.alone(SASKIA, "ja")
    case = await running.case()
    assert [(r.statement, r.value, r.comment) for r in case.study.rounds[0].ratings] == [
        (1, 8, ""),
        (2, 3, "only with signs"),
    ]


async def test_a_round_whose_consent_has_run_out_is_not_offered(chat: Chat) -> None:
    names = []
    for signed in ("2011-03-06", "2026-03-01"):
        await chat.draft()
        await chat.here(ANDERS, CONSENT.replace("2026-03-01", signed))
        await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
        await prepare(chat)
        await chat.here(ANDERS, "!delphi start")
        names.append((await chat.case()).nickname)
    old, new = names
    assert (await chat.alone(SASKIA, "!rate 1=8")).startswith("Several rounds ask you.")
    chat.later(days=1)
    assert (await chat.alone(SASKIA, "!rate 1=8")).startswith(f"Recorded for {new}: 1=8")
    assert "needs the patient’s consent" in await chat.alone(SASKIA, f"!rate {old} 1=8")


async def tap(chat: Chat, user: str, key: str, target: str) -> list[str]:
    """A reaction in somebody's direct chat."""
    room, chat.room = chat.room, direct_room(user)
    try:
        return await chat.react(user, key, target)
    finally:
        chat.room = room


async def test_a_reply_to_an_earlier_statement_corrects_it(running: Chat) -> None:
    await running.alone(SASKIA, "!rate")
    first = running.last.event_id
    await running.alone(SASKIA, "8")
    await running.alone(SASKIA, "-")
    (changed,) = await running.say(SASKIA, "2", replies_to=first)
    assert changed.startswith("- `1` 2\n\nIs this right?")
    assert "Still to rate: 2" in await running.alone(SASKIA, "yes")


async def test_a_draft_can_be_left(running: Chat) -> None:
    await running.alone(SASKIA, "!rate")
    await running.alone(SASKIA, "8")
    assert await running.alone(SASKIA, "!cancel") == "Nothing was recorded."
    assert (await running.case()).study.rounds[0].ratings == ()


async def test_a_filled_template(running: Chat) -> None:
    listed = await running.alone(SASKIA, "!rate list")
    assert "- `1=` Operate before nine months.\n- `2=` Measure the pressure first." in listed
    template = running.last.event_id
    (answer,) = await running.say(SASKIA, "- `1=` 8 too early otherwise\n2=", replies_to=template)
    assert "1=8" in answer
    assert "Still to rate: 2" in answer
    async with running.nothing_changes():
        (answer,) = await running.say(SASKIA, "hello", replies_to=template)
        assert answer.startswith("Reply to this message with your numbers")
        (answer,) = await running.say(SASKIA, "9=8", replies_to=template)
        assert answer == "There is no statement 9."
        assert await running.say(METTE, "1=8", replies_to=template) == ["There is no case here that you take part in."]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("1=0", "Statement 1 takes a whole number from 1 to 9, not “0”."),
        ("1=10", "Statement 1 takes a whole number from 1 to 9, not “10”."),
        ("1=7.5", "Statement 1 takes a whole number from 1 to 9, not “7.5”."),
        ("1=-8", "Statement 1 takes a whole number from 1 to 9, not “-8”."),
        ("1=٨", "Statement 1 takes a whole number from 1 to 9, not “٨”."),
        ("1=8 1=9", "Statement 1 is there twice. Give it one number."),
        ("3=8", "There is no statement 3."),
        (f"1=8 {'x' * 501}", "A title, statement or remark has 1 to 500 characters."),
        ("99999=8", "Type it like this: `!rate [<case>]"),
        ("eight", "Type it like this: `!rate [<case>]"),
    ],
)
async def test_ratings_that_do_not_fit(running: Chat, line: str, answer: str) -> None:
    async with running.nothing_changes():
        said = await running.alone(SASKIA, f"!rate {line}")
        assert said.replace("\u2068", "").replace("\u2069", "").startswith(answer)


async def test_who_is_not_asked_rates_nothing(running: Chat) -> None:
    async with running.nothing_changes():
        for user in (METTE, KASPER, ANDERS):
            assert await running.alone(user, "!rate 1=8") == NOTHING_OPEN
            assert await running.alone(user, "!rate suggest Mine.") == NOTHING_OPEN
    await running.here(ANDERS, "!panel invite mette.holm")
    assert await running.alone(METTE, "!rate 1=8") == NOTHING_OPEN, "invited after the round was opened"
    assert (await running.say(SASKIA, "!rate 1=8", room=running.room)) == [
        "This works in your direct chat with me only, not in a case room."
    ]


async def test_a_conflict_of_interest_during_the_round(running: Chat) -> None:
    await running.alone(SASKIA, "!rate 1=1 2=1")
    await running.here(SASKIA, "!conflict I advise the maker of the helmet.")
    async with running.nothing_changes():
        answer = await running.alone(SASKIA, "!rate 1=9")
        assert answer == NOTHING_OPEN
    for user in (PIOTR, FREJA):
        await running.alone(user, "!rate 1=9 2=9")
    closed = await running.here(ANDERS, "!delphi close")
    assert "3 were asked, 3 rated, 2 of them count." in closed
    assert "too few ratings in round 1: 2 instead of at least 3" in closed


async def test_nothing_is_rated_after_the_end(running: Chat) -> None:
    await running.alone(SASKIA, "!rate")
    await running.here(ANDERS, "!delphi close")
    async with running.nothing_changes():
        assert await running.alone(SASKIA, "8") == NOTHING_OPEN
        assert await running.alone(SASKIA, "!rate 1=8") == NOTHING_OPEN
        assert await running.alone(SASKIA, "8") == "I answer commands. `!help` lists what you can do here."


async def test_two_people_close_at_once(running: Chat) -> None:
    await running.here(ANDERS, "!delphi close")
    async with running.nothing_changes():
        assert await running.here(ANDERS, "!delphi close") == (
            "No round is open. Somebody may have closed it a moment ago."
        )


async def test_the_rules_stand_once_a_round_is_open(running: Chat) -> None:
    stands = "The first round was opened, so statements and limits stand. New ones are for new rounds: `!delphi new …`."
    async with running.nothing_changes():
        for line in ("threshold 60 20", "add One more.", "start"):
            assert await running.here(ANDERS, f"!delphi {line}") == stands
        for line, answer in (
            ("next", "Round 1 is still open. Close it first with `!delphi close`."),
            ("end", "Round 1 is still open. Close it first with `!delphi close`."),
            ("new Another", "The rounds about “When to operate” are not over. End them first with `!delphi end`."),
            ("report", "No round is closed yet, so there is nothing to report."),
            ("frobnicate", "`!delphi` takes one of: new, add, threshold, start, close, next, take, end, note, report"),
            ("take 99", "There is no statement 99."),
            ("take all", "There is no statement all."),
            ("note Z1 x", "The checklist has no item Z1."),
        ):
            assert (await running.here(ANDERS, f"!delphi {line}")).startswith(answer)


@pytest.mark.parametrize("line", ["50 15", "75 60", "75", "75 15 9", "a b", "75.5 15", "-75 15", "999999 1"])
async def test_limits_that_make_no_sense(asked: Chat, line: str) -> None:
    await prepare(asked)
    async with asked.nothing_changes():
        answer = await asked.here(ANDERS, f"!delphi threshold {line}")
        assert answer.startswith(("Write the limits in per cent", "Between 1 and 6 rounds"))


async def test_only_the_lead_runs_rounds(running: Chat) -> None:
    async with running.nothing_changes():
        assert (
            await running.here(SASKIA, "!delphi close") == "Your part in this case does not let you run Delphi rounds."
        )
        assert await running.here(KASPER, "!delphi show") == "There is no case here that you take part in."


async def test_consent_withdrawn_during_a_round(running: Chat) -> None:
    await running.alone(SASKIA, "!rate")
    await running.alone(SASKIA, "8 a remark")
    await running.here(ANDERS, "!consent withdraw care")
    async with running.store.transaction() as tx:
        assert await tx.dialogue(direct_room(SASKIA), SASKIA) is None, "the draft went with the consent"
    assert await running.alone(SASKIA, "!rate 1=8") == NOTHING_OPEN
    assert (await running.alone(SASKIA, "yes")).startswith("I answer commands")
    assert (await running.case()).study.rounds[0].ratings == ()


async def test_the_case_is_named_when_several_rounds_ask(running: Chat) -> None:
    first = await nickname(running)
    await running.opened()
    await running.here(ANDERS, "!panel invite saskia.devries piotr.zielinski freja.lund")
    await prepare(running)
    await running.here(ANDERS, "!delphi start")
    second = await nickname(running)
    which = await running.alone(SASKIA, "!rate 1=8")
    assert which.startswith("Several rounds ask you. Begin with the name of the case: ")
    assert first in which
    assert second in which
    assert f"Recorded for {second}: 1=8" in await running.alone(SASKIA, f"!rate {second.lower()} 1=8")
    assert f"Recorded for {first}: 2=4" in await running.alone(SASKIA, f"!rate {first}: 2=4")
    assert first in await running.alone(SASKIA, f"!rate suggest {first}: Wait until ten months.")


async def test_what_waits_for_somebody_says_nothing_clinical(running: Chat) -> None:
    for rater in RATERS:
        for told in running.told(rater):
            assert "Operate" not in told.text
            assert "operate" not in told.text


async def test_ratings_name_nobody(running: Chat) -> None:
    await running.alone(SASKIA, "!rate 1=2 too early 2=9")
    for user in (PIOTR, FREJA):
        await running.alone(user, "!rate 1=8 2=9")
    before = len(running.done)
    for line in ("!delphi close", "!delphi show", "!delphi"):
        await running.here(ANDERS, line)
    for said in running.texts(before):
        assert "Saskia" not in said


async def test_the_lead_is_asked_what_the_report_lacks(running: Chat) -> None:
    missing = await running.here(ANDERS, "!delphi note")
    assert missing.startswith("The report asks the lead for 21 more things.")
    assert "- `I1` why a consensus method" in missing
    assert (await running.here(ANDERS, "!delphi note o3 No funding.")).startswith("The report asks the lead for 20")


def test_one_line_as_people_type_it() -> None:
    assert parse("1=8, 2 = 3; 3=9 well, mostly 10=1") == {1: (8, ""), 2: (3, ""), 3: (9, "well, mostly"), 10: (1, "")}
    assert parse("1=8 see study2=x") == {1: (8, "see study2=x")}
    with pytest.raises(BadInput):
        parse("")


async def test_one_line_ends_a_draft(running: Chat) -> None:
    await running.alone(SASKIA, "!rate")
    await running.alone(SASKIA, "2")
    await running.alone(SASKIA, "!rate 1=8 2=8")
    async with running.nothing_changes():
        assert (await running.alone(SASKIA, "3")).startswith("I answer commands")


async def test_the_room_does_not_see_when_somebody_rates(running: Chat) -> None:
    before = len(running.done)
    await running.alone(SASKIA, "!rate 1=8 2=3")
    await running.alone(SASKIA, "!rate suggest Follow up to the age of six.")
    await running.alone(SASKIA, "!rate 1=9")
    for rater in (PIOTR, FREJA):
        await running.alone(rater, "!rate 1=8 2=3")
    assert [done.effect for done in running.done[before:] if done.room == running.room] == []
