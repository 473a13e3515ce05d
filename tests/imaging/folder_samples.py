"""Made slides that are a folder of files, small ones that OpenSlide accepts as those of their maker."""

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.imaging.imaging_samples import Array
from tests.imaging.maker_samples import LABEL, restarting
from tests.imaging.slide_samples import tissue

NAME = "JANE DOE"
BARCODE = "0101901234"
Files = dict[str, bytes]
"""The files of a folder, by their paths in it."""

_ID = "0D2E1F4A5B6C7D8E9F00112233445566"
_DATA_HEADER = 296
"""Bytes that a data file of MIRAX begins with: version, number of the slide, of the file, padding."""


def label_photograph() -> bytes:
    """The JPEG that stands for a photograph of the glass; its comment is the patient's name."""
    return encoded(LABEL, "JPEG", comment=NAME.encode())


def encoded(pixels: Array, coding: str, **options: Any) -> bytes:
    file = BytesIO()
    if coding == "JPEG":
        options = {"quality": 95, "subsampling": 0, **options}
    Image.fromarray(pixels).save(file, coding.removesuffix("24"), **options)
    return file.getvalue()


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The file that a viewer is told to open, after all are on the disk."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return next(folder / name for name in files if name.endswith((".mrxs", ".vms", ".vmu")))


def packed(files: Mapping[str, bytes]) -> bytes:
    """A zip that stores the files of a folder as they are."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


# --- MIRAX


def mirax(
    *,
    cameras: tuple[int, int] = (6, 5),
    divisions: int = 4,
    side: int = 64,
    overlap: int = 0,
    wobble: int = 0,
    levels: int = 4,
    positions: str = "",
    coding: str = "JPEG",
    empty: Iterable[tuple[int, int]] = (),
    data_files: int = 2,
    keys: Mapping[str, str] | None = None,
) -> Files:
    """A MIRAX: photographs of a camera that overlap by `overlap` pixels, more or less by `wobble` of them.

    Each is cut into `divisions` squares on each side, of `side` pixels. `positions` says in which section their places
    are: none, the older `plain` or the newer `deflated`. Nothing was photographed at the `empty` places. `keys` replace
    values of Slidedat.ini, by heading and key.
    """
    photo = divisions * side
    random = np.random.default_rng(7)
    places = np.array([[(x, y) for x in range(cameras[0])] for y in range(cameras[1])]) * (photo - overlap)
    if wobble:
        places += random.integers(-wobble, wobble + 1, places.shape)
        places[0, 0] = 0
    empty = set(empty)
    scene = np.pad(
        tissue(*(int(places[..., axis].max()) + photo for axis in (0, 1))),
        ((wobble,) * 2, (wobble,) * 2, (0, 0)),
        "edge",
    )
    raw = np.full((cameras[1] * photo, cameras[0] * photo, 3), 255, np.uint8)
    for y in range(cameras[1]):
        for x in range(cameras[0]):
            left, top = places[y, x] + wobble
            raw[y * photo : (y + 1) * photo, x * photo : (x + 1) * photo] = scene[
                top : top + photo, left : left + photo
            ]
    across, down = cameras[0] * divisions, cameras[1] * divisions
    there = np.array([[(x // divisions, y // divisions) not in empty for x in range(across)] for y in range(down)])

    data = [bytearray(_data_header(number)) for number in range(data_files)]

    def stored(piece: bytes) -> tuple[int, int, int]:
        number = min(range(data_files), key=lambda one: len(data[one]))
        at = len(data[number])
        data[number] += piece
        return at, len(piece), number

    records: list[list[tuple[int, ...]]] = []
    for level in range(levels):
        step = 2**level
        items: list[tuple[int, ...]] = []
        small = np.asarray(
            Image.fromarray(raw).resize((-(-raw.shape[1] // step), -(-raw.shape[0] // step)), Image.Resampling.BOX)
        )
        for y in range(0, down, step):
            for x in range(0, across, step):
                if there[y : y + step, x : x + step].any():
                    piece = small[y // step * side : (y // step + 1) * side, x // step * side : (x // step + 1) * side]
                    full = np.full((side, side, 3), 255, np.uint8)
                    full[: piece.shape[0], : piece.shape[1]] = piece
                    items.append((y * across + x, *stored(encoded(full, coding))))
        records.append(items)
    label = stored(label_photograph())
    names = [("Scan data layer", "ScanDataLayer_SlideBarcode", label)]
    if positions:
        table = b"".join(
            struct.pack("<Bii", 0, 0, 0)
            if (x, y) in empty
            else struct.pack("<Bii", 1, int(places[y, x, 0]), int(places[y, x, 1]))
            for y in range(cameras[1])
            for x in range(cameras[0])
        )
        if positions == "plain":
            names.append(("VIMSLIDE_POSITION_BUFFER", "default", stored(table)))
        else:
            names.append(("StitchingIntensityLayer", "StitchingIntensityLevel", stored(zlib.compress(table))))
    values = _slidedat(across, down, divisions, levels, side, overlap, coding, [name[:2] for name in names], data_files)
    values.update(keys or {})
    folder = f"{NAME}/"
    files = {f"{NAME}.mrxs": label_photograph(), folder + "Slidedat.ini": _ini(values)}
    files[folder + "Index.dat"] = index(records, [name[2] for name in names])
    return files | {f"{folder}Data{number:04}.dat": bytes(piece) for number, piece in enumerate(data)}


def _data_header(number: int) -> bytes:
    return f"01.02{_ID}{number:3}".encode().ljust(_DATA_HEADER, b"\0")


def index(levels: list[list[tuple[int, ...]]], sections: list[tuple[int, int, int]], per_page: int = 50) -> bytes:
    """Index.dat: for each level a list of pages of places, and for each other section one place."""
    data = bytearray(f"01.02{_ID}".encode())
    roots = len(data)
    tables = [roots + 8, roots + 8 + 4 * len(levels)]
    data += struct.pack("<2i", *tables) + bytes(4 * (len(levels) + len(sections)))

    def pages(items: list[tuple[int, ...]], count: int) -> int:
        begin = len(data)
        data.extend(struct.pack("<2i", 0, begin + 8))
        for at in range(0, len(items), count):
            page = items[at : at + count]
            size = 8 + sum(4 * len(item) for item in page)
            following = len(data) + size if at + count < len(items) else 0
            data.extend(struct.pack("<2i", len(page), following))
            for item in page:
                data.extend(struct.pack(f"<{len(item)}i", *item))
        return begin

    for number, items in enumerate(levels):
        struct.pack_into("<i", data, tables[0] + 4 * number, pages(items, per_page))
    for number, place in enumerate(sections):
        struct.pack_into("<i", data, tables[1] + 4 * number, pages([(0, 0, *place)], 1))
    return bytes(data)


def _slidedat(
    across: int,
    down: int,
    divisions: int,
    levels: int,
    side: int,
    overlap: int,
    coding: str,
    sections: list[tuple[str, str]],
    data_files: int,
) -> dict[str, str]:
    values = {
        "GENERAL.SLIDE_VERSION": "01.02",
        "GENERAL.SLIDE_ID": _ID,
        "GENERAL.SLIDE_NAME": NAME,
        "GENERAL.PROJECT_NAME": BARCODE,
        "GENERAL.CURRENT_SLIDE_VERSION": "2.2",
        "GENERAL.IMAGENUMBER_X": str(across),
        "GENERAL.IMAGENUMBER_Y": str(down),
        "GENERAL.OBJECTIVE_MAGNIFICATION": "20",
        "GENERAL.CameraImageDivisionsPerSide": str(divisions),
        "HIERARCHICAL.HIER_COUNT": "1",
        "HIERARCHICAL.NONHIER_COUNT": str(len(sections)),
        "HIERARCHICAL.INDEXFILE": "Index.dat",
        "HIERARCHICAL.HIER_0_NAME": "Slide zoom level",
        "HIERARCHICAL.HIER_0_COUNT": str(levels),
        "DATAFILE.FILE_COUNT": str(data_files),
    }
    values |= {f"DATAFILE.FILE_{number}": f"Data{number:04}.dat" for number in range(data_files)}
    for number, (name, value) in enumerate(sections):
        key = f"HIERARCHICAL.NONHIER_{number}_"
        values |= {key + "NAME": name, key + "COUNT": "1", key + "VAL_0": value}
        heading = f"NONHIER_{number}_SECTION"
        values |= {key + "VAL_0_SECTION": heading, f"{heading}.BARCODE_VALUE": BARCODE}
        values |= {f"{heading}.BARCODE_IMAGE_TYPE": "JPEG"}
    for level in range(levels):
        values[f"HIERARCHICAL.HIER_0_VAL_{level}"] = f"ZoomLevel_{level}"
        values[f"HIERARCHICAL.HIER_0_VAL_{level}_SECTION"] = f"LAYER_0_LEVEL_{level}_SECTION"
        key = f"LAYER_0_LEVEL_{level}_SECTION."
        values |= {
            key + "OVERLAP_X": str(overlap / 2**level),
            key + "OVERLAP_Y": str(overlap / 2**level),
            key + "MICROMETER_PER_PIXEL_X": str(0.25 * 2**level),
            key + "MICROMETER_PER_PIXEL_Y": str(0.25 * 2**level),
            key + "IMAGE_FORMAT": coding,
            key + "IMAGE_FILL_COLOR_BGR": str(0xF6F2F4),
            key + "DIGITIZER_WIDTH": str(side),
            key + "DIGITIZER_HEIGHT": str(side),
            key + "IMAGE_CONCAT_FACTOR": "1" if level else "0",
        }
    return values


def _ini(values: Mapping[str, str]) -> bytes:
    sections: dict[str, list[str]] = {}
    for path, value in values.items():
        heading, _, key = path.partition(".")
        sections.setdefault(heading, []).append(f"{key} = {value}")
    lines = [line for heading, keys in sections.items() for line in (f"[{heading}]", *keys)]
    return b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode()


# --- Hamamatsu


def vms(
    *,
    columns: int = 2,
    rows: int = 2,
    size: tuple[int, int] = (1024, 512),
    map_scale: int = 2,
    keys: Mapping[str, str] | None = None,
) -> Files:
    """A VMS: pictures of `size` side by side, each a JPEG that restarts, and the map of them all, so much smaller."""
    scene = tissue(columns * size[0], rows * size[1])
    values = _hamamatsu(columns * size[0], rows * size[1]) | {
        "NoJpegColumns": str(columns),
        "NoJpegRows": str(rows),
        "MapFile": f"{NAME}_map2.jpg",
        "MacroImage": f"{NAME}_macro.jpg",
        "OptimisationFile": f"{NAME}.opt",
    }
    files = {f"{NAME}_macro.jpg": label_photograph(), f"{NAME}.opt": bytes(40)}
    for row in range(rows):
        for column in range(columns):
            key = f"ImageFile({column},{row})" if column or row else "ImageFile"
            values[key] = f"{NAME}({column},{row}).jpg" if column or row else f"{NAME}.jpg"
            box = scene[row * size[1] : (row + 1) * size[1], column * size[0] : (column + 1) * size[0]]
            files[values[key]] = restarting(box, size[0] // 16)[0]
    small = Image.fromarray(scene).reduce(map_scale)
    files[values["MapFile"]] = restarting(np.asarray(small), small.width // 8)[0]
    return _described("Virtual Microscope Specimen", ".vms", values | dict(keys or {}), files)


def vmu(*, size: tuple[int, int] = (1024, 768), map_scale: int = 2, keys: Mapping[str, str] | None = None) -> Files:
    """A VMU: a picture and its map in samples of twelve bits."""
    scene = tissue(*size)
    values = _hamamatsu(*size) | {
        "ImageFile": f"{NAME}_0.ngr",
        "MapFile": f"{NAME}_map.ngr",
        "MapScale": str(map_scale),
        "MacroImage": f"{NAME}_macro.jpg",
        "PixelWidth": str(size[0]),
        "PixelHeight": str(size[1]),
        "BitsPerPixel": "36",
        "PixelOrder": "RGB",
    }
    files = {values["ImageFile"]: ngr(scene), values["MacroImage"]: label_photograph()}
    files[values["MapFile"]] = ngr(np.asarray(Image.fromarray(scene).reduce(map_scale)))
    return _described("Uncompressed Virtual Microscope Specimen", ".vmu", values | dict(keys or {}), files)


def ngr(pixels: Array, column: int = 64) -> bytes:
    """A picture of twelve bits, in columns."""
    height, width = pixels.shape[:2]
    columns = pixels.astype("<u2").reshape(height, -1, column, 3).swapaxes(0, 1) << 4
    return struct.pack("<2s2x3i8xi", b"GN", width, height, column, 28) + columns.tobytes()


def _hamamatsu(width: int, height: int) -> dict[str, str]:
    """What both kinds say: a pixel has 0.5 micrometres."""
    return {
        "NoLayers": "1",
        "SourceLens": "20",
        "PhysicalWidth": str(width * 500),
        "PhysicalHeight": str(height * 500),
        "AuthCode": BARCODE,
    }


def _described(heading: str, ending: str, values: Mapping[str, str], files: Files) -> Files:
    lines = [f"[{heading}]", *(f"{key}={value}" for key, value in values.items()), ""]
    return {f"{NAME}{ending}": "\r\n".join(lines).encode()} | files
