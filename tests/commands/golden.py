"""Golden chats: a conversation as its people read it, compared with a text file that a clinician can read as well.

`pytest --golden` writes the files anew; look at every difference before you commit it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from ernbot.commands.effects import Card, Message
from ernbot.matrix.render import render

from .chat import Chat, Done, direct_room

FOLDER = Path(__file__).parents[1] / "data" / "golden"
NICKNAME = "Quiet Heron 101"
"""Stands for the nickname of the case, which is another one in each run."""


class Transcript:
    """A conversation in one language: what people type goes to the bot, and all that it says is written down.

    A golden chat is read, not only compared: write it as the journey of a person, one journey to a file. What the card
    says is left out unless `cards` asks for it.
    """

    def __init__(self, chat: Chat, language: str, *, cards: bool = False) -> None:
        self.chat = chat
        self.language = language
        self.cards = cards
        self.nickname = ""
        self.hidden: dict[str, str] = {}
        """What is another one in each run, such as a digest, and what stands for it."""
        self._lines: list[str] = []
        self._heard = 0
        self._speaker = ""

    def skip(self) -> None:
        """Leave out what was said up to now: the journey begins here."""
        self._heard = len(self.chat.done)

    async def room(self, user: str, text: str, **relation: str | None) -> None:
        """Somebody writes in the room of the case."""
        self._typed(user, "in the room", text)
        await self.chat.say(user, text, room=self.chat.room, **relation)  # type: ignore[arg-type]
        await self._answered()

    async def direct(self, user: str, text: str, **relation: str | None) -> None:
        """Somebody writes in their direct chat with the bot."""
        self._typed(user, "in the direct chat", text)
        await self.chat.say(user, text, **relation)  # type: ignore[arg-type]
        await self._answered()

    async def waits(self, turn: Callable[[], Awaitable[object]], note: str) -> None:
        """Time passes, and the bot does by itself what is due then."""
        self.note(note)
        await turn()
        await self._answered()

    async def reacts(self, user: str, key: str, target: str) -> None:
        """Somebody reacts in the room of the case."""
        self._typed(user, "reacts in the room", key)
        await self.chat.react(user, key, target)
        await self._answered()

    def note(self, text: str) -> None:
        """A line about what happens between the messages."""
        self._lines.append(f"({text})")

    @property
    def text(self) -> str:
        text = "\n\n".join(self._lines) + "\n"
        hidden = {self.nickname: NICKNAME, self.nickname[-4:]: NICKNAME[-4:]} if self.nickname else {}
        for found, shown in {**hidden, **self.hidden}.items():
            text = text.replace(found, shown)
        return text

    def matches(self, name: str, *, rewrite: bool) -> None:
        """Compare with `tests/data/golden/<name>.<language>.txt`, or write it."""
        path = FOLDER / f"{name}.{self.language}.txt"
        if rewrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text, encoding="utf-8")
        assert self.text == path.read_text(encoding="utf-8"), f"{path.name}: see what changed with pytest --golden"

    def _typed(self, user: str, where: str, text: str) -> None:
        name = self.chat.directory.name_of(user)
        self._speaker = user
        self._lines.append("\n".join([f"{name}, {where}:", *(f"    {line}".rstrip() for line in text.split("\n"))]))

    async def _answered(self) -> None:
        """Write down everything that was said since; nicknames are random, so they are replaced."""
        if not self.nickname and self.chat.room:
            self.nickname = (await self.chat.case()).nickname
        for done in self.chat.done[self._heard :]:
            match done.effect:
                case Message(reply):
                    self._said(self._where(done), render(reply, self.language).body)
                case Card(reply) if self.cards:
                    self._said("card", render(reply, self.language).body)
                case effect:
                    self._lines.append(f"[{effect.kind}]")
        self._heard = len(self.chat.done)

    def _where(self, done: Done) -> str:
        if done.room == self.chat.room:
            return "bot, in the room"
        if done.room == direct_room(self._speaker):
            return "bot, in the direct chat"
        people = (person for network in self.chat.directory.networks for person in network.people)
        name = next((person.name for person in people if direct_room(person.user_id) == done.room), done.room)
        return f"bot, to {name} alone"

    def _said(self, where: str, body: str) -> None:
        self._lines.append("\n".join([f"{where}:", *(f"  | {line}".rstrip() for line in body.split("\n"))]))
