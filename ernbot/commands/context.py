"""What a command may see: the transaction, the actor, the room and the configuration. Never Matrix, SQL or a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ernbot.commands.card import card
from ernbot.commands.effects import Access, Card, Message, Outbox
from ernbot.commands.office import Office
from ernbot.commands.reply import Reply, pages
from ernbot.core.assurance import Assurance, beginning, doubt
from ernbot.core.case import Action, Case
from ernbot.core.errors import Refused
from ernbot.storage.records import CasePlace
from ernbot.storage.transaction import Transaction


@dataclass(frozen=True)
class Context:
    """One message of one person, checked: `actor` really sent it, from the signed device `device_id`.

    `assurance` says how sure that is. What proves nothing, such as a reaction or an arrival, has none, and no device.
    `place` is the case room in which it was written, None in a direct chat. `about` is the case that a direct chat is
    about, once that is known. `elsewhere`: the answer goes to another room than the message. `mentions` are the user
    ids that the message mentions, apart from the bot.
    """

    tx: Transaction
    office: Office
    actor: str
    device_id: str
    room_id: str
    event_id: str
    now: datetime
    thread: str | None = None
    place: CasePlace | None = None
    mentions: tuple[str, ...] = ()
    assurance: Assurance = Assurance.NONE
    about: CasePlace | None = None
    elsewhere: bool = False

    def on(self, place: CasePlace) -> Context:
        """The same message in a direct chat, as one about a case."""
        return replace(self, about=place)

    def aside(self, room_id: str) -> Context:
        """What is answered in a direct chat to a message in the room of a case."""
        return replace(self, room_id=room_id, place=None, about=self.place, thread=None, elsewhere=True)

    @property
    def case_id(self) -> str | None:
        """The case that the message is about."""
        place = self.place or self.about
        return place.case_id if place is not None else None

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.tx, self.now)

    @property
    def root(self) -> str:
        """The event under which a dialogue hangs: the thread in which somebody wrote, or their message."""
        return self.thread or self.event_id

    async def case(self, action: Action, *, said: bool = True) -> Case:
        """The case of this room, or the one that the direct chat is about, through the access gate.

        `said` is false for what nobody said, so that nothing vouches for it: nothing may be recorded then.

        Raises:
            Refused: see `core.access.check_case` and `doubt`.
        """
        doubt = await self.doubt(self.office.policy.needs(action)) if said else None
        room_id = self.about.room_id or "" if self.about is not None else self.room_id
        return await self.tx.case_in(room_id, self.actor, action, self.office.directory, self.now, doubt=doubt)

    async def doubt(self, needed: Assurance) -> Refused | None:
        """Why we are not sure enough of the sender; None when we are.

        `device-unknown` without a signed device, `identity-changed` after another identity has taken the place of the
        one that we knew, `identity-unverified` before it was compared by emoji.
        """
        code = doubt(self.assurance, needed)
        if code == "identity-changed":
            known = (await self.tx.identities([self.actor])).get(self.actor)
            at = known.changed_at if known is not None and known.changed_at is not None else self.now
            start = beginning(known.master if known is not None else None)
            return Refused("identity-changed", date=at.date(), user=self.actor, start=start)
        return Refused(code) if code is not None else None

    async def save(self, case: Case) -> None:
        """Store a changed case and bring its card up to date."""
        await self.tx.save_case(case)
        await self.outbox.to_case(case.id, Card(card(case, self.office, self.now), case.requester))

    async def say(self, reply: Reply, *, tag: str | None = None, choices: int = 0, thread: str | None = None) -> None:
        """Answer the message at hand where it was written.

        `choices` asks for numbered reactions to choose from, `thread` moves the answer into a thread. A long answer
        becomes several messages, of which the last bears the tag and the choices.
        """
        *first, last = pages(reply)
        reply_to = None if self.elsewhere else self.event_id
        for page in first:
            await self._send(Message(page, self.actor, reply_to, thread or self.thread))
        await self._send(Message(last, self.actor, reply_to, thread or self.thread, choices), tag)

    async def _send(self, message: Message, tag: str | None = None) -> None:
        if self.place is not None:
            await self.outbox.to_case(self.place.case_id, message, tag=tag)
        elif self.about is not None:
            # Sealed under the key of the case, and taken back with it.
            await self.outbox.to_case(self.about.case_id, message, tag=tag, room_id=self.room_id)
        else:
            await self.outbox.to_room(self.room_id, message, tag=tag)


def access(case: Case, *, open: bool = True, closed: bool = False) -> Access:
    """What the homeserver is to enforce for a case."""
    return Access(case.requester, case.admitted, open, closed)
