"""Attachments that are too long for memory: encrypted, kept, fetched and read in ranges, also those of a liar."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import IO, Any

import pytest
import pytest_asyncio
from Crypto.Cipher import AES
from Crypto.Util import Counter
from hypothesis import given
from hypothesis import strategies as st
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment

from ernbot.core.errors import Refused
from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import spool as spool_module
from ernbot.matrix.events import Attachment, attachment
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.media import fetch, put, put_spool, spool
from ernbot.matrix.spool import IN_MEMORY, EncryptedSpool, crypt
from tests.matrix.devices import NewAccount

KEY, IV = bytes(range(32)), bytes(range(8)) + bytes(8)
SECRET = b"Jane Doe, born 1971-02-03. "
LONG = SECRET * ((IN_MEMORY + 3 * 2**20) // len(SECRET))


# Counter mode


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_any_range_can_be_decrypted_alone(data: bytes, start: int, end: int) -> None:
    ciphertext = crypt(KEY, IV, 0, data)
    assert crypt(KEY, IV, start, ciphertext[start:end]) == data[start:end]


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_the_counter_comes_round_in_its_own_half(left: int) -> None:
    start = 2**64 - left - 1
    iv = b"\xff" * 8 + start.to_bytes(8, "big")
    data = secrets.token_bytes(100)
    counter = Counter.new(64, prefix=iv[:8], initial_value=start)
    expected = AES.new(KEY, AES.MODE_CTR, counter=counter).encrypt(data)
    assert crypt(KEY, iv, 0, data) == expected
    for offset in range(100):
        assert crypt(KEY, iv, offset, expected[offset:]) == data[offset:]


async def test_other_clients_read_what_we_write() -> None:
    with EncryptedSpool.fresh() as spooled:
        for piece in (SECRET, b"", b"x", SECRET * 5):
            await spooled.write(piece)
        keys, ciphertext = spooled.keys, b"".join([piece async for piece in spooled.ciphertext()])
    plaintext = decrypt_attachment(ciphertext, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"])
    assert plaintext == SECRET + b"x" + SECRET * 5
    assert (keys["v"], keys["key"]["alg"]) == ("v2", "A256CTR")


async def test_we_read_what_other_clients_write() -> None:
    ciphertext, keys = encrypt_attachment(SECRET * 9)
    with EncryptedSpool.of(keys["key"]["k"], keys["iv"]) as spooled:
        await spooled.append(ciphertext)
        assert await spooled.read_at(27, 54) == SECRET * 2
        assert spooled.keys["hashes"] == keys["hashes"]


@pytest.mark.parametrize(("key", "iv"), [("AAAA", "A" * 22), ("A" * 43, "AAAA"), ("*" * 43, "A" * 22), ("ø", "ø")])
def test_keys_that_are_none(key: str, iv: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        EncryptedSpool.of(key, iv)


# On disk


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """The temporary files that were made."""
    made: list[IO[bytes]] = []
    make = tempfile.TemporaryFile

    def remember() -> IO[bytes]:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(spool_module.tempfile, "TemporaryFile", remember)  # type: ignore[attr-defined]
    return made


async def test_a_long_file_is_on_disk_encrypted_and_without_a_name(files: list[IO[bytes]]) -> None:
    with EncryptedSpool.fresh() as spooled:
        for at in range(0, len(LONG), 2**20):
            await spooled.write(LONG[at : at + 2**20])
        (file,) = files
        file.flush()
        assert os.fstat(file.fileno()).st_nlink == 0
        assert os.fstat(file.fileno()).st_size == spooled.size == len(LONG)
        assert SECRET not in os.pread(file.fileno(), len(LONG), 0)
        for offset, length in ((0, 1), (IN_MEMORY - 5, 11), (len(LONG) - 7, 7), (12345, 2**20)):
            assert await spooled.read_at(offset, length) == LONG[offset : offset + length]
    assert file.closed


async def test_a_short_file_stays_in_memory(files: list[IO[bytes]]) -> None:
    with EncryptedSpool.fresh() as spooled:
        await spooled.write(LONG[:IN_MEMORY])
        assert await spooled.read_at(0, 27) == SECRET
    assert not files


# Through a real homeserver


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gateway(homeserver: Homeserver, new_account: NewAccount) -> AsyncIterator[Gateway]:
    account = await new_account("spool")
    gateway = Gateway(homeserver.url, account.user_id, "SPOOL", account.token)
    yield gateway
    await gateway.close()


def received(file: dict[str, Any]) -> Attachment:
    found = attachment({"msgtype": "m.file", "body": "scan", "file": file, "info": {}})
    assert found is not None
    return found


async def code(gateway: Gateway, file: Attachment, limit: int = 2**30) -> str:
    with pytest.raises(Refused) as caught:
        await spool(gateway, file, limit=limit)
    return caught.value.code


@pytest.mark.parametrize("data", [b"", SECRET, LONG], ids=["empty", "short", "long"])
async def test_what_goes_up_comes_down(gateway: Gateway, files: list[IO[bytes]], data: bytes) -> None:
    file = await put(gateway, data)
    with await spool(gateway, received(file), limit=len(data)) as spooled:
        assert spooled.size == len(data)
        assert await spooled.read_at(0, len(data)) == data
        assert await spooled.read_at(len(data) // 2, 100) == data[len(data) // 2 :][:100]
    assert await fetch(gateway, received(file), limit=len(data)) == data
    assert all(each.closed for each in files)


async def test_a_copy_is_written_looked_at_and_sent(gateway: Gateway) -> None:
    with EncryptedSpool.fresh() as copy:
        for at in range(0, len(LONG), 2**20):
            await copy.write(LONG[at : at + 2**20])
        assert await copy.read_at(27, 27) == SECRET
        file = await put_spool(gateway, copy)
        assert await copy.read_at(0, 27) == SECRET
    assert await fetch(gateway, received(file), limit=2**30) == LONG


async def test_too_long_is_refused_while_it_arrives(gateway: Gateway, files: list[IO[bytes]]) -> None:
    file = received(await put(gateway, LONG))
    assert await code(gateway, file, len(LONG) - 1) == "file-too-large"
    assert await code(gateway, file, 2**20) == "file-too-large"
    assert all(each.closed for each in files)


@pytest.mark.parametrize("length", [0, 100, len(LONG) - 1])
async def test_a_file_that_was_cut_off(gateway: Gateway, files: list[IO[bytes]], length: int) -> None:
    ciphertext, keys = encrypt_attachment(LONG)
    with EncryptedSpool.fresh() as short:
        await short.append(ciphertext[:length])
        file = {**keys, "url": await gateway.upload(short.ciphertext(), length)}
    assert await code(gateway, received(file)) == "file-unreadable"
    assert all(each.closed for each in files)


async def test_keys_hashes_and_addresses_that_do_not_fit(gateway: Gateway) -> None:
    file = received(await put(gateway, SECRET))
    for wrong in (
        replace(file, sha256="A" * 43),
        replace(file, sha256="*"),
        replace(file, key="AAAA"),
        replace(file, iv="AAAA"),
        replace(file, url="mxc://ern.localhost/NothingIsHere"),
        replace(file, url="mxc://ern.localhost/../../admin"),
    ):
        assert await code(gateway, wrong) == "file-unreadable"
