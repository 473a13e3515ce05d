"""The stage of the story: the installation in which it plays, its people, and what was seen to be true.

Scenes (`ernbot.demo.scenes`) act through it. It looks into the running system as people do, through their own clients.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.homeserver import HomeserverFailed
from ernbot.demo.installation import Installation
from ernbot.matrix.errors import MatrixError, Unreachable

DATA = Path(__file__).parent / "data"
NETWORK = "ern-cranio"
REQUESTER, COORDINATOR, RESEARCHER = "anders.kjaer", "mette.holm", "bram.visser"
SURGEON, DISSENTER, LATECOMER = EXPERTS = ("saskia.devries", "piotr.zielinski", "giulia.marchetti")
SPARE = "freja.lund"
"""An account that the story does not use: for whoever watches."""


@dataclass
class Step:
    """What was played: `asserted` lists what was seen to be true, `answers` counts what the bot was asked."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    asserted: list[str] = field(default_factory=list)
    answers: int = 0
    error: str | None = None


class Stage:
    """An installation whose bot is running, and who plays in it.

    `chats` are the direct chats with the bot by user name, `case` is the room of the case. `marks` are headings of the
    transcript, each by the id of the event before which it stands.
    """

    def __init__(self, place: Installation) -> None:
        self.place = place
        self.steps: list[Step] = []
        self.people: dict[str, Clinician] = {}
        self.chats: dict[str, str] = {}
        self.case = ""
        self.marks: dict[str, str] = {}
        self.outcome_file: Path | None = None

    async def play(self, name: str, scene: Callable[[Stage], Awaitable[None]]) -> Step:
        """Play one scene; a check of it that fails ends it."""
        step = Step(name)
        self.steps.append(step)
        started = time.monotonic()
        try:
            await scene(self)
            step.ok = True
        except (AssertionError, HomeserverFailed, MatrixError, Unreachable, OSError) as error:
            step.error = str(error) or type(error).__name__
        if step.answers:
            step.asserted.append(f"answers as expected, encrypted and from the bot's signed device: {step.answers}")
        step.seconds = round(time.monotonic() - started, 2)
        return step

    async def close(self) -> None:
        await asyncio.gather(*(person.close() for person in self.people.values()))

    # --- who plays

    @property
    def bot(self) -> str:
        return self.place.homeserver.bot_user_id

    @property
    def requester(self) -> Clinician:
        return self.people[REQUESTER]

    @property
    def experts(self) -> list[Clinician]:
        return [self.people[name] for name in EXPERTS]

    def user(self, localpart: str) -> str:
        return f"@{localpart}:{self.place.homeserver.server_name}"

    async def chat(self, name: str) -> Seen:
        """Open somebody's direct chat with the bot; its greeting."""
        person = self.people[name]
        self.chats[name] = await person.open_chat(self.bot)
        return await person.hears(self.chats[name], "Hello", sender=self.bot)

    # --- what is seen

    def check(self, true: object, what: str) -> None:
        """Note a fact, or end the scene when it is none."""
        if not true:
            raise AssertionError(f"not so: {what}")
        self.steps[-1].asserted.append(what)

    async def answer(
        self, person: Clinician, room: str, text: str, expected: str, *, thread: str | None = None
    ) -> Seen:
        """Say something; the bot's answer, which must be encrypted and from its signed device."""
        seen = await person.ask(room, text, expected, thread=thread)
        if not (seen.encrypted and seen.trusted):
            raise AssertionError(f"not so: the answer to {text.split()[0]} is encrypted and from a signed device")
        self.steps[-1].answers += 1
        return seen

    async def refused(self, what: str, attempt: Awaitable[Any]) -> None:
        """Check that the homeserver forbids it."""
        try:
            await attempt
        except MatrixError as error:
            self.check(error.errcode == "M_FORBIDDEN", what)
        else:
            raise AssertionError(f"not so: {what}")

    async def is_redacted(self, person: Clinician, event_id: str) -> bool:
        """Whether the homeserver has wiped an event of the case room, once its redaction was seen."""

        def look() -> Seen | None:
            return next((s for s in person.seen if s.type == "m.room.redaction" and event_id in str(s.content)), None)

        await person.wait(look, "the redaction")
        path = f"/_matrix/client/v3/rooms/{self.case}/event/{event_id}"
        event = await person.gateway.request("GET", path)
        return not event["content"]


def edit_of(person: Clinician, line: Seen) -> Seen | None:
    """What was put into the place of a message, as a message of its own."""
    for seen in person.seen:
        relation = seen.content.get("m.relates_to")
        if isinstance(relation, dict) and (relation.get("rel_type"), relation.get("event_id")) == (
            "m.replace",
            line.event_id,
        ):
            return replace(seen, content=seen.content["m.new_content"])
    return None


def has_read(person: Clinician, text: str) -> bool:
    """Whether anything that this person's client has ever shown holds a text."""
    return any(text in str(seen.content) for seen in person.seen)
