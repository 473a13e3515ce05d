"""Whom to ask, who answers, and who leaves: suggestions, invitations, conflicts of interest and guests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ernbot.commands import invitations
from ernbot.commands.effects import Access, Invite, Remove
from ernbot.commands.guests import end_guests
from ernbot.core.directory import Absence, Directory, Network
from ernbot.core.errors import Refused
from ernbot.core.invitation import Guest, InvitationState
from ernbot.core.states import Action

from .chat import (
    ANDERS,
    BRAM,
    CONSENT,
    FREJA,
    KASPER,
    METTE,
    OPINION,
    PIOTR,
    SASKIA,
    SERVER,
    SIGNE,
    STRANGER,
    Chat,
    direct_room,
)

OKSANA = f"@oksana.koval:{SERVER}"
GUEST = "!panel guest oksana.koval until 2026-05-01 name Oksana Koval hospital Tromsø country Norway"


def cranio(chat: Chat, **changes: object) -> None:
    """Change the network of the case, as an administrator does."""
    networks = chat.directory.networks
    chat.directory = Directory(
        tuple(replace(n, **changes) if n.id == "ern-cranio" else n for n in networks)  # type: ignore[arg-type]
    )


def network(chat: Chat) -> Network:
    found = chat.directory.network("ern-cranio")
    assert found is not None
    return found


async def state(chat: Chat, user: str, reader: str = ANDERS) -> InvitationState | None:
    asked = (await chat.case(reader)).invitation(user)
    return asked.state if asked is not None else None


async def test_an_invitation_says_by_when_an_answer_is_wanted(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    await chat.here(ANDERS, "!case due 2026-03-20")
    await chat.here(ANDERS, "!panel invite piotr.zielinski")
    chat.later(days=16)
    await chat.here(ANDERS, "!panel invite freja.lund")
    assert "wanted by" not in chat.invited(SASKIA)[-1].text
    assert "The panel’s answer is wanted by 20 March 2026." in chat.invited(PIOTR)[-1].text
    assert "Panelets svar ønskes senest 20. marts 2026." in chat.invited(PIOTR)[-1].danish
    assert "wanted by" not in chat.invited(FREJA)[-1].text, "a day that has passed helps nobody"


# --- whom to ask


async def test_who_says_whom_to_ask_and_why(chat: Chat) -> None:
    assert await chat.alone(ANDERS, "!who trigonocefaly") == await chat.alone(ANDERS, "!who craniosynostosis")
    answer = await chat.alone(ANDERS, "!who ORPHA 3366")
    assert [line.split(",")[0] for line in answer.splitlines() if line[:1].isdigit()] == [
        "1. Mette Holm",
        "2. Saskia de Vries",
        "3. Piotr Zieliński",
    ]
    assert "reference centre" in answer
    assert "speaks Danish" in answer
    assert "no open case" in answer
    assert "taler dansk" in chat.last.danish


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("cleft DE", ["Jonas Reuter"]),
        ("cleft lip Germany", ["Jonas Reuter"]),
        ("læbespalte tyskland", ["Jonas Reuter"]),
        ("cleft lip Spanish", ["Lucía Ortega"]),
        ("cleft es", ["Lucía Ortega"]),
        ("cleft Finland Swedish", ["Aino Laaksonen"]),
        ("cleft Malta", []),
        ("mcas", ["Katrin Vogt", "Willem Bakker"]),
    ],
)
async def test_a_country_and_a_language_narrow_the_search(chat: Chat, what: str, names: list[str]) -> None:
    answer = await chat.alone(ANDERS, f"!who {what}")
    found = [line.split(". ")[1].split(",")[0] for line in answer.splitlines() if line[:1].isdigit()]
    assert set(names) <= set(found)
    assert bool(found) == bool(names)
    if len(names) == 1:
        assert found == names


async def test_what_nobody_treats_is_said_with_what_there_is(chat: Chat) -> None:
    answer = await chat.alone(ANDERS, "!who ingrown toenail")
    assert answer.startswith("I know no competence or disease “ingrown toenail”. Try another word or an ORPHA code.")
    assert "craniosynostosis" in answer


async def test_a_suggestion_invites_by_number_reply_and_never_by_reaction(chat: Chat) -> None:
    await chat.opened()
    answer = await chat.here(ANDERS, "!panel suggest craniosynostosis")
    assert answer.splitlines()[-1].startswith("Reply with the numbers to invite")
    shown = chat.last.event_id
    assert (await chat.case()).suggested == (SASKIA, METTE, PIOTR), "the requester’s own country comes later"
    assert await chat.react(ANDERS, "2️⃣", shown) == [
        "A reaction is not encrypted, so it invites nobody. Type `!panel invite 2`."
    ]
    assert (await chat.case()).panel == ()
    assert (await chat.here(ANDERS, "1, 3", replies_to=shown)).startswith("Invited:")
    assert (await chat.case()).panel == (SASKIA, PIOTR)
    answer = await chat.here(ANDERS, "!panel invite 1")
    assert answer.startswith("Nothing has been suggested that could be number 1. Begin with `!panel suggest`.")
    await chat.here(ANDERS, "!panel suggest 1 craniosynostosis")
    assert (await chat.case()).suggested == (METTE,)
    assert (await chat.here(ANDERS, "1", replies_to=shown)).startswith("Something else was suggested since")
    assert (await chat.here(ANDERS, "!panel invite 7")).startswith("There is no number 7 among the 1 suggested.")
    await chat.here(ANDERS, "!panel invite 1")
    assert METTE in (await chat.case()).panel


async def test_a_suggestion_reads_the_question(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new ern-cranio Trigonocephaly at 4 months: operate now, or wait?")
    await chat.here(ANDERS, "!consent give care form=2.1 lang=da signer=parent signed=2026-03-01")
    assert (await chat.here(ANDERS, "!panel suggest")).startswith("Suggested: Craniosynostosis")
    await chat.opened()
    answer = await chat.here(ANDERS, "!panel suggest")
    assert answer.startswith("For which competence or disease? For example `!panel suggest cleft`.")


async def test_whoever_is_away_is_said_to_be(chat: Chat) -> None:
    people = [
        replace(p, away=(Absence(date(2026, 3, 1), date(2026, 3, 20)),)) if p.user_id == SASKIA else p
        for p in network(chat).people
    ]
    cranio(chat, people=tuple(people))
    await chat.opened()
    assert "away until 20 March 2026" in await chat.here(ANDERS, "!panel suggest craniosynostosis")
    assert (await chat.case()).suggested[-1] != METTE
    assert "Saskia de Vries is away until 20 March 2026." in await chat.here(ANDERS, "!panel invite saskia.devries")


async def test_the_report_is_for_coordinators(chat: Chat) -> None:
    assert "Each of the 4 competences has at least two reference centres." in await chat.alone(
        METTE, "!directory report"
    )
    assert await chat.alone(ANDERS, "!directory report") == "This is for coordinators of a network."
    cranio(
        chat,
        centres=tuple(replace(c, reference_for=()) for c in network(chat).centres if c.id != "montelume"),
        people=tuple(p for p in network(chat).people if p.centre != "montelume"),
    )
    answer = await chat.alone(METTE, "!directory report")
    assert "1 of 4 competences have no or only one reference centre." in answer
    assert "Craniofacial microsomia: only Zonneveer Children's Hospital; people to ask: 2, in ES, NL" in answer


# --- groups


async def test_a_group_is_invited_in_one_step(chat: Chat) -> None:
    for name in ("group:skull", "group: skull", "GROUP:Kraniegruppen", "group:skull board"):
        await chat.opened()
        assert (await chat.here(ANDERS, f"!panel invite {name}")).startswith("Invited:"), name
        assert set((await chat.case()).panel) == {METTE, SASKIA, PIOTR}


async def test_a_group_with_the_lead_in_it_is_invited_without_them(chat: Chat) -> None:
    group = replace(network(chat).groups[0], members=(ANDERS, SASKIA, BRAM))
    cranio(chat, groups=(group,))
    await chat.opened()
    await chat.here(ANDERS, "!panel invite group:skull")
    assert (await chat.case()).panel == (SASKIA,)
    cranio(chat, groups=(replace(group, members=(ANDERS, BRAM)),))
    assert (await chat.here(ANDERS, "!panel invite group:skull")).startswith(
        "Nobody of the group skull can be invited."
    )
    assert (await chat.here(ANDERS, "!panel invite group:ears")).startswith("There is no group “group:ears”.")


async def test_a_mailing_list_is_not_invited(chat: Chat) -> None:
    names = network(chat).people[0]
    many = tuple(replace(names, user_id=f"@p{n}:{SERVER}", name=f"P {n}") for n in range(200))
    cranio(
        chat,
        people=(*network(chat).people, *many),
        groups=(replace(network(chat).groups[0], members=tuple(p.user_id for p in many)),),
    )
    await chat.opened()
    async with chat.nothing_changes():
        for who in ("group:skull", " ".join(p.user_id for p in many)):
            assert (await chat.here(ANDERS, f"!panel invite {who}")).startswith("At most 20 people at once.")


# --- answers


async def test_the_invited_are_told_alone_and_nothing_clinical(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    (told,) = chat.invited(SASKIA)
    nickname = (await chat.case()).nickname
    assert told.text == (
        f"**Anders Kjær** asks for your opinion in a case of ERN CRANIO: **{nickname}**. Its room is among your "
        "invitations.\n\nBy coming into the room you accept.\n\nYou cannot? Type `!decline` and the reason here, "
        "without a word about a patient. The lead then asks somebody else."
    ).replace("**", "")
    assert "suture" not in told.text
    assert "suture" not in told.danish


async def test_joining_accepts(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    assert await state(chat, SASKIA) is InvitationState.INVITED
    await chat.arrive(SASKIA)
    assert await state(chat, SASKIA) is InvitationState.ACCEPTED
    assert "Saskia de Vries: has accepted" in chat.card


async def test_where_joining_does_not_accept_it_has_to_be_said(chat: Chat) -> None:
    cranio(chat, joining_accepts=False)
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries piotr.zielinski")
    await chat.arrive(SASKIA)
    assert await state(chat, SASKIA) is InvitationState.INVITED
    assert await chat.here(SASKIA, OPINION) == "Your part in this case does not let you give an opinion."
    assert (await chat.here(SASKIA, "!accept")).startswith("Thank you. You are on the panel of ")
    assert (await chat.here(SASKIA, OPINION)).startswith("Your opinion is recorded")
    (told,) = chat.invited(PIOTR)
    async with chat._heard(PIOTR, direct_room(PIOTR), None, (), device="") as ctx:
        assert await invitations.agreed(ctx, "👍🏼", told.event_id)
    assert await state(chat, PIOTR) is InvitationState.ACCEPTED


async def test_a_declined_invitation_tells_the_lead_and_suggests_somebody_else(chat: Chat) -> None:
    await chat.alone(ANDERS, "!case new ern-cranio Trigonocephaly: operate, or wait?")
    await chat.here(ANDERS, CONSENT)
    await chat.here(ANDERS, "!panel invite saskia.devries")
    nickname = (await chat.case()).nickname
    said = await chat.alone(SASKIA, "!decline on leave until May")
    assert said == f"You are no longer on the panel of {nickname}. The lead knows."
    case = await chat.case()
    assert (case.panel, case.suggested) == ((), (METTE,))
    assert (await state(chat, SASKIA)) is InvitationState.DECLINED
    assert Remove(SASKIA) in chat.effects(Remove)
    assert chat.effects(Access)[-1].admitted == (ANDERS,)
    told = [answer.text for answer in chat.answers() if answer.reader == ANDERS][-1]
    assert told.startswith(
        "Saskia de Vries is not on the panel any more.\n\n> on leave until May\n\nYou could ask instead:"
    )
    assert "1. Mette Holm" in told
    await chat.here(ANDERS, "!panel invite 1")
    assert (await chat.case()).panel == (METTE,)
    assert "Saskia de Vries: declined" in await chat.here(ANDERS, "!panel show")
    with pytest.raises(Refused, match="no-case"):
        await chat.case(SASKIA)
    assert await chat.alone(SASKIA, "!decline again") == "You have no open invitation."


async def test_declining_the_room_is_declining(chat: Chat) -> None:
    await chat.assessing()
    async with chat._heard(PIOTR, chat.room, None, (), device="") as ctx:
        await invitations.went(ctx)
    await chat.deliver()
    assert (await chat.case()).panel == (SASKIA,)
    assert await state(chat, PIOTR) is InvitationState.DECLINED
    assert [a.text for a in chat.answers() if a.reader == ANDERS][-1].startswith("Piotr Zieliński is not on the panel")


async def test_an_expert_who_left_between_invitation_and_opinion_holds_nobody_up(chat: Chat) -> None:
    await chat.assessing()
    assert "Who must act: Piotr Zieliński" in chat.card
    cranio(chat, people=tuple(p for p in network(chat).people if p.user_id != PIOTR))
    assert f"{PIOTR}, no longer in the directory." in await chat.here(ANDERS, "!panel show")
    assert await chat.here(PIOTR, OPINION) == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )
    assert (await chat.here(ANDERS, f"!panel remove {PIOTR}")).endswith(
        "is no longer in this case. What they said stays."
    )
    assert (await chat.case()).panel == (SASKIA,)
    assert Remove(PIOTR) in chat.effects(Remove)


async def test_of_several_invitations_one_is_named(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    first = (await chat.case()).nickname
    room = chat.room
    chat.later(minutes=1)
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    second = (await chat.case()).nickname
    answer = await chat.alone(SASKIA, "!decline no time")
    assert answer.startswith(f"You are in several cases: 1 = {first}; 2 = {second}.")
    assert first in await chat.alone(SASKIA, "!decline 1 no time")
    assert (await chat.case()).panel == (SASKIA,)
    chat.room = room
    assert (await chat.case()).panel == ()


async def test_nobody_answers_for_somebody_else(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite saskia.devries")
    for user in (FREJA, BRAM, SIGNE):
        assert await chat.alone(user, "!accept") == "You have no open invitation."
        assert await chat.alone(user, "!decline no") == "You have no open invitation."
    assert await chat.here(ANDERS, "!decline no") == "Your part in this case does not let you answer an invitation."
    assert await chat.here(SASKIA, "!decline") == "Type it like this: `!decline [case] <reason …>`"
    assert (await chat.here(SASKIA, f"!decline {'x' * 501}")).startswith("Please say why, in 1 to 500 characters.")


# --- conflicts of interest


async def test_a_conflict_of_interest_ends_voice_and_vote(chat: Chat) -> None:
    await chat.drafting()
    await chat.here(SASKIA, "!outcome agree")
    said = await chat.here(SASKIA, "!conflict The child is my niece.")
    assert said.startswith("Recorded. You no longer vote or rate here, and your opinion does not count.")
    case = await chat.case()
    assert case.panel == (PIOTR,)
    assert [opinion.author for opinion in case.opinions] == [PIOTR]
    assert [opinion.author for opinion in case.set_aside] == [SASKIA]
    assert case.outcome().votes == ()
    assert Remove(SASKIA) in chat.effects(Remove)
    with pytest.raises(Refused, match="no-case"):
        await chat.case(SASKIA)
    assert (await chat.here(ANDERS, "!panel invite saskia.devries")).startswith(
        "Saskia de Vries has a conflict of interest"
    )
    assert "Opinions or the panel have changed" in chat.card
    assert "listen and answer questions" in await chat.here(ANDERS, "!panel keep Saskia de Vries")
    assert Invite(SASKIA) in chat.new_effects(Invite)
    assert (await chat.case(SASKIA)).panel == (PIOTR,)
    for words in (OPINION, "!outcome agree", "!outcome dissent no"):
        assert (await chat.here(SASKIA, words)).startswith("Your part in this case does not let you")
    assert "Saskia de Vries: listens, without a vote" in chat.card
    await chat.here(ANDERS, "!panel remove saskia.devries")
    with pytest.raises(Refused, match="no-case"):
        await chat.case(SASKIA)


async def test_a_lead_with_a_conflict_hands_over_and_is_then_not_counted(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!conflict I advise the maker of the helmet.") == (
            "You lead this panel, so a colleague has to take the lead first: `!case handover` and the name.\n\n"
            "- `!case handover saskia.devries` asks Saskia de Vries\n"
            "- `!case handover piotr.zielinski` asks Piotr Zieliński\n"
            "- `!case handover mette.holm` asks Mette Holm\n\n"
            "Once they have answered `!lead accept`, write `!conflict` and the reason again. Nothing is recorded yet."
        )
    await chat.here(ANDERS, "!case handover mette.holm")
    await chat.here(METTE, "!lead accept")
    await chat.here(ANDERS, OPINION)
    said = await chat.say(ANDERS, "!conflict I advise the maker of the helmet.", room=chat.room)
    assert said == [
        "Recorded. You no longer vote or rate here, and your opinion does not count. "
        "You brought the case, so you stay in it."
    ]
    case = await chat.case()
    assert (case.lead, case.panel) == (METTE, (SASKIA, PIOTR))
    assert [opinion.author for opinion in case.opinions] == [SASKIA]
    assert ANDERS in case.admitted
    assert Remove(ANDERS) not in chat.effects(Remove)
    told = [answer.text for answer in chat.answers() if answer.reader == METTE][-1]
    assert told.startswith("Anders Kjær has declared a conflict of interest")
    assert "!panel keep" not in told
    for words in (OPINION, "!outcome agree", "!case due 2 weeks"):
        assert (await chat.here(ANDERS, words)).startswith("Your part in this case does not let you")
    assert (await chat.here(ANDERS, "!consent withdraw registry")).startswith("There is no consent"), "still theirs"


async def test_only_somebody_with_a_conflict_is_kept(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert (await chat.here(ANDERS, "!panel keep piotr.zielinski")).startswith("Only somebody who has declared")
        assert (await chat.here(ANDERS, "!panel keep freja.lund")).startswith("This person is not on the panel.")
        assert (await chat.here(ANDERS, "!panel remove anders.kjaer")).startswith("This person is not on the panel.")
        assert (await chat.here(PIOTR, "!conflict")).startswith("Type it like this")


# --- experts of other networks, and guests


async def test_an_expert_of_another_network_is_invited_and_has_a_part(chat: Chat) -> None:
    await chat.opened()
    answer = await chat.here(ANDERS, "!panel invite kasper.friis")
    assert "ECNM" in answer
    await chat.arrive(KASPER)
    assert (await chat.here(KASPER, OPINION)).startswith("Your opinion is recorded")
    chat.directory = Directory(tuple(n for n in chat.directory.networks if n.id != "ecnm"))
    assert await chat.here(KASPER, "!case show") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )


async def test_a_guest_has_a_part_until_a_day(chat: Chat) -> None:
    await chat.opened()
    assert await chat.here(ANDERS, GUEST) == "Oksana Koval is invited as a guest until 1 May 2026."
    assert Invite(OKSANA) in chat.new_effects(Invite)
    assert "asks for your opinion" in chat.invited(OKSANA)[0].text
    await chat.arrive(OKSANA)
    assert "Oksana Koval: has accepted" in chat.card
    assert (await chat.here(OKSANA, OPINION)).startswith("Your opinion is recorded")
    refused = "Your part in this case does not let you change the panel."
    assert await chat.here(OKSANA, "!panel invite freja.lund") == refused
    assert f"Oksana Koval, Tromsø (NO), guest until 1 May 2026: `{OKSANA}`" in await chat.here(ANDERS, "!panel show")
    assert (
        await chat.here(ANDERS, "!panel guest oksana.koval until 2026-06-01") == "Oksana Koval stays until 1 June 2026."
    )
    chat.now = chat.now.replace(month=6, day=1)
    assert (await chat.case(OKSANA)).panel == (OKSANA,)
    chat.later(days=1)
    with pytest.raises(Refused, match="no-case"):
        await chat.case(OKSANA)
    async with chat.store.transaction() as tx:
        case = await tx.case_in(chat.room, ANDERS, Action.READ, chat.directory, chat.now)
        changed = await end_guests(tx, chat.office, case, chat.now)
        assert changed.panel == ()
        await tx.save_case(changed)
    await chat.deliver()
    assert await state(chat, OKSANA) is InvitationState.EXPIRED
    assert Remove(OKSANA) in chat.effects(Remove)
    assert chat.last.text.startswith("Oksana Koval is no longer a guest: the time is over.")
    async with chat.store.transaction() as tx:
        again = await tx.case_in(chat.room, ANDERS, Action.READ, chat.directory, chat.now)
        assert await end_guests(tx, chat.office, again, chat.now) == again


async def test_a_guest_declines_in_the_direct_chat(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, GUEST)
    assert (await chat.alone(OKSANA, "!decline no time")).startswith("You are no longer on the panel")
    assert await chat.alone(OKSANA, "!accept") == (
        "No network lists you. Please ask the helpdesk of your network for access."
    )


REFUSED_GUESTS = [
    ("oksana.koval name O K hospital H", "Still missing: country."),
    ("oksana.koval country NO", "Still missing: name, hospital."),
    ("oksana.koval name O K hospital H country Atlantis", "“Atlantis” is no country that I know."),
    ("oksana.koval name O K hospital H country UA", "Administrative arrangement with Ukraine: the patient has to sign"),
    ("oksana.koval name O K hospital H country US", "ERN CRANIO has no arrangement for clinicians from US."),
    ("oksana.koval name O K hospital H country NO until 2026-03-04", "A guest stays from today until 5 March 2027"),
    ("oksana.koval name O K hospital H country NO until 2027-03-06", "A guest stays from today until 5 March 2027"),
    ("oksana.koval name O K hospital H country NO until tomorrow", "“tomorrow” is no date."),
    ("@o:else.where name O K hospital H country NO", "@o:else.where has no account at hospital.example"),
    ("saskia.devries name S V hospital H country NL", "Saskia de Vries is in the directory. Use `!panel invite`."),
    ("bram.visser name B V hospital H country NL", "Bram Visser is in the directory."),
    ("anders.kjaer name A K hospital H country DK", "Anders Kjær is in the directory."),
    ("Окsana name O K hospital H country NO", "Type it like this: `!panel guest"),
    ("", "Type it like this: `!panel guest"),
]


async def test_who_cannot_be_a_guest(chat: Chat) -> None:
    await chat.opened()
    for typed, answer in REFUSED_GUESTS:
        async with chat.nothing_changes():
            assert (await chat.here(ANDERS, f"!panel guest {typed}")).startswith(answer), typed


async def test_a_guest_from_ukraine_comes_under_the_arrangement(chat: Chat) -> None:
    await chat.draft()
    await chat.here(ANDERS, "!consent give care form=2.1-ua lang=da signer=parent signed=2026-03-01")
    answer = await chat.here(ANDERS, GUEST.replace("Norway", "Ukraine"))
    assert answer.endswith("Under: Administrative arrangement with Ukraine.")
    asked = (await chat.case()).invitation(OKSANA)
    assert asked is not None
    assert (asked.arrangement, asked.until) == ("ukraine", date(2026, 5, 1))
    assert (await chat.case(OKSANA)).panel == (OKSANA,)
    await chat.here(ANDERS, "!consent give care form=3.0 lang=da signer=parent signed=2026-03-02")
    with pytest.raises(Refused, match="no-case"):
        await chat.case(OKSANA)


async def test_a_guest_without_a_day_stays_ninety(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, GUEST.replace(" until 2026-05-01", ""))
    asked = (await chat.case()).invitation(OKSANA)
    assert asked is not None
    assert asked.until == chat.now.date() + timedelta(days=90)


async def test_the_name_of_a_hospital_may_have_that_word_in_it(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, GUEST.replace("Tromsø", "Nordlys Hospital for Children"))
    asked = (await chat.case()).invitation(OKSANA)
    assert asked is not None
    assert asked.guest == Guest("Oksana Koval", "Nordlys Hospital for Children", "NO")


async def test_only_lead_or_coordinator_bring_guests(chat: Chat) -> None:
    await chat.assessing()
    async with chat.nothing_changes():
        assert (await chat.here(SASKIA, GUEST)).startswith("Your part in this case does not let you bring a guest in")
        assert await chat.here(METTE, GUEST) == "There is no case here that you take part in."
    await chat.here(ANDERS, "!panel invite mette.holm")
    assert (await chat.here(METTE, GUEST)).startswith("Oksana Koval is invited as a guest")


async def test_patients_never_enter_a_room_about_a_patient(chat: Chat) -> None:
    await chat.opened()
    async with chat.nothing_changes():
        assert "does not see patients" in await chat.here(ANDERS, f"!panel invite {SIGNE}")
        assert "cannot be invited" in await chat.here(ANDERS, f"!panel invite {BRAM}")
        assert (await chat.here(ANDERS, f"!panel invite {STRANGER}")).startswith("ERN CRANIO does not list")


async def test_withdrawn_consent_ends_invitations_and_guests(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, GUEST)
    await chat.here(ANDERS, "!consent withdraw care")
    assert (await chat.case()).invitations == ()
    with pytest.raises(Refused, match="no-case"):
        await chat.case(OKSANA)
