"""Who is asked: people and competences by every name, and everybody who cannot be."""

from __future__ import annotations

from ernbot.commands.effects import Access, Invite

from .chat import ANDERS, BRAM, FREJA, METTE, NORA, PIOTR, SASKIA, SERVER, SIGNE, STRANGER, Chat

USAGE = "Type it like this: `!panel invite <who …>`"
COMPETENCES = "Its competences: craniosynostosis, cleft-orodental, ent, craniofacial-microsomia"
SYNOSTOSIS = (SASKIA, METTE, PIOTR)
EAR = tuple(f"@{name}:{SERVER}" for name in ("claire.fontaine", "elin.sandberg", "aino.laaksonen"))
ELIN = EAR[1]


NAMES = [
    (SASKIA, {SASKIA}),
    ("saskia.devries", {SASKIA}),
    ("@Saskia.DeVries", {SASKIA}),
    ("Saskia de Vries", {SASKIA}),
    ("saskia.devries, piotr.zielinski", {SASKIA, PIOTR}),
    ("saskia.devries piotr.zielinski saskia.devries", {SASKIA, PIOTR}),
    (" , saskia DE vries ;piotr zieliński, ", {SASKIA, PIOTR}),
    ("craniosynostosis", set(SYNOSTOSIS)),
    ("CRANIOSYNOSTOSIS", set(SYNOSTOSIS)),
    ("Kraniosynostose", set(SYNOSTOSIS)),
    ("ent", set(EAR)),
    ("Ear, nose and throat disorders", set(EAR)),
    ("øre-næse-hals-lidelser", set(EAR)),
    ("freja.lund, Ear,  Nose and throat\ndisorders", {FREJA, *EAR}),
    (METTE, {METTE}),
]


async def test_experts_by_every_name(chat: Chat) -> None:
    for who, panel in NAMES:
        await chat.opened()
        answer = await chat.here(ANDERS, f"!panel invite {who}")
        case = await chat.case()
        assert set(case.panel) == panel
        assert len(case.panel) == len(panel)
        assert answer.startswith("Invited:\n\n- ")
        assert answer.count("\n- ") == len(panel)
        assert chat.new_effects(Invite) == [Invite(user) for user in case.panel]
        assert chat.new_effects(Access) == [Access(ANDERS, (ANDERS, *case.panel), open=True)]


async def test_experts_by_mention(chat: Chat) -> None:
    await chat.opened()
    await chat.say(ANDERS, "!panel invite Dr. Saskia, ent", room=chat.room, mentions=(SASKIA,))
    assert (await chat.case()).panel == (SASKIA,), "a word of somebody's name brings in nobody else"
    await chat.say(ANDERS, "!panel invite elin.sandberg", room=chat.room, mentions=(SASKIA,))
    assert (await chat.case()).panel == (SASKIA, ELIN), "a reply mentions the author of what it answers"
    (answer,) = await chat.say(ANDERS, "!panel invite Eve", room=chat.room, mentions=("@eve:\ud800",))
    assert answer == "ERN CRANIO does not list @eve:\ufffd. Ask its helpdesk to add them first."


WHOLE = "Type the whole name or the user name."

REFUSED = [
    (BRAM, "Bram Visser (Institute for Suture Biology) does not see patients and cannot be invited to a case."),
    (
        "bram.visser",
        "Bram Visser (Institute for Suture Biology) does not see patients and cannot be invited to a case.",
    ),
    (
        SIGNE,
        "Signe Thomsen (Hovedsagen, Danish Craniofacial Association) does not see patients "
        "and cannot be invited to a case.",
    ),
    (
        NORA,
        "Nora Peeters (Face Outcomes Measurement Group) does not see patients and cannot be invited to a case.",
    ),
    (STRANGER, f"ERN CRANIO does not list {STRANGER}. Ask its helpdesk to add them first."),
    (
        "@katrin.vogt:elsewhere.example",
        "ERN CRANIO does not list @katrin.vogt:elsewhere.example. Ask its helpdesk to add them first.",
    ),
    ("anders.kjaer", "You lead this panel already and need no invitation."),
    (
        "nobody",
        f"“nobody” is neither a person nor a competence of this network. {COMPETENCES}\n\n{USAGE}",
    ),
    (
        "saskia",
        f"“saskia” is no whole name. Did you mean Saskia de Vries (saskia.devries)? {WHOLE}\n\n{USAGE}",
    ),
    (
        "Zielinsky",
        f"“zielinsky” is no whole name. Did you mean Piotr Zieliński (piotr.zielinski)? {WHOLE}\n\n{USAGE}",
    ),
    (
        "haematology",
        f"“haematology” is neither a person nor a competence of this network. {COMPETENCES}\n\n{USAGE}",
    ),
    ("", USAGE),
    (" , ; ", USAGE),
]


async def test_who_cannot_be_invited(chat: Chat) -> None:
    await chat.opened()
    for who, answer in REFUSED:
        for line in (
            f"!panel invite {who}",
            f"!panel invite saskia.devries {who}" if who.strip(" ,;") else "!panel invite",
        ):
            async with chat.nothing_changes():
                assert await chat.here(ANDERS, line) == answer


async def test_refused_experts_are_audited(chat: Chat) -> None:
    await chat.opened()
    for who in (BRAM, STRANGER, ANDERS):
        await chat.here(ANDERS, f"!panel invite {who}")
    decisions = [decision for _, action, decision in await chat.audit() if action == "invite"]
    assert decisions == ["allowed", "expert-no-patients", "allowed", "expert-unknown", "allowed", "expert-is-lead"]


async def test_nobody_comes_in_before_consent(chat: Chat) -> None:
    await chat.draft()
    for who in ("saskia.devries", BRAM, "nobody"):
        async with chat.nothing_changes():
            assert await chat.here(ANDERS, f"!panel invite {who}") == (
                "This needs the patient’s consent to care first. Record it with `!consent give`."
            )


async def test_only_the_lead_invites_and_only_while_the_case_is_open(chat: Chat) -> None:
    await chat.closed()
    async with chat.nothing_changes():
        assert await chat.here(SASKIA, "!panel invite freja.lund") == (
            "Your part in this case does not let you change the panel."
        )
        assert await chat.here(ANDERS, "!panel invite freja.lund") == (
            "You cannot change the panel now. State of the case: closed.\n\n`!help` lists what you can do now."
        )


async def test_an_invitation_is_sent_again(chat: Chat) -> None:
    await chat.assessing()
    before = await chat.case()
    assert await chat.here(ANDERS, "!panel invite saskia.devries") == (
        "They have been invited already. Whoever is not here gets the invitation once more."
    )
    assert chat.new_effects(Invite) == [Invite(SASKIA)]
    assert await chat.case() == before


async def test_a_competence_brings_in_the_next_experts_until_there_are_none(chat: Chat) -> None:
    await chat.opened()
    await chat.here(ANDERS, "!panel invite cleft-orodental")
    first = (await chat.case()).panel
    assert len(first) == 3
    await chat.here(ANDERS, "!panel invite cleft-orodental")
    assert len((await chat.case()).panel) == 6
    await chat.here(ANDERS, "!panel invite craniosynostosis")
    async with chat.nothing_changes():
        assert await chat.here(ANDERS, "!panel invite craniosynostosis") == (
            "All experts for craniosynostosis have been invited already, or the network has none.\n\n" + USAGE
        )


async def test_an_expert_who_comes_after_the_draft_makes_it_out_of_date(chat: Chat) -> None:
    await chat.drafting()
    answer = await chat.here(ANDERS, "!panel invite freja.lund")
    assert answer.endswith(
        "The outcome was drafted without them: gather it again with `!outcome draft` before you sign."
    )
    assert "Next step: Opinions or the panel have changed" in chat.card


async def test_the_panel_is_shown(chat: Chat) -> None:
    await chat.opened()
    assert await chat.here(ANDERS, "!panel show") == "Nobody has been invited yet. Use `!panel invite`."
    await chat.here(ANDERS, "!panel invite elin.sandberg")
    assert await chat.here(ELIN, "!panel show") == ("The panel\n\n- Elin Sandberg, Björkdalen University Hospital (SE)")
