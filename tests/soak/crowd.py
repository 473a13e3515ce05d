"""People in twenty rooms who go on writing while the bot is killed."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from ernbot.demo.clinician import Clinician
from ernbot.matrix.identity import Identity, ensure_identity
from ernbot.matrix.olm import MEGOLM
from tests.fixtures_installation import PATIENCE, House
from tests.soak.wire import Wire

LEADS = ("anders.kjaer", "freja.lund")
EXPERTS = ("saskia.devries", "piotr.zielinski", "claire.fontaine", "lucia.ortega")
CASES, CHATS = 4, 16
ROTATIONS = (None, 2, 7)
"""After how many messages the room keys of direct chats change."""

NEW_DEVICE, NEW_CHANNEL = 0.03, 0.12
"""How often somebody logs in on a new device before writing, or opens a new channel to the bot."""

PATIENT = 0.7
"""How often somebody waits for the answer before writing again."""

PAUSE = 1.0
"""The longest pause in seconds between two commands in a room."""


@dataclass(frozen=True)
class Room:
    """A case room, or a direct chat of one writer."""

    id: str
    is_case: bool
    writers: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """One command: who asked from which device, and for an opinion its unique diagnosis."""

    room: Room
    who: str
    device: Clinician
    event_id: str
    diagnosis: str | None
    at: float

    @property
    def expected(self) -> str:
        """What stands in the answer, and in the answer to nothing else."""
        return self.diagnosis or "What you can do"


@dataclass
class Crowd(House):
    """The people of an installation, who reach the homeserver over the wire and sign each of their devices."""

    wire: Wire = field(default_factory=lambda: Wire("", ""))
    devices: dict[str, list[tuple[float, Clinician]]] = field(default_factory=dict)
    """Everybody's devices and when they were ready, the newest last."""

    _identities: dict[str, Identity] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.wire.url

    async def another_device(self, name: str, *, signed: bool = False) -> Clinician:
        device = await super().another_device(name, signed=False)
        if signed:
            identity = self._identities.setdefault(name, Identity.generate(device.user_id))
            await ensure_identity(device.gateway, device.machine.olm, identity)
        self.devices.setdefault(name, []).append((time.monotonic(), device))
        return device

    async def settle(self) -> list[Room]:
        """The rooms, with everybody in them and greeted."""
        for name in (*LEADS, *EXPERTS):
            await self.person(name)
        chats = [self._chat(EXPERTS[number % len(EXPERTS)], ROTATIONS[number % 3]) for number in range(CHATS)]
        cases = [self._cases(lead) for lead in LEADS]
        direct, *found = await asyncio.gather(asyncio.gather(*chats), *cases)
        return [*direct, *(room for some in found for room in some)]

    async def _chat(self, name: str, messages: int | None) -> Room:
        person = await self.person(name)
        settings = {"algorithm": MEGOLM, **({"rotation_period_msgs": messages} if messages else {})}
        room = await person.gateway.create_room(
            {
                "invite": [self.bot],
                "is_direct": True,
                "preset": "trusted_private_chat",
                "initial_state": [{"type": "m.room.encryption", "content": settings}],
            }
        )
        await person.hears(room, "Hello", sender=self.bot, patience=PATIENCE)
        return Room(room, False, (name,))

    async def _cases(self, lead: str) -> list[Room]:
        """The cases of one lead, one after the other: an invitation does not say which case it is to."""
        panels = (EXPERTS[:2], EXPERTS[2:])
        return [Room(await self.case(lead, panel=panel), True, panel) for panel in panels[: CASES // len(LEADS)]]


@dataclass
class Talk:
    """What is said in all rooms at once, until `over`."""

    crowd: Crowd
    chance: random.Random
    max_devices: int
    patience: float
    """Seconds that an answer may take; the bot may not live long enough for it several times."""
    asked: list[Asked] = field(default_factory=list)
    new_devices: int = 0
    new_channels: int = 0
    over: bool = False
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(100_000))

    async def go_on(self, room: Room) -> None:
        """One command after the other, some without waiting for the answer to the one before."""
        while not self.over:
            who = self.chance.choice(room.writers)
            device = await self._device(who)
            diagnosis = f"ORPHA:{next(self._numbers)}" if room.is_case else None
            command = f"!opinion diagnosis={diagnosis} recommendation=watch confidence=3" if diagnosis else "!help"
            at = time.monotonic()
            event_id = await device.say(room.id, command)
            self.asked.append(Asked(room, who, device, event_id, diagnosis, at))
            if self.chance.random() < PATIENT:
                await self.crowd.answer(device, event_id, self.patience)
            await asyncio.sleep(self.chance.uniform(0, PAUSE))

    async def _device(self, who: str) -> Clinician:
        """The newest device of somebody; sometimes a new one, or the same with a new channel to the bot."""
        luck = self.chance.random()
        if luck < NEW_DEVICE and self.new_devices < self.max_devices:
            self.new_devices += 1
            return await self.crowd.another_device(who, signed=True)
        _, device = self.crowd.devices[who][-1]
        if luck < NEW_DEVICE + NEW_CHANNEL:
            self.new_channels += 1
            bots = [bot for bot in await device.trust.devices([self.crowd.bot]) if bot.signed]
            await device.machine.channels.send(bots, "m.dummy", {}, known=())
        return device
