"""The whole story as a conversation: what each person types, and what they read."""

from __future__ import annotations

from ernbot.commands.effects import Access, Card, CreateCaseRoom, Invite, OpenDirectChat, Remove, SendOutcome
from ernbot.core.consent import Purpose
from ernbot.core.signature import short
from ernbot.core.states import Closed, Withdrawn
from ernbot.storage.audit import verify_audit

from .chat import ANDERS, CONSENT, METTE, OPINION, PIOTR, QUESTION, SASKIA, Chat


async def test_a_case_from_its_question_to_its_outcome(chat: Chat) -> None:
    assert await chat.greet(ANDERS) == (
        "Hello Anders Kjær. Here you bring a rare case to the experts of your network. What you can do here:\n\n"
        "- `!help [<word>]` list what you can do here\n"
        "- `!tour [<page>]` see in five short pages what a case is\n"
        "- `!case new <network> <question …> [why=…] [new=…] [due=…] [urgent=yes]` open a case with one clear "
        "question; alone, it asks you for all of it\n"
        "- `!question new <network> <question …>` ask a general question, without a patient: no consent, no files\n\n"
        "Your networks:\n\n"
        "- `ern-cranio` ERN CRANIO\n\n"
        "Never write here who a patient is: no name, no birth date, no national number."
    )

    answer = await chat.alone(ANDERS, f"!case new ern-cranio {QUESTION}")
    case = await chat.case()
    assert answer == (
        f"Your case {case.nickname} has a room of its own, and you are invited to it. "
        "Go on there: first with the consent, `!consent`."
    )
    assert chat.effects(CreateCaseRoom) == [CreateCaseRoom(case.nickname, "ern-cranio", ANDERS)]
    (shown,) = await chat.arrive(ANDERS)
    assert isinstance(shown, Card)
    assert shown.fresh
    assert chat.card == (
        f"{case.nickname}\n\n"
        "Who must act: Anders Kjær\n\n"
        "Question\n\n"
        f"> {QUESTION}\n\n"
        "Next step: Record the patient’s consent with `!consent`. Nobody else can come in before.\n"
        "State: waiting for consent\n"
        "Network: ERN CRANIO\n"
        "Requester and lead: Anders Kjær\n"
        "Consent: care: not recorded\n"
        "Consent: registry: not recorded\n"
        "Consent: contact for research: not recorded\n"
        "Consent: identifiable images: not recorded"
    )

    assert await chat.here(ANDERS, CONSENT) == (
        "Recorded. The paper stays with you at the hospital.\n\n"
        "Consent: care: given on 1 March 2026 by parent, form 2.1\n\n"
        "Care is covered: you can drop files here and bring experts in with `!panel invite`."
    )
    assert chat.new_effects(Access) == [Access(ANDERS, (ANDERS,), open=True)]
    assert "Next step: Drop scans and photographs here" in chat.card

    assert await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski") == (
        "Invited:\n\n"
        "- Saskia de Vries, Zonneveer Children's Hospital (NL)\n"
        "- Piotr Zieliński, Jasny Bór Clinical Hospital (PL)"
    )
    assert chat.new_effects(Access) == [Access(ANDERS, (ANDERS, SASKIA, PIOTR), open=True)]
    assert chat.new_effects(Invite) == [Invite(SASKIA), Invite(PIOTR)]
    order = [done.effect.kind for done in chat.done if done.lane.startswith("case:")][-5:]
    assert order == ["access", "invite", "invite", "card", "message"], "the homeserver is told before anybody comes"
    assert "Who must act: Saskia de Vries, Piotr Zieliński" in chat.card
    await chat.arrive(SASKIA)
    assert chat.effects(Card)[-1].fresh

    assert await chat.here(SASKIA, OPINION) == (
        "Your opinion is recorded. Give it again with `!opinion` to revise it; every version is kept.\n\n"
        "Most likely diagnosis: ORPHA:2343\n"
        "Recommended next step: Surgery\n"
        "Confidence, from 1 (low) to 5 (high): 4"
    )
    assert "Saskia de Vries: has given an opinion\nPiotr Zieliński: asked\n" in chat.card
    assert "\nWho must act: Piotr Zieliński\n" in chat.card
    await chat.here(PIOTR, "!opinion diagnosis=ORPHA:2343 recommendation=watch confidence=3 remarks=Too early, I think")
    assert "Next step: All opinions are in: gather them with `!outcome draft`." in chat.card
    assert await chat.here(ANDERS, "!opinion show") == (
        "Saskia de Vries, version 1, 5 March 2026, 12:00 UTC\n\n"
        "Most likely diagnosis: ORPHA:2343\n"
        "Recommended next step: Surgery\n"
        "Confidence, from 1 (low) to 5 (high): 4\n\n"
        "Piotr Zieliński, version 1, 5 March 2026, 12:00 UTC\n\n"
        "Most likely diagnosis: ORPHA:2343\n"
        "Recommended next step: Watchful waiting\n"
        "Confidence, from 1 (low) to 5 (high): 3\n"
        "Reasons and remarks: Too early, I think"
    )

    assert await chat.here(ANDERS, "!outcome draft") == (
        "Outcome, version 1\n\n"
        "No recommendation yet.\n\n"
        "Alternatives: Surgery (1/2)\n  Watchful waiting (1/2)\n\n"
        "2 opinions were gathered.\n\n"
        "Next, the lead writes the recommendation with `!outcome recommend …`, or fills in all of it with "
        "`!outcome template`."
    )
    await chat.here(ANDERS, "!outcome evidence Two series of 40 children.")
    await chat.here(ANDERS, "!outcome followup CT at twelve months.")
    assert await chat.here(ANDERS, "!outcome recommend Operate before nine months.\nTwo surgeons.") == (
        "Outcome, version 4\n\n"
        "Recommendation 1 · conditional\n\n"
        "> Operate before nine months.\n> Two surgeons.\n\n"
        "Alternatives: Surgery (1/2)\n  Watchful waiting (1/2)\n"
        "Evidence: Two series of 40 children.\n"
        "Follow-up: CT at twelve months.\n"
        "Not voted: Saskia de Vries, Piotr Zieliński\n\n"
        "2 opinions were gathered.\n\n"
        "Panel: please say `!outcome agree` or `!outcome dissent …`. The lead signs with `!outcome sign`."
    )
    assert await chat.here(SASKIA, "!outcome agree") == "Recorded: you agree with version 4."
    assert await chat.here(PIOTR, "!outcome dissent I would wait for the MRI.") == (
        "Recorded: you dissent from version 4. Your reason stands in the outcome."
    )
    assert "\nWho must act: Anders Kjær\n" in chat.card
    assert "Next step: Everybody has voted: sign with `!outcome sign`." in chat.card
    assert "Agrees: Saskia de Vries\nDissents: Piotr Zieliński: I would wait for the MRI." in await chat.here(
        SASKIA, "!outcome show"
    )

    start = short((await chat.case()).outcome().digest())
    assert await chat.here(ANDERS, "!outcome sign") == (
        "Signed. Version 4 still needs the signature of Saskia de Vries, Piotr Zieliński.\n\n"
        f"To sign, read it with `!outcome show`, then type `!sign {start}`. "
        "Signing says that it is recorded as the panel reached it, dissent included."
    )
    assert "Signed. Version 4 still needs the signature of Piotr" in await chat.here(SASKIA, f"!sign {start}")
    assert await chat.here(PIOTR, f"!sign {start}") == (
        f"Signed. {case.nickname} is closed. The outcome follows as a document; the treating clinician decides."
    )
    case = await chat.case()
    assert isinstance(case.state, Closed)
    assert chat.new_effects(SendOutcome) == [SendOutcome(case.outcome(), case.nickname, "ern-cranio", ANDERS)]
    assert "State: closed" in chat.card
    assert "Who must act: nobody" in chat.card

    answer = await chat.here(ANDERS, "!consent withdraw care")
    assert answer == (
        f"Consent to care was withdrawn for {case.nickname}. 2 experts were removed, and the room is closed.\n\n"
        "Removed: Saskia de Vries, Piotr Zieliński\n\n"
        "Nothing in this case is processed any more, and what was on its way was stopped.\n\n"
        "What members have already read or saved on their devices cannot be recalled.\n\n"
        "Please tell the patient so."
    )
    assert chat.new_effects(Access) == [Access(ANDERS, (ANDERS,), open=False, closed=True)]
    assert chat.new_effects(Remove) == [Remove(SASKIA), Remove(PIOTR)]
    assert chat.new_effects(OpenDirectChat) == [OpenDirectChat(METTE)]
    case = await chat.case()
    assert isinstance(case.state, Withdrawn)
    assert not case.consent.covers(Purpose.CARE, chat.now)
    assert QUESTION not in chat.card

    assert [row for row in await chat.audit() if row[1] != "answer-invitation"] == [
        (ANDERS, "create", "allowed"),
        *[(ANDERS, "give-consent", "allowed")] * 2,
        (ANDERS, "give-consent", "consent-given"),
        (ANDERS, "invite", "allowed"),
        (SASKIA, "give-opinion", "allowed"),
        (SASKIA, "give-opinion", "opinion-recorded"),
        (PIOTR, "give-opinion", "allowed"),
        (PIOTR, "give-opinion", "opinion-recorded"),
        (ANDERS, "read-opinions", "allowed"),
        (ANDERS, "draft-outcome", "allowed"),
        *[(ANDERS, "write-outcome", "allowed")] * 3,
        (SASKIA, "vote", "allowed"),
        (SASKIA, "vote", "agrees"),
        (PIOTR, "vote", "allowed"),
        (PIOTR, "vote", "dissents"),
        (SASKIA, "read-outcome", "allowed"),
        (ANDERS, "send-to-signing", "allowed"),
        (ANDERS, "sign", "signed"),
        *[(SASKIA, "sign", "allowed"), (SASKIA, "sign", "signed")],
        *[(PIOTR, "sign", "allowed"), (PIOTR, "sign", "signed")],
        (ANDERS, "withdraw-consent", "allowed"),
        (ANDERS, "withdraw-consent", "consent-withdrawn"),
    ]
    assert (await verify_audit(chat.store)).intact


async def test_the_story_reads_well_in_danish(chat: Chat) -> None:
    """Every answer of the story has its Danish words: nothing is left in English but names and codes."""
    await chat.alone(ANDERS, "!language DA")
    assert chat.last.danish == "Fra nu af taler jeg dansk til dig."
    async with chat.store.transaction() as tx:
        assert await tx.language(ANDERS) == "da"
    await chat.drafting()
    await chat.here(ANDERS, "!opinion show")
    assert chat.last.danish.startswith(
        "Saskia de Vries, version 1, 5. marts 2026 kl. 12.00 UTC\n\n"
        "Mest sandsynlige diagnose: ORPHA:2343\n"
        "Anbefalet næste skridt: Operation\n"
    )
    await chat.here(ANDERS, "!consent withdraw care")
    notice = next(answer for answer in chat.answers() if answer.reader == METTE)
    assert notice.danish.endswith(
        "Rekvirent og leder: Anders Kjær\n\n"
        "Jeg fortæller dig det som koordinator for ERN CRANIO. Du behøver ikke gøre noget."
    )
