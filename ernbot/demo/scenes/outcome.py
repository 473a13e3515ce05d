"""The outcome: written by the lead, voted on, signed by the lead and who voted, and proved from the file alone."""

from __future__ import annotations

from ernbot.core.signature import SHORT
from ernbot.demo.clinician import Seen
from ernbot.demo.process import finish
from ernbot.demo.stage import DISSENTER, REQUESTER, SURGEON, Stage
from ernbot.verify import verify

RECOMMENDATION = "Fronto-orbital advancement between 9 and 12 months of age; ophthalmology before it."
EVIDENCE = "Retrospective series of three centres, 212 children; expert consensus."
FOLLOW_UP = "Fundoscopy every three months; head circumference monthly."
DISSENT = "Endoscopic strip craniectomy before 6 months is an option here."


async def signed(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    surgeon, dissenter, latecomer = stage.experts
    await stage.answer(me, room, "!outcome draft", "opinions were gathered")
    await stage.answer(surgeon, room, "!outcome sign", "does not let you")
    await stage.answer(me, room, f"!outcome evidence {EVIDENCE}", EVIDENCE)
    await stage.answer(me, room, f"!outcome followup {FOLLOW_UP}", FOLLOW_UP)
    await stage.answer(me, room, f"!outcome recommend 1 {RECOMMENDATION}", RECOMMENDATION)
    await stage.answer(surgeon, room, "!outcome agree", "you agree")
    await stage.answer(dissenter, room, f"!outcome dissent {DISSENT}", "you dissent")
    waiting = await stage.answer(me, room, "!outcome sign", "still needs the signature")
    stage.check("Giulia" not in waiting.body, "who did not vote holds nobody up")
    line = waiting.body[waiting.body.index("!sign ") :][: len("!sign ") + SHORT]
    await stage.answer(surgeon, room, "!sign", line)
    await stage.answer(surgeon, room, line, "still needs the signature")
    sent = await dissenter.say(room, line)
    document = await me.hears(room, ".pdf", after=sent)
    pdf = await me.open_file(document)
    stage.check(pdf.startswith(b"%PDF"), "the outcome is in the room as a PDF")
    stage.check(b"/StructTreeRoot" in pdf or b"/ObjStm" in pdf, "its headings are tagged")
    stage.outcome_file = stage.place.folder / "outcome.pdf"
    stage.outcome_file.write_bytes(pdf)
    await dissenter.hears(room, "is closed", after=sent)
    await stage.answer(latecomer, room, "!outcome agree", "closed")

    def closed_card() -> Seen | None:
        return next((s for s in me.seen if s.room_id == room and "State: closed" in s.body), None)

    stage.check(await me.wait(closed_card, "the closed card"), "the card was kept current and says that it is closed")


async def proved(stage: Stage) -> None:
    assert stage.outcome_file is not None
    # As a hospital's IT does it: a program of its own that is given the file, and no configuration.
    said = (await finish("ernbot", ["outcome", "verify", str(stage.outcome_file)])).splitlines()
    stage.check("Everything holds." in said, "everything that the file says of itself holds")
    signed = [line for line in said if line.startswith("holds") and " signed this text " in line]
    names = (REQUESTER, SURGEON, DISSENTER)
    who = [any(stage.user(name) in line for line in signed) for name in names]
    stage.check(len(signed) == 3 and all(who), f"it proves three signatures: of {', '.join(names)}")
    broken = stage.outcome_file.read_bytes().replace(b"/Type", b"/type", 1)
    stage.check(any(finding.holds is False for finding in verify(broken)), "with one letter changed it does not")
