"""From the opinions to the signed outcome and what became of the patient, as people read it, in every language."""

from __future__ import annotations

import pytest

from ernbot.commands.effects import SendOutcome
from ernbot.core.outcome_sheet import stamp
from ernbot.core.signature import short
from ernbot.locales import LANGUAGES
from ernbot.matrix.calendar import Calendar
from ernbot.storage.records import StoredIdentity
from ernbot.storage.store import Store
from ernbot.verify import verify

from .chat import ANDERS, METTE, NOTARY, OPINION, PIOTR, SASKIA, Chat
from .golden import Transcript


@pytest.fixture
async def chat(sqlite_store: Store) -> Chat:
    """A case in which both experts have answered; on SQLite alone, because this is about words."""
    chat = Chat(sqlite_store)
    async with chat.store.transaction() as tx:
        for user in (ANDERS, SASKIA, PIOTR):
            key = user[1:8].replace(".", "x").ljust(43, "A")
            await tx.save_identity(StoredIdentity(user, key, key, None, (("DEVICE", "curve", key, True),)))
    await chat.assessing()
    await chat.here(PIOTR, OPINION.replace("surgery", "watch"))
    return chat


def begin(chat: Chat, language: str) -> Transcript:
    told = Transcript(chat, language)
    told.skip()
    return told


async def hide_codes(chat: Chat, told: Transcript) -> str:
    """The beginning of the digest of the present text, which is another one in each run."""
    digest = (await chat.case()).outcome().digest()
    told.hidden |= {digest: "<digest>", short(digest): "3f2a9c1e"}
    return short(digest)


def proved(chat: Chat, told: Transcript) -> None:
    """What `ernbot outcome verify` says of the document that was just sent, without what differs in each run."""
    (sent,) = chat.new_effects(SendOutcome)
    record = NOTARY.record(sent.outcome, nickname=sent.nickname, network=sent.network)
    findings = list(verify(record, NOTARY.key))
    assert [finding.text for finding in findings if finding.holds is False] == []
    told.note(f"`ernbot outcome verify`: {len(findings)} lines, all of them hold")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_outcome_is_written_voted_on_and_signed(chat: Chat, language: str, rewrite: bool) -> None:
    told = begin(chat, language)
    await told.room(ANDERS, "!outcome draft")
    await told.room(
        ANDERS,
        "!outcome recommend Operate before nine months. strength=strong evidence=low owner=mette.holm due=4 weeks",
    )
    await told.room(ANDERS, "!outcome recommend 1 preference=The parents want one operation only.")
    await told.room(ANDERS, "!outcome alternatives Watch until the first birthday, with eye checks.")
    await told.room(ANDERS, "!outcome followup Scan three months after the operation.")
    await told.room(SASKIA, "!outcome agree")
    await told.room(PIOTR, "!outcome dissent")
    await told.room(PIOTR, "!outcome dissent 1 Pressure has not been measured yet.")
    await hide_codes(chat, told)
    await told.room(ANDERS, "!outcome sign")
    code = await hide_codes(chat, told)
    await told.room(SASKIA, "!sign")
    await told.room(SASKIA, f"!sign {code}")
    await told.room(PIOTR, f"!sign {code}")
    proved(chat, told)
    await told.room(ANDERS, "!outcome show")
    told.matches("outcome-signed", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_outcome_is_written_as_a_template(chat: Chat, language: str, rewrite: bool) -> None:
    told = begin(chat, language)
    await told.room(ANDERS, "!outcome template")
    await told.room(ANDERS, "!outcome draft")
    await told.room(ANDERS, "!outcome template")
    template, sheet = chat.last.text if language == "en" else chat.last.danish, chat.last.event_id
    told.hidden[stamp((await chat.case()).outcome())] = "5c1de7a0"
    lines = {
        "[recommendation-1]": " Operate before nine months. strength=strong evidence=low owner=mette.holm due=soon",
        "[trials]": " None that fits.",
        "[follow-up]": " Scan three months after the operation.",
    }
    filled = "\n".join(line + lines.get(line.split(" ")[0], "") for line in template.split("\n"))
    await told.room(ANDERS, filled, replies_to=sheet)
    await told.room(ANDERS, filled.replace("due=soon", "due=4 weeks"), replies_to=sheet)
    await told.room(ANDERS, filled.replace("due=soon", "due=4 weeks"), replies_to=sheet)
    told.matches("outcome-template", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_dissent_without_names(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome recommend Operate before nine months.")
    told = begin(chat, language)
    await told.room(ANDERS, "!outcome names off")
    await told.room(PIOTR, "!outcome dissent Pressure has not been measured yet.")
    await told.direct(PIOTR, "!outcome dissent Pressure has not been measured yet.")
    await told.direct(SASKIA, "!outcome agree")
    await told.room(ANDERS, "!outcome show")
    await hide_codes(chat, told)
    await told.room(ANDERS, "!outcome sign")
    await told.room(ANDERS, "!outcome close")
    await told.room(ANDERS, "!outcome close confirm")
    told.matches("outcome-unnamed", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_signed_outcome_is_amended(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome recommend Operate before nine months.")
    told = begin(chat, language)
    await hide_codes(chat, told)
    await told.room(ANDERS, "!outcome sign")
    await told.room(ANDERS, "!outcome recommend 1 Operate at once.")
    await told.room(ANDERS, "!outcome amend The new scan shows raised pressure.")
    await told.room(ANDERS, "!outcome recommend 1 Operate at once.")
    await told.room(SASKIA, "!outcome agree")
    await told.room(ANDERS, "!outcome sign")
    digest = (await chat.case()).outcome().digest()
    told.hidden |= {digest: "<digest>", short(digest): "81b0d7f4"}
    await told.room(SASKIA, f"!sign {short(digest)}")
    proved(chat, told)
    await told.room(METTE, "!outcome show")
    await told.room(SASKIA, "!outcome show")
    await told.room(SASKIA, "!outcome export pdf 2")
    told.matches("outcome-amended", rewrite=rewrite)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_became_of_the_patient(chat: Chat, language: str, rewrite: bool) -> None:
    await chat.here(ANDERS, "!outcome draft")
    await chat.here(ANDERS, "!outcome recommend Operate before nine months.")
    await chat.here(ANDERS, "!outcome sign")
    told = begin(chat, language)
    chat.later(days=92)

    async def turn() -> None:
        await Calendar(chat.store, chat.office, clock=lambda: chat.now, wake_sender=lambda: None, breath=0).turn()
        await chat.deliver()

    await told.waits(turn, "three months later")
    question = next(answer for answer in reversed(chat.answers()) if answer.message.choices)
    await told.room(ANDERS, "2", replies_to=question.event_id)
    for text in ("3", "2", "Operated in May, well since.", "yes"):
        await told.room(ANDERS, text, thread=question.event_id)
    told.matches("outcome-follow-up", rewrite=rewrite)
