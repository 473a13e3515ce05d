"""The pipe between the keys and the decoders: files by ranges, progress, output, and workers that break the rules."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ernbot
from ernbot.imaging import remote
from ernbot.imaging.pipe import PIECE
from ernbot.imaging.process import Died, Worker
from ernbot.imaging.source import BytesSource

DATA = bytes(range(256)) * 8192


# The sandbox's end


class Near:
    """A pipe whose other end is here; counts the questions."""

    def __init__(self, data: bytes) -> None:
        self.data, self.asked = data, 0

    def fetch(self, _file: int, offset: int, length: int) -> bytes:
        self.asked += 1
        return self.data[offset : offset + length]

    def fetch_into(self, file: int, offset: int, view: memoryview) -> None:
        view[:] = self.fetch(file, offset, len(view))


def near(data: bytes) -> tuple[Near, io.BufferedReader]:
    pipe = Near(data)
    return pipe, cast(io.BufferedReader, remote.opened(cast(remote.Pipe, pipe), 0, len(data)))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(-1, 700_000)),
        st.tuples(st.just("seek"), st.integers(0, 3_000_000)),
        st.tuples(st.just("back"), st.integers(0, 3_000_000)),
        st.tuples(st.just("into"), st.integers(0, 700_000)),
        st.tuples(st.just("line"), st.just(0)),
    ),
    max_size=8,
)


def stepped(file: Any, step: str, amount: int) -> object:
    if step == "read":
        return file.read(amount), file.tell()
    if step == "seek":
        return file.seek(amount)
    if step == "back":
        return file.seek(-min(amount, len(DATA)), io.SEEK_END)
    if step == "into":
        buffer = bytearray(amount)
        return file.readinto(buffer), buffer
    return file.readline(), file.tell()


@given(STEPS)
def test_a_remote_file_reads_like_one_in_memory(steps: list[tuple[str, int]]) -> None:
    here, there = io.BytesIO(DATA), near(DATA)[1]
    for step, amount in steps:
        assert stepped(there, step, amount) == stepped(here, step, amount)


def test_a_whole_file_is_one_question_and_a_header_too() -> None:
    pipe, file = near(DATA)
    assert file.read() == DATA
    assert pipe.asked == 1
    pipe, file = near(DATA)
    for at in range(0, 200_000, 100):
        file.seek(at)
        file.read(100)
    assert pipe.asked == 1


def test_a_remote_file_is_read_only_and_ends() -> None:
    _, file = near(DATA)
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
    assert file.seek(10**12) == 10**12
    assert file.read() == file.read(5) == b""
    with pytest.raises(OSError, match="before the beginning"):
        file.seek(-1)


# Both ends, with decoders of the test

HONEST = """
import os
from ernbot.imaging import sandbox
from ernbot.imaging.deid import Report
from ernbot.imaging.model import Fact, Facts, Preview
from ernbot.imaging.remote import Pipe

def decoder(files, options):
    options.progress(0.5)
    sizes = [Fact("images", len(file.read())) for file in (*files, *options.references)]
    files[0].seek(-3, 2)
    rest = files[0].read()
    assert len(rest) == 3
    return [Preview(Facts("DICOM", None, None, 0, 0, 0, False, details=tuple(sizes)), None)]

def cleaner(file, out, policy):
    assert not out.seekable()
    while piece := file.read(100_000):
        out.write(piece[::-1])
    out.write(policy.secret)
    return Report(("PatientName",), writing=out.tell() % 1000, masked=policy.mask_writing)

def reads_after_a_deep_fall(files, options):
    def fall(depth):
        files[0].seek(-(depth * 300_000) % 2_000_000)
        files[0].read(1)
        fall(depth + 1)
    fall(0)

box = object.__new__(sandbox.Sandbox)
box._pipe, box._decoders = Pipe(0, os.dup(1)), [decoder, reads_after_a_deep_fall]
box._cleaners = [cleaner]
box.serve()
"""


@asynccontextmanager
async def worker(script: str) -> AsyncIterator[Worker]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(ernbot.__file__).parents[1],
    )
    running = Worker(process)
    try:
        yield running
    finally:
        await running.end()


def request(*sizes: int, op: str = "preview", **more: object) -> dict[str, Any]:
    return {"op": op, "format": 0, "sizes": list(sizes), "references": 0, **more}


async def test_files_references_and_progress_pass_the_pipe() -> None:
    files, heard = [BytesSource(DATA), BytesSource(DATA[:1000]), BytesSource(b"reference")], list[float]()
    async with worker(HONEST) as honest:
        for _ in range(3):
            said, pictures = await honest.ask(
                request(*(file.size for file in files), references=1), files, 20, progress=heard.append
            )
            details = said["previews"][0]["facts"]["details"]
            assert [detail["value"] for detail in details] == [len(DATA), 1000, 9]
            assert not len(pictures)
    assert heard == [0.5] * 3


async def test_a_cleaned_copy_comes_piece_by_piece() -> None:
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        await asyncio.sleep(0)
        pieces.append(piece)

    heard: list[float] = []
    cleaning = request(len(DATA), op="clean", policy={"secret": "ab" * 32, "mask_writing": False})
    async with worker(HONEST) as honest:
        said, _ = await honest.ask(cleaning, [BytesSource(DATA)], 20, sink=sink, progress=heard.append)
    expected = b"".join(DATA[at : at + 100_000][::-1] for at in range(0, len(DATA), 100_000)) + b"\xab" * 32
    assert b"".join(pieces) == expected
    assert len(pieces) == len(heard) == 3
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert max(map(len, pieces)) <= PIECE
    report = {"kinds": ["PatientName"], "writing": len(expected) % 1000, "masked": False, "left_out": {}}
    assert said == {"report": report}


async def test_a_read_that_the_stack_interrupts_ends_the_process_or_is_whole() -> None:
    async with worker(HONEST) as honest:
        try:
            said, _ = await honest.ask({**request(len(DATA)), "format": 1}, [BytesSource(DATA)], 20)
        except Died:
            return
        assert said["refused"] == "file-too-complex"
        said, _ = await honest.ask(request(len(DATA)), [BytesSource(DATA)], 20)
        assert said["previews"][0]["facts"]["details"][0]["value"] == len(DATA)


class Slow(BytesSource):
    """As a disk that has fallen asleep."""

    async def read_at(self, offset: int, length: int) -> bytes:
        await asyncio.sleep(0.4)
        return await super().read_at(offset, length)


async def test_the_time_in_which_the_worker_waits_for_us_is_not_counted() -> None:
    async with worker(HONEST) as honest:
        await honest.ask(request(100), [BytesSource(DATA[:100])], 20)  # its modules are loaded now
        said, _ = await honest.ask(request(100, 100, 100), [Slow(DATA[:100])] * 3, 1.0)
    assert len(said["previews"][0]["facts"]["details"]) == 3


class Broken(BytesSource):
    async def read_at(self, offset: int, length: int) -> bytes:
        raise OSError("the disk is gone")


async def test_a_file_of_ours_that_cannot_be_read_is_not_the_workers_fault() -> None:
    async with worker(HONEST) as honest:
        with pytest.raises(OSError, match="the disk is gone"):
            await honest.ask(request(100), [Broken(DATA[:100])], 20)


# Workers that were taken over

HOSTILE = """
import json, math, sys, time
from ernbot.imaging.pipe import *
def say(kind, body=b"", length=None):
    sys.stdout.buffer.write(MESSAGE.pack(kind, len(body) if length is None else length) + body)
    sys.stdout.buffer.flush()
def read(*where):
    say(IS_READ, READ.pack(*where))
    return sys.stdin.buffer.read(where[2])
def answered(words, pictures=b"", length=None):
    say(IS_ANSWER, WORDS.pack(len(words) if length is None else length) + words + pictures)
(length,) = REQUEST.unpack(sys.stdin.buffer.read(REQUEST.size))
request = json.loads(sys.stdin.buffer.read(length))
size = request["sizes"][0]
"""

ATTACKS = {
    "reads another file": "read(1, 0, 1)",
    "reads after the end": "read(0, size, 1)",
    "reads over the end": "read(0, size - 1, 2)",
    "reads far away": "read(0, 2**63, 2**63)",
    "reads nothing": "read(0, 0, 0)",
    "reads for ever": "while True: read(0, 0, size)",
    "reads little for ever": "while True: read(0, 0, 1)",
    "asks and does not listen": "while True: say(IS_READ, READ.pack(0, 0, size))",
    "asks too shortly": "say(IS_READ, b'123')",
    "writes where nothing is to be written": "say(IS_OUTPUT, b'plaintext')",
    "is more than done": "say(IS_PROGRESS, PROGRESS.pack(1.5))",
    "is nowhere": "say(IS_PROGRESS, PROGRESS.pack(math.nan))",
    "is ready again": "say(IS_READY, b'{}')",
    "says something else": "say(b'x', b'Jane Doe')",
    "says very much": "say(IS_ANSWER, b'', 2**32 - 1)",
    "answers nothing": "say(IS_ANSWER)",
    "answers half a number": "say(IS_ANSWER, b'12')",
    "answers no JSON": "answered(b'{')",
    "answers no UTF-8": "answered(b'\\xff')",
    "answers a list": "answered(b'[]')",
    "answers too many words": "answered(b' ' * 2**19 + b'{}')",
    "answers less than it says": "answered(b'{}', length=3)",
    "answers in a deep voice": "answered(b'[' * 100_000)",
    "leaves": "sys.exit(0)",
    "is killed": "import os; os.kill(os.getpid(), 9)",
    "says half of it": "say(IS_ANSWER, b'{}', 100); sys.exit(0)",
    "is silent": "time.sleep(60)",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_a_worker_that_breaks_the_rules_is_not_listened_to(attack: str) -> None:
    async with worker(HOSTILE + attack) as hostile:
        with pytest.raises((Died, TimeoutError)):
            await hostile.ask(request(len(DATA)), [BytesSource(DATA)], 3)


async def test_output_has_an_end() -> None:
    written = 0

    async def sink(piece: bytes) -> None:
        nonlocal written
        written += len(piece)

    async with worker(HOSTILE + "while True: say(IS_OUTPUT, bytes(PIECE))") as hostile:
        with pytest.raises(Died):
            await hostile.ask(request(1000, op="clean"), [BytesSource(DATA[:1000])], 20, sink=sink)
    assert written <= 64 * PIECE + 2000


async def test_the_answer_of_the_script_itself_is_fine() -> None:
    """Otherwise the attacks above would prove nothing."""
    fine = "assert read(0, 5, 7) == bytes(range(5, 12)); say(IS_PROGRESS, PROGRESS.pack(1.0)); answered(b'{}', b'png')"
    async with worker(HOSTILE + fine) as honest:
        said, pictures = await honest.ask(request(len(DATA)), [BytesSource(DATA)], 20)
    assert (said, bytes(pictures)) == ({}, b"png")
