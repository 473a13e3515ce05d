"""From opinions to a signature: nothing is signed that nobody has read as it is."""

from __future__ import annotations

import json

import pytest

from ernbot.commands.effects import SendOutcome
from ernbot.core.states import Drafting
from ernbot.matrix.render import render

from .chat import ANDERS, FREJA, METTE, OPINION, PIOTR, SASKIA, Chat

EMPTY = "The outcome has no recommendation yet. Write it with `!outcome recommend`."
STALE = (
    "Opinions or the panel have changed since the outcome was gathered. Gather it again with `!outcome draft`: "
    "your texts stay, and the panel votes anew."
)
VOTE = "Panel: please say `!outcome agree` or `!outcome dissent …`. The lead signs with `!outcome sign`."
WATCH = OPINION.replace("surgery", "watch")
STETHOSCOPES = "\N{STETHOSCOPE}" * 4_999
VOID = "The outcome has changed, so the votes given before no longer count."


async def test_without_opinions_there_is_nothing_to_draft(chat: Chat) -> None:
    await chat.opened()
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!outcome draft") == (
            "You cannot draft the outcome now. State of the case: open.\n\n`!help` lists what you can do now."
        )
    await chat.here(ANDERS, "!panel invite saskia.devries")
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!outcome draft") == (
            "Nobody has given an opinion yet, so there is nothing to gather."
        )


async def test_before_the_draft_there_is_no_outcome(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        for line, action in (
            ("!outcome show", "read the outcome"),
            ("!outcome recommend Operate.", "write the outcome"),
            ("!outcome sign", "sign the outcome"),
            ("!sign", "sign the outcome"),
            ("!outcome close", "close the case with signatures missing"),
            ("!outcome amend New.", "amend the outcome"),
        ):
            then = "`!help` lists what you can do now."
            if action == "write the outcome":
                then = "First gather the opinions with `!outcome draft`."
            assert await chat.here(ANDERS, line) == (
                f"You cannot {action} now. State of the case: with the experts.\n\n{then}"
            )


async def test_a_changed_text_voids_the_votes(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    await chat.here(PIOTR, "!outcome agree with one remark")
    assert "Agrees: Piotr Zieliński: with one remark" in await chat.here(ANDERS, "!outcome show")
    answer = await chat.here(ANDERS, "!outcome recommend Wait.")
    assert answer.endswith(
        f"Not voted: Saskia de Vries, Piotr Zieliński\n\n2 opinions were gathered.\n\n{VOID}\n\n{VOTE}"
    )
    assert "Who must act: Saskia de Vries, Piotr Zieliński" in chat.card
    assert VOID not in await chat.here(ANDERS, "!outcome evidence One series.")


async def test_a_long_outcome_is_shown_whole_in_messages_that_can_be_sent(chat: Chat) -> None:
    await chat.drafting()
    text = f"{STETHOSCOPES} {STETHOSCOPES}"
    for section in ("recommend", "evidence", "followup"):
        await chat.say(ANDERS, f"!outcome {section} {text}", room=chat.room)
    await chat.say(SASKIA, f"!outcome dissent {text}", room=chat.room)
    shown = await chat.say(ANDERS, "!outcome show", room=chat.room)
    assert len(shown) > 1
    assert "".join(shown).count("\N{STETHOSCOPE}") == 4 * text.count("\N{STETHOSCOPE}")
    for answer in chat.answers()[-len(shown) :]:
        rendered = render(answer.message.reply, "en")
        content = json.dumps([rendered.body, rendered.formatted_body], ensure_ascii=False)
        assert len(content.encode()) * 4 / 3 < 65_536 - 4_096, "encrypted, and with its envelope, it fits into an event"


async def test_a_vote_can_be_changed(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    await chat.here(SASKIA, "!outcome dissent Too early.")
    shown = await chat.here(SASKIA, "!outcome show")
    assert "Dissents: Saskia de Vries: Too early.\nNot voted: Piotr Zieliński" in shown
    assert "Agrees" not in shown


MISTAKES = [
    (
        SASKIA,
        "!outcome dissent",
        "Please say why you dissent: the reason becomes part of the outcome.\n\n"
        "Type it like this: `!outcome dissent [number] <reason …>`",
    ),
    (
        SASKIA,
        "!outcome dissent " + "x" * 10_001,
        "A text of the outcome has 1 to 10,000 characters.\n\n"
        "Type it like this: `!outcome dissent [number] <reason …>`",
    ),
    (ANDERS, "!outcome recommend", "Type it like this: `!outcome recommend [number] <text …> [strength=… due=…]`"),
    (
        ANDERS,
        "!outcome followup " + "x" * 10_001,
        "A text of the outcome has 1 to 10,000 characters.\n\nType it like this: `!outcome followup <text …>`",
    ),
    (ANDERS, "!outcome agree", "Your part in this case does not let you vote on the outcome."),
    (ANDERS, "!outcome dissent No.", "Your part in this case does not let you vote on the outcome."),
    (SASKIA, "!outcome sign", "Your part in this case does not let you send the outcome to be signed."),
    (SASKIA, "!outcome recommend Wait.", "Your part in this case does not let you write the outcome."),
    (SASKIA, "!outcome draft", "Your part in this case does not let you draft the outcome."),
    (METTE, "!outcome show", "There is no case here that you take part in."),
    (ANDERS, "!outcome sign later", "Type it like this: `!outcome sign [confirm]`"),
    (ANDERS, "!outcome sign no", "Type it like this: `!outcome sign [confirm]`"),
    (ANDERS, "!outcome sign confirm it", "Type it like this: `!outcome sign [confirm]`"),
    (ANDERS, "!outcome show all", "Type it like this: `!outcome show`"),
]


async def test_what_changes_nothing(chat: Chat) -> None:
    await chat.drafting()
    for user, line, answer in MISTAKES:
        async with chat.nothing_changes():
            assert await chat.here(user, line) == answer


async def test_without_a_recommendation_there_is_no_vote_and_no_signature(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(PIOTR, WATCH)
    await chat.here(ANDERS, "!outcome draft")
    answer = await chat.here(ANDERS, "!outcome evidence Two series.")
    assert answer.endswith("or fills in all of it with `!outcome template`.")
    async with chat.nothing_changes():
        assert await chat.here(SASKIA, "!outcome agree") == EMPTY
        assert await chat.here(ANDERS, "!outcome sign") == EMPTY
        assert await chat.here(ANDERS, "!outcome sign confirm") == EMPTY


@pytest.mark.parametrize("again", ["!outcome sign", "!outcome sign CONFIRM"])
async def test_with_one_opinion_a_signature_is_asked_for_twice(chat: Chat, again: str) -> None:
    await chat.assessing()
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome recommend Operate.")
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!outcome sign") == (
            "With one opinion instead of at least 2 this case will not count in the network’s monitoring. "
            "To sign all the same, type `!outcome sign` again."
        )
    assert (ANDERS, "sign", "signed") not in await chat.audit()
    assert (await chat.here(ANDERS, again)).startswith("Signed.")
    assert len(chat.new_effects(SendOutcome)) == 1
    assert (ANDERS, "sign", "signed") in await chat.audit()


@pytest.mark.parametrize(("user", "line"), [(SASKIA, OPINION), (PIOTR, OPINION), (ANDERS, "!panel invite freja.lund")])
async def test_what_is_out_of_date_is_not_signed(chat: Chat, user: str, line: str) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    answer = await chat.here(user, line)
    assert "again with `!outcome draft`" in answer
    assert "Who must act: Anders Kjær\n" in chat.card
    assert "Next step: Opinions or the panel have changed: the lead gathers" in chat.card
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!outcome sign") == STALE
        assert await chat.here(ANDERS, "!outcome sign confirm") == STALE
    assert chat.effects(SendOutcome) == []
    assert (await chat.here(ANDERS, "!outcome followup MRI.")).endswith(
        "Opinions or the panel have changed: the lead gathers the outcome again with `!outcome draft`."
    )
    await chat.here(SASKIA, "!outcome agree")
    answer = await chat.here(ANDERS, "!outcome draft")
    assert "> Operate before nine months." in answer
    assert answer.endswith(f"{VOID}\n\n{VOTE}")
    case = await chat.case()
    assert isinstance(case.state, Drafting)
    assert case.state.outcome.votes == ()
    assert (await chat.here(ANDERS, "!outcome sign")).startswith("Signed.")


async def test_after_the_warning_a_changed_text_is_warned_of_again(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome sign")
    await chat.here(ANDERS, "!outcome recommend Operate.")
    assert "will not count" in await chat.here(ANDERS, "!outcome sign")
    assert chat.effects(SendOutcome) == []


async def test_a_draft_proposes_what_most_of_the_panel_recommends(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(ANDERS, "!panel invite freja.lund")
    await chat.here(PIOTR, OPINION)
    await chat.here(FREJA, WATCH)
    shown = await chat.here(ANDERS, "!outcome draft")
    assert "Recommendation 1 · conditional · proposed from the opinions\n\n> Surgery" in shown
    assert "Alternatives: Watchful waiting (1/3)" in shown
    shown = await chat.here(
        ANDERS, "!outcome recommend 1 strength=strong evidence=very low due=2 weeks owner=Saskia de Vries"
    )
    assert "Recommendation 1 · strong · evidence: very low · Saskia de Vries sees to it · by 19 March 2026" in shown
    assert "proposed" not in shown
    shown = await chat.here(
        ANDERS, "!outcome recommend Tell the family. direction=against preference=They want to know."
    )
    assert (
        "Recommendation 2 · conditional · advised against · patient: They want to know.\n\n> Tell the family." in shown
    )
    shown = await chat.here(ANDERS, "!outcome recommend 2. Tell the family all. direction=-")
    assert "> Tell the family all." in shown
    assert "advised against" not in shown
    shown = await chat.here(ANDERS, "!outcome drop 1")
    assert "Surgery" not in shown
    assert "Recommendation 2 · " in shown


async def test_every_section_is_shown_once_it_is_written(chat: Chat) -> None:
    await chat.drafting()
    for verb, title in (
        ("alternatives", "Alternatives"),
        ("evidence", "Evidence"),
        ("trials", "Trials"),
        ("open", "Open questions"),
        ("followup", "Follow-up"),
        ("summary", "For the patient"),
    ):
        assert f"{title}: Text of {verb}." in await chat.here(ANDERS, f"!outcome {verb} Text of {verb}.")


WRONG_LINES = [
    ("!outcome recommend 1 strength=very", "strength takes one of: strong, conditional."),
    ("!outcome recommend Wait. evidence=good", "evidence takes one of: high, moderate, low, very-low, expert-opinion."),
    ("!outcome recommend Wait. owner=nobody", "I know nobody called nobody in this network."),
    ("!outcome recommend Wait. due=2020-01-01", "1 January 2020 has passed."),
    ("!outcome recommend Wait. due=soon", "“soon” is no day that I understand."),
    ("!outcome recommend Wait. due=1 week due=2 weeks", "due"),
    ("!outcome recommend due=2 weeks", "A text of the outcome has 1 to 10,000 characters."),
    ("!outcome recommend 1", "Type it like this: `!outcome recommend"),
    ("!outcome recommend Wait. preference=" + "x" * 501, "A text of the outcome has 1 to 500 characters."),
    ("!outcome drop 7", "There is no recommendation 7. The numbers are: 1."),
    ("!outcome drop all", "Type it like this: `!outcome drop <number>`"),
    ("!outcome names maybe", "Type it like this: `!outcome names <on or off>`"),
    ("!outcome export pdf 9", "There is no version of that number. There is: 2."),
]


async def test_a_line_that_does_not_fit_changes_nothing_and_says_why(chat: Chat) -> None:
    await chat.drafting()
    for line, said in WRONG_LINES:
        async with chat.nothing_changes():
            assert said in await chat.here(ANDERS, line), line


async def test_a_text_may_hold_what_looks_like_a_detail(chat: Chat) -> None:
    await chat.drafting()
    assert "> Keep pH=7.4 and SpO2=95 %." in await chat.here(ANDERS, "!outcome recommend Keep pH=7.4 and SpO2=95 %.")
    assert "> 3 weeks of rest" in await chat.here(ANDERS, "!outcome recommend 3 weeks of rest")


async def test_members_vote_on_single_recommendations(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(ANDERS, "!outcome recommend Scan again.")
    assert await chat.here(SASKIA, "!outcome agree 1") == "Recorded: you agree with recommendation 1 of version 3."
    answer = await chat.here(SASKIA, "!outcome dissent 2 Radiation.")
    assert answer.startswith("Recorded: you dissent from recommendation 2 of version 3.")
    shown = await chat.here(PIOTR, "!outcome show")
    assert "Agrees with 1: Saskia de Vries\nDissents from 2: Saskia de Vries: Radiation." in shown
    assert "Not voted: Piotr Zieliński" in shown


async def test_a_closed_case_is_read_and_nothing_else(chat: Chat) -> None:
    await chat.closed()
    async with chat.nothing_changes():
        for user, line in (
            (ANDERS, "!outcome sign"),
            (ANDERS, "!outcome draft"),
            (ANDERS, "!outcome recommend Wait."),
            (SASKIA, "!outcome agree"),
            (SASKIA, "!outcome dissent No."),
        ):
            answer = await chat.here(user, line)
            assert answer.startswith("You cannot ")
            next_step = "`!outcome amend` and why" if "recommend" in line else "`!help` lists what you can do now."
            assert "State of the case: closed.\n\n" in answer
            assert next_step in answer
        assert "> Operate before nine months." in await chat.here(SASKIA, "!outcome show")
        assert "Saskia de Vries, version 1" in await chat.here(PIOTR, "!opinion show")
    assert (ANDERS, "sign", "wrong-state") in await chat.audit()
