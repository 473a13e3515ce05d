"""Encrypted attachments: fetch and decrypt theirs, encrypt and upload ours. Plaintext stays in memory."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from nio.crypto.attachments import decrypt_attachment, encrypt_attachment
from nio.exceptions import EncryptionError

from ernbot.core.errors import Refused
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.events import Attachment
from ernbot.matrix.gateway import Gateway

_MXC = re.compile(r"mxc://[A-Za-z0-9.:\[\]-]+/[A-Za-z0-9_-]+")


async def fetch(gateway: Gateway, file: Attachment, *, limit: int) -> bytes:
    """The plaintext of an attachment.

    Raises:
        Refused: `file-too-large` beyond `limit` bytes, `file-unreadable` when it is gone or its keys do not fit.
    """
    if not _MXC.fullmatch(file.url):
        raise Refused("file-unreadable")
    try:
        ciphertext = await gateway.download(file.url, limit)
    except MatrixError as error:
        if error.passing:
            raise
        raise Refused("file-unreadable") from None
    if ciphertext is None:
        raise Refused("file-too-large", limit_mb=limit // 2**20)
    try:
        plaintext: bytes = await asyncio.to_thread(decrypt_attachment, ciphertext, file.key, file.sha256, file.iv)
    except (EncryptionError, ValueError):
        raise Refused("file-unreadable") from None
    return plaintext


async def put(gateway: Gateway, data: bytes) -> dict[str, Any]:
    """Encrypt and upload; the `file` object of a message."""
    ciphertext, keys = await asyncio.to_thread(encrypt_attachment, data)
    return {"url": await gateway.upload(ciphertext), **keys}
