"""Hamamatsu's VMS and VMU slides from their folder of files to the overview. Runs in the sandbox only.

The file that describes the slide names large pictures side by side, and one small map of them all, which is what an
overview needs. It names the photograph of the glass with its label too: that is never decoded, and the map must have
the proportions of the slide. The rules are those of OpenSlide's documentation of the format.
"""

import struct
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from ernbot.core.errors import Refused
from ernbot.imaging import codestream, ini, pyramid, slide, slide_makers, tiles, unzip
from ernbot.imaging.ini import Section
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, OVERVIEW_ONLY, Options, Preview
from ernbot.imaging.reader import HEAD
from ernbot.imaging.rendering import encode
from ernbot.imaging.slide_folder import Folder

_COMPRESSED, _BARE = "Virtual Microscope Specimen", "Uncompressed Virtual Microscope Specimen"
_MOST_PICTURES = 100
"""Pictures across or down: each is up to 65,000 pixels wide."""

_NANOMETRES = 1e-3
"""Micrometres of one."""

_ODD = 0.03
"""By how much the proportions of the map may be others than those of the slide: both end where their blocks end."""

_NGR = struct.Struct("<2s2x3i8xi")
"""Mark, width, height, width of a column, begin of the samples: the header of a picture that is not compressed."""

_NGR_MARK, _NGR_SPARE_BITS = b"GN", 4
"""Samples take twelve bits of their sixteen."""

_MAX_NGR = 64 * 2**20


def preview(folder: Folder, _options: Options) -> Preview:
    """The map of the slide with a scale bar.

    Raises `Refused`: `file-slide-part` (maker) where a file is missing, `file-slide-export` (maker) for several layers,
    no map, or a map of something else; `file-broken`, `file-too-complex`.
    """
    sections = ini.read(folder.description.read(ini.MAX_BYTES + 1))
    is_bare = _COMPRESSED not in sections
    section = sections.get(_BARE if is_bare else _COMPRESSED)
    if section is None:
        raise Refused("file-broken")
    layers, name = section.number("NoLayers", 1, _MOST_PICTURES, 1), section.values.get("MapFile", "").casefold()
    if layers > 1 or name in ("", section.values.get("MacroImage", "").casefold()):
        raise Refused("file-slide-export", maker="VMS")
    width, height = _bare_size(folder, section) if is_bare else _size(folder, section)
    picture = (_bare if is_bare else _jpeg)(folder.file(name).read(-1))
    if abs(picture.width * height / (picture.height * width) - 1) > _ODD:
        raise Refused("file-slide-export", maker="VMS")
    microns, power = (section.real("PhysicalWidth") or 0.0) * _NANOMETRES / width, section.real("SourceLens") or 0.0
    scale = (
        microns if 0 < microns <= pyramid.LARGEST_MPP else None,
        power if 0 < power <= slide_makers.LARGEST_MAGNIFICATION else None,
    )
    facts = slide.facts("VMS", (width, height), scale, OVERVIEW_ONLY, lossy=not is_bare)
    return encode(slide.overview(picture, width, scale[0]), facts)


def _size(folder: Folder, section: Section) -> tuple[int, int]:
    """Pixels of all pictures together, as the headers of those at the top and at the left say."""
    across = section.number("NoJpegColumns", 1, _MOST_PICTURES)
    down = section.number("NoJpegRows", 1, _MOST_PICTURES)
    for row in range(down):
        for column in range(across):
            _picture(folder, section, column, row)  # a folder that came in part is refused
    width = sum(_stated(folder, section, column, 0).width for column in range(across))
    height = sum(_stated(folder, section, 0, row).height for row in range(down))
    if not min(width, height):
        raise Refused("file-broken")
    return width, height


def _bare_size(folder: Folder, section: Section) -> tuple[int, int]:
    _picture(folder, section, 0, 0)
    return section.number("PixelWidth", 1, pyramid.MAX_SIDE), section.number("PixelHeight", 1, pyramid.MAX_SIDE)


def _picture(folder: Folder, section: Section, column: int, row: int) -> unzip.Member:
    return folder.file(section.word(f"ImageFile({column},{row})" if column or row else "ImageFile"))


def _stated(folder: Folder, section: Section, column: int, row: int) -> codestream.Stated:
    stated = codestream.stated(_picture(folder, section, column, row).read(HEAD))
    if stated is None:
        raise Refused("file-broken")
    return stated


def _jpeg(data: bytes) -> Image.Image:
    """A map of a VMS, decoded small."""
    picture = JpegImageFile(BytesIO(data))
    if picture.width * picture.height * 3 > MAX_FRAME_BYTES:
        raise Refused("file-too-complex")
    scale = next(scale for scale in tiles.SCALES if scale == 1 or max(picture.size) >= LONGEST_SIDE * scale)
    picture.draft("RGB", (picture.width // scale, picture.height // scale))
    return picture.convert("RGB")


def _bare(data: bytes) -> Image.Image:
    """A map of a VMU: columns of rows of samples, one column after the other."""
    if len(data) < _NGR.size:
        raise Refused("file-broken")
    mark, width, height, column, begin = _NGR.unpack_from(data)
    length = width * height * 6
    if mark != _NGR_MARK or min(width, height, column, begin) <= 0 or width % column or begin + length > len(data):
        raise Refused("file-broken")
    if length > _MAX_NGR:
        raise Refused("file-too-complex")
    samples = np.frombuffer(data, "<u2", length // 2, begin).reshape(-1, height, column, 3)
    rows = np.moveaxis(samples, 0, 1).reshape(height, width, 3)
    return Image.fromarray(np.minimum(rows >> _NGR_SPARE_BITS, 255).astype(np.uint8))
