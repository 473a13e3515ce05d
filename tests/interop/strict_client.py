"""Drives `strict_client.mjs`: a person whose client shares no code with us, so no mistake is made on both sides."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

HERE = Path(__file__).parent
PATIENCE = 90.0
MAX_LINE = 2**24
T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """One event as the strict client shows it: why it stays locked (`failure`), which warning it carries (`shield`)."""

    room_id: str
    event_id: str
    sender: str
    type: str
    content: dict[str, Any]
    encrypted: bool
    failure: str | None
    shield: str | None
    shield_reason: str | None

    @property
    def body(self) -> str:
        return str(self.content.get("body", ""))

    @property
    def verdict(self) -> tuple[str | None, str | None, str | None]:
        return self.failure, self.shield, self.shield_reason


CLEAN = (None, "NONE", None)
"""The verdict on an event that is decrypted and shown without any warning."""


class StrictClient:
    """One running client. Every request raises `AssertionError` with what the client said when it fails."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()
        self.shown: list[Shown] = []
        self.invitations: list[str] = []

    async def ask(self, do: str, **given: Any) -> Any:
        """One request; its result."""
        assert self._process.stdin is not None
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "do": do, **given}).encode() + b"\n")
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError:
            raise AssertionError(f"the strict client gave no answer to {do}; its log is {self._log}") from None

    async def listen(self) -> None:
        """Take everything the client says, until it ends."""
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            line = json.loads(raw)
            if "id" in line:
                answer = self._answers.pop(line["id"])
                if answer.done():  # nobody waits any more
                    continue
                if "error" in line:
                    answer.set_exception(AssertionError(line["error"]))
                else:
                    answer.set_result(line["result"])
                continue
            async with self._changed:
                if "invitation" in line:
                    self.invitations.append(line["invitation"])
                else:
                    self.shown.append(Shown(**line["event"]))
                self._changed.notify_all()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError(f"the strict client ended; its log is {self._log}"))

    async def _wait(self, look: Callable[[], T | None], description: str) -> T:
        async with self._changed:
            try:
                async with asyncio.timeout(PATIENCE):
                    while (found := look()) is None:
                        await self._changed.wait()
                    return found
            except TimeoutError:
                raise AssertionError(f"the strict client waited in vain for {description}: {self.shown}") from None

    async def sees(self, what: Callable[[Shown], bool], description: str, *, after: int = 0) -> Shown:
        """The first event like this, among those shown after the first `after` ones."""
        return await self._wait(lambda: next((event for event in self.shown[after:] if what(event)), None), description)

    async def hears(self, room_id: str, text: str, *, after: int = 0) -> Shown:
        """The first readable message in a room with a text in it."""
        return await self.sees(lambda event: event.room_id == room_id and text in event.body, repr(text), after=after)

    async def invited(self, *, after: int = 0) -> str:
        """The first room that this person was invited to, after the first `after` ones."""
        return await self._wait(lambda: next(iter(self.invitations[after:]), None), "an invitation")

    async def say(self, room_id: str, text: str) -> str:
        return str(await self.ask("say", room=room_id, text=text))

    async def converse(self, room_id: str, text: str, answer: str) -> Shown:
        """Say something and wait for an answer with a text in it."""
        before = len(self.shown)
        await self.say(room_id, text)
        return await self.hears(room_id, answer, after=before)

    async def drop(self, room_id: str, name: str, mimetype: str, data: bytes) -> str:
        """Drop an encrypted file into a room; its event id."""
        encoded = base64.b64encode(data).decode()
        return str(await self.ask("drop", room=room_id, name=name, mimetype=mimetype, data=encoded))

    async def open_file(self, shown: Shown) -> bytes:
        """The plaintext of a file message."""
        return base64.b64decode(await self.ask("open_file", file=shown.content["file"]))


@contextlib.asynccontextmanager
async def strict_client(
    url: str, user_id: str, password: str, log: Path, *, login: bool = True
) -> AsyncIterator[StrictClient]:
    """A client, logged in on a new device with a new identity: once for each account. Without `login`, not yet."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("The tests need Node.js 20 or newer: install it with npm, so that both are on the PATH.")
    if not (HERE / "node_modules" / ".ready").exists():
        pytest.fail("The libraries of the strict client are missing: run `make tests/interop/node_modules/.ready`.")
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            *(node, str(HERE / "strict_client.mjs")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=sink,
            limit=MAX_LINE,
        )
    client = StrictClient(process, log)
    listening = asyncio.create_task(client.listen())
    try:
        if login:
            await client.ask("login", url=url, user=user_id, password=password)
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening
