"""Showing files in a room: pictures with their thumbnails, cards, films, and the originals once more.

Every picture is encrypted and uploaded before its message. What shows who somebody is comes as an edit of a plain line,
without a thumbnail: homeservers push no edits (`.m.rule.suppress_edits`), so that no notification shows a face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ernbot.commands.effects import Announce, PassOn, ShowFile
from ernbot.commands.files import ending, file_tag
from ernbot.commands.reply import Reply
from ernbot.imaging.file_names import is_plain
from ernbot.matrix.events import as_dict
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.media import put
from ernbot.matrix.render import render
from ernbot.storage.records import CaseFile, OutboxItem, StoredPicture
from ernbot.storage.store import Store

BLURHASH = "xyz.amorgan.blurhash"
_FILE = ("url", "key", "iv", "hashes", "v")
_MEASURES = ("mimetype", "size", "w", "h", "duration")
_SMALL_COPIES = ("thumbnail_file", "thumbnail_info", BLURHASH)
"""Of a file's message, what a client needs to fetch and to show it: the Matrix specification, `EncryptedFile` and
`ImageInfo`."""


class Desk(Protocol):
    """What every delivery needs, see `delivery.Delivery`."""

    async def room_of(self, item: OutboxItem) -> str: ...

    async def language(self, reader: str) -> str: ...

    async def send(self, room_id: str, content: dict[str, Any], txn_id: str) -> str: ...

    async def done(self, item: OutboxItem, event_id: str | None = None) -> None: ...


@dataclass(frozen=True)
class Showing:
    """Carries out what shows a file, and marks it done."""

    desk: Desk
    gateway: Gateway
    store: Store

    async def deliver(self, item: OutboxItem, effect: Announce | ShowFile | PassOn) -> None:
        """Carry out one effect; see `delivery.Delivery.deliver`."""
        room_id = await self.desk.room_of(item)
        match effect:
            case Announce():
                content = await self._words(effect.reply, effect.reader) | _reply(effect.reply_to)
            case ShowFile():
                found = await self._shown(item, effect)
            case PassOn():
                found = await self._original(item, effect)
        if not isinstance(effect, Announce):
            if found is None:
                await self.desk.done(item)
                return
            content = found
        await self.desk.done(item, await self.desk.send(room_id, content, item.id))

    async def _stored(self, file_id: str) -> CaseFile | None:
        async with self.store.transaction() as tx:
            return await tx.file(file_id)

    async def _latest(self, item: OutboxItem, file: CaseFile, kinds: set[str]) -> str | None:
        """The last event of ours of one of these kinds that belongs to a file."""
        async with self.store.transaction() as tx:
            sent = await tx.tagged(item.lane, file_tag(file.group))
        return next((each.event_id for each in sent if each.kind in kinds), None)

    async def _shown(self, item: OutboxItem, effect: ShowFile) -> dict[str, Any] | None:
        file = await self._stored(effect.file_id)
        if file is None:
            return None
        content = await self._words(effect.caption, effect.reader)
        picture = file.animation if effect.moving else file.preview
        if picture is not None:
            thumbnail = None if effect.edits or effect.moving else file.thumbnail
            name = "animation" if effect.moving else "preview"
            content |= await self._picture(name, picture, thumbnail, None if effect.moving else file.blurhash)
        if not effect.edits:
            return content | _reply(effect.reply_to)
        announced = await self._latest(item, file, {"announcement"})
        if announced is None:
            return None
        line = {"msgtype": "m.notice", "body": "* …", "m.mentions": {}}
        return {**line, "m.new_content": content, "m.relates_to": {"rel_type": "m.replace", "event_id": announced}}

    async def _words(self, reply: Reply, reader: str) -> dict[str, Any]:
        rendered = render(reply, await self.desk.language(reader))
        return {
            "msgtype": "m.notice",
            "body": rendered.body,
            "format": "org.matrix.custom.html",
            "formatted_body": rendered.formatted_body,
            "m.mentions": {},
        }

    async def _picture(
        self, name: str, picture: StoredPicture, thumbnail: StoredPicture | None, blurhash: str | None
    ) -> dict[str, Any]:
        """What makes words the caption of a picture, which readers without sight are told instead."""
        info: dict[str, Any] = _info(picture)
        if blurhash is not None:
            info[BLURHASH] = blurhash
        if thumbnail is not None:
            info |= {"thumbnail_file": await put(self.gateway, thumbnail.data), "thumbnail_info": _info(thumbnail)}
        suffix = picture.mimetype.partition("/")[2]
        file = await put(self.gateway, picture.data)
        return {"msgtype": "m.image", "filename": f"{name}.{suffix}", "file": file, "info": info}

    async def _original(self, item: OutboxItem, effect: PassOn) -> dict[str, Any] | None:
        file = await self._stored(effect.file_id)
        if file is None:
            return None
        content = passed_on(file.originals[effect.number].content, effect.number, discreet=effect.discreet)
        if effect.threaded:
            root = await self._latest(item, file, {"announcement"} if effect.discreet else {"file"})
            if root is not None:
                relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
                content["m.relates_to"] = relation | {"m.in_reply_to": {"event_id": root}}
        return content


def passed_on(content: dict[str, Any], number: int, *, discreet: bool) -> dict[str, Any]:
    """A message with the file of another one, and with nothing that its sender wrote.

    A caption stays theirs. So does a name, unless it plainly names nobody; then we call the file by its `number`.
    `discreet` leaves out what clients could show of it in a notification.
    """
    file, info = as_dict(content.get("file")), as_dict(content.get("info"))
    name = content.get("filename") or content.get("body")
    if not isinstance(name, str) or not name or not is_plain(name):
        last = ending(content)
        name = f"file-{number + 1}{last if is_plain(last) else ''}"
    kept = _MEASURES if discreet else (*_MEASURES, *_SMALL_COPIES)
    return {
        "msgtype": "m.file" if discreet else content["msgtype"],
        "body": name,
        "filename": name,
        "file": {key: file[key] for key in _FILE if key in file},
        "info": {key: info[key] for key in kept if key in info},
    }


def _info(picture: StoredPicture) -> dict[str, Any]:
    return {"mimetype": picture.mimetype, "size": len(picture.data), "w": picture.width, "h": picture.height}


def _reply(event_id: str | None) -> dict[str, Any]:
    return {} if event_id is None else {"m.relates_to": {"m.in_reply_to": {"event_id": event_id}}}
