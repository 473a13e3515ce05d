"""An encrypted attachment while we work with it: ciphertext in memory or on disk, plaintext a piece at a time.

Matrix encrypts attachments with AES-256 in counter mode (specification, "Sending encrypted attachments"), so that any
range can be decrypted alone. Only ciphertext may ever reach the disk, and only in a file that has no name any more.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import tempfile
import threading
from collections.abc import AsyncIterator
from io import BytesIO
from types import TracebackType
from typing import IO, Any, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from ernbot.matrix.keys import decode, encode

IN_MEMORY = 8 * 2**20
"""Bytes of ciphertext that are kept in memory; longer ones go to the folder for temporary files (TMPDIR)."""

_AT_ONCE = 256 * 2**10
"""Longer pieces are worked on in a thread, so that nothing else has to wait."""

_PIECE = 2**20
_BLOCK = 16
_BLOCKS = 2**64
"""The counter is the low half of the initial value, and comes round without touching the high one."""


def crypt(key: bytes, iv: bytes, offset: int, data: bytes) -> bytes:
    """Encrypt or decrypt a range that begins at `offset`: in counter mode they are the same."""
    start, done = int.from_bytes(iv[8:], "big"), b""
    while len(done) < len(data):
        block, skipped = divmod(offset + len(done), _BLOCK)
        counter = (start + block) % _BLOCKS
        cipher = Cipher(AES(key), CTR(iv[:8] + counter.to_bytes(8, "big"))).encryptor()
        cipher.update(bytes(skipped))
        until_it_comes_round = (_BLOCKS - counter) * _BLOCK - skipped
        done += cipher.update(data[len(done) : len(done) + until_it_comes_round])
    return done


class EncryptedSpool:
    """Written once from beginning to end, then read in ranges: a `Source` for the imaging worker. Close it."""

    def __init__(self, key: bytes, iv: bytes) -> None:
        """Raises `ValueError` for a key that has not 32 bytes, or an initial value that has not 16."""
        if (len(key), len(iv)) != (32, 16):
            raise ValueError("not the lengths of AES-256 in counter mode")
        self._key, self._iv, self._hash, self._size = key, iv, hashlib.sha256(), 0
        self._file: IO[bytes] = BytesIO()
        self._lock = threading.Lock()

    @classmethod
    def fresh(cls) -> Self:
        """One to write into, with keys of its own."""
        return cls(secrets.token_bytes(32), secrets.token_bytes(8) + bytes(8))

    @classmethod
    def of(cls, key: str, iv: str) -> Self:
        """One for a received attachment. Raises `ValueError` where the keys are none."""
        return cls(decode(key.replace("-", "+").replace("_", "/")), decode(iv))

    @property
    def size(self) -> int:
        """Bytes, encrypted or not."""
        return self._size

    @property
    def sha256(self) -> bytes:
        """Of the ciphertext."""
        return self._hash.digest()

    @property
    def keys(self) -> dict[str, Any]:
        """The `file` object of a message, without the address."""
        key = encode(self._key).replace("+", "-").replace("/", "_")
        return {
            "v": "v2",
            "key": {"kty": "oct", "alg": "A256CTR", "ext": True, "k": key, "key_ops": ["encrypt", "decrypt"]},
            "iv": encode(self._iv),
            "hashes": {"sha256": encode(self.sha256)},
        }

    async def write(self, plaintext: bytes) -> None:
        """Encrypt and append a piece."""
        await self._in_thread(len(plaintext), self._write, plaintext)

    async def append(self, ciphertext: bytes) -> None:
        """Append a piece that is encrypted already."""
        await self._in_thread(len(ciphertext), self._append, ciphertext)

    async def read_at(self, offset: int, length: int) -> bytes:
        """Plaintext from `offset` on; shorter where the file ends."""
        plaintext: bytes = await self._in_thread(length, self._read, offset, length)
        return plaintext

    async def ciphertext(self) -> AsyncIterator[bytes]:
        """All of it, in pieces."""
        for offset in range(0, self._size, _PIECE):
            yield await self._in_thread(_PIECE, self._range, offset, _PIECE)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _in_thread(self, length: int, work: Any, *arguments: object) -> Any:
        if length <= _AT_ONCE and self._size <= IN_MEMORY - _AT_ONCE:
            return work(*arguments)
        return await asyncio.to_thread(work, *arguments)

    def _write(self, plaintext: bytes) -> None:
        self._append(crypt(self._key, self._iv, self._size, plaintext))

    def _append(self, ciphertext: bytes) -> None:
        with self._lock:
            if self._size <= IN_MEMORY < self._size + len(ciphertext):
                memory, self._file = self._file, tempfile.TemporaryFile()  # noqa: SIM115 (`close` does)
                memory.seek(0)
                self._file.write(memory.read())
            self._file.seek(self._size)
            self._file.write(ciphertext)
            self._hash.update(ciphertext)
            self._size += len(ciphertext)

    def _read(self, offset: int, length: int) -> bytes:
        return crypt(self._key, self._iv, offset, self._range(offset, length))

    def _range(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length)
