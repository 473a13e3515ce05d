"""Opinions in one line: what fits, what does not and why, and that no version is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ernbot.core.opinion import latest

from .chat import ANDERS, CONSENT, FORMS, KASPER, METTE, OPINION, PIOTR, SASKIA, SERVER, Chat

LINE = (
    "I cannot tell which question each word answers. In one line: "
    "`!opinion diagnosis=… recommendation=… confidence=…`. Or type `!opinion` alone, and I ask."
)
USAGE = "Type it like this: `!opinion [<case>] [<key>=<value> …]`"
FIELDS = "diagnosis, recommendation, confidence, concerns, age, sign, remarks"


@pytest.fixture
async def asked(chat: Chat) -> Chat:
    """A case whose two experts have been asked, with the small first version of the form."""
    chat.forms["cranio-opinion"] = FORMS["cranio-opinion@1"]
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    return chat


async def test_a_complete_opinion(asked: Chat) -> None:
    answer = await asked.here(
        SASKIA,
        "!Opinion  Diagnosis=orpha: 2343 recommendation=Operation CONFIDENCE= 5 concerns=airway; 1,Vision age=8,5 "
        'sign=HP:0002676 remarks="p=0.05, see\nFig. 2"',
    )
    assert answer == (
        "Your opinion is recorded. Give it again with `!opinion` to revise it; every version is kept.\n\n"
        "Most likely diagnosis: ORPHA:2343\n"
        "Recommended next step: Surgery\n"
        "Confidence, from 1 (low) to 5 (high): 5\n"
        "What must be watched: Airway\n"
        "What must be watched: Raised intracranial pressure\n"
        "What must be watched: Vision\n"
        "Best age for it, in months: 8.5 mo\n"
        "Decisive finding (HPO): HP:0002676\n"
        "Reasons and remarks: p=0.05, see\n  Fig. 2"
    )
    (opinion,) = (await asked.case()).opinions
    assert (opinion.author, opinion.version, opinion.form_id, opinion.form_version) == (
        SASKIA,
        1,
        "cranio-opinion",
        "1",
    )
    assert opinion.answers["concerns"] == ("airway", "pressure", "vision")


MISTAKES = [
    ("diagnosis=craniosynostosis", "diagnosis takes a code: ORPHA:…, OMIM:…."),
    ("diagnosis=HP:0002676", "diagnosis takes a code: ORPHA:…, OMIM:…."),
    ("recommendation=pray", "recommendation takes one of: surgery, watch, conservative, investigate."),
    ("recommendation=5", "recommendation takes one of: surgery, watch, conservative, investigate."),
    ("recommendation=surgery,watch", "recommendation takes one of: surgery, watch, conservative, investigate."),
    ("confidence=6", "confidence takes a whole number from 1 to 5."),
    ("confidence=4.5", "confidence takes a whole number from 1 to 5."),
    ("confidence=high", "confidence takes a whole number from 1 to 5."),
    (
        "concerns=airway,money",
        "concerns takes one or more, with commas between, of: pressure, airway, vision, hearing, feeding, speech.",
    ),
    (
        "concerns=",
        "concerns takes one or more, with commas between, of: pressure, airway, vision, hearing, feeding, speech.",
    ),
    ("age=9 kg", "age cannot be converted from kg. Units that fit: mo, d, wk, a, h, min."),
    ("age=-1", "age takes a number: 0–1200 mo."),
    ("age=soon", "age takes a number: 0–1200 mo."),
    ("sign=ORPHA:2343", "sign takes a code: HP:…."),
    ("remarks=", "remarks takes a text of 1 to 10,000 characters."),
    ("remarks=" + "x" * 10_001, "remarks takes a text of 1 to 10,000 characters."),
    ("colour=red", f"The form has no field colour. Its fields are: {FIELDS}."),
    ("confidence=1", "`confidence` is there twice. Give it once."),
]


async def test_each_error_names_the_field_and_the_reason(asked: Chat) -> None:
    for given, answer in MISTAKES:
        key = given.partition("=")[0]
        words = [word for word in OPINION.split() if not word.startswith(f"{key}=") or given == "confidence=1"]
        async with asked.nothing_changes():
            said = await asked.here(SASKIA, f"{' '.join(words)} {given}")
            assert answer in said
            assert given == "confidence=1" or said.startswith("I have kept "), "what fits becomes a draft"
            await asked.here(SASKIA, "!cancel")


NO_ANSWERS = [
    ("!opinion operate", LINE),
    ("!opinion surgery, watch", LINE),
    ("!opinion surgery recommendation=watch", LINE),
    ("!opinion I think diagnosis=ORPHA:2343", LINE),
    ("!opinion give diagnosis=ORPHA:2343", LINE),
    (
        "!opinion colour=red",
        f"The form has no field colour. Its fields are: {FIELDS}.\n\n{USAGE}",
    ),
    ("!opinion = 4", LINE),
]


@pytest.mark.parametrize(
    "line",
    [
        "!opinion ORPHA:2343 surgery 4",
        "!opinion 4 surgery ORPHA:2343",
        "!opinion surgery 4 diagnosis=ORPHA:2343",
        "!opinion ORPHA:2343, Surgery, 4",
    ],
)
async def test_a_word_needs_no_key_where_it_fits_one_question_alone(asked: Chat, line: str) -> None:
    said = await asked.here(SASKIA, line)
    assert said.startswith("Your opinion is recorded.")
    for answer in ("ORPHA:2343", "Recommended next step: Surgery", ": 4"):
        assert answer in said


async def test_some_words_of_an_opinion_become_a_draft(asked: Chat) -> None:
    said = await asked.here(SASKIA, "!opinion surgery")
    assert said.startswith("I have kept ")
    assert "Most likely diagnosis" in said


async def test_what_is_no_answer(asked: Chat) -> None:
    for line, answer in NO_ANSWERS:
        async with asked.nothing_changes():
            assert await asked.here(SASKIA, line) == answer


async def test_every_version_is_kept(asked: Chat) -> None:
    await asked.here(SASKIA, OPINION)
    await asked.here(PIOTR, OPINION)
    asked.later(hours=1)
    answer = await asked.here(SASKIA, "!opinion diagnosis=OMIM:123100 recommendation=2 confidence=2")
    assert answer.startswith("Your opinion is recorded as version 2. Earlier versions are kept.\n\n")
    case = await asked.case()
    assert [(o.author, o.version, o.answers["recommendation"]) for o in case.opinions] == [
        (SASKIA, 1, "surgery"),
        (PIOTR, 1, "surgery"),
        (SASKIA, 2, "watch"),
    ]
    assert [(o.author, o.version) for o in latest(case.opinions)] == [(SASKIA, 2), (PIOTR, 1)]
    shown = await asked.here(PIOTR, "!opinion show")
    assert "Saskia de Vries, version 2, 5 March 2026, 13:00 UTC\n\nMost likely diagnosis: OMIM:123100" in shown
    assert "version 1, 5 March 2026, 12:00 UTC" in shown
    assert await asked.here(ANDERS, "!opinion show") == shown


async def test_who_gives_no_opinion(asked: Chat) -> None:
    async with asked.nothing_changes():
        for line in (OPINION, "!opinion"):
            assert await asked.here(ANDERS, line) == "Your part in this case does not let you give an opinion."
            assert await asked.here(METTE, line) == "There is no case here that you take part in."
            assert await asked.here(KASPER, line) == "There is no case here that you take part in."
            assert await asked.alone(ANDERS, line) == "No open case of yours takes this now."
        assert await asked.here(ANDERS, "!opinion show") == (
            "Nobody has given an opinion yet, so there is nothing to gather."
        )
    audit = await asked.audit()
    assert (ANDERS, "give-opinion", "not-yours") in audit
    assert (METTE, "give-opinion", "no-case") in audit


async def test_no_opinion_after_the_case_is_closed(chat: Chat) -> None:
    await chat.closed()
    async with chat.nothing_changes():
        for line in (OPINION, "!opinion"):
            assert await chat.here(SASKIA, line) == (
                "You cannot give an opinion now. State of the case: closed.\n\n`!help` lists what you can do now."
            )


async def test_whoever_left_the_directory_is_out_at_once(asked: Chat) -> None:
    (cranio,) = [network for network in asked.directory.networks if network.id == "ern-cranio"]
    rest = tuple(network for network in asked.directory.networks if network.id != "ern-cranio")
    people = tuple(person for person in cranio.people if person.user_id != SASKIA)
    asked.directory = replace(asked.directory, networks=(*rest, replace(cranio, people=people)))
    async with asked.nothing_changes():
        assert await asked.here(SASKIA, OPINION) == (
            "No network lists you. Please ask the helpdesk of your network for access."
        )


async def test_an_opinion_outlives_its_form(asked: Chat) -> None:
    """A field or an option that the form has lost is still shown with its words: the opinion carries them."""
    await asked.here(SASKIA, OPINION)
    form = FORMS["cranio-opinion"]
    kept = tuple(
        replace(field, options=field.options[1:]) for field in form.fields if field.id not in ("diagnosis", "age")
    )
    asked.forms["cranio-opinion"] = replace(form, version="2", fields=kept)
    shown = await asked.here(ANDERS, "!opinion show")
    assert "Most likely diagnosis: ORPHA:2343\nRecommended next step: Surgery\n" in shown


async def test_the_other_network_asks_its_own_questions(chat: Chat) -> None:
    await chat.alone(KASPER, "!case new ecnm Is this advanced disease?")
    await chat.here(KASPER, CONSENT)
    await chat.here(KASPER, "!panel invite katrin.vogt")
    katrin = f"@katrin.vogt:{SERVER}"
    assert await chat.here(katrin, "!opinion diagnosis=ORPHA:2467 recommendation=kit confidence=4 tryptase=48,5") == (
        "Your opinion is recorded. Give it again with `!opinion` to revise it; every version is kept.\n\n"
        "Most likely diagnosis: ORPHA:2467\n"
        "Recommended next step: KIT inhibitor\n"
        "Confidence, from 1 (low) to 5 (high): 4\n"
        "Baseline serum tryptase relied on: 48.5 ng/mL"
    )


async def test_fifty_pages_are_too_long_and_nothing_of_the_rest_is_lost(asked: Chat) -> None:
    pages = "One line of a long letter.\n" * 2000
    async with asked.nothing_changes():
        answer = await asked.here(SASKIA, f"{OPINION} remarks={pages}")
    assert answer.startswith("I have kept 3 answers as a draft. Nothing is recorded yet.")
    assert "remarks takes a text of 1 to 10,000 characters." in answer
    assert len(answer) < 1000, "nobody reads it again"
    question = asked.last.event_id
    await asked.here(SASKIA, "See the letter.", replies_to=question)
    await asked.here(SASKIA, "yes", replies_to=asked.last.event_id)
    (opinion,) = (await asked.case()).opinions
    assert opinion.answers["remarks"] == "See the letter."


async def test_words_of_any_script_are_kept_as_they_are(asked: Chat) -> None:
    words = 'ניתוח מיד 😀 — "الآن", ikke før'
    await asked.here(
        SASKIA, f"!opinion\n[diagnosis]: ORPHA:2343\n[recommendation]: 1\n[confidence]: 4\n[remarks]: {words}"
    )
    (opinion,) = (await asked.case()).opinions
    assert opinion.answers["remarks"] == words


async def test_a_line_that_lacks_something_becomes_a_draft(asked: Chat) -> None:
    answer = await asked.here(SASKIA, "!opinion confidence=4")
    assert answer == (
        "I have kept one answer as a draft. Nothing is recorded yet.\n\nMost likely diagnosis\n\n"
        "A code: ORPHA:…, OMIM:…"
    )
    await asked.here(SASKIA, "ORPHA:2343", replies_to=asked.last.event_id)
    answer = await asked.here(SASKIA, "!opinion")
    assert answer.startswith("Your draft has 2 answers. We go on where you stopped.\n\nRecommended next step")


async def test_the_form_follows_the_type_of_question(asked: Chat) -> None:
    assert await asked.here(ANDERS, "!panel question diagnosis") == (
        "This network asks all its questions with one form."
    )
    networks = tuple(
        replace(network, opinion_forms={"treatment": "cranio-opinion", "diagnosis": "ecnm-opinion"})
        for network in asked.directory.networks
    )
    asked.directory = replace(asked.directory, networks=networks)
    assert (await asked.here(ANDERS, "!panel question both")).startswith(
        "The types of question of this network: treatment, diagnosis."
    )
    assert await asked.here(ANDERS, "!panel question Diagnosis") == (
        "The experts answer the form for this type of question: diagnosis."
    )
    await asked.here(SASKIA, "!opinion diagnosis=ORPHA:2467 recommendation=kit confidence=4")
    (opinion,) = (await asked.case()).opinions
    assert opinion.form_id == "ecnm-opinion"


async def test_in_the_direct_chat_the_questions_speak_of_no_thread(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    asked = await chat.alone(SASKIA, "!opinion")
    assert asked.startswith("9 questions. Just write your answers here; numbered reactions work too.")
    assert "thread" not in asked


async def test_a_case_whose_consent_has_run_out_is_not_offered(chat: Chat) -> None:
    async def another(consent: str = CONSENT) -> str:
        await chat.draft()
        await chat.here(ANDERS, consent)
        await chat.here(ANDERS, "!panel invite saskia.devries")
        return (await chat.case()).nickname

    old = await another(CONSENT.replace("2026-03-01", "2011-03-06"))
    chat.later(days=1)
    await another()
    assert (await chat.alone(SASKIA, OPINION)).startswith("Your opinion is recorded."), "there is no other to choose"
    refused = await chat.alone(SASKIA, OPINION.replace("!opinion", f"!opinion {old}"))
    assert refused == "This needs the patient’s consent to care first. Record it with `!consent give`."
    second, third = await another(), await another()
    which = await chat.alone(SASKIA, OPINION)
    assert which.startswith("Which case do you mean?")
    assert second in which
    assert third in which
    assert old not in which


async def test_where_the_only_case_has_no_consent_any_more_the_reason_is_said(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, CONSENT.replace("2026-03-01", "2011-03-06"))
    await chat.here(ANDERS, "!panel invite saskia.devries")
    chat.later(days=1)
    refused = "This needs the patient’s consent to care first. Record it with `!consent give`."
    assert await chat.alone(SASKIA, OPINION) == refused
