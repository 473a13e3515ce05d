"""Consent in one line, and its withdrawal, down to what is stopped on its way."""

from __future__ import annotations

from datetime import date

import pytest

from ernbot.commands.effects import (
    Access,
    Announce,
    Card,
    Invite,
    Message,
    OpenDirectChat,
    PassOn,
    Redact,
    Remove,
    ShowFile,
)
from ernbot.core.consent import Purpose, Signer

from .chat import ANDERS, CONSENT, METTE, OPINION, PIOTR, SASKIA, Chat
from .test_files import attach, face, scan

USAGE = "Type it like this: `!consent give <purposes …> form=… lang=… signer=… signed=…`"
GIVE = "!consent give care form=2.1 lang=da signer=parent signed="


DATES = [
    ("2026-03-04", date(2026, 3, 4)),
    ("4.3.2026", date(2026, 3, 4)),
    ("04/03/2026", date(2026, 3, 4)),
    ("2026-03-05", date(2026, 3, 5)),
    ("29.2.2024", date(2024, 2, 29)),
    ("6.3.2011", date(2011, 3, 6)),
]


async def test_dates_are_day_first(chat: Chat) -> None:
    for text, signed in DATES:
        await chat.draft()
        await chat.here(ANDERS, GIVE + text)
        entry = (await chat.case()).consent.last(Purpose.CARE, chat.now)
        assert entry is not None
        assert entry.paper is not None
        assert entry.paper.signed_on == signed


MISTAKES = [
    (GIVE + "2026-03-06", "6 March 2026 lies in the future. When was the form signed?"),
    (GIVE + "5.3.2011", "A form signed on 5 March 2011 is older than 15 years. Consent has to be renewed."),
    (GIVE + "29.2.2025", "“29.2.2025” is no date. Write it like `2026-03-31`, or day first like `31.3.2026`."),
    (GIVE + "3/31/2026", "“3/31/2026” is no date. Write it like `2026-03-31`, or day first like `31.3.2026`."),
    (GIVE + "yesterday", "“yesterday” is no date. Write it like `2026-03-31`, or day first like `31.3.2026`."),
    (GIVE + "", "Still missing: signed."),
    ("!consent give care form=2.1", "Still missing: lang, signer, signed."),
    ("!consent give care", ""),
    ("!consent give", ""),
    ("!consent give form=2.1 lang=da signer=parent signed=2026-03-01", ""),
    (
        CONSENT.replace("care", "cure"),
        "purposes takes one or more, with commas between, of: care, registry, contact, images.",
    ),
    (CONSENT.replace("=parent", "=mother"), "signer takes one of: patient, parent, guardian."),
    (CONSENT.replace("lang=da", "lang=Danish!"), "A language is a code such as `en` or `da`."),
    (
        CONSENT.replace("form=2.1", "form=two and a half"),
        "A form version is up to 32 letters, digits, dots and dashes, for example `2.1`.",
    ),
    (CONSENT + " form=3", "`form` is there twice. Give it once."),
    (CONSENT + " date=1", "The form has no field date. Its fields are: form, lang, signer, signed."),
]


async def test_what_is_wrong_is_said_and_not_recorded(chat: Chat) -> None:
    await chat.draft()
    for line, answer in MISTAKES:
        async with chat.nothing_changes():
            assert await chat.here(ANDERS, line) == "\n\n".join(filter(None, [answer, USAGE]))


@pytest.mark.parametrize("purposes", ["care,registry", "care, registry", "registry care", "1;2", "Care , REGISTRY ,"])
async def test_several_consents_on_one_paper(chat: Chat, purposes: str) -> None:
    await chat.draft()
    answer = await chat.here(ANDERS, f'!CONSENT  Give {purposes}   FORM="2.1"  lang=DA signer=Parent signed=1.3.2026')
    for purpose in ("care", "registry"):
        assert f"Consent: {purpose}: given on 1 March 2026 by parent, form 2.1" in answer
    case = await chat.case()
    assert {purpose for purpose in Purpose if case.consent.covers(purpose, chat.now)} == {
        Purpose.CARE,
        Purpose.REGISTRY,
    }
    assert {(entry.paper.language, entry.paper.signer) for entry in case.consent.entries if entry.paper} == {
        ("da", Signer.PARENT)
    }
    assert case.state.kind == "open"


async def test_other_consents_do_not_open_the_case(chat: Chat) -> None:
    await chat.draft()
    answer = await chat.here(ANDERS, CONSENT.replace("care", "registry,images"))
    assert answer.endswith("Care is not covered yet, so nobody else can come in.")
    assert chat.effects(Access) == []
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!panel invite saskia.devries") == (
            "This needs the patient’s consent to care first. Record it with `!consent give`."
        )
    assert (ANDERS, "invite", "consent-needed") in await chat.audit()


async def test_only_the_requester_records_and_withdraws(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert await chat.here(SASKIA, CONSENT) == "Your part in this case does not let you record consent."
        assert await chat.here(SASKIA, "!consent") == "Your part in this case does not let you record consent."
        assert await chat.here(SASKIA, "!consent withdraw care") == (
            "Your part in this case does not let you withdraw consent."
        )
        assert await chat.here(METTE, "!consent withdraw care") == "There is no case here that you take part in."
        assert (await chat.alone(ANDERS, CONSENT)).startswith("This works in the room of a case only.")
    audit = await chat.audit()
    assert (SASKIA, "withdraw-consent", "not-yours") in audit
    assert (METTE, "withdraw-consent", "no-case") in audit


async def test_one_consent_of_several_is_withdrawn(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, CONSENT.replace("care", "care,registry,contact"))
    await chat.here(ANDERS, "!panel invite saskia.devries")
    assert await chat.here(ANDERS, "!consent withdraw registry") == (
        "Consent to registry is withdrawn from now on.\n\nThe case itself goes on."
    )
    case = await chat.case()
    assert (case.state.kind, case.panel) == ("assessing", (SASKIA,))
    assert not case.consent.covers(Purpose.REGISTRY, chat.now)
    assert case.consent.covers(Purpose.CARE, chat.now)
    assert (chat.new_effects(Remove), chat.new_effects(Access)) == ([], [])
    assert "Consent: registry: withdrawn on 5 March 2026" in chat.card
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!consent withdraw registry") == "There is no consent to withdraw: registry."
        assert await chat.here(ANDERS, "!consent withdraw contact, registry") == (
            "There is no consent to withdraw: registry."
        )
        assert await chat.here(ANDERS, "!consent withdraw") == (
            "Type it like this: `!consent withdraw <care, registry, contact or images>`"
        )
        assert await chat.here(ANDERS, "!consent withdraw everything") == (
            "purposes takes one or more, with commas between, of: care, registry, contact, images.\n\n"
            "Type it like this: `!consent withdraw <care, registry, contact or images>`"
        )


async def test_all_consents_that_are_named_are_withdrawn(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, CONSENT.replace("care", "care,registry,contact"))
    answer = await chat.here(ANDERS, "!consent withdraw care, registry")
    assert "Nobody else was in the room, and it is closed." in answer
    case = await chat.case()
    assert case.state.kind == "withdrawn"
    assert [purpose for purpose in Purpose if case.consent.covers(purpose, chat.now)] == [Purpose.CONTACT]


async def test_withdrawal_of_care_stops_what_is_on_its_way(chat: Chat) -> None:
    await chat.assessing()
    chat.delivers = False
    await chat.say(SASKIA, OPINION, room=chat.room)
    await chat.say(ANDERS, "!opinion show", room=chat.room)
    await chat.say(PIOTR, "!opinion", room=chat.room)
    before = len(chat.done)
    await chat.say(ANDERS, "!consent withdraw care", room=chat.room)
    chat.delivers = True
    await chat.deliver()
    effects = [done.effect for done in chat.done[before:]]
    assert [effect.kind for effect in effects if effect.kind != "message"] == [
        "access",
        "direct-chat",
        "direct-chat",
        "remove",
        "remove",
        "card",
    ]
    said = chat.answers(before)
    assert {answer.reader for answer in said} == {ANDERS, METTE, PIOTR}, "Piotr was giving an opinion"
    assert all("ORPHA" not in answer.text and "diagnosis" not in answer.text for answer in said)
    (closing,) = [effect for effect in effects if isinstance(effect, Access)]
    assert (closing.open, closing.closed, closing.admitted) == (False, True, (ANDERS,))
    async with chat.store.transaction() as tx:
        assert await tx.dialogue(chat.room, PIOTR) is None


async def test_after_withdrawal_nothing_is_processed(chat: Chat) -> None:
    await chat.withdrawn()
    async with chat.nothing_changes():
        for line in (CONSENT, "!consent", "!consent withdraw care", "!panel invite piotr.zielinski", "!outcome draft"):
            assert await chat.here(ANDERS, line) == (
                "Consent was withdrawn. Nothing in this case is processed any more."
            )
        assert await chat.here(SASKIA, OPINION) == "There is no case here that you take part in."
    assert await chat.arrive(SASKIA) == []
    (card,) = await chat.arrive(ANDERS)
    assert isinstance(card, Card)
    assert "Operate" not in repr(card)


async def test_the_coordinator_is_told_once_and_only_what_they_need(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite mette.holm")
    await chat.here(ANDERS, "!consent withdraw care")
    (to_mette,) = chat.told(METTE)
    nickname = (await chat.case()).nickname
    assert to_mette.text == (
        f"Consent to care was withdrawn for {nickname}. One expert was removed, and the room is closed.\n\n"
        "Removed: Mette Holm\n\n"
        "Nothing in this case is processed any more, and what was on its way was stopped.\n\n"
        "What members have already read or saved on their devices cannot be recalled.\n\n"
        "Requester and lead: Anders Kjær\n\n"
        "I tell you this as coordinator of ERN CRANIO. There is nothing that you must do."
    )
    assert chat.new_effects(Invite) == []


async def test_a_coordinator_who_withdraws_in_their_own_case_is_told_there(chat: Chat) -> None:
    await chat.alone(METTE, "!case new ern-cranio Why?")
    await chat.here(METTE, CONSENT)
    await chat.here(METTE, "!consent withdraw care")
    assert chat.effects(OpenDirectChat) == []
    assert [message.reader for message in chat.effects(Message)][-1] == METTE


async def test_without_consent_to_images_photographs_leave_the_room(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, CONSENT.replace("care", "care,images"))
    original = await attach(chat, ANDERS, face())
    await attach(chat, ANDERS, scan())
    await chat.here(ANDERS, "!panel invite saskia.devries")
    await chat.arrive(SASKIA)
    shown = {
        done.event_id
        for done in chat.done
        if (isinstance(done.effect, ShowFile | PassOn) and done.effect.file_id == original)
        or isinstance(done.effect, Announce)
    }
    assert len(shown) == 5, "a line and a preview for those who were there, and both with the file for whoever came"
    assert await chat.here(ANDERS, "!consent withdraw images") == (
        "Consent to identifiable images is withdrawn from now on.\n\n"
        "I have taken one photograph out of the room. What members have already seen or saved cannot be recalled.\n\n"
        "The case itself goes on."
    )
    assert {effect.event_id for effect in chat.new_effects(Redact)} == {original, *shown}
    late = await chat.arrive(SASKIA)
    assert [effect.kind for effect in late] == ["card", "original", "file"], (
        "the scan alone is shown to whoever comes later"
    )


async def test_withdrawal_without_photographs_says_so(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, CONSENT.replace("care", "care,images"))
    assert "There were no photographs in the room." in await chat.here(ANDERS, "!consent withdraw images")
