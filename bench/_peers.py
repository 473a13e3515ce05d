"""What clinicians' systems use today to show DICOM: DCMTK's converter and Orthanc, from Debian's packages.

Orthanc listens on every address whatever it is told. So it runs, with whoever asks it, in a network of its own that has
nothing but a loopback.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def be_alone() -> None:
    """Put this process into a network namespace with a loopback only. Exits with a sentence where that is forbidden."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        sys.exit("This machine does not let us make a network namespace, and Orthanc would listen on all addresses.")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def missing() -> list[str]:
    """Debian packages that have to be installed first."""
    wanted = {"dcmtk": "dcmj2pnm", "orthanc": "Orthanc"}
    return [package for package, program in wanted.items() if shutil.which(program, path=_path()) is None]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin"


async def converted(file: Path, to: Path) -> bool:
    """One run of `dcmj2pnm`; whether it could."""
    program = shutil.which("dcmj2pnm")
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        *(program, "--write-png", "--use-window", "1", str(file), str(to)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait() == 0


class Orthanc:
    """A running server."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ingest(self, data: bytes) -> list[str]:
        """Store a file, or all files of a zip; their ids."""
        async with self._http.post("/instances", data=data) as answer:
            answer.raise_for_status()
            said = await answer.json()
        return [one["ID"] for one in (said if isinstance(said, list) else [said])]

    async def preview(self, instance: str, frame: int = 0) -> bool:
        """A picture for a screen; whether it could."""
        async with self._http.get(f"/instances/{instance}/frames/{frame}/preview") as answer:
            await answer.read()
            return answer.status == 200

    async def forget(self, instances: Sequence[str]) -> None:
        for instance in instances:
            async with self._http.delete(f"/instances/{instance}") as answer:
                await answer.read()


@asynccontextmanager
async def orthanc(folder: Path) -> AsyncIterator[Orthanc]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [],
    }
    folder.mkdir()
    (folder / "orthanc.json").write_text(json.dumps(settings))
    program = shutil.which("Orthanc", path=_path())
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        *(program, str(folder / "orthanc.json")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        # Orthanc hangs up on connections that rest, without a word.
        rested = aiohttp.TCPConnector(keepalive_timeout=0.5)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=rested) as http, asyncio.timeout(600):
            await _until_it_answers(http)
            yield Orthanc(http)
    finally:
        process.terminate()
        await process.wait()


async def _until_it_answers(http: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with http.get("/system") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.1)
