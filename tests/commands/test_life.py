"""What becomes of a case beside the straight way: due dates, other leads, other networks, assistants, the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from ernbot.commands.effects import Access, CreateCaseRoom, FileInSpace, Invite, Leave, Remove
from ernbot.core.case import Case
from ernbot.core.directory import Directory, Network, Person, Role
from ernbot.core.states import About
from ernbot.core.triage import Verdict
from ernbot.storage.store import Store
from ernbot.storage.tables import audit, case_files, cases

from .chat import ANDERS, BRAM, CONSENT, DIRECTORY, FREJA, KASPER, METTE, OPINION, PIOTR, QUESTION, SASKIA, SIGNE, Chat

SERVER = ANDERS.partition(":")[2]
MARIA = f"@maria.lund:{SERVER}"
"""The assistant of Anders Kjær: a secretary of the same hospital."""

IDA = f"@ida.bruun:{SERVER}"
"""A clinician of the other network."""

LEOPOLD = f"@leopold.haas:{SERVER}"
"""The coordinator of the other network."""

JENS = f"@jens.bach:{SERVER}"
"""A colleague of Anders Kjær at the same hospital."""

DORTE = f"@dorte.friis:{SERVER}"
"""A dispatcher of ERN CRANIO."""


def staffed(*, triage: bool = False, leaves: tuple[str, ...] = ()) -> Directory:
    """The example directory with an assistant, a dispatcher and a colleague more, and without who has left."""
    more = (
        Person(MARIA, "Maria Lund", "strandmark", Role.ASSISTANT, assists=(ANDERS,)),
        Person(JENS, "Jens Bach", "strandmark"),
        Person(DORTE, "Dorte Friis", "havblik", Role.DISPATCHER),
    )

    def changed(network: Network) -> Network:
        people = (*network.people, *(more if network.id == "ern-cranio" else ()))
        staying = tuple(person for person in people if person.user_id not in leaves)
        return replace(network, people=staying, triage=triage and network.id == "ern-cranio")

    return Directory(tuple(map(changed, DIRECTORY.networks)))


async def number(chat: Chat) -> str:
    """What the latest case is called for short."""
    return (await case(chat)).nickname.split()[-1]


async def case(chat: Chat) -> Case:
    return await chat.case()


# --- by when, how urgent, why


async def test_a_due_date_stands_on_the_card_and_is_seen_to_pass(chat: Chat) -> None:
    await chat.assessing()
    assert await chat.here(ANDERS, "!case due 2 weeks") == "The case is due on 19 March 2026. It stands on the card."
    assert "Who must act: Piotr Zieliński\nBy: 19 March 2026\n" in chat.card
    chat.later(days=15)
    assert "By: 19 March 2026, which has passed\n" in await chat.here(PIOTR, "!case show")
    assert await chat.here(ANDERS, "!case due none") == "The case has no due date."
    assert "\nBy:" not in chat.card


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("2026-03-04", "4 March 2026 has passed. Choose a day to come."),
        ("2028-01-01", "1 January 2028 is more than 365 days away. Choose an earlier day."),
        ("soon", "“soon” is no day that I understand. Write it like `2026-03-31`, `31.3.` or `2 weeks`."),
        ("31.2.", "“31.2.” is no day that I understand. Write it like `2026-03-31`, `31.3.` or `2 weeks`."),
    ],
)
async def test_what_is_no_day_to_come_is_refused(chat: Chat, typed: str, answer: str) -> None:
    await chat.opened()
    async with chat.nothing_changes():
        assert (await chat.here(ANDERS, f"!case due {typed}")).startswith(answer)
        assert (await chat.here(ANDERS, "!case due")).startswith("Type it like this")


async def test_only_the_lead_says_by_when(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert (
            await chat.here(SASKIA, "!case due 2 weeks") == "Your part in this case does not let you set the due date."
        )


async def test_an_urgent_case_says_so_and_tells_those_who_must_act(chat: Chat) -> None:
    await chat.assessing()
    assert await chat.here(ANDERS, "!case urgent") == (
        "Marked as urgent. Those who must act have been told so.\n\nBy when? Say it with `!case due …`."
    )
    assert chat.card.splitlines()[2] == "Urgent"
    (told,) = chat.told(PIOTR)
    assert told.text == f"The case {(await case(chat)).nickname} is urgent and waits for you. Please open its room."
    assert chat.told(SASKIA) == [], "she has answered"
    await chat.here(ANDERS, "!case urgent")
    assert len(chat.told(PIOTR)) == 1
    assert await chat.here(ANDERS, "!case urgent off") == "The case is no longer urgent."
    assert "Urgent" not in chat.card


async def test_why_and_what_is_new_are_told_with_the_question_or_later(chat: Chat) -> None:
    line = f"!case new ern-cranio {QUESTION} why=Second opinion, parents doubt new=Papilloedema urgent=yes due=10 days"
    await chat.alone(ANDERS, line)
    await chat.arrive(ANDERS)
    assert "Why it is presented\n\n> Second opinion, parents doubt\n\nWhat is new\n\n> Papilloedema" in chat.card
    assert chat.card.splitlines()[2:6] == ["Urgent", "", "Who must act: Anders Kjær", "By: 15 March 2026"]
    assert (await case(chat)).question == QUESTION
    assert await chat.here(ANDERS, "!case news None since May") == "Noted. It stands on the card."
    assert "> None since May" in chat.card
    await chat.here(ANDERS, CONSENT)
    assert "Next step: Bring people in with `!panel invite`; `!panel suggest` says whom." in chat.card


async def test_whoever_does_not_say_why_is_asked_and_not_held_up(chat: Chat) -> None:
    await chat.opened()
    assert "say why you present the case with `!case why …`" in chat.card
    assert (await chat.here(ANDERS, "!panel invite saskia.devries")).startswith("Invited")


# --- a question without a patient


async def test_a_general_question_needs_no_consent_and_takes_no_files(chat: Chat) -> None:
    answer = await chat.alone(ANDERS, "!question new ern-cranio Which age for helmets?")
    found = await case(chat)
    assert answer.startswith(f"Your question {found.nickname} is open.")
    assert (found.about, found.state.kind) == (About.QUESTION, "open")
    assert chat.effects(Access)[-1] == Access(ANDERS, (ANDERS,), open=True)
    assert await chat.here(ANDERS, CONSENT) == (
        "This is a general question without a patient, so there is no consent to record. "
        "Open a case for a patient with `!case new`."
    )
    await chat.here(ANDERS, "!panel invite signe.thomsen bram.visser")
    assert (await case(chat)).panel == (SIGNE, BRAM)
    assert (await chat.here(SIGNE, OPINION)).startswith("Your opinion is recorded.")
    assert "A general question, without a patient: no files and no consent." in chat.card
    assert "Consent" not in chat.card


async def test_everybody_of_a_network_may_ask_a_general_question(chat: Chat) -> None:
    assert (await chat.alone(SIGNE, "!question new ern-cranio What do families ask?")).startswith("Your question")
    assert (await chat.alone(KASPER, "!question new ern-cranio Why?")).startswith("You belong to no network")


# --- who leads


async def test_the_lead_is_handed_over_once_it_is_accepted(chat: Chat) -> None:
    await chat.assessing()
    assert await chat.here(ANDERS, "!case handover Freja Lund") == (
        "Freja Lund was asked to lead this case and answers with `!lead accept` or `!lead decline`. "
        "Until then nothing changes."
    )
    assert chat.new_effects(Invite) == [Invite(FREJA)]
    assert QUESTION not in chat.told(FREJA)[0].text
    assert (await case(chat)).lead == ANDERS
    assert await chat.here(FREJA, "!opinion show") == "Your part in this case does not let you read the opinions."
    assert await chat.here(FREJA, "!lead accept") == (
        "Freja Lund leads this case now. Anders Kjær stays in the panel.\n\n"
        "Consent stays with Anders Kjær, whose hospital holds the form."
    )
    changed = await case(chat)
    assert (changed.lead, changed.requester, changed.panel) == (FREJA, ANDERS, (SASKIA, PIOTR, ANDERS))
    assert "Brought by: Anders Kjær\nLead: Freja Lund\n" in chat.card
    assert (await chat.here(FREJA, "!case due 3 weeks")).startswith("The case is due")
    assert await chat.here(ANDERS, "!case due 3 weeks") == "Your part in this case does not let you set the due date."
    assert (await chat.here(ANDERS, OPINION)).startswith("Your opinion is recorded.")
    assert (await chat.here(FREJA, "!consent")).startswith("Your part in this case")


async def test_the_lead_may_stay_where_it_is(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(ANDERS, "!case handover freja.lund")
    await chat.say(FREJA, "!lead decline I am away.", room=chat.room)
    assert chat.texts()[-1] == (
        "Freja Lund does not take the lead. Nothing has changed; `!case handover` asks somebody else.\n\n> I am away."
    )
    assert chat.new_effects(Remove) == [Remove(FREJA)]
    assert (await case(chat)).offer is None
    assert await chat.here(FREJA, "!lead accept") == "There is no case here that you take part in."


async def test_an_offer_to_somebody_else_takes_the_first_one_back(chat: Chat) -> None:
    await chat.assessing()
    await chat.here(ANDERS, "!case handover freja.lund")
    await chat.here(ANDERS, "!case handover saskia.devries")
    assert chat.new_effects(Remove) == [Remove(FREJA)]
    assert await chat.here(FREJA, "!lead accept") == "There is no case here that you take part in."
    await chat.here(SASKIA, "!lead accept")
    assert (await case(chat)).panel == (PIOTR, ANDERS)


async def test_a_colleague_of_the_same_hospital_gets_the_consent_as_well(chat: Chat) -> None:
    chat.directory = staffed()
    await chat.assessing()
    await chat.here(ANDERS, "!case handover jens.bach")
    assert (await chat.here(JENS, "!lead accept")).endswith("so Jens Bach looks after the consent from now on.")
    assert (await case(chat)).requester == JENS
    assert (await chat.here(JENS, CONSENT.replace("care", "images"))).startswith("Recorded.")
    async with chat.store.transaction() as tx:
        (place,) = await tx.places(requester=JENS)
    assert place.room_id == chat.room


@pytest.mark.parametrize(
    ("who", "answer"),
    [
        ("anders.kjaer", "You lead this panel already and need no invitation."),
        ("bram.visser", "Bram Visser (Institute for Suture Biology) does not see patients"),
        ("somebody", "Whom do you mean? Write the name of one person of ERN CRANIO."),
        ("@kasper.friis:hospital.example", "ERN CRANIO does not list @kasper.friis:hospital.example."),
        ("saskia.devries piotr.zielinski", "Whom do you mean?"),
    ],
)
async def test_only_a_clinician_of_the_network_can_be_offered_the_lead(chat: Chat, who: str, answer: str) -> None:
    await chat.opened()
    async with chat.nothing_changes():
        assert (await chat.here(ANDERS, f"!case handover {who}")).startswith(answer)


async def test_the_coordinator_takes_over_two_weeks_after_the_due_date(chat: Chat) -> None:
    await chat.assessing()
    name = await number(chat)
    assert (await chat.alone(METTE, f"!case takeover {name}")).startswith(
        "Anders Kjær leads this case, and no due date"
    )
    await chat.here(ANDERS, "!case due 1 week")
    chat.later(days=20)
    assert await chat.alone(METTE, f"!case takeover {name}") == (
        "Anders Kjær leads this case, and it is due on 12 March 2026. You can take it over 14 days after that."
    )
    chat.later(days=1)
    nickname = (await case(chat)).nickname
    assert await chat.alone(METTE, f"!case takeover {nickname}") == (
        f"You lead {nickname} now. Its room is among your invitations."
    )
    assert chat.new_effects(Invite) == [Invite(METTE)]
    changed = await case(chat)
    assert (changed.lead, changed.panel, changed.due) == (METTE, (SASKIA, PIOTR, ANDERS), None)
    assert "because it is long past its due date" in chat.told(ANDERS)[-1].text
    assert (await chat.alone(METTE, f"!case takeover {name}")).startswith("Nothing to do:")
    assert QUESTION not in "".join(answer.text for answer in chat.told(ANDERS))


async def test_the_coordinator_takes_over_at_once_from_somebody_who_has_left(chat: Chat) -> None:
    await chat.assessing()
    name = await number(chat)
    chat.directory = staffed(leaves=(ANDERS,))
    assert (await chat.alone(METTE, f"!case takeover {name}")).startswith("You lead ")
    assert chat.new_effects(Remove) == [Remove(ANDERS)]
    changed = await chat.case(METTE)
    assert (changed.lead, changed.panel) == (METTE, (SASKIA, PIOTR))
    await chat.say(METTE, "!consent withdraw care", room=chat.room)
    assert "Consent to care was withdrawn" in chat.told(METTE)[-1].text, "a withdrawal is always heard"


async def test_nobody_but_the_coordinator_of_the_network_takes_over(chat: Chat) -> None:
    await chat.assessing()
    name = await number(chat)
    for user in (FREJA, KASPER, LEOPOLD, BRAM):
        assert await chat.alone(user, f"!case takeover {name}") == (
            f"I know no case called “{name}” in which you could do this."
        )
    assert await chat.alone(SASKIA, f"!case takeover {name}") == (
        "Your part in this case does not let you take the case over."
    )
    assert (await chat.alone(METTE, "!case takeover that one")).startswith("Which case?")


# --- assistants


async def test_an_assistant_opens_a_case_for_a_clinician_and_both_names_stand_everywhere(chat: Chat) -> None:
    chat.directory = staffed()
    answer = await chat.alone(MARIA, f"!case new ern-cranio {QUESTION}")
    assert answer.startswith("Maria Lund for Anders Kjær:\n\nYour case ")
    (created,) = chat.effects(CreateCaseRoom)
    assert created.requester == ANDERS
    assert chat.effects(Access)[-1] == Access(ANDERS, (ANDERS, MARIA), open=False, assistants=(MARIA,))
    assert chat.effects(Invite) == [Invite(MARIA)]
    assert (await chat.here(MARIA, CONSENT)).startswith("Maria Lund for Anders Kjær:\n\nRecorded.")
    assert "Requester and lead: Maria Lund for Anders Kjær" in chat.card
    assert "Maria Lund: acts for Anders Kjær" in chat.card
    assert "given on 1 March 2026 by parent, form 2.1 (recorded by Maria Lund for Anders Kjær)" in chat.card
    async with chat.store.engine.connect() as connection:
        rows = list(await connection.execute(select(audit).where(audit.c.actor == MARIA)))
    assert rows
    assert all(f'"for": "{ANDERS}"' in row.detail.replace('":"', '": "') for row in rows if row.action != "read")
    await chat.here(MARIA, "!panel invite saskia.devries")
    assert (await case(chat)).panel == (SASKIA,)


async def test_an_assistant_gives_no_opinion_vote_or_signature(chat: Chat) -> None:
    chat.directory = staffed()
    await chat.drafting()
    registrar = f"@nurse:{SERVER}"
    more = Person(registrar, "Nina Aas", "zonneveer", Role.ASSISTANT, assists=(SASKIA,))
    first, *others = [network for network in chat.directory.networks if network.id == "ern-cranio"]
    chat.directory = Directory((replace(first, people=(*first.people, more)), *others))
    async with chat.nothing_changes():
        assert await chat.here(registrar, OPINION) == (
            "An assistant cannot give an opinion for somebody. Saskia de Vries has to do it."
        )
        assert (await chat.here(registrar, "!outcome agree")).startswith("An assistant cannot vote on the outcome")
        assert (await chat.here(registrar, "!opinion show")).startswith("Nina Aas for Saskia de Vries:")
        assert await chat.here(registrar, "!case due 2 weeks") == (
            "Your part in this case does not let you set the due date."
        )


async def test_assistants_come_and_go_with_those_for_whom_they_act(chat: Chat) -> None:
    chat.directory = staffed()
    await chat.opened()
    assert (await case(chat)).assistants == (MARIA,)
    await chat.here(ANDERS, "!panel invite saskia.devries freja.lund")
    await chat.here(ANDERS, "!case handover freja.lund")
    chat.directory = staffed(leaves=(MARIA,))
    await chat.here(FREJA, "!lead accept")
    assert chat.new_effects(Remove) == [Remove(MARIA)]
    assert await chat.here(MARIA, "!case show") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )


async def test_a_withdrawal_ends_the_part_of_assistants_too(chat: Chat) -> None:
    chat.directory = staffed()
    await chat.assessing()
    await chat.say(MARIA, "!consent withdraw care", room=chat.room)
    assert {effect.user_id for effect in chat.new_effects(Remove)} == {SASKIA, PIOTR, MARIA}
    assert chat.new_effects(Access) == [Access(ANDERS, (ANDERS,), open=False, closed=True)]


async def test_who_assists_several_says_for_whom(chat: Chat) -> None:
    directory = staffed()
    network = directory.network("ern-cranio")
    assert network is not None
    both = tuple(replace(p, assists=(ANDERS, JENS)) if p.user_id == MARIA else p for p in network.people)
    chat.directory = Directory((replace(network, people=both),))
    assert (await chat.alone(MARIA, f"!case new ern-cranio {QUESTION}")).startswith(
        "For whom do you open this case? Add `for=` and the name. You assist: Anders Kjær, Jens Bach"
    )
    await chat.alone(MARIA, f"!case new ern-cranio {QUESTION} for=Jens Bach")
    assert chat.effects(CreateCaseRoom)[-1].requester == JENS
    assert (await chat.alone(MARIA, f"!case new ern-cranio {QUESTION} for=Freja Lund")).startswith("For whom")


# --- requests


async def test_a_request_waits_for_a_dispatcher_who_sees_the_question_and_no_room(chat: Chat) -> None:
    chat.directory = staffed(triage=True)
    await chat.draft()
    assert "the network has been told of your request" in await chat.here(ANDERS, CONSENT)
    name = await number(chat)
    for user in (METTE, DORTE):
        (told,) = chat.told(user)
        assert told.text.startswith("A request to ERN CRANIO waits for you: ")
        assert QUESTION not in told.text
    assert "Who must act: the dispatchers of ERN CRANIO" in chat.card
    assert await chat.here(ANDERS, "!panel invite saskia.devries") == (
        "ERN CRANIO has not accepted this request yet. Experts can be invited as soon as it has."
    )
    listed = await chat.alone(DORTE, "!triage")
    assert f"{(await case(chat)).nickname}, ERN CRANIO, since 5 March 2026: waiting" in listed
    assert QUESTION not in listed
    assert QUESTION in await chat.alone(DORTE, f"!triage show {name}")
    assert await chat.here(DORTE, "!case show") == "There is no case here that you take part in."

    assert (await chat.alone(DORTE, f"!triage ask {name} How old is the child?")).startswith("Your question stands")
    assert "> How old is the child?" in chat.texts()[-2] + chat.texts()[-1]
    assert "Who must act: Anders Kjær" in chat.card
    assert (await chat.alone(METTE, f"!triage ask {name} And the MRI?")).startswith("The requester was asked something")
    assert await chat.here(ANDERS, "!case answer Nine months.") == "Your answer was passed on."
    assert "> Nine months." in await chat.alone(METTE, f"!triage show {name}")
    assert (await chat.alone(METTE, f"!triage accept {name}")).endswith("is accepted. Its requester has been told.")
    assert "Mette Holm has accepted the request for ERN CRANIO." in "\n".join(chat.texts())
    assert await chat.alone(DORTE, f"!triage decline {name} Not ours") == (
        "This request does not wait for you any more: Mette Holm was faster."
    )
    assert (await chat.here(ANDERS, "!panel invite saskia.devries")).startswith("Invited")
    assert await chat.alone(DORTE, "!triage") == "No request waits for you."


async def test_a_request_is_declined_with_a_reason(chat: Chat) -> None:
    chat.directory = staffed(triage=True)
    await chat.opened()
    name = await number(chat)
    assert (await chat.alone(DORTE, f"!triage decline {name}")).startswith("Please say why")
    await chat.alone(DORTE, f"!triage decline {name} Adults are for another network.")
    room = "\n".join(chat.texts())
    assert "Dorte Friis has declined the request for ERN CRANIO:\n\n> Adults are for another network." in room
    assert "Next step: The network declined." in chat.card
    assert (await case(chat)).triage.steps[-1].verdict is Verdict.DECLINED


async def test_outsiders_see_no_request(chat: Chat) -> None:
    chat.directory = staffed(triage=True)
    await chat.opened()
    name = await number(chat)
    for user in (FREJA, BRAM, KASPER, LEOPOLD):
        assert await chat.alone(user, "!triage") == "No request waits for you."
        assert (await chat.alone(user, f"!triage show {name}")).startswith("I know no case called")


async def test_a_withdrawal_takes_a_request_away(chat: Chat) -> None:
    chat.directory = staffed(triage=True)
    await chat.opened()
    name = await number(chat)
    await chat.here(ANDERS, "!consent withdraw care")
    assert await chat.alone(DORTE, "!triage") == "No request waits for you."
    assert await chat.alone(DORTE, f"!triage show {name}") == (
        "Consent was withdrawn. Nothing in this case is processed any more."
    )


async def test_a_dispatcher_sends_a_request_to_another_network_and_gets_it_back(chat: Chat) -> None:
    chat.directory = staffed(triage=True)
    await chat.opened()
    name = await number(chat)
    assert (await chat.alone(DORTE, f"!triage forward {name} nowhere x")).startswith(
        "To which network? There are: ecnm"
    )
    assert (await chat.alone(DORTE, f"!triage forward {name} ecnm")).startswith("Please say why")
    await chat.alone(DORTE, f"!triage forward {name} ecnm Mast cells.")
    assert chat.told(LEOPOLD)[-1].text.startswith("A request to ECNM waits for you")
    assert (await case(chat)).network == "ern-cranio"
    assert (await chat.alone(DORTE, f"!triage accept {name}")).startswith("This request does not wait for you any more")
    before = len(chat.told(DORTE))
    await chat.alone(LEOPOLD, f"!triage decline {name} No mast cells here.")
    assert len(chat.told(DORTE)) == before + 1, "it waits for those who sent it on"
    assert (await chat.alone(DORTE, f"!triage accept {name}")).endswith("is accepted. Its requester has been told.")


# --- other networks


async def test_a_case_moves_at_once_where_its_requester_belongs(chat: Chat) -> None:
    networks = []
    for network in staffed().networks:
        entry = Person(ANDERS, "Anders Kjær", "fjordhus")
        networks.append(replace(network, people=(*network.people, entry)) if network.id == "ecnm" else network)
    chat.directory = Directory(tuple(networks))
    await chat.assessing()
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!case forward ecnm") == (
            "The case would move to ECNM at once. Consent stays as it is.\n\n"
            "Would leave, because they do not belong to it: Saskia de Vries, Piotr Zieliński\n\n"
            "To do it, write `!case forward ecnm confirm`."
        )
    assert (await chat.here(ANDERS, "!case forward ecnm confirm")).startswith("The case belongs to ECNM now.")
    moved = await case(chat)
    assert (moved.network, moved.panel, moved.consent) == ("ecnm", (), (await case(chat)).consent)
    assert chat.new_effects(Remove) == [Remove(SASKIA), Remove(PIOTR)]
    assert chat.new_effects(FileInSpace) == [
        FileInSpace("ern-cranio", chat.room, gone=True),
        FileInSpace("ecnm", chat.room),
    ]
    assert (await chat.here(ANDERS, "!panel invite ida.bruun")).startswith("Invited")
    assert await chat.here(SASKIA, "!case show") == "There is no case here that you take part in."


async def test_a_case_waits_for_a_network_of_which_its_requester_is_no_member(chat: Chat) -> None:
    await chat.assessing()
    name = await number(chat)
    assert "they see the question" in await chat.here(ANDERS, "!case forward ecnm")
    assert await chat.here(ANDERS, "!case forward ecnm confirm") == "ECNM was asked. I say here what they decide."
    assert (await case(chat)).network == "ern-cranio"
    assert (await chat.here(PIOTR, OPINION)).startswith("Your opinion is recorded."), "the panel works on"
    assert (await chat.here(ANDERS, "!case forward ecnm")).startswith("ecnm was asked to take this case")
    await chat.alone(LEOPOLD, f"!triage accept {name}")
    moved = await case(chat)
    assert (moved.network, moved.panel, moved.requester) == ("ecnm", (), ANDERS)
    assert (await chat.here(ANDERS, "!panel invite ida.bruun")).startswith("Invited")
    assert (await chat.here(IDA, "!case show")).startswith(moved.nickname)


async def test_a_case_is_forwarded_to_networks_that_there_are(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        for network in ("nowhere", "ern-cranio"):
            assert (await chat.here(ANDERS, f"!case forward {network}")).startswith("To which network? There are: ecnm")
        assert (
            await chat.here(SASKIA, "!case forward ecnm") == "Your part in this case does not let you forward the case."
        )


# --- the end


async def test_a_closed_case_is_taken_up_again_with_what_is_new(chat: Chat) -> None:
    await chat.closed()
    assert (await chat.here(ANDERS, "!case reopen")).startswith("Type it like this: `!case reopen <what is new …>`")
    chat.later(minutes=1)
    assert await chat.here(ANDERS, "!case reopen Seizures since May.") == (
        "The case is open again, and the panel is asked anew. Earlier opinions are kept.\n\n"
        "Asked again: Saskia de Vries, Piotr Zieliński"
    )
    assert "What is new\n\n> Seizures since May." in chat.card
    assert "Who must act: Saskia de Vries, Piotr Zieliński" in chat.card
    chat.later(minutes=1)
    await chat.here(SASKIA, OPINION)
    assert "Who must act: Piotr Zieliński" in chat.card


async def test_a_case_is_archived_and_comes_back(chat: Chat) -> None:
    await chat.assessing()
    assert (await chat.here(ANDERS, "!case archive")).startswith("Please say why")
    assert (await chat.here(ANDERS, "!case archive The family moved.")).startswith("Archived.")
    assert "Who must act: nobody" in chat.card
    assert (await chat.here(SASKIA, OPINION)).startswith("You cannot give an opinion now. State of the case: archived.")
    await chat.here(ANDERS, "!case reopen They are back.")
    assert (await case(chat)).state.kind == "assessing"


async def test_who_was_filling_something_in_is_told_that_the_case_was_archived(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    await chat.alone(SASKIA, "!opinion")
    await chat.alone(SASKIA, "ORPHA:2343")
    await chat.here(ANDERS, "!case archive The family moved.")
    (told,) = chat.told(SASKIA)
    assert "was archived, so what you had begun to fill in for it is gone." in told.text
    assert await chat.alone(SASKIA, "surgery") == "I answer commands. `!help` lists what you can do here."


async def test_who_was_filling_something_in_is_told_that_the_case_was_erased(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, "!consent")
    name = (await chat.case()).nickname
    await chat.alone(METTE, f"!case erase {name} confirm")
    gone = f"{name} was erased, so what you had begun to fill in for it is gone. There is nothing left for you to do."
    assert [answer.text for answer in chat.told(ANDERS)].count(gone) == 1


async def test_a_draft_that_is_archived_comes_back_as_a_draft(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, "!case archive Opened twice.")
    await chat.here(ANDERS, "!case reopen It was not.")
    assert (await case(chat)).state.kind == "draft"


async def test_an_erased_case_leaves_nothing_clinical(chat: Chat, store: Store) -> None:
    await chat.closed()
    await chat.here(ANDERS, "!case archive")
    nickname = (await case(chat)).nickname
    assert "for good" in await chat.here(ANDERS, "!case erase")
    assert "for good" in await chat.here(ANDERS, "!case erase confirm")
    assert (await case(chat)).question == QUESTION
    room = chat.room
    await chat.say(ANDERS, f"!case erase {nickname} confirm", room=room)
    assert chat.told(ANDERS)[-1].text == f"{nickname} is erased. Nothing of it can be read any more."
    assert {effect.user_id for effect in chat.new_effects(Remove)} == {ANDERS, SASKIA, PIOTR}
    assert chat.new_effects(Leave) == [Leave()]
    assert await chat.alone(ANDERS, f"!case erase {nickname} confirm") == (
        "This case was erased. Nothing of it is left."
    )
    assert chat.told(METTE)[-1].text.startswith(f"Anders Kjær has erased the case {nickname} for good.")
    async with store.engine.connect() as connection:
        (row,) = await connection.execute(select(cases))
        assert (row.state, row.room_id, row.scope) == ("erased", None, "system")
        assert list(await connection.execute(select(case_files))) == []
        entries = list(await connection.execute(select(audit).where(audit.c.decision == "case-erased")))
    assert [entry.actor for entry in entries] == [ANDERS]


async def test_the_coordinator_erases_what_was_withdrawn(chat: Chat) -> None:
    await chat.withdrawn()
    nickname = (await case(chat)).nickname
    for user in (SASKIA, FREJA, LEOPOLD):
        assert (await chat.alone(user, f"!case erase {nickname} confirm")).startswith("I know no case called")
    assert await chat.alone(METTE, f"!case erase {nickname} confirm") == (
        f"{nickname} is erased. Nothing of it can be read any more."
    )
    assert chat.told(ANDERS)[-1].text.startswith("Mette Holm has erased the case")


async def test_a_case_under_way_is_not_erased(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert (await chat.here(ANDERS, "!case erase")).startswith("You cannot erase the case now.")
