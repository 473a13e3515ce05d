"""What a command may see: the transaction, the actor, the room and the configuration. Never Matrix, SQL or a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ernbot.commands.card import card
from ernbot.commands.effects import Access, Card, Invite, Message, Outbox, Remove
from ernbot.commands.office import Office
from ernbot.commands.reply import Reply, Text, pages
from ernbot.core.access import without_part
from ernbot.core.agenda import timed
from ernbot.core.assurance import Assurance, beginning, doubt
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.states import Action, Draft, Erased, Withdrawn
from ernbot.core.turn import turn
from ernbot.core.worklist import index
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

    async def case_named(self, name: str, action: Action) -> Case:
        """A case by its nickname, its number or its id, through the access gate: for direct chats.

        Raises:
            Refused: `case-unknown` or `case-ambiguous`; see `core.access.check_case` and `doubt`.
        """
        doubt = await self.doubt(self.office.policy.needs(action))
        return await self.tx.case_named(name, self.actor, action, self.office.directory, self.now, doubt=doubt)

    @property
    def on_behalf_of(self) -> str | None:
        """The clinician for whom the actor acts as assistant in the case asked for last; None when for nobody."""
        return self.tx.acting_for

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

    async def add(self, case: Case) -> None:
        """Store a new case."""
        case = self._timed(case)
        await self.tx.add_case(case, index=index(case, self.office.directory, self.now))

    def _timed(self, case: Case) -> Case:
        return timed(case, turn(case, self.office.directory, self.now), self.now)

    async def save(self, case: Case, *, unseen: bool = False) -> None:
        """Store a changed case with its clocks and its card; assistants go where those go for whom they act.

        `unseen` leaves the card alone, for what changes nothing in it: an edit would show the room when it came.
        """
        changed = await shut_out(self.tx, self.office, await self._with_assistants(case), self.now)
        people_changed = changed is not case
        changed = self._timed(changed)
        await self.tx.save_case(changed, index=index(changed, self.office.directory, self.now), at=self.now)
        if people_changed or not unseen:
            await self.outbox.to_case(changed.id, Card(card(changed, self.office, self.now), changed.requester))

    async def _with_assistants(self, case: Case) -> Case:
        """The case with the assistants of its members, who are let in, and asked out when it is no longer so."""
        if isinstance(case.state, Withdrawn | Erased):
            return case
        found = (one for member in case.members for one in self.office.directory.assistants_of(member))
        assistants = tuple(one for one in dict.fromkeys(found) if one not in case.members)
        if assistants == case.assistants:
            return case
        changed = replace(case, assistants=assistants)
        await self.outbox.to_case(case.id, access(changed, open=not isinstance(case.state, Draft)))
        for user in assistants:
            if user not in case.assistants:
                await self.outbox.to_case(case.id, Invite(user))
        for user in case.assistants:
            if user not in changed.admitted:
                await self.outbox.to_case(case.id, Remove(user))
        return changed

    async def say(
        self,
        reply: Reply,
        *,
        tag: str | None = None,
        choices: int = 0,
        thread: str | None = None,
        undo: bool = False,
    ) -> None:
        """Answer the message at hand where it was written.

        `choices` asks for numbered reactions to choose from, `undo` for the one that takes the step back, `thread`
        moves the answer into a thread. A long answer becomes several messages, of which the last bears all these. Who
        acts for somebody is named first.
        """
        if self.on_behalf_of is not None:
            name = self.office.directory.name_of
            who = Text("on-behalf", {"name": name(self.actor), "clinician": name(self.on_behalf_of)})
            reply = Reply((who, *reply.parts))
        *first, last = pages(reply)
        reply_to = None if self.elsewhere else self.event_id
        for page in first:
            await self._send(Message(page, self.actor, reply_to, thread or self.thread))
        await self._send(Message(last, self.actor, reply_to, thread or self.thread, choices, undo=undo), tag)

    async def _send(self, message: Message, tag: str | None = None) -> None:
        if self.place is not None:
            await self.outbox.to_case(self.place.case_id, message, tag=tag)
        elif self.about is not None:
            # Sealed under the key of the case, and taken back with it.
            await self.outbox.to_case(self.about.case_id, message, tag=tag, room_id=self.room_id)
        else:
            await self.outbox.to_room(self.room_id, message, tag=tag)


async def shut_out(tx: Transaction, office: Office, case: Case, at: datetime) -> Case:
    """Close the room to people of a case who have no part in it any more, and open it to those who have again.

    Whoever leaves the directory is refused every command by the gate, and would read on without this.
    """
    if isinstance(case.state, Withdrawn | Erased):
        return case
    outside = without_part(case, office.directory, at)
    if outside == case.outside:
        return case
    changed, outbox = replace(case, outside=outside), Outbox(tx, at)
    await outbox.to_case(case.id, access(changed, open=not isinstance(case.state, Draft)))
    for user in case.people:
        if (user in outside) == (user in case.outside):
            continue
        gone = user in outside
        await outbox.to_case(case.id, Remove(user) if gone else Invite(user))
        tx.audit(at=at, actor=office.bot, action="shut-out", case_id=case.id, decision="removed" if gone else "invited")
    return changed


def access(case: Case, *, open: bool = True, closed: bool = False) -> Access:
    """What the homeserver is to enforce for a case."""
    return Access(case.requester, case.admitted, open, closed, case.assistants)
