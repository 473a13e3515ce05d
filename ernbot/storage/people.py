"""What is kept per person: language, direct chat with the bot, the conversation under way, the last command."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from ernbot.storage.errors import Shredded
from ernbot.storage.records import Dialogue, Step
from ernbot.storage.sealing import SealedRows, case_of, case_scope, from_json, sealed, to_json
from ernbot.storage.tables import dialogues, direct_rooms, last_steps, people

LANGUAGE = select(people.c.language).where(people.c.user_id == bindparam("user"))
DIRECT_ROOM = select(direct_rooms.c.room_id).where(direct_rooms.c.user_id == bindparam("user"))
DIRECT_USER = select(direct_rooms.c.user_id).where(direct_rooms.c.room_id == bindparam("room"))
DIALOGUE = sealed(dialogues).where(dialogues.c.room_id == bindparam("room"), dialogues.c.user_id == bindparam("user"))

LAST_STEP = sealed(last_steps).where(
    last_steps.c.room_id == bindparam("room"), last_steps.c.user_id == bindparam("user")
)


class PeopleRows(SealedRows):
    """The part of a transaction that holds people and dialogues."""

    async def language(self, user_id: str) -> str | None:
        language: str | None = await self._connection.scalar(LANGUAGE, {"user": user_id})
        return language

    async def set_language(self, user_id: str, language: str) -> None:
        await self._put(people, user_id=user_id, language=language)

    async def direct_room(self, user_id: str) -> str | None:
        room_id: str | None = await self._connection.scalar(DIRECT_ROOM, {"user": user_id})
        return room_id

    async def direct_user(self, room_id: str) -> str | None:
        user_id: str | None = await self._connection.scalar(DIRECT_USER, {"room": room_id})
        return user_id

    async def set_direct_room(self, user_id: str, room_id: str) -> None:
        """Make this the one direct room of this person, whatever either was before."""
        others = (direct_rooms.c.room_id == room_id) & (direct_rooms.c.user_id != user_id)
        await self._connection.execute(delete(direct_rooms).where(others))
        # Somebody who opens two chats at once has two transactions do this: the later one waits, and wins.
        await self._put(direct_rooms, user_id=user_id, room_id=room_id)

    async def forget_direct_room(self, room_id: str) -> None:
        await self._connection.execute(delete(direct_rooms).where(direct_rooms.c.room_id == room_id))

    async def dialogue(self, room_id: str, user_id: str) -> Dialogue | None:
        """This person's conversation in this room.

        Raises:
            Shredded: its key was destroyed.
        """
        row = (await self._connection.execute(DIALOGUE, {"room": room_id, "user": user_id})).one_or_none()
        if row is None:
            return None
        data = from_json(self._open(row, dialogues, "data", room_id, user_id))
        return Dialogue(room_id, user_id, row.kind, row.thread, data, row.at, case_of(row.scope))

    async def save_dialogue(self, dialogue: Dialogue) -> None:
        of_case = dialogue.case_id is not None
        scope = case_scope(str(dialogue.case_id)) if of_case else await self.scope_of(dialogue.room_id)
        key = (dialogue.room_id, dialogue.user_id)
        await self._put(
            dialogues,
            room_id=dialogue.room_id,
            user_id=dialogue.user_id,
            kind=dialogue.kind,
            thread=dialogue.thread,
            at=dialogue.at,
            scope=scope,
            data=await self._seal(scope, to_json(dialogue.data), dialogues, "data", *key),
        )

    async def end_dialogue(self, room_id: str, user_id: str) -> None:
        await self._connection.execute(
            delete(dialogues).where(dialogues.c.room_id == room_id, dialogues.c.user_id == user_id)
        )

    async def end_dialogues(self, case_id: str) -> tuple[str, ...]:
        """End every conversation about a case, wherever it takes place; with whom there was one."""
        of_case = delete(dialogues).where(dialogues.c.scope == case_scope(case_id))
        ended = await self._connection.scalars(of_case.returning(dialogues.c.user_id))
        return tuple(sorted(set(ended)))

    async def last_step(self, room_id: str, user_id: str) -> Step | None:
        """The last command of this person in this room; none after the key of its case was destroyed."""
        row = (await self._connection.execute(LAST_STEP, {"room": room_id, "user": user_id})).one_or_none()
        if row is None:
            return None
        key = (room_id, user_id)
        try:
            before, after = (
                self._open(row, last_steps, name, *key) if row._mapping[name] is not None else None
                for name in ("before", "after")
            )
        except Shredded:
            return None
        return Step(room_id, user_id, row.event_id, row.at, row.what, row.result, before, after)

    async def keep_step(self, step: Step) -> None:
        """Remember the last command of somebody in a room in the place of the one before."""
        scope, key = await self.scope_of(step.room_id), (step.room_id, step.user_id)
        states = {
            name: await self._seal(scope, state, last_steps, name, *key) if state is not None else None
            for name, state in (("before", step.before), ("after", step.after))
        }
        about = {"event_id": step.event_id, "at": step.at, "what": step.what, "result": step.result}
        await self._put(last_steps, room_id=step.room_id, user_id=step.user_id, scope=scope, **about, **states)
