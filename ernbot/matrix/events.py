"""Reading what people sent: the words of a message, the address and keys of an attachment. Trusts nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any, TypeGuard
from urllib.parse import unquote

_FILES = frozenset({"m.file", "m.image", "m.video", "m.audio"})
MAX_NESTING = 64
"""Levels of JSON; no client comes near, and what is much deeper breaks whoever reads or writes it."""


@dataclass(frozen=True)
class Words:
    """A text message: what it says, what it edits, the thread it stands in, what it replies to, whom it mentions.

    `addressed` when it mentions us; our name at its beginning is no part of the text then.
    """

    text: str
    edits: str | None
    thread: str | None
    replies_to: str | None
    mentions: tuple[str, ...]
    addressed: bool = False


@dataclass(frozen=True)
class Attachment:
    """An encrypted attachment (`m.file`, section "Sending encrypted attachments")."""

    url: str
    key: str
    iv: str
    sha256: str
    mimetype: str | None


def well_formed(value: object, levels: int = MAX_NESTING) -> bool:
    """Whether received JSON can be kept: not nested too deep, and all of its text is Unicode (no lone surrogates)."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return levels > 0 and all(well_formed(key) and well_formed(entry, levels - 1) for key, entry in value.items())
    if isinstance(value, list):
        return levels > 0 and all(well_formed(entry, levels - 1) for entry in value)
    return True


MAX_ID = 255
"""Bytes of an identifier (spec, "Size limits"); a longer one does not fit into a database index."""


def is_id(value: object) -> TypeGuard[str]:
    """Whether received JSON can be an identifier or a public key."""
    return is_token(value) and len(value.encode()) <= MAX_ID


MAX_TOKEN = 1000
"""Characters of a place in a homeserver's streams; the specification sets no bound."""


def is_token(value: object) -> TypeGuard[str]:
    """Whether received JSON can be a place in a homeserver's streams (`next_batch`, `prev_batch`)."""
    # Nothing that is printable has a NUL, which PostgreSQL refuses, or a lone surrogate.
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN and value.isprintable()


def words(content: dict[str, Any], me: str) -> Words | None:
    """The words of a text message, without the quotation that old clients put before a reply; else None."""
    relates = as_dict(content.get("m.relates_to"))
    edits = relates.get("event_id") if relates.get("rel_type") == "m.replace" else None
    new = as_dict(content.get("m.new_content")) if edits else content
    body = new.get("body")
    if new.get("msgtype") != "m.text" or not isinstance(body, str):
        return None
    replies_to = _text(as_dict(relates.get("m.in_reply_to")).get("event_id"))
    if replies_to:
        body = re.sub(r"\A(?:> .*\n)+\n?", "", body)
    thread = _text(relates.get("event_id")) if relates.get("rel_type") == "m.thread" else None
    mentioned = as_list(as_dict(new.get("m.mentions")).get("user_ids"))
    mentions = tuple(dict.fromkeys(user for user in mentioned if isinstance(user, str) and user != me))
    addressed = me in mentioned
    if addressed:
        body = _without_name(body, me, _text(new.get("formatted_body")) or "")
    return Words(body.strip(), _text(edits), thread, replies_to, mentions, addressed)


_PILL = re.compile(r'\s*(?:<p>)?\s*<a href="https://matrix\.to/#/([^"]{1,300})">([^<]{1,300})</a>')
"""A mention of somebody as clients write it (spec, "User and room mentions"), at the beginning of a message."""


def _without_name(body: str, me: str, formatted: str) -> str:
    """The words behind our name: our user id or what a client has put in its place, with or without a colon."""
    names = [me, me.partition(":")[0]]
    pill = _PILL.match(formatted)
    if pill is not None and unquote(pill[1]) == me:
        names.insert(0, unescape(pill[2]))
    body = body.lstrip()
    for name in names:
        rest = body.removeprefix(name)
        if rest != body and re.match(r"[:,]?(?:\s|$)", rest):
            return rest.lstrip(":, \t")
    return body


def attachment(content: dict[str, Any]) -> Attachment | None:
    """The attachment of a file message; one without usable keys has empty ones, so that its check fails cleanly."""
    if _text(content.get("msgtype")) not in _FILES:
        return None
    file = as_dict(content.get("file"))
    mimetype = _text(as_dict(content.get("info")).get("mimetype"))
    return Attachment(
        url=_text(file.get("url")) or "",
        key=_text(as_dict(file.get("key")).get("k")) or "",
        iv=_text(file.get("iv")) or "",
        sha256=_text(as_dict(file.get("hashes")).get("sha256")) or "",
        mimetype=mimetype,
    )


def as_dict(value: object) -> dict[str, Any]:
    """The object that should stand here; an empty one when something else does."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The list that should stand here; an empty one when something else does."""
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
