"""The outcome as a template: what fits is taken, half of it loses nothing, and what does not fit gets a sentence."""

from __future__ import annotations

import pytest

from ernbot.commands.effects import React
from ernbot.core.outcome_sheet import line, stamp

from .chat import ANDERS, METTE, OPINION, PIOTR, SASKIA, Chat

RECOMMEND = "Operate before nine months. strength=strong evidence=low owner=mette.holm due=2026-04-02"
WRONG = "Nothing was changed. Please correct this in your text and send it again, as a reply to this message."


async def posted(chat: Chat, line: str = RECOMMEND) -> str:
    """A drafted outcome with one recommendation, and its template."""
    await chat.drafting()
    await chat.here(ANDERS, f"!outcome recommend 1 {line}")
    return await chat.here(ANDERS, "!outcome template")


def filled(template: str, **lines: str) -> str:
    """A template with other texts behind some colons; the name of a line with underscores."""
    done = template.split("\n")
    for name, text in lines.items():
        start = f"[{name.replace('_', '-')}]"
        done = [f"{each.split(':')[0]}: {text}" if each.startswith(start) else each for each in done]
    return "\n".join(done)


async def test_the_template_holds_what_is_known(chat: Chat) -> None:
    template = await posted(chat)
    case = await chat.case()
    assert template == (
        f"# {case.nickname}, text {stamp(case.outcome())}: copy this, fill in behind the colons, send it to me as a "
        "reply. What stays empty stays as it is; - takes it out.\n"
        f"[recommendation-1] Recommendation 1: {RECOMMEND}\n"
        "[recommendation-2] Recommendation 2 (strength=strong evidence=low owner=name due=2 weeks preference=text):\n"
        "[alternatives] Alternatives: Surgery (1/2)\n"
        "Watchful waiting (1/2)\n"
        "[evidence] Evidence:\n"
        "[trials] Trials:\n"
        "[open-questions] Open questions:\n"
        "[follow-up] Follow-up:\n"
        "[summary] For the patient:"
    )
    assert "[recommendation-1] Anbefaling 1: Operate" in chat.last.danish


async def test_a_filled_template_is_one_new_version_and_can_be_undone(chat: Chat) -> None:
    template = await posted(chat)
    sheet = chat.last.event_id
    before = (await chat.case()).outcome()
    text = filled(
        template,
        recommendation_2="Measure the pressure. due=2 weeks preference=At the hospital nearby.",
        alternatives="Watch, with eye checks.",
        evidence="Two series: 84 children.",
        summary="We advise one operation.",
    ).replace("Watchful waiting (1/2)\n", "")
    answer = await chat.here(ANDERS, text, replies_to=sheet)
    outcome = (await chat.case()).outcome()
    assert outcome.version == before.version + 1
    assert [line(each) for each in outcome.recommendations] == [
        RECOMMEND,
        "Measure the pressure. due=2026-03-19 preference=At the hospital nearby.",
    ]
    assert (outcome.alternatives, outcome.evidence) == ("Watch, with eye checks.", "Two series: 84 children.")
    assert outcome.summary == "We advise one operation."
    assert answer.endswith("The lead signs with `!outcome sign`.")
    undone = await chat.react(ANDERS, "↩️", chat.last.event_id)
    assert undone[0].startswith("Undone: `!outcome template`.")
    assert (await chat.case()).outcome() == before


async def test_half_of_a_template_leaves_the_rest_as_it_was(chat: Chat) -> None:
    await posted(chat)
    sheet = chat.last.event_id
    await chat.here(ANDERS, "> [trials] Trials: quoted\n\n• [trials] Forsøg : None that fits.", replies_to=sheet)
    outcome = (await chat.case()).outcome()
    assert (outcome.trials, outcome.alternatives) == ("None that fits.", "Surgery (1/2)\nWatchful waiting (1/2)")
    assert [line(each) for each in outcome.recommendations] == [RECOMMEND]


async def test_a_proposal_that_is_sent_back_stands(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(PIOTR, OPINION)
    await chat.here(ANDERS, "!outcome draft")
    template = await chat.here(ANDERS, "!outcome template")
    assert "[recommendation-1] Recommendation 1: Surgery\n" in template
    await chat.here(ANDERS, filled(template, recommendation_2="Scan first."), replies_to=chat.last.event_id)
    found = (await chat.case()).outcome().recommendations
    assert [(each.text, each.proposed) for each in found] == [("Surgery", False), ("Scan first.", False)]


async def test_a_dash_takes_a_line_out(chat: Chat) -> None:
    template = await posted(chat)
    text = filled(template, recommendation_1="-", recommendation_2="Watch.", alternatives="–")
    await chat.here(ANDERS, text.replace("Watchful waiting (1/2)\n", ""), replies_to=chat.last.event_id)
    outcome = (await chat.case()).outcome()
    assert [(each.id, each.text) for each in outcome.recommendations] == [(1, "Watch.")]
    assert outcome.alternatives == ""


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ({"recommendation_2": "Scan. due=2026-03-01"}, "Recommendation 2: 1 March 2026 has passed."),
        ({"recommendation_2": "Scan. due=2036-03-01"}, "Recommendation 2: 1 March 2036 is more than 365 days away."),
        ({"recommendation_1": "Scan. due=soon"}, "Recommendation 1: “soon” is no day that I understand."),
        ({"recommendation_1": "Scan. owner=Dr Who"}, "Recommendation 1: I know nobody called Dr Who in this network."),
        ({"recommendation_1": "Scan. strength=very"}, "Recommendation 1: strength takes one of: strong, conditional."),
        ({"recommendation_2": "due=2 weeks"}, "Recommendation 2: A text of the outcome has 1 to 10,000 characters."),
        ({"evidence": "fifty pages " * 4_000}, "Evidence: A text of the outcome has 1 to 10,000 characters."),
        (
            {"trials": "None.\n[dose] Dose: 5 mg"},
            "These lines belong to no part of the outcome:\n\n> [dose] Dose: 5 mg",
        ),
    ],
)
async def test_what_does_not_fit_gets_a_sentence_and_changes_nothing(
    chat: Chat, lines: dict[str, str], complaint: str
) -> None:
    template = await posted(chat)
    before = (await chat.case()).outcome()
    text = filled(template, **{"open_questions": "How long?", **lines})
    answer = await chat.here(ANDERS, text, replies_to=chat.last.event_id)
    assert answer.startswith(complaint)
    assert answer.endswith(WRONG)
    assert (await chat.case()).outcome() == before
    right = filled(template, open_questions="How long?")
    await chat.here(ANDERS, right, replies_to=chat.last.event_id)
    assert (await chat.case()).outcome().open_questions == "How long?", "the same text, corrected, is taken"


async def test_every_line_that_does_not_fit_is_named(chat: Chat) -> None:
    template = await posted(chat)
    text = filled(template, recommendation_1="Scan. due=soon", recommendation_2="Watch. owner=nobody")
    answer = await chat.here(ANDERS, text, replies_to=chat.last.event_id)
    assert "Recommendation 1: “soon”" in answer
    assert "Recommendation 2: I know nobody called nobody" in answer
    assert chat.new_effects(React) == []


@pytest.mark.parametrize("text", ["🧠🩺 " * 300, "לנתח לפני גיל תשעה חודשים", "Operate: now [or never] at 7:30"])
async def test_any_letters_come_through(chat: Chat, text: str) -> None:
    template = await posted(chat)
    await chat.here(ANDERS, filled(template, recommendation_1=text, summary=text), replies_to=chat.last.event_id)
    outcome = (await chat.case()).outcome()
    assert (outcome.recommendations[0].text, outcome.summary) == (text.strip(), text.strip())
    again = await chat.here(ANDERS, "!outcome template")
    async with chat.nothing_changes():
        assert (await chat.here(ANDERS, again, replies_to=chat.last.event_id)).startswith(
            "Everything in it is as it was"
        )


async def test_a_long_text_stays_out_of_the_template_and_in_the_outcome(chat: Chat) -> None:
    await posted(chat)
    await chat.here(ANDERS, f"!outcome evidence {'x ' * 2_000}")
    template = await chat.here(ANDERS, "!outcome template")
    assert "[evidence] Evidence (3,999 characters stay as they are):\n" in template
    await chat.here(ANDERS, filled(template, trials="None."), replies_to=chat.last.event_id)
    outcome = (await chat.case()).outcome()
    assert (len(outcome.evidence), outcome.trials) == (3_999, "None.")


async def test_a_template_of_an_earlier_text_overwrites_nothing(chat: Chat) -> None:
    template = await posted(chat)
    sheet = chat.last.event_id
    await chat.here(ANDERS, "!outcome evidence One series.")
    async with chat.nothing_changes():
        answer = await chat.here(ANDERS, filled(template, trials="None."), replies_to=sheet)
        assert answer.startswith("The outcome has changed since that template, so I changed nothing.")


async def test_an_opinion_that_comes_in_between_does_not_age_the_template(chat: Chat) -> None:
    template = await posted(chat)
    sheet = chat.last.event_id
    await chat.here(SASKIA, OPINION)
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, filled(template, trials="None."), replies_to=sheet)
    assert (await chat.case()).outcome().trials == "None."


async def test_an_old_due_date_that_nobody_touched_does_not_hold_up_the_rest(chat: Chat) -> None:
    await posted(chat)
    chat.later(days=60)
    template = await chat.here(ANDERS, "!outcome template")
    await chat.here(ANDERS, filled(template, trials="None."), replies_to=chat.last.event_id)
    assert (await chat.case()).outcome().trials == "None."


async def test_a_change_voids_the_votes(chat: Chat) -> None:
    template = await posted(chat)
    sheet = chat.last.event_id
    await chat.here(SASKIA, "!outcome agree")
    answer = await chat.here(ANDERS, filled(template, trials="None."), replies_to=sheet)
    assert "the votes given before no longer count" in answer
    assert (await chat.case()).outcome().votes == ()


async def test_nobody_but_the_lead_fills_it_in(chat: Chat) -> None:
    template = await posted(chat)
    sheet = chat.last.event_id
    text = filled(template, trials="None.")
    async with chat.nothing_changes():
        assert await chat.here(SASKIA, text, replies_to=sheet) == (
            "Your part in this case does not let you write the outcome."
        )
        assert await chat.here(SASKIA, "!outcome template") == (
            "Your part in this case does not let you write the outcome."
        )
        assert await chat.here(METTE, text, replies_to=sheet) == "There is no case here that you take part in."
        assert await chat.say(SASKIA, "[evidence] Evidence: talk", room=chat.room, replies_to=sheet) == []
        assert await chat.say(ANDERS, "Thank you.", room=chat.room, replies_to=sheet) == [], "talk is talk"
        assert await chat.say(ANDERS, text, room=chat.room) == [], "without a reply it is nobody's"
        assert await chat.say(ANDERS, text, room=chat.room, replies_to="$of-somebody") == []


async def test_in_another_state_it_says_what_to_do(chat: Chat) -> None:
    template = await posted(chat)
    sheet = chat.last.event_id
    await chat.here(ANDERS, "!outcome sign")
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, filled(template, trials="None."), replies_to=sheet) == (
            "You cannot write the outcome now. State of the case: closed.\n\n"
            "The outcome is signed. `!outcome amend` and why begins its next version."
        )
