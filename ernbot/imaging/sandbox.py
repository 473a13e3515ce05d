"""The process in which untrusted pictures are decoded: `python -m ernbot.imaging.sandbox`, run by `worker`.

Reads requests from standard input and answers on standard output, one at a time, until its input ends. It has
no key and an empty environment; it cannot write a file, start a process or leave a core dump, and has so much
memory and no more. (The limit on processes does not bind root, and root's files are open to it: the bot must
run as an ordinary user.) It leaves the network where the kernel lets an ordinary process do so, by a
namespace of its own; where that is forbidden, as in many containers, it keeps the container's network. It
must never write what it reads anywhere but the pipe.

    request   u16 index into FORMATS | u64 length | file
    answer    u32 length | u32 length | JSON | pictures, one after the other

All numbers are big-endian. JSON is `{"previews": [{...}]}`, where the
length of a picture stands for the picture, or `{"refused": code, "fields": {...}}`.
"""

import ctypes
import json
import math
import os
import resource
import struct
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from io import BytesIO
from typing import Any, BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, Preview
from ernbot.imaging.model import Options

REQUEST = struct.Struct(">HQ")
ANSWER = struct.Struct(">II")
READY = b"R"
PICTURES = ("picture", "thumbnail", "animation")

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE = 4
_LEAST_ROOM = 64 * 2**20
_OPEN_FILES = 32
"""Standard streams, and the modules that a codec loads on its first use."""

Decoder = Callable[[Sequence[BinaryIO], Options], list[Preview]]


def leave_network() -> bool:
    """Move into a network namespace with nothing in it; whether the kernel let us. Needs a single thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))


def confine(memory: int) -> None:
    """Give up for good what decoding does not need. `memory` is the address space, bytes.

    Raises `MemoryError` where that is too little to decode anything.
    """
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    bytearray(_LEAST_ROOM)  # raises now what would otherwise refuse every file
    # A crash handler of the machine gets the core in spite of the limit, unless the process forbids it.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_seconds(seconds: float) -> None:
    """Let the CPU clock run for one more request: a limit set once would end a healthy process some day."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def answer(decoder: Decoder, data: bytes) -> tuple[dict[str, object], bytes]:
    """What goes back for one file; running out of memory ends the process, and a fresh one follows."""
    try:
        previews = decoder([BytesIO(data)], Options())
    except Refused as refusal:
        return {"refused": refusal.code, "fields": refusal.fields}, b""
    except RecursionError:
        return {"refused": "file-too-complex", "fields": {}}, b""
    except MemoryError:
        raise
    except Exception:  # parsers and codecs raise anything on hostile bytes, with patient data in the message
        return {"refused": "file-broken", "fields": {}}, b""
    pictures: list[bytes] = []
    return {"previews": [_plain(preview, pictures) for preview in previews]}, b"".join(pictures)


def _plain(preview: Preview, pictures: list[bytes]) -> dict[str, Any]:
    """What JSON can carry of a preview; the pictures go into a list of their own."""
    plain = asdict(preview)
    for name in PICTURES:
        if plain[name] is not None:
            pictures.append(plain[name]["data"])
            plain[name]["data"] = len(pictures[-1])
    return plain


def serve(requests: BinaryIO, answers: BinaryIO, decoders: tuple[Decoder, ...], seconds: float) -> None:
    while head := requests.read(REQUEST.size):
        index, length = REQUEST.unpack(head)
        allow_seconds(seconds)
        what, picture = answer(decoders[index], requests.read(length))
        words = json.dumps(what).encode()
        answers.write(ANSWER.pack(len(words), len(picture)))
        answers.write(words)
        answers.write(picture)
        answers.flush()


def main(memory: int, seconds: float) -> None:
    # The answers get a descriptor of their own: a codec that prints must not be able to write into them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    leave_network()
    warnings.simplefilter("ignore")
    decoders = tuple(import_module(format_.decoder).previews for format_ in FORMATS)
    confine(memory)
    answers.write(READY)
    answers.flush()
    try:
        serve(sys.stdin.buffer, answers, decoders, seconds)
    except MemoryError:
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
