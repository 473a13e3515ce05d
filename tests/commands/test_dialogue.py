"""Question by question: in the thread, by reply, by reaction; nothing is recorded before it has been read through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ernbot.commands.dialogue import KEYCAP, chosen, keycaps
from ernbot.core.consent import Purpose
from ernbot.core.states import Action
from ernbot.storage.store import Store
from tests.fixtures_database import MASTER_KEY, Database

from .chat import ANDERS, FORMS, METTE, PIOTR, SASKIA, Chat

OPENING = (
    "5 questions. Answer here in the thread or by reply; numbered reactions work too. `!cancel` leaves. "
    "In one line: `!consent give care form=… lang=… signer=… signed=…`.\n\n"
)
PURPOSES = (
    "What did the patient consent to?\n\n"
    "- `1` care\n- `2` registry\n- `3` contact for research\n- `4` identifiable images\n\n"
    "Several are possible: `1, 2`."
)
FORM = "Which version of the consent form was signed, as printed on it?"
SIGNER = "Who signed it?\n\n- `1` patient\n- `2` parent\n- `3` guardian"
CONFIRM = (
    "Is this right? Answer yes in words to record it: a reaction is not enough, because it is not encrypted. "
    "To change an answer, reply to its question. `!cancel` throws it all away."
)
SUMMARY = (
    "Consent to: care\nConsent to: registry\nForm version: 2.1\nLanguage of the form: da\n"
    f"Signed by: parent\nSigned on: 1 March 2026\n\n{CONFIRM}"
)
YES = "Answer yes to record it, or `!cancel` to throw it away."


class Talk:
    """One person's dialogue in the case room; `questions` are the events of the bot's messages in it, in order."""

    def __init__(self, chat: Chat, user: str) -> None:
        self.chat = chat
        self.user = user
        self.root = ""
        self.questions: list[str] = []

    async def begin(self, line: str) -> str:
        answer = await self.chat.here(self.user, line)
        self.root = self.chat.event
        return self._asked(answer)

    async def answer(self, text: str) -> str:
        """Write in the thread."""
        return self._asked(await self.chat.here(self.user, text, thread=self.root))

    async def reply(self, number: int, text: str) -> str:
        """Reply to one of the messages, outside of the thread."""
        return self._asked(await self.chat.here(self.user, text, replies_to=self.questions[number]))

    async def react(self, number: int, choice: int) -> list[str]:
        answers = await self.chat.react(self.user, f"{choice}{KEYCAP}", self.questions[number])
        self.questions += [self.chat.last.event_id] if answers else []
        return answers

    def _asked(self, answer: str) -> str:
        assert self.chat.last.thread == self.root or self.chat.last.thread is None
        self.questions.append(self.chat.last.event_id)
        return answer


@pytest.fixture
async def anders(chat: Chat) -> Talk:
    """The requester of a draft."""
    await chat.draft()
    return Talk(chat, ANDERS)


@pytest.fixture
async def saskia(chat: Chat) -> Talk:
    """An expert who has been asked, with the small first version of the form."""
    chat.forms["cranio-opinion"] = FORMS["cranio-opinion@1"]
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    return Talk(chat, SASKIA)


async def consents(chat: Chat) -> set[Purpose]:
    case = await chat.case()
    return {purpose for purpose in Purpose if case.consent.covers(purpose, chat.now)}


async def test_consent_in_a_thread(anders: Talk) -> None:
    chat = anders.chat
    assert await anders.begin("!consent") == OPENING + PURPOSES
    assert chat.last.thread == anders.root
    assert await anders.answer("1, 2") == FORM
    assert await anders.answer("2.1") == "In which language is the form? For example `en` or `da`."
    assert await anders.answer("DA") == SIGNER
    assert chat.last.choices == 3
    assert await anders.answer("Parent") == "On which day was it signed? For example `2026-03-31`."
    assert await anders.answer("1.3.2026") == SUMMARY
    assert chat.last.choices == 0
    assert await consents(chat) == set(), "nothing is recorded before it has been read through"
    assert await anders.answer("Yes.") == (
        "Recorded. The paper stays with you at the hospital.\n\n"
        "Consent: care: given on 1 March 2026 by parent, form 2.1\n"
        "Consent: registry: given on 1 March 2026 by parent, form 2.1\n\n"
        "Care is covered: you can drop files here and bring experts in with `!panel invite`."
    )
    assert await consents(chat) == {Purpose.CARE, Purpose.REGISTRY}
    assert await chat.say(ANDERS, "yes", room=chat.room, thread=anders.root) == [], "it is over"


async def test_consent_by_reply(anders: Talk) -> None:
    await anders.begin("!consent")
    for text in ("care,registry", "2.1", "da", "2", "2026-03-01"):
        answer = await anders.reply(-1, text)
    assert answer == SUMMARY
    assert (await anders.reply(-1, "ja")).startswith("Recorded.")


MISTAKES = [
    ([], "5", "purposes takes one or more, with commas between, of: care, registry, contact, images."),
    ([], "-", "purposes cannot be left out."),
    (["1"], "version two", "A form version is up to 32 letters, digits, dots and dashes, for example `2.1`."),
    (["1", "2.1"], "Danish, I think", "A language is a code such as `en` or `da`."),
    (["1", "2.1", "da"], "the aunt", "signer takes one of: patient, parent, guardian."),
    (
        ["1", "2.1", "da", "2"],
        "31/2/2026",
        "“31/2/2026” is no date. Write it like `2026-03-31`, or day first like `31.3.2026`.",
    ),
    (["1", "2.1", "da", "2"], "6.3.2026", "6 March 2026 lies in the future. When was the form signed?"),
    (
        ["1", "2.1", "da", "2"],
        "1.1.2000",
        "A form signed on 1 January 2000 is older than 15 years. Consent has to be renewed.",
    ),
    (["1", "2.1", "da", "2", "1.3.2026"], "no", YES),
    (["1", "2.1", "da", "2", "1.3.2026"], "yes but", YES),
]


async def test_an_answer_is_checked_when_it_is_given(anders: Talk) -> None:
    chat = anders.chat
    for answers, text, refusal in MISTAKES:
        await anders.begin("!consent")
        for earlier in answers:
            await anders.answer(earlier)
        async with chat.nothing_changes():
            assert await anders.answer(text) == refusal
            assert await anders.reply(-1, text) == refusal, "replying to the refusal answers the same question"
        for rest in ["1, 2", "2.1", "da", "2", "1.3.2026"][len(answers) :]:
            await anders.answer(rest)
        assert (await anders.answer("yes")).startswith("Recorded.")


async def test_reactions_choose_and_never_complete(saskia: Talk) -> None:
    chat = saskia.chat
    await saskia.begin("!opinion")
    assert await saskia.react(0, 1) == [], "a code is not chosen by number"
    await saskia.answer("ORPHA:2343")
    assert chat.last.choices == 4
    assert await saskia.react(1, 9) == ["recommendation takes one of: surgery, watch, conservative, investigate."]
    assert (await saskia.react(1, 2))[0].startswith("Confidence")
    assert await saskia.react(-1, 4) == [], "a scale is not chosen by number"
    concerns = len(saskia.questions)
    await saskia.answer("4")
    assert (await saskia.react(concerns, 1))[0].startswith("Best age")
    assert (await saskia.react(concerns, 3))[0].startswith(
        "Changed:\n\nWhat must be watched: Raised intracranial pressure\nWhat must be watched: Vision\n\nBest age"
    )
    for text in ("-", "–"):
        await saskia.answer(text)
    summary = await saskia.answer("skip")
    assert summary == (
        "Most likely diagnosis: ORPHA:2343\n"
        "Recommended next step: Watchful waiting\n"
        "Confidence, from 1 (low) to 5 (high): 4\n"
        "What must be watched: Raised intracranial pressure\n"
        "What must be watched: Vision\n\n"
        f"{CONFIRM}"
    )
    for number in range(len(saskia.questions)):
        for choice in (1, 2):
            assert await saskia.react(number, choice) == [], "what has been read through changes by words alone"
    assert (await chat.case()).opinions == ()
    await saskia.answer("yes")
    (opinion,) = (await chat.case()).opinions
    assert opinion.answers == {
        "diagnosis": "ORPHA:2343",
        "recommendation": "watch",
        "confidence": 4,
        "concerns": ("pressure", "vision"),
    }


async def test_a_late_reaction_corrects_its_own_question(saskia: Talk) -> None:
    await saskia.begin("!opinion")
    await saskia.answer("ORPHA:2343")
    await saskia.react(1, 1)
    await saskia.answer("4")
    (answer,) = await saskia.react(1, 3)
    assert answer.startswith("Changed:\n\nRecommended next step: Conservative treatment\n\nWhat must be watched")


async def test_a_reply_corrects_an_earlier_answer(anders: Talk) -> None:
    await anders.begin("!consent")
    for text in ("1", "2.1", "da"):
        await anders.answer(text)
    assert await anders.reply(0, "1, 4") == (
        f"Changed:\n\nConsent to: care\nConsent to: identifiable images\n\n{SIGNER}"
    )
    await anders.answer("2")
    await anders.answer("1.3.2026")
    assert (await anders.reply(1, "3.0")).startswith(
        "Consent to: care\nConsent to: identifiable images\nForm version: 3.0"
    )
    await anders.answer("yes")
    entry = (await anders.chat.case()).consent.last(Purpose.IMAGES, anders.chat.now)
    assert entry is not None
    assert entry.paper is not None
    assert entry.paper.form_version == "3.0"


async def test_reactions_of_others_and_elsewhere_are_their_own_business(saskia: Talk) -> None:
    chat = saskia.chat
    await saskia.begin("!opinion")
    await saskia.answer("ORPHA:2343")
    question = saskia.questions[-1]
    await chat.say(PIOTR, "!opinion", room=chat.room)
    piotr_thread = chat.event
    await chat.say(PIOTR, "ORPHA:87", room=chat.room, thread=piotr_thread)
    piotr_question = chat.last.event_id
    for user, key, target in (
        (ANDERS, f"1{KEYCAP}", question),
        (PIOTR, f"1{KEYCAP}", question),
        (SASKIA, f"1{KEYCAP}", piotr_question),
        (SASKIA, "👍", question),
        (SASKIA, "1", question),
        (SASKIA, f"0{KEYCAP}", question),
        (SASKIA, f"1{KEYCAP}", "$nothing"),
    ):
        assert await chat.react(user, key, target) == []
    assert await chat.say(SASKIA, "1", room=chat.room, replies_to=piotr_question) == []
    assert await chat.say(SASKIA, "1", room=chat.room, thread=piotr_thread) == []
    assert await chat.say(SASKIA, "1", room=chat.room) == [], "talk beside the thread is talk"
    assert (await saskia.answer("1")).startswith("Confidence")


async def test_an_old_question_of_a_dialogue_begun_anew_counts_no_more(anders: Talk) -> None:
    chat = anders.chat
    await anders.begin("!consent")
    old_root, old_question = anders.root, anders.questions[-1]
    await anders.answer("1")
    assert await anders.begin("!consent") == OPENING + PURPOSES
    assert await chat.say(ANDERS, "2", room=chat.room, thread=old_root) == []
    assert await chat.say(ANDERS, "2", room=chat.room, replies_to=old_question) == []
    assert await chat.react(ANDERS, f"2{KEYCAP}", old_question) == []
    assert await anders.answer("1, 2") == FORM


async def test_cancel_throws_everything_away(saskia: Talk) -> None:
    chat = saskia.chat
    async with chat.nothing_changes():
        assert await chat.here(SASKIA, "!cancel") == "There is nothing to cancel."
        await saskia.begin("!opinion")
        await saskia.answer("ORPHA:2343")
        assert await chat.here(PIOTR, "!cancel") == "There is nothing to cancel."
        assert await saskia.answer("!CANCEL") == "Nothing was recorded."
        assert await chat.say(SASKIA, "1", room=chat.room, thread=saskia.root) == []
        assert await chat.alone(SASKIA, "!cancel") == "There is nothing to cancel."


async def test_required_questions_cannot_be_skipped(saskia: Talk) -> None:
    await saskia.begin("!opinion")
    assert await saskia.answer("-") == "diagnosis cannot be left out."
    assert (await saskia.answer("orpha:2343")).startswith("Recommended next step")


async def test_an_optional_answer_can_be_taken_back(saskia: Talk) -> None:
    await saskia.begin("!opinion")
    for text in ("ORPHA:2343", "1", "4", "1,2", "9", "-"):
        await saskia.answer(text)
    await saskia.answer("Because.")
    assert "Airway" not in await saskia.reply(3, "-")


async def test_a_command_in_the_thread_is_a_command(saskia: Talk) -> None:
    chat = saskia.chat
    await saskia.begin("!opinion")
    assert (await saskia.answer("!panel show")).startswith("The panel")
    assert chat.last.thread == saskia.root
    assert (await saskia.answer("ORPHA:2343")).startswith("Recommended next step")


async def test_two_experts_answer_side_by_side(saskia: Talk) -> None:
    chat = saskia.chat
    piotr = Talk(chat, PIOTR)
    await saskia.begin("!opinion")
    await piotr.begin("!opinion")
    for theirs, his in zip(
        ("ORPHA:2343", "1", "5", "-", "-", "-", "-", "yes"),
        ("OMIM:123100", "2", "2", "-", "-", "-", "-", "yes"),
        strict=True,
    ):
        await saskia.answer(theirs)
        await piotr.answer(his)
    assert {o.author: o.answers["recommendation"] for o in (await chat.case()).opinions} == {
        SASKIA: "surgery",
        PIOTR: "watch",
    }


async def test_the_gate_is_asked_at_every_answer(saskia: Talk) -> None:
    """Somebody who may no longer do what the questions lead to hears so at once, by words and by reaction."""
    chat = saskia.chat
    await saskia.begin("!opinion")
    await saskia.answer("ORPHA:2343")
    await chat.here(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3")
    for line in ("!outcome draft", "!outcome recommend Wait.", "!outcome sign confirm"):
        await chat.here(ANDERS, line)
    closed = "You cannot give an opinion now. State of the case: closed.\n\n`!help` lists what you can do now."
    async with chat.nothing_changes():
        assert await saskia.answer("1") == closed
        assert await saskia.react(1, 1) == [closed]
        assert await saskia.answer("!cancel") == "Nothing was recorded."
    assert (SASKIA, Action.GIVE_OPINION, "wrong-state") in await chat.audit()


async def test_withdrawal_ends_every_dialogue(saskia: Talk) -> None:
    chat = saskia.chat
    await saskia.begin("!opinion")
    await chat.here(ANDERS, "!consent withdraw care")
    async with chat.nothing_changes():
        assert await chat.say(SASKIA, "ORPHA:2343", room=chat.room, thread=saskia.root) == []


@pytest.fixture
async def reopened(database: Database, chat: Chat) -> AsyncIterator[Chat]:
    """The chat of a bot that was started again on the same database."""
    store = await Store.open(database.url, MASTER_KEY)
    yield Chat(store)
    await store.close()


async def test_a_dialogue_survives_a_restart(saskia: Talk, reopened: Chat) -> None:
    await saskia.begin("!opinion")
    for text in ("ORPHA:2343", "1"):
        await saskia.answer(text)
    await saskia.chat.store.close()
    reopened.room, reopened._numbers = saskia.chat.room, saskia.chat._numbers
    saskia.chat = reopened
    assert await saskia.answer("4") != ""
    assert (await saskia.reply(1, "2")).startswith("Changed:\n\nRecommended next step: Watchful waiting")
    for text in ("-", "-", "-", "-", "yes"):
        await saskia.answer(text)
    (opinion,) = (await reopened.case()).opinions
    assert opinion.answers == {"diagnosis": "ORPHA:2343", "recommendation": "watch", "confidence": 4}


async def test_a_draft_is_finished_in_the_version_of_the_form_that_it_was_begun_in(saskia: Talk) -> None:
    chat = saskia.chat
    await saskia.begin("!opinion")
    await saskia.answer("ORPHA:2343")
    form = FORMS["cranio-opinion@1"]
    chat.forms["cranio-opinion"] = replace(form, version="99", fields=form.fields[1:])
    for text in ("1", "4"):
        await saskia.answer(text)
    while not (answer := await saskia.answer("-")).endswith("throws it all away."):
        pass
    assert "Most likely diagnosis: ORPHA:2343" in answer
    await saskia.answer("yes")
    (opinion,) = (await chat.case()).opinions
    assert (opinion.form_version, opinion.answers["diagnosis"]) == (form.version, "ORPHA:2343")


async def test_a_draft_whose_form_is_gone_comes_back_in_the_new_one(saskia: Talk) -> None:
    chat = saskia.chat
    await saskia.begin("!opinion")
    await saskia.answer("ORPHA:2343")
    await saskia.answer("surgery")
    form = FORMS["cranio-opinion"]
    chat.forms.clear()
    chat.forms["cranio-opinion"] = replace(form, version="99", fields=form.fields[1:])
    async with chat.nothing_changes():
        assert await chat.react(SASKIA, f"1{KEYCAP}", saskia.questions[1]) == []
        told, sheet = await chat.say(SASKIA, "4", room=chat.room, thread=saskia.root)
    assert told.startswith("The form has changed since you began.")
    assert told.endswith("> diagnosis: ORPHA:2343"), "what the new form does not ask is handed back"
    assert "\n[recommendation] Recommended next step* (" in sheet
    assert "): surgery\n" in sheet
    filled = sheet.replace("[confidence] Confidence, from 1 (low) to 5 (high)* (1–5):", "[confidence]: 4")
    answer = await chat.here(SASKIA, filled, replies_to=chat.last.event_id)
    assert answer.startswith("Your opinion is recorded.")
    (opinion,) = (await chat.case()).opinions
    assert (opinion.form_version, opinion.answers) == ("99", {"recommendation": "surgery", "confidence": 4})


async def test_a_dialogue_begun_in_a_thread_stays_there(anders: Talk) -> None:
    chat = anders.chat
    anders.root = "$thread"
    await chat.here(ANDERS, "!consent", thread="$thread")
    assert chat.last.thread == "$thread"
    assert await anders.answer("1") == FORM


async def test_people_without_a_part_begin_no_dialogue(saskia: Talk) -> None:
    chat = saskia.chat
    async with chat.nothing_changes():
        assert await chat.here(METTE, "!opinion") == "There is no case here that you take part in."
        assert await chat.here(SASKIA, "!consent") == "Your part in this case does not let you record consent."
    async with chat.store.transaction() as tx:
        assert await tx.dialogue(chat.room, METTE) is None
        assert await tx.dialogue(chat.room, SASKIA) is None


def test_keycaps_are_read_back() -> None:
    assert [chosen(key) for key in keycaps(12)] == [str(number) for number in range(1, 10)]
    assert chosen("3\N{COMBINING ENCLOSING KEYCAP}") == "3"
    for key in ("3", "10" + KEYCAP, "👍", "", "٣" + KEYCAP):
        assert chosen(key) is None
