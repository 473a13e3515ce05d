"""`!followup`: in one line, by reply, in a thread; the panel reads it, and it counts."""

from __future__ import annotations

from datetime import timedelta

from ernbot.core.followup import Changed, Followed, WhyNot
from ernbot.core.turn import turn
from ernbot.matrix.calendar import Calendar

from .chat import ANDERS, SASKIA, Answer, Chat


async def asked(chat: Chat) -> Answer:
    """The question, three months after the signature."""
    await chat.closed()
    chat.later(days=92)
    await Calendar(chat.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0).turn()
    await chat.deliver()
    return next(answer for answer in reversed(chat.answers()) if answer.message.choices)


async def test_one_line_says_it_all(chat: Chat) -> None:
    await asked(chat)
    line = "!followup followed=partly why=patient,findings changed=management happened=Operated in May, well since."
    before = len(chat.done)
    assert await chat.say(ANDERS, line, room=chat.room) == [
        "What became of the patient, from Anders Kjær\n\n"
        "Followed: in part\n"
        "Why not: the patient’s preference\n"
        "Why not: new findings\n"
        "The advice changed: the management\n\n"
        "What happened\n\n"
        "> Operated in May, well since.",
        "Recorded, thank you. The panel reads it here in the room.",
    ]
    assert chat.answers(before)[0].danish.startswith("Hvordan det gik patienten, fra Anders Kjær\n\nFulgt: delvist\n")
    case = await chat.case()
    assert case.follow_up is not None
    (report,) = case.follow_up.reports
    assert (report.followed, report.changed) == (Followed.PARTLY, Changed.MANAGEMENT)
    assert report.why == (WhyNot.PATIENT, WhyNot.FINDINGS)
    assert case.clocks.follow_up == chat.now
    assert turn(case, chat.directory, chat.now).who == ()


async def test_a_reply_to_the_question_begins_the_answer_in_a_thread(chat: Chat) -> None:
    question = await asked(chat)
    (changed,) = await chat.say(ANDERS, "1", room=chat.room, replies_to=question.event_id)
    assert changed.startswith("Did the panel’s advice change something?"), "nobody asks why it was not followed"
    assert chat.last.thread == question.event_id
    await chat.say(ANDERS, "4", room=chat.room, thread=question.event_id)
    (read,) = await chat.say(ANDERS, "Growing well.", room=chat.room, thread=question.event_id)
    assert read.startswith(
        "Followed: yes, fully\nThe advice changed: nothing\nWhat happened: Growing well.\n\nIs this right?"
    )
    said = await chat.say(ANDERS, "yes", room=chat.room, thread=question.event_id)
    assert said[-1] == "Recorded, thank you. The panel reads it here in the room."
    case = await chat.case()
    assert case.follow_up is not None
    assert case.follow_up.answered


async def test_a_reaction_fills_in_the_first_answer_and_records_nothing(chat: Chat) -> None:
    question = await asked(chat)
    (why,) = await chat.react(ANDERS, "3\ufe0f\u20e3", question.event_id)
    assert why.startswith("Why not, or not all of it?")
    assert (await chat.case()).follow_up is not None
    assert not (await chat.case()).follow_up.answered  # type: ignore[union-attr]
    assert await chat.react(SASKIA, "1\ufe0f\u20e3", question.event_id) == []


async def test_talk_of_others_about_the_question_is_their_own(chat: Chat) -> None:
    question = await asked(chat)
    assert await chat.say(SASKIA, "I wonder too.", room=chat.room, replies_to=question.event_id) == []
    assert await chat.here(SASKIA, "!followup followed=fully changed=neither") == (
        "Your part in this case does not let you say what became of the patient."
    )


async def test_a_word_that_is_no_answer_says_what_is(chat: Chat) -> None:
    question = await asked(chat)
    (answer,) = await chat.say(ANDERS, "quite", room=chat.room, replies_to=question.event_id)
    assert "fully, partly, no" in answer
    assert await chat.here(ANDERS, "!followup followed=no changed=neither") == (
        "Please also say why it was not followed: `why=` with one or more of documentation, findings, patient, "
        "physician, unavailable, other. In the thread, reply to that question.\n\n"
        "Type it like this: `!followup [followed=… changed=… why=… happened=…]`"
    )


async def test_it_may_be_said_before_anybody_asks_and_again(chat: Chat) -> None:
    await chat.closed()
    await chat.say(ANDERS, "!followup followed=fully changed=both", room=chat.room)
    chat.later(days=200)
    await Calendar(chat.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0).turn()
    await chat.deliver()
    assert [answer for answer in chat.answers() if "some months ago" in answer.text] == []
    await chat.say(ANDERS, "!followup followed=no changed=neither why=findings", room=chat.room)
    case = await chat.case()
    assert case.follow_up is not None
    assert len(case.follow_up.reports) == 2
    assert case.clocks.follow_up is not None
    assert chat.now - case.clocks.follow_up >= timedelta(days=200), "the first word stops the clock"


async def test_before_the_signature_there_is_nothing_to_follow(chat: Chat) -> None:
    await chat.assessing()
    assert "You cannot say what became of the patient now." in await chat.here(ANDERS, "!followup followed=fully")


async def test_what_is_planned_and_what_happened_lead_to_each_other(chat: Chat) -> None:
    planned = "Follow-up that is planned goes into the outcome: `!outcome followup` and the text."
    await chat.drafting()
    assert (await chat.here(ANDERS, "!followup MRI in three months.")).endswith(planned)
    assert (await chat.here(ANDERS, "!followup")).endswith(planned)
    await chat.here(ANDERS, "!outcome sign")
    assert (await chat.case()).state.kind == "closed"
    answer = await chat.here(ANDERS, "!outcome followup MRI in three months.")
    assert "Say what became of the patient with `!followup`." in answer
    assert "`!outcome amend` and why begins the next version" in answer
