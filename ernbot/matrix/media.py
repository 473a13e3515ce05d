"""Encrypted attachments: fetch and decrypt theirs, encrypt and upload ours. Plaintext stays in memory.

However long a file is, only pieces of it are in memory: it is hashed, kept and sent as it passes.
"""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import Any

from ernbot.core.errors import Refused
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.events import Attachment
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.keys import decode
from ernbot.matrix.spool import EncryptedSpool

_MXC = re.compile(r"mxc://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9_-]+")
_PIECE = 2**20


async def spool(gateway: Gateway, file: Attachment, *, limit: int) -> EncryptedSpool:
    """An attachment whose hash is right, to be read in ranges and closed.

    Raises:
        Refused: `file-too-large` beyond `limit` bytes, `file-unreadable` when it is gone or its keys do not fit.
    """
    if not _MXC.fullmatch(file.url):
        raise Refused("file-unreadable")
    try:
        spooled, sha256 = EncryptedSpool.of(file.key, file.iv), decode(file.sha256)
    except ValueError:
        raise Refused("file-unreadable") from None
    try:
        await _receive(gateway, file.url, spooled, limit)
        if spooled.sha256 != sha256:
            raise Refused("file-unreadable")
    except BaseException:
        spooled.close()
        raise
    return spooled


async def _receive(gateway: Gateway, url: str, spooled: EncryptedSpool, limit: int) -> None:
    waiting = bytearray()  # a network brings small pieces, and each would cost a turn of a thread
    try:
        async with aclosing(gateway.download(url)) as pieces:
            async for piece in pieces:
                waiting += piece
                if spooled.size + len(waiting) > limit:
                    raise Refused("file-too-large", limit_mb=limit // 2**20)
                if len(waiting) >= _PIECE:
                    await spooled.append(bytes(waiting))
                    waiting.clear()
    except MatrixError as error:
        if error.passing:
            raise
        raise Refused("file-unreadable") from None
    await spooled.append(bytes(waiting))


async def fetch(gateway: Gateway, file: Attachment, *, limit: int) -> bytes:
    """The plaintext of an attachment, whole. Raises as `spool` does."""
    with await spool(gateway, file, limit=limit) as spooled:
        return await spooled.read_at(0, spooled.size)


async def put(gateway: Gateway, data: bytes) -> dict[str, Any]:
    """Encrypt and upload; the `file` object of a message."""
    with EncryptedSpool.fresh() as spooled:
        for at in range(0, len(data), _PIECE):
            await spooled.write(data[at : at + _PIECE])
        return await put_spool(gateway, spooled)


async def put_spool(gateway: Gateway, spooled: EncryptedSpool) -> dict[str, Any]:
    """Upload what was written into a fresh spool, which stays open; the `file` object of a message."""
    return {"url": await gateway.upload(spooled.ciphertext(), spooled.size), **spooled.keys}
