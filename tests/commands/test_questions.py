"""Questions about files that must not be posted as they are: who answers, how, and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ernbot.commands import questions
from ernbot.commands.effects import Message
from ernbot.core.errors import Refused
from ernbot.storage.records import ImageJob, Original

from .chat import ANDERS, SASKIA, Answer, Chat

COPIES = [Original("$first", {"file": 1}), Original("$second", {"file": 2})]


async def asked(chat: Chat, question: questions.Question = "names", *, clean: bool = False) -> Answer:
    """The bot asks Anders about two files."""
    async with chat._heard(ANDERS, chat.room, None, ()) as ctx:
        assert ctx.place is not None
        job = ImageJob("j", ctx.place.case_id, chat.room, ANDERS, "running", chat.now, chat.now)
        error = Refused("file-names-patient", kinds="PatientName, PatientID") if question == "names" else None
        await questions.ask(ctx, job, COPIES, question, error=error, clean=clean)
    await chat.deliver()
    return chat.last


async def agreed(chat: Chat) -> ImageJob | None:
    """The job that goes on at once, if one does."""
    async with chat.store.transaction() as tx:
        return await tx.take_job("test", chat.now, timedelta(minutes=1), largest=10)


async def test_the_question_lists_what_was_found(chat: Chat) -> None:
    await chat.opened()
    question = await asked(chat)
    assert question.text == (
        "These 2 files tell who the patient is: PatientName, PatientID.\n\n"
        "I have taken the 2 files out of the room.\n\n"
        "Shall I post a copy without these? Answer yes or no. After a day I forget the question."
    )
    assert question.reader == ANDERS
    assert "Skal jeg" in question.danish


@pytest.mark.parametrize(
    ("question", "clean", "answer", "data"),
    [
        ("names", False, "yes", {"clean": True, "looked": False, "gone": True}),
        ("names", False, "Ja!", {"clean": True, "looked": False, "gone": True}),
        ("names", False, "no", None),
        ("writing", False, "no", {"clean": False, "looked": True, "gone": True}),
        ("writing", True, "nej.", {"clean": True, "looked": True, "gone": True}),
        ("writing", False, "yes", None),
    ],
)
async def test_an_answer_posts_the_files_or_forgets_them(
    chat: Chat, question: questions.Question, clean: bool, answer: str, data: dict[str, bool] | None
) -> None:
    await chat.opened()
    await asked(chat, question, clean=clean)
    said = await chat.here(ANDERS, answer)
    job = await agreed(chat)
    if data is None:
        assert said == "The 2 files are not posted."
        assert job is None
        async with chat.store.transaction() as tx:
            assert await tx.asked_jobs(chat.room, ANDERS) == []
    else:
        assert said == "The 2 files follow in a moment."
        assert job is not None
        assert {key: value for key, value in job.data.items() if key != "answer"} == data
        async with chat.store.transaction() as tx:
            assert await tx.originals(job.id) == COPIES


async def test_only_the_sender_answers(chat: Chat) -> None:
    await chat.assessing()
    question = await asked(chat)
    assert await chat.here(SASKIA, "yes", replies_to=question.event_id) == (
        "Only Anders Kjær, who sent the file, can answer this."
    )
    assert await chat.say(SASKIA, "yes", room=chat.room) == [], "it may be meant for anybody"
    assert await agreed(chat) is None
    await chat.here(ANDERS, "no", thread=question.event_id)
    async with chat.store.transaction() as tx:
        assert await tx.asked_jobs(chat.room, ANDERS) == []


async def test_a_reaction_answers_nothing(chat: Chat) -> None:
    await chat.opened()
    question = await asked(chat)
    for key in ("👍", "1️⃣", "yes"):
        assert await chat.react(ANDERS, key, question.event_id) == []
    assert await agreed(chat) is None


async def test_talk_is_no_answer(chat: Chat) -> None:
    await chat.opened()
    question = await asked(chat)
    assert await chat.say(ANDERS, "yes, I think he was operated on", room=chat.room) == []
    assert await chat.here(ANDERS, "well", replies_to=question.event_id) == "Please answer yes or no."
    assert await chat.here(ANDERS, "yes", replies_to=chat.last.event_id) == "The 2 files follow in a moment."


async def test_an_answer_counts_once(chat: Chat) -> None:
    await chat.opened()
    question = await asked(chat)
    await chat.here(ANDERS, "yes", replies_to=question.event_id)
    assert await chat.say(ANDERS, "no", room=chat.room, replies_to=question.event_id) == []
    assert await agreed(chat) is not None


async def test_an_answer_in_another_room_is_none(chat: Chat) -> None:
    await chat.opened()
    question = await asked(chat)
    await chat.say(ANDERS, "yes", replies_to=question.event_id)
    assert await agreed(chat) is None


async def test_a_case_that_is_closed_meanwhile_gets_no_copy(chat: Chat) -> None:
    await chat.drafting()
    await asked(chat)
    await chat.here(ANDERS, "!outcome sign")
    assert "State of the case: closed" in await chat.here(ANDERS, "yes")
    assert await agreed(chat) is None


async def test_withdrawn_care_forgets_the_question(chat: Chat) -> None:
    await chat.opened()
    await asked(chat)
    await chat.here(ANDERS, "!consent withdraw care")
    assert await chat.say(ANDERS, "yes", room=chat.room) == []
    assert await agreed(chat) is None


async def test_a_question_about_a_file_leaves_a_form_alone(chat: Chat) -> None:
    """A plain yes answers the file; what is said in the thread of the form answers the form."""
    await chat.assessing()
    async with chat._heard(SASKIA, chat.room, None, ()) as ctx:
        assert ctx.place is not None
        job = ImageJob("j", ctx.place.case_id, chat.room, SASKIA, "running", chat.now, chat.now)
        await questions.ask(ctx, job, COPIES, "names")
    await chat.deliver()
    await chat.say(SASKIA, "!opinion", room=chat.room)
    thread = chat.last.thread
    assert thread is not None
    assert await chat.here(SASKIA, "ORPHA:2343", thread=thread) != "Please answer yes or no."
    assert await chat.here(SASKIA, "yes") == "The 2 files follow in a moment."


async def test_a_question_is_forgotten_after_a_day(chat: Chat) -> None:
    await chat.opened()
    await asked(chat)
    chat.later(hours=23)
    assert await agreed(chat) is None
    chat.later(hours=1)
    job = await agreed(chat)
    assert job is not None
    async with chat._heard(ANDERS, chat.room, None, ()) as ctx:
        await questions.expire(ctx, job)
    await chat.deliver()
    assert chat.last.text.startswith("Nobody answered my question about 2 files")
    async with chat.store.transaction() as tx:
        assert await tx.next_job_at() is None
    assert isinstance(chat.last.message, Message)
