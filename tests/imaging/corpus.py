"""Real and made files of every format, for the tests that need many.

Ours, those of pydicom and pydicom-data, and small made ones of the formats of which there is no sample. All of them
as a cleaner leaves them, where it can: a file that names a patient is refused before its pixels are looked at.
"""

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from pypdf import PdfWriter

from ernbot.core.errors import Refused
from ernbot.imaging import recognise
from ernbot.imaging.deid import SECRET_BYTES, Policy
from tests.imaging.czi_samples import CODERS, czi, section
from tests.imaging.folder_samples import mirax, packed, vms, vmu
from tests.imaging.imaging_samples import DATA, photograph
from tests.imaging.maker_samples import bif, ndpi, ome, philips, pyramid_below, scn, trestle
from tests.imaging.model_samples import ball, binary_stl, text_stl
from tests.imaging.sakura_samples import svslide

POLICY = Policy(secret=bytes(SECRET_BYTES))
HEAD = 64 * 2**10
LARGEST = 1536 * 2**10
"""Bytes of the largest file taken: more is only slower."""


@dataclass(frozen=True)
class Sample:
    """A file, what it is called in a table, and its format."""

    name: str
    data: bytes
    format: str


def shipped_paths() -> Iterator[Path]:
    """The DICOM files of pydicom and pydicom-data."""
    for package in ("pydicom", "data_store"):
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        for path in sorted((Path(spec.origin).parent / "data").rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    found = recognise(file.read(HEAD))
                if found is not None and found.name == "DICOM":
                    yield path


def honest_files() -> list[Sample]:
    """Files that nobody made to deceive, sorted by where they come from."""
    ours = [path for folder in ("phantom", "planted", "slides") for path in sorted((DATA / folder).iterdir())]
    return _cleaned((*_read((*ours, *shipped_paths())), *made()))


def hostile_files() -> list[Sample]:
    """Files that lie, as they are."""
    return list(_known(_read(sorted((DATA / "hostile").iterdir()))))


def described_slides() -> list[Sample]:
    """Small slides as their makers write them, with all that a cleaner would take out: it is read before that."""
    sides = (512, 256)
    makers = {
        "hamamatsu.ndpi": ndpi(sides=sides, interval=8, macro=True),
        "leica.scn": scn(sides),
        "ventana.bif": bif(sides),
        "ventana_overlap.bif": bif(sides, overlap=8),
        "philips.tiff": philips(sides),
        "ome.tiff": ome(sides),
        "below.tiff": pyramid_below(sides),
        "trestle.tif": trestle(sides),
        **{f"zeiss_{coding}.czi": czi(section(512, tile=288, step=256), compression=coding) for coding in CODERS},
        "mirax.zip": packed(mirax(side=32, overlap=5, wobble=2, positions="deflated")),
        "vms.zip": packed(vms(size=(512, 256))),
        "vmu.zip": packed(vmu(size=(512, 256))),
    }
    with TemporaryDirectory() as folder:
        makers["sakura.svslide"] = svslide(Path(folder), shrunks=(2,))
    return list(_known(iter(makers.items())))


def made() -> Iterator[tuple[str, bytes]]:
    """Small ones of the formats of which there is no sample."""
    across, down = np.meshgrid(np.arange(96, dtype="u1"), np.arange(64, dtype="u1"))
    picture = Image.fromarray(np.stack([across, down, across ^ down], -1))
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"):
        yield f"made.{kind.lower()}", photograph(picture, kind)
    for coding in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        yield f"made_{coding}.tiff", photograph(picture, "TIFF", compression=coding)
    yield "made_progressive.jpeg", photograph(picture, progressive=True)
    yield "made_palette.png", photograph(picture.quantize(32), "PNG")
    yield "made_film.gif", photograph(picture, "GIF", save_all=True, append_images=[picture.rotate(90)])
    yield "made_binary.stl", binary_stl(ball(12))
    yield "made_text.stl", text_stl(ball(8))
    for name, compress in (("plain", False), ("packed", True)):
        yield f"made_{name}.pdf", _document(compress)


def _document(compress: bool) -> bytes:
    """A page with a picture and a drawing."""
    page = BytesIO()
    Image.radial_gradient("L").save(page, "PDF")
    writer = PdfWriter(clone_from=page)
    writer.add_blank_page(200, 300)
    if compress:
        for one in writer.pages:
            one.compress_content_streams()
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def _read(paths: tuple[Path, ...] | list[Path]) -> Iterator[tuple[str, bytes]]:
    return ((path.name, path.read_bytes()) for path in paths if path.stat().st_size <= LARGEST)


def _known(files: Iterator[tuple[str, bytes]]) -> Iterator[Sample]:
    for name, data in files:
        if found := recognise(data[:HEAD]):
            yield Sample(name, data, found.name)


def _cleaned(files: tuple[tuple[str, bytes], ...]) -> list[Sample]:
    return [Sample(one.name, clean(one.data), one.format) for one in _known(iter(files))]


@cache
def clean(data: bytes) -> bytes:
    """The file as its cleaner leaves it, or as it is where there is none or it refuses."""
    found = recognise(data[:HEAD])
    if found is None or found.cleaner is None:
        return data
    out = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import_module(found.cleaner).deidentify(BytesIO(data), out, POLICY)
        except (Refused, ValueError, KeyError, AttributeError, struct.error, OSError):
            return data
    return out.getvalue()
