"""The story that `make demo` plays: a case from its question to the signed outcome, and one that is withdrawn.

Every step is played by real encrypted clients against the running system and says what it has seen to be true. A step
whose check fails ends the story.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from ernbot.core.signature import SHORT
from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.installation import Installation
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.gateway import Gateway
from ernbot.verify import verify

DATA = Path(__file__).parent / "data"
NETWORK = "ern-cranio"
REQUESTER, COORDINATOR, RESEARCHER = "anders.kjaer", "mette.holm", "bram.visser"
EXPERTS = ("saskia.devries", "piotr.zielinski")
SPARE = "freja.lund"
"""An account that the story does not use: for whoever watches."""

QUESTION = "Girl of 4 months, ridged metopic suture: operate before the age of one, or watch?"
RECOMMENDATION = "Fronto-orbital advancement between 9 and 12 months of age; ophthalmology before it."
EVIDENCE = "Retrospective series of three centres, 212 children; expert consensus."
FOLLOW_UP = "Fundoscopy every three months; head circumference monthly."
DISSENT = "Endoscopic strip craniectomy before 6 months is an option here."


@dataclass
class Step:
    """What was played: `asserted` lists what was seen to be true."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    asserted: list[str] = field(default_factory=list)
    error: str | None = None


class Story:
    """Plays on an installation whose bot is running."""

    def __init__(self, place: Installation, out: Path) -> None:
        self.place = place
        self.out = out
        self.steps: list[Step] = []
        self.people: dict[str, Clinician] = {}
        self.direct = ""
        self.case = ""
        self.outcome_file: Path | None = None

    # --- how it is played

    async def play(self, tell: Callable[[Step], None]) -> bool:
        """Play all steps; whether all went well."""
        parts: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("The clinicians log in", self.log_in),
            ("A clinician greets the bot", self.greeting),
            ("A case is opened", self.open_case),
            ("Nobody comes in before consent", self.closed_before_consent),
            ("Consent is recorded", self.consent),
            ("Scans and photographs are shown", self.files),
            ("Experts are brought in", self.panel),
            ("Experts give their opinions", self.opinions),
            ("The outcome is written and signed", self.outcome),
            ("Consent is withdrawn from another case", self.withdrawal),
        )
        for name, part in parts:
            step = Step(name)
            self.steps.append(step)
            started = time.monotonic()
            try:
                await part()
                step.ok = True
            except (AssertionError, MatrixError, OSError) as error:
                step.error = str(error)
            step.seconds = round(time.monotonic() - started, 2)
            tell(step)
            if not step.ok:
                return False
        return True

    async def close(self) -> None:
        await asyncio.gather(*(person.close() for person in self.people.values()))

    def check(self, true: object, what: str) -> None:
        """Note a fact, or end the story when it is none."""
        if not true:
            raise AssertionError(f"not so: {what}")
        self.steps[-1].asserted.append(what)

    def user(self, localpart: str) -> str:
        return f"@{localpart}:{self.place.homeserver.server_name}"

    @property
    def requester(self) -> Clinician:
        return self.people[REQUESTER]

    async def _answer(
        self, person: Clinician, room: str, text: str, expected: str, *, thread: str | None = None
    ) -> Seen:
        """Say something; the bot's answer, which must be encrypted and from its signed device."""
        seen = await person.ask(room, text, expected, thread=thread)
        self.check(seen.encrypted and seen.trusted, f"{text.split()[0]} … is answered: “{expected}”")
        return seen

    async def _refused(self, what: str, attempt: Awaitable[Any]) -> None:
        try:
            await attempt
        except MatrixError as error:
            self.check(error.errcode == "M_FORBIDDEN", what)
        else:
            raise AssertionError(f"not so: {what}")

    # --- the steps

    async def log_in(self) -> None:
        hs = self.place.homeserver

        async def one(localpart: str) -> None:
            user = self.user(localpart)
            folder = self.out / "people"
            self.people[localpart] = await Clinician.login(hs.url, user, self.place.passwords[user], folder)

        await asyncio.gather(*(one(name) for name in (REQUESTER, COORDINATOR, RESEARCHER, *EXPERTS)))
        devices = await self.requester.trust.devices([hs.bot_user_id])
        self.check(len(devices) == 1 and devices[0].signed, "the bot has one device, signed by its own identity")

    async def greeting(self) -> None:
        me = self.requester
        self.direct = await me.open_chat(self.place.homeserver.bot_user_id)
        seen = await me.hears(self.direct, "Hello Anders")
        self.check(seen.encrypted and seen.trusted, "the greeting is encrypted and from a signed device")
        self.check("!case new" in seen.body and "!outcome" not in seen.body, "it names only what can be done here")
        help_ = await self._answer(me, self.direct, "!help", "What you can do here")
        self.check("!consent" not in help_.body, "!help lists only what this person may do here")
        await self._answer(me, self.direct, "!case new", "!case new <network> <question …>")
        await self._answer(me, self.direct, "!kase new", "Did you mean")
        researcher = self.people[RESEARCHER]
        room = await researcher.open_chat(self.place.homeserver.bot_user_id)
        seen = await researcher.hears(room, "Hello Bram")
        self.check("!case new" not in seen.body, "a researcher is offered no cases")

    async def open_case(self) -> None:
        me, bot = self.requester, self.place.homeserver.bot_user_id
        known = set(me.invitations)
        await me.say(self.direct, f"!case new {NETWORK} {QUESTION}")
        self.case = await me.invited(known)
        await me.join(self.case)
        card = await me.hears(self.case, QUESTION)
        self.check("not recorded" in card.body and "Next step" in card.body, "the card shows consent and next step")
        state = {(event["type"], event["state_key"]): event for event in await me.gateway.state(self.case)}
        create, power = state[("m.room.create", "")], state[("m.room.power_levels", "")]["content"]
        self.check(create["sender"] == bot, "the room was created by the bot")
        self.check(create["content"]["m.federate"] is False, "it is not federated")
        self.check(("m.room.encryption", "") in state, "it is encrypted")
        history = state[("m.room.history_visibility", "")]["content"]["history_visibility"]
        self.check(history == "joined", "history is visible from joining only")
        self.check(
            power["invite"] == power["state_default"] == 100 and not power["users"],
            "invitations and state are at the bot's power alone",
        )
        words = [word for word in QUESTION.lower().replace(",", "").split() if len(word) > 5]
        told = str([event["content"] for event in state.values()]).lower()
        self.check(not any(word in told for word in words), "no state holds a word of the question")
        pinned = await me.wait(lambda: self._pinned(me), "the pinned card")
        self.check(pinned == card.event_id, "the card is pinned")
        await self._space()

    def _pinned(self, person: Clinician) -> str | None:
        pins = [s for s in person.seen if s.room_id == self.case and s.type == "m.room.pinned_events"]
        return str(pins[-1].content["pinned"][0]) if pins else None

    async def _space(self) -> None:
        """A member of the network sees that a room exists, and nothing more."""
        member = self.people[EXPERTS[0]]
        space = await member.gateway.resolve_alias(f"#{NETWORK}:{self.place.homeserver.server_name}")
        await member.join(space)

        def filed() -> Seen | None:
            return next((s for s in member.seen if s.room_id == space and s.type == "m.space.child"), None)

        await member.wait(filed, "the rooms of the space")
        for _ in range(50):
            children = {e["state_key"] for e in await member.gateway.state(space) if e["type"] == "m.space.child"}
            if self.case in children:
                break
            await asyncio.sleep(0.1)
        self.check(self.case in children, "the room is filed in the space of the network")
        hierarchy = await member.gateway.request("GET", f"/_matrix/client/v1/rooms/{space}/hierarchy")
        known = {room["room_id"] for room in hierarchy["rooms"]}
        self.check(self.case not in known, "members of the space learn no more than that a room exists")

    async def closed_before_consent(self) -> None:
        me, expert = self.requester, self.user(EXPERTS[0])
        await self._answer(me, self.case, f"!panel invite {expert}", "consent to care first")
        await self._refused("the homeserver refuses the requester's invitation", me.gateway.invite(self.case, expert))
        await self._refused("it refuses the bot's invitation too", self._as_bot_invite(expert))
        dropped = await me.drop(self.case, "scan.dcm", "application/dicom", (DATA / "head_ct.dcm").read_bytes())
        await me.hears(self.case, "taken the file out", after=dropped)
        self.check(await self._is_redacted(me, dropped), "a file before consent is redacted and explained")

    async def _as_bot_invite(self, user_id: str) -> None:
        """What a faulty or stolen bot would try."""
        place = self.place
        token = (place.folder / "secrets" / "bot_token").read_text().strip()
        thief = Gateway(place.homeserver.url, place.homeserver.bot_user_id, "thief", token)
        try:
            await thief.invite(self.case, user_id)
        finally:
            await thief.close()

    async def _is_redacted(self, person: Clinician, event_id: str) -> bool:
        def look() -> Seen | None:
            return next((s for s in person.seen if s.type == "m.room.redaction" and event_id in str(s.content)), None)

        await person.wait(look, "the redaction")
        path = f"/_matrix/client/v3/rooms/{self.case}/event/{event_id}"
        event = await person.gateway.request("GET", path)
        return not event["content"]

    async def consent(self) -> None:
        me, room = self.requester, self.case
        root = await me.say(room, "!consent")
        await me.hears(room, "What did the patient consent to", after=root)
        await self._answer(me, room, "1, 2", "Which version", thread=root)
        await self._answer(me, room, "2.1", "which language", thread=root)
        asked = await self._answer(me, room, "da", "Who signed it", thread=root)
        await me.react(room, asked.event_id, "2️⃣")
        await me.hears(room, "On which day", after=asked.event_id)
        self.check(True, "a question can be answered by a reaction")
        await self._answer(me, room, "31.3.2026", "yes", thread=root)
        await self._answer(me, room, "yes", "Care is covered", thread=root)
        line = "!consent give images form=2.1 lang=da signer=parent signed=2026-03-31"
        await self._answer(me, room, line, "Recorded")
        await self._answer(me, room, "!consent give contact form=2.1", "lang, signer, signed")

    async def files(self) -> None:
        me, room = self.requester, self.case
        named = await me.drop(room, "named.dcm", "application/dicom", (DATA / "head_ct_named.dcm").read_bytes())
        refusal = await me.hears(room, "PatientName", after=named)
        self.check("PHANTOM" not in refusal.body, "a scan that names the patient is refused without repeating the name")
        self.check(await self._is_redacted(me, named), "it is out of the room at once")
        agreed = await me.say(room, "yes")
        await me.hears(room, "copy-1.dcm", after=agreed)
        await me.hears(room, "256 × 256", after=agreed)
        self.check(True, "its sender may have a copy posted that names nobody")
        scan = await me.drop(room, "scan.dcm", "application/dicom", (DATA / "head_ct.dcm").read_bytes())
        preview = await me.hears(room, "CT", after=scan)
        self.check("256 × 256" in preview.body, "the scan has a preview with its facts")
        await self._keep(me, preview, "preview-scan")
        photo = await me.drop(room, "photo.jpg", "image/jpeg", drawing())
        line = await me.hears(room, "Photograph", after=photo)
        self.check("file" not in line.content, "a photograph is announced in words, so that no notification shows it")
        await self._keep(me, await me.wait(lambda: self._edit(me, line), "the photograph"), "preview-photo")
        other = await me.drop(room, "letter.txt", "text/plain", b"a letter")
        await me.hears(room, "stays in the room", after=other)
        self.check(True, "any other file gets a polite line")

    def _edit(self, person: Clinician, line: Seen) -> Seen | None:
        """What was put into the place of a message, as a message of its own."""
        for seen in person.seen:
            relation = seen.content.get("m.relates_to")
            if isinstance(relation, dict) and (relation.get("rel_type"), relation.get("event_id")) == (
                "m.replace",
                line.event_id,
            ):
                return replace(seen, content=seen.content["m.new_content"])
        return None

    async def _keep(self, person: Clinician, preview: Seen, name: str) -> None:
        """Open a preview as the client does."""
        data = await person.open_file(preview)
        with Image.open(io.BytesIO(data)) as picture:
            size = picture.size
        info = preview.content["info"]
        self.check(size == (info["w"], info["h"]), f"{name} opens and is {size[0]} by {size[1]} pixels")

    async def panel(self) -> None:
        me, room = self.requester, self.case
        await self._answer(me, room, f"!panel invite {self.user(RESEARCHER)}", "does not see patients")
        await self._answer(me, room, "!panel invite @stranger:elsewhere.example", "does not list")
        await self._answer(me, room, f"!panel invite {EXPERTS[0]}", "Saskia de Vries")
        await self._answer(me, room, f"!panel invite {EXPERTS[1]}", "Piotr")
        for name in EXPERTS:
            expert = self.people[name]
            await expert.invited_to(room)
            await expert.join(room)
            await expert.hears(room, QUESTION)
            await expert.hears(room, "256 × 256")
            await expert.hears(room, "scan.dcm")
        self.check(True, "each expert finds the card, the scan and its preview on arrival")

    async def opinions(self) -> None:
        room = self.case
        first, second = (self.people[name] for name in EXPERTS)
        wrong = "!opinion diagnosis=trigonocephaly recommendation=surgery confidence=4"
        await self._answer(first, room, wrong, "diagnosis")
        line = "!opinion diagnosis=ORPHA:3366 recommendation=surgery confidence=4"
        await self._answer(first, room, line, "is recorded")
        root = await second.say(room, "!opinion")
        await second.hears(room, "questions", after=root)
        await self._answer(second, room, "ORPHA:3366", "next step", thread=root)
        await self._answer(second, room, "watch", "Confidence", thread=root)
        await self._answer(second, room, "9", "1", thread=root)
        seen = await second.ask(room, "3", "leaves this out", thread=root)
        while "yes" not in seen.body:
            seen = await second.hears(room, "", after=await second.say(room, "-", thread=root), sender=self._bot)
        await self._answer(second, room, "yes", "is recorded", thread=root)
        await self._answer(first, room, line.replace("=4", "=5"), "version 2")
        shown = await self._answer(self.requester, room, "!opinion show", "Saskia de Vries, version 2")
        self.check("Piotr" in shown.body, "the latest opinion of each expert is shown")

    @property
    def _bot(self) -> str:
        return self.place.homeserver.bot_user_id

    def _left(self, person: Clinician, room_id: str) -> Seen | None:
        return next((s for s in person.seen if s.room_id == room_id and s.content.get("membership") == "leave"), None)

    async def outcome(self) -> None:
        me, room = self.requester, self.case
        first, second = (self.people[name] for name in EXPERTS)
        await self._answer(me, room, "!outcome draft", "opinions were gathered")
        await self._answer(first, room, "!outcome sign", "does not let you")
        await self._answer(me, room, f"!outcome evidence {EVIDENCE}", EVIDENCE)
        await self._answer(me, room, f"!outcome followup {FOLLOW_UP}", FOLLOW_UP)
        await self._answer(me, room, f"!outcome recommend {RECOMMENDATION}", RECOMMENDATION)
        await self._answer(first, room, "!outcome agree", "you agree")
        await self._answer(second, room, f"!outcome dissent {DISSENT}", "you dissent")
        waiting = await self._answer(me, room, "!outcome sign", "still needs the signature")
        line = waiting.body[waiting.body.index("!sign ") :][: len("!sign ") + SHORT]
        await self._answer(first, room, "!sign", line)
        await self._answer(first, room, line, "still needs the signature")
        sent = await second.say(room, line)
        document = await me.hears(room, ".pdf", after=sent)
        pdf = await me.open_file(document)
        self.check(pdf.startswith(b"%PDF"), "the outcome is in the room as a PDF")
        self.check(b"/StructTreeRoot" in pdf or b"/ObjStm" in pdf, "its headings are tagged")
        proved = [finding.holds for finding in verify(pdf)]
        self.check(False not in proved and proved.count(True) >= 6, "the PDF proves by itself who signed what")
        broken = pdf.replace(b"/Type", b"/type", 1)
        self.check(any(finding.holds is False for finding in verify(broken)), "with one letter changed it does not")
        self.outcome_file = self.out / "outcome.pdf"
        self.outcome_file.write_bytes(pdf)
        await second.hears(room, "is closed", after=sent)
        await self._answer(first, room, "!opinion diagnosis=ORPHA:1 recommendation=watch confidence=1", "closed")
        card = await me.wait(lambda: self._edit_with(me, "State: closed"), "the closed card")
        self.check(card, "the card was kept current and says that the case is closed")

    def _edit_with(self, person: Clinician, text: str) -> Seen | None:
        return next((s for s in person.seen if s.room_id == self.case and text in s.body), None)

    async def withdrawal(self) -> None:
        me, expert, coordinator = self.requester, self.people[EXPERTS[0]], self.people[COORDINATOR]
        before = set(coordinator.invitations)
        known = set(me.invitations)
        await me.say(self.direct, f"!case new {NETWORK} A second child, a second question.")
        room = await me.invited(known)
        await me.join(room)
        await me.hears(room, "second question")
        line = "!consent give care form=2.1 lang=da signer=guardian signed=2026-04-01"
        await self._answer(me, room, line, "Care is covered")
        await self._answer(me, room, f"!panel invite {EXPERTS[0]}", "Invited")
        await expert.invited_to(room)
        await expert.join(room)
        await expert.hears(room, "second question")
        await self._answer(expert, room, "!opinion diagnosis=ORPHA:3366 recommendation=watch confidence=2", "recorded")
        await self._answer(me, room, "!outcome draft", "gathered")
        await self._answer(me, room, "!outcome recommend Watch.", "Watch.")
        await self._answer(me, room, "!outcome sign", "will not count")
        await self._answer(me, room, "!consent withdraw care", "cannot be recalled")
        await me.wait(lambda: self._left(me, room), "the expert's removal")
        view = await me.rooms.view(room)
        self.check(view.joined == {me.user_id, self._bot}, "the panel is removed")
        await self._refused("the room is closed to them", expert.gateway.join(room))
        await self._refused("nothing more is written in it", me.say(room, "!outcome sign confirm"))
        chat = await coordinator.invited(before)
        await coordinator.join(chat)
        told = await coordinator.hears(chat, "Consent to care was withdrawn")
        self.check(
            "cannot be recalled" in told.body, "the coordinator is told what was done and what cannot be recalled"
        )


def drawing() -> bytes:
    """A photograph for the story: drawn, so that it shows nobody."""
    picture = Image.new("RGB", (1200, 900), (214, 188, 168))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((350, 120, 850, 780), fill=(232, 205, 186), outline=(150, 110, 90), width=8)
    pen.line((600, 150, 600, 420), fill=(170, 120, 100), width=14)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=88)
    return data.getvalue()
