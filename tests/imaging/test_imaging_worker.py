"""The gateway itself: what is let in, what comes back; workers that are slow, greedy, killed or dishonest."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

import ernbot
from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, process, remote, worker
from ernbot.imaging.deid import Policy
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.class_samples import dose
from tests.imaging.imaging_samples import (
    DATA,
    deidentified,
    dicom,
    edited,
    look,
    nameless,
    photograph,
    pictured,
    sample,
    shipped,
)

GOOD = nameless("phantom/ct_phantom_explicit.dcm")
PNG = photograph(Image.new("RGB", (32, 32), "red"), "PNG")
JPEG = photograph(Image.new("RGB", (32, 32), "red"))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[process.Worker]:
    """The workers that were started, so that a test can end one."""
    workers: list[process.Worker] = []
    start = process.Worker.start

    async def remember(memory: int) -> process.Worker:
        workers.append(await start(memory))
        return workers[-1]

    monkeypatch.setattr(process.Worker, "start", remember)
    return workers


async def refusal(previewer: Previewer, data: bytes, claimed: str | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        await look(previewer, data, claimed=claimed)
    return caught.value


def deflate_bomb(megabytes: int) -> bytes:
    """A deflated DICOM file of a few hundred kilobytes that inflates to so much."""
    data = sample("phantom/ct_phantom_deflated.dcm")
    start = 144 + int.from_bytes(data[140:144], "little")
    deflater = zlib.compressobj(wbits=-15)
    head = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, megabytes * 2**20)
    first = deflater.compress(head) + deflater.flush(zlib.Z_FULL_FLUSH)
    block = deflater.compress(bytes(2**20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return data[:start] + first + block * megabytes


def black(rows: int, columns: int) -> bytes:
    """A run-length coded picture of 8 bits, 64 times smaller than what it becomes."""
    runs = b"\x81\x00" * (rows * columns // 128)
    pixels = struct.pack("<16I", 1, 64, *[0] * 14) + runs
    return dicom(
        np.zeros((1, 1)),
        syntax=RLELossless,
        Rows=rows,
        Columns=columns,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=encapsulate([pixels]),
    )


# What is let in


async def test_an_empty_file(previewer: Previewer) -> None:
    assert (await refusal(previewer, b"", "image/png")).code == "file-empty"


async def test_a_file_over_the_limit() -> None:
    small = Previewer(max_bytes=2 * 2**20)  # refused before a worker is asked: none was started
    refused = await refusal(small, JPEG + bytes(2 * 2**20))
    assert (refused.code, refused.fields) == ("file-too-large", {"limit_mb": 2})


@pytest.mark.parametrize(
    ("data", "claimed", "found"),
    [
        (PNG, "application/dicom", "PNG"),
        (PNG, "image/jpeg", "PNG"),
        (JPEG, "image/png", "JPEG"),
        (JPEG, "IMAGE/WEBP; q=1", "JPEG"),
        (GOOD, "image/jpeg", "DICOM"),
        (GOOD, "image/<b>x", "DICOM"),
    ],
)
async def test_a_file_that_lies_about_its_kind(previewer: Previewer, data: bytes, claimed: str, found: str) -> None:
    refused = await refusal(previewer, data, claimed)
    assert refused.code == "file-lies"
    assert refused.fields["found"] == found
    assert refused.fields["claimed"] in (claimed.lower().partition(";")[0], "?")


@pytest.mark.parametrize("claimed", [None, "", "application/octet-stream", "text/plain", "nonsense"])
@pytest.mark.parametrize("data", [GOOD, PNG, JPEG])
async def test_a_claim_that_says_nothing_is_no_lie(previewer: Previewer, data: bytes, claimed: str | None) -> None:
    assert pictured(await look(previewer, data, claimed=claimed)).data


@pytest.mark.parametrize("claimed", ["image/jpg", "image/pjpeg", "image/jpeg; charset=binary"])
async def test_other_names_of_a_type_are_no_lie(previewer: Previewer, claimed: str) -> None:
    assert (await look(previewer, JPEG, claimed=claimed)).facts.format == "JPEG"


@pytest.mark.parametrize(
    "data",
    [
        b"PDF-1.7\n",
        b"hello",
        bytes(4096),
        b"PK\3\4" + bytes(200),
        b"GIF89",
        b"\x08\x00\x05\x00CS\x02\x00AB",
        b"\0",
    ],
)
async def test_anything_else_is_unknown(previewer: Previewer, data: bytes) -> None:
    assert (await refusal(previewer, data, "application/dicom")).code == "file-unknown"


async def test_random_bytes_are_unknown(previewer: Previewer) -> None:
    random = np.random.default_rng(1)
    for _ in range(300):
        assert (await refusal(previewer, random.bytes(600))).code == "file-unknown"


# Hostile files: a clean refusal each, and the pool goes on

SHOWN = "shown"
"""A marked preview or a card: what is there can be shown in spite of the lie."""

HOSTILE = {
    "deep_sequence.dcm": "file-too-complex",
    "frames_lie_jpegls.dcm": SHOWN,
    "frames_lie_raw.dcm": SHOWN,
    "j2k_siz_lie.dcm": "file-too-complex",
    "jpeg_sof_lie.dcm": "file-too-complex",
    "length_lie.dcm": "file-broken",
    "png_bomb.png": "file-too-complex",
    "rows_lie_j2k.dcm": "file-too-complex",
    "rows_lie_raw.dcm": "file-too-complex",
    "rows_lie_rle.dcm": "file-too-complex",
    "sof_lie.jpg": "file-too-complex",
    "sr_markup.dcm": "file-names-patient",
    "tiff_ifd_loop.svs": "file-broken",
    "tiff_size_lie.svs": "file-broken",
    "truncated_pixels.dcm": SHOWN,
    "zip_bomb.zip": "file-too-complex",
    "zip_many.zip": "file-too-complex",
    "zip_names.zip": "archive-unsafe",
    "zip_nested.zip": "archive-inside",
    "zip_size_lie.zip": "file-broken",
}


CARDS = {"DICOMDIR_traversal"}


def test_every_hostile_sample_is_expected_to_end_somehow() -> None:
    assert {path.name for path in (DATA / "hostile").iterdir()} == set(HOSTILE) | CARDS


@pytest.mark.parametrize(("name", "code"), HOSTILE.items())
async def test_a_hostile_file_ends_well_in_a_living_worker(previewer: Previewer, name: str, code: str) -> None:
    data = sample(f"hostile/{name}") if name.endswith(".zip") else nameless(f"hostile/{name}")
    if code == SHOWN:
        assert await look(previewer, data)
    else:
        assert (await refusal(previewer, data)).code == code
    assert pictured(await look(previewer, GOOD)).width == 256


async def test_an_index_that_points_elsewhere_is_a_card(previewer: Previewer) -> None:
    preview = await look(previewer, sample("hostile/DICOMDIR_traversal"))
    assert (preview.facts.kind, preview.picture) == ("directory", None)


async def test_a_deflate_bomb(previewer: Previewer) -> None:
    assert (await refusal(previewer, deflate_bomb(1024))).code == "file-too-complex"
    assert pictured(await look(previewer, GOOD)).width == 256


async def test_a_run_length_lie(previewer: Previewer) -> None:
    data = black(64, 64)
    assert pictured(await look(previewer, data)).width == 64
    # 256 MB would be allowed; a hundredth of the bytes that they need are there.
    lie = data.replace(
        struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 64), struct.pack("<HH2sHH", 0x28, 0x10, b"US", 2, 6400)
    )
    assert (await refusal(previewer, lie)).code == "file-broken"


async def test_flipped_bytes_of_every_codec(previewer: Previewer) -> None:
    random = np.random.default_rng(3)
    for name in ("explicit", "deflated", "rle", "jpegls_80", "j2k_90"):
        data = nameless(f"phantom/ct_phantom_{name}.dcm")
        for _ in range(12):
            mutated = bytearray(data)
            for at in random.integers(400, len(data), 4):
                mutated[at] ^= int(random.integers(1, 256))
            try:
                await look(previewer, bytes(mutated))
            except Refused as refused:
                assert refused.code.startswith("file-")  # noqa: PT017
    assert pictured(await look(previewer, GOOD)).width == 256


# Workers


async def test_too_slow_is_too_complex_and_the_pool_refills(started: list[process.Worker]) -> None:
    async with Previewer(workers=1, seconds=0.25) as previewer:
        assert (await refusal(previewer, deflate_bomb(1024))).code == "file-too-complex"
        assert pictured(await look(previewer, PNG)).width == 32
        assert len(started) == 2
        assert started[0].process.returncode == -signal.SIGKILL


async def test_a_worker_killed_at_work_costs_one_refusal(started: list[process.Worker]) -> None:
    async with Previewer(workers=1) as previewer:
        asked = asyncio.create_task(refusal(previewer, deflate_bomb(1024)))
        await asyncio.sleep(0.2)
        os.kill(started[0].process.pid, signal.SIGKILL)
        assert (await asked).code == "file-too-complex"
        assert pictured(await look(previewer, GOOD)).width == 256


async def test_a_worker_killed_at_rest_costs_nothing(started: list[process.Worker]) -> None:
    async with Previewer(workers=1) as previewer:
        os.kill(started[0].process.pid, signal.SIGKILL)
        await started[0].process.wait()
        assert pictured(await look(previewer, GOOD)).width == 256
        assert len(started) == 2


async def test_a_request_given_up_does_not_answer_the_next(started: list[process.Worker]) -> None:
    async with Previewer(workers=1) as previewer:
        asked = asyncio.create_task(look(previewer, deflate_bomb(1024)))
        await asyncio.sleep(0.1)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert (await look(previewer, PNG)).facts.format == "PNG"
        assert len(started) == 2


async def test_too_much_memory_is_too_complex_and_the_pool_refills(started: list[process.Worker]) -> None:
    data = black(12_800, 12_800)
    async with Previewer(workers=1, memory=450 * 2**20) as previewer:
        assert (await refusal(previewer, data)).code == "file-too-complex"
        assert pictured(await look(previewer, GOOD)).width == 256
        assert len(started) == 2
        assert started[0].process.returncode == remote.LEFT


async def test_an_element_that_claims_four_gigabytes_costs_no_worker(started: list[process.Worker]) -> None:
    at = GOOD.index(b"\xe0\x7f\x10\x00OW") + 8
    data = GOOD[:at] + struct.pack("<I", 2**32 - 16) + GOOD[at + 4 :]
    async with Previewer(workers=1) as previewer:
        assert pictured(await look(previewer, data)) == pictured(await look(previewer, GOOD))
        assert len(started) == 1


async def test_a_number_that_nobody_would_believe_is_not_said(started: list[process.Worker]) -> None:
    plan = dicom(SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5", Modality="RTPLAN")
    fractions = Dataset()
    fractions.NumberOfFractionsPlanned = 2**31 - 1
    endless = edited(plan, FractionGroupSequence=[fractions] * 3)
    async with Previewer(workers=1) as pool:
        for data in (endless, edited(dose(), DoseGridScaling="9e307")):
            preview = await look(pool, data)
            assert not {"fractions", "dose-gy"} & {fact.name for fact in preview.facts.details}
    assert len(started) == 1, "nobody was taken for a liar"


async def test_many_at_once_share_few_workers(started: list[process.Worker]) -> None:
    files = [GOOD, PNG, JPEG, deidentified(shipped("MR_small.dcm"))] * 5
    async with Previewer(workers=2) as previewer:
        previews = await asyncio.gather(*(look(previewer, data) for data in files))
        assert [preview.facts.format for preview in previews] == ["DICOM", "PNG", "JPEG", "DICOM"] * 5
        assert [pictured(preview).width for preview in previews] == [256, 32, 32, 64] * 5
        assert len(started) == 2


async def test_a_worker_that_cannot_start_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match=r"run `python -m ernbot.imaging.sandbox"):
        async with Previewer(workers=1, memory=10 * 2**20):
            pass


async def test_nothing_is_left_behind(started: list[process.Worker]) -> None:
    async with Previewer(workers=2) as previewer:
        await look(previewer, GOOD)
    assert [one.process.returncode for one in started] == [-signal.SIGKILL] * 2


# What a worker is given


async def test_a_worker_has_an_empty_environment(
    monkeypatch: pytest.MonkeyPatch, started: list[process.Worker]
) -> None:
    monkeypatch.setenv("ERNBOT_MASTER_KEY", "secret")
    environments = []

    real = asyncio.create_subprocess_exec

    async def record(*command: str, env: dict[str, str], **options: Any) -> asyncio.subprocess.Process:
        environments.append(env)
        return await real(*command, env=env, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", record)
    async with Previewer(workers=1):
        assert len(started) == 1
    assert "ERNBOT_MASTER_KEY" not in environments[0]


def test_the_gateway_itself_loads_no_decoder() -> None:
    script = "import sys, ernbot.imaging.worker; print({'pydicom', 'PIL', 'numpy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(ernbot.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


# Several files, and long ones


async def test_files_that_come_together(previewer: Previewer) -> None:
    previews = await previewer.previews([BytesSource(PNG), BytesSource(PNG)], claimed="image/png")
    assert [pictured(preview).width for preview in previews] == [32, 32]


async def test_files_of_several_formats_do_not_go_together(previewer: Previewer) -> None:
    for files in ([BytesSource(PNG), BytesSource(JPEG)], []):
        with pytest.raises(ValueError, match="one format"):
            await previewer.previews(files)


async def test_too_many_files_are_too_complex(previewer: Previewer) -> None:
    with pytest.raises(Refused, match="file-too-complex"):
        await previewer.previews([BytesSource(PNG)] * 2001)


async def test_admission_tells_the_format(previewer: Previewer) -> None:
    assert (await previewer.admit(BytesSource(GOOD), "application/dicom")).name == "DICOM"
    with pytest.raises(Refused, match="file-lies"):
        await previewer.admit(BytesSource(GOOD), "image/png")


class Padded:
    """A picture, and zeros behind it that nobody keeps; `gate` holds every read up."""

    def __init__(self, data: bytes, size: int, gate: asyncio.Event) -> None:
        self.data, self.size, self.gate, self.largest = data, size, gate, 0

    async def read_at(self, offset: int, length: int) -> bytes:
        if length > 64 * 2**10:
            await self.gate.wait()
        self.largest = max(self.largest, length)
        piece = self.data[offset : offset + length]
        return piece + bytes(length - len(piece))


async def test_long_files_leave_a_worker_for_a_photograph() -> None:
    gate = asyncio.Event()
    long = [Padded(PNG, 65 * 2**20, gate) for _ in range(3)]
    async with Previewer(workers=2) as previewer:
        waiting = [asyncio.create_task(previewer.previews([file])) for file in long]
        for _ in range(3):
            assert pictured(await look(previewer, PNG)).width == 32
        assert not any(task.done() for task in waiting)
        gate.set()
        for (preview,) in await asyncio.gather(*waiting):
            assert pictured(preview).width == 32
    assert max(file.largest for file in long) <= 2**20


async def test_a_worker_alone_takes_long_files_too() -> None:
    gate = asyncio.Event()
    gate.set()
    async with Previewer(workers=1) as previewer:
        (preview,) = await previewer.previews([Padded(PNG, 65 * 2**20, gate)])
        assert pictured(preview).width == 32


@pytest.mark.parametrize(("limit", "value"), [("_MOST_JOBS", 2), ("_MOST_RESIDENT", 1)])
async def test_a_worker_that_has_done_much_or_kept_much_is_replaced(
    monkeypatch: pytest.MonkeyPatch, started: list[process.Worker], limit: str, value: int
) -> None:
    monkeypatch.setattr(worker, limit, value)
    async with Previewer(workers=1) as previewer:
        for _ in range(4):
            assert pictured(await look(previewer, PNG)).width == 32
    assert len(started) == (3 if limit == "_MOST_JOBS" else 5)
    assert started[0].resident() == 0


async def test_memory_in_use_is_known(started: list[process.Worker]) -> None:
    async with Previewer(workers=1):
        assert started[0].resident() > 20 * 2**20


class Gone(BytesSource):
    """A file that can be recognised, and is gone when it is looked at."""

    async def read_at(self, offset: int, length: int) -> bytes:
        if length > worker.HEAD:
            raise Refused("file-unreadable")
        return await super().read_at(offset, length)


async def test_a_file_that_is_lost_half_way_is_told_as_it_is(started: list[process.Worker]) -> None:
    async with Previewer(workers=1) as previewer:
        with pytest.raises(Refused, match="file-unreadable"):
            await previewer.previews([Gone(GOOD)])
        assert pictured(await look(previewer, PNG)).width == 32  # not by the worker that still waits for the rest
        assert len(started) == 2


# Cleaning

POLICY = Policy(secret=bytes(32))


async def test_a_format_without_a_cleaner_says_so(previewer: Previewer, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = [replace(format_, cleaner=None) for format_ in FORMATS]
    monkeypatch.setattr(worker, "recognise", lambda data: next(one for one in bare if one.sniff(data)))

    async def sink(_: bytes) -> None:
        raise AssertionError

    with pytest.raises(Refused) as caught:
        await previewer.clean(BytesSource(GOOD), policy=POLICY, sink=sink)
    assert (caught.value.code, caught.value.fields) == ("file-unsupported", {"syntax": "DICOM"})


async def test_a_cleaned_copy_is_written_reported_and_shown(previewer: Previewer) -> None:
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        pieces.append(piece)

    data = sample("planted/planted_ct.dcm")
    assert (await refusal(previewer, data)).code == "file-names-patient"
    report = await previewer.clean(BytesSource(data), policy=POLICY, sink=sink, claimed="application/dicom")
    assert {"PatientName", "PatientBirthDate"} <= set(report.kinds)
    assert pictured(await look(previewer, b"".join(pieces), "application/dicom")).data


async def test_a_copy_may_take_longer_the_larger_its_original_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def forget(_piece: bytes) -> None:
        return

    async with Previewer(workers=1, seconds=0.001) as previewer:
        monkeypatch.setattr(worker, "_COPIED_IN_A_SECOND", 1)
        assert (await previewer.clean(BytesSource(sample("planted/planted_ct.dcm")), policy=POLICY, sink=forget)).kinds
        monkeypatch.setattr(worker, "_COPIED_IN_A_SECOND", 2**40)
        with pytest.raises(Refused, match="file-too-complex"):
            await previewer.clean(BytesSource(sample("planted/planted_ct.dcm")), policy=POLICY, sink=forget)


async def test_what_cannot_be_cleaned_leaves_nothing_behind(previewer: Previewer) -> None:
    pieces: list[bytes] = []

    async def sink(piece: bytes) -> None:
        pieces.append(piece)

    with pytest.raises(Refused, match="file-broken"):
        await previewer.clean(BytesSource(sample("hostile/tiff_size_lie.svs")), policy=POLICY, sink=sink)
    assert pictured(await look(previewer, PNG)).width == 32
