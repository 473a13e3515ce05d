"""Files of slides of which there is no picture: called by their name, alone, in a zip and on the command line."""

from pathlib import Path

import pytest

from ernbot.__main__ import run_command
from ernbot.core.errors import Refused
from ernbot.imaging import other_slides, recognise, terms
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer
from tests.imaging.imaging_samples import nameless
from tests.imaging.test_imaging_archives import photo, refusal, zipped

SLIDEDAT = (
    b"\xef\xbb\xbf[GENERAL]\r\nSLIDE_VERSION = 01.02\r\nSLIDE_ID = 0D2E1F4A5B6C7D8E9F00112233445566\r\n"
    b"SLIDE_NAME = JANE DOE\r\n[HIERARCHICAL]\r\nINDEXFILE = Index.dat\r\n"
)
MIRAX = {
    "Slidedat.ini": SLIDEDAT,
    "Index.dat": b"01.020D2E1F4A5B6C7D8E9F00112233445566" + bytes(64),
    "Data0000.dat": b"01.020D2E1F4A5B6C7D8E9F00112233445566" + b"  0" + bytes(64),
}
VMS = b"[Virtual Microscope Specimen]\r\nNoLayers=1\r\nImageFile=JANE DOE.jpg\r\n"
VMU = b"[Uncompressed Virtual Microscope Specimen]\r\nNoLayers=1\r\n"


def called(head: bytes) -> str | None:
    try:
        other_slides.refuse(head)
    except Refused as refused:
        return f"{refused.code} {refused.fields['maker']}"
    return None


@pytest.mark.parametrize(("data", "maker"), [(VMS, "VMS"), (VMU, "VMS"), *((data, "MIRAX") for data in MIRAX.values())])
def test_a_slide_is_called_by_its_name(data: bytes, maker: str) -> None:
    assert recognise(data) is None
    assert called(data) == f"file-slide-part {maker}"
    assert maker in terms.SLIDE_MAKERS


@pytest.mark.parametrize(
    "data",
    [b"", b"ZISRAW", b"[GENERAL]\nname = x\n", b"01.02", b"[Virtual", b"01.02" + bytes(40), b"GN", b"\xff" * 65536],
)
def test_other_files_are_unknown(data: bytes) -> None:
    assert called(data) is None


@pytest.mark.parametrize("folder", ["", "JANE DOE/"])
def test_a_zip_of_a_part_of_a_slide_is_called_by_its_name(folder: str) -> None:
    entries = [("JANE DOE.mrxs", photo()), *((folder + name, data) for name, data in MIRAX.items())]
    refused = refusal(zipped(entries[:1] + entries[2:]))
    assert (refused.code, refused.fields) == ("file-slide-part", {"maker": "MIRAX"})
    assert refusal(zipped([("a.jpg", photo()), ("a.vms", VMS)])).fields == {"maker": "VMS"}
    assert refusal(zipped([("a.jpg", photo()), ("a.ini", b"[GENERAL]\n")])).code == "archive-unchecked"


async def test_through_a_real_pool() -> None:
    async with Previewer(workers=1) as previewer:
        for data, maker in ((VMS, "VMS"), (zipped([("a", MIRAX["Index.dat"])]), "MIRAX")):
            with pytest.raises(Refused) as caught:
                await previewer.previews([BytesSource(data)])
            assert (caught.value.code, caught.value.fields) == ("file-slide-part", {"maker": maker})
        assert await previewer.previews([BytesSource(nameless("phantom/ct_phantom_rle.dcm"))])


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, beside = tmp_path / "slide.vms", tmp_path / "slide.mrxs"
    path.write_bytes(VMS)
    beside.write_bytes(photo())
    assert run_command(["deidentify", str(path), str(beside), "--out", str(tmp_path / "out")]) != 0
    assert capsys.readouterr().err.count("export that as SVS or DICOM") == 2
    assert not [one for one in (tmp_path / "out").iterdir() if one.suffix in (".vms", ".jpg", ".jpeg")]
