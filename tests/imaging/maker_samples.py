"""Made slides as makers and other programs write them, small ones that OpenSlide accepts as theirs."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.imaging.imaging_samples import Array
from tests.imaging.slide_samples import TILE, tissue

SIDES = (2048, 1024)
JPEG: dict[str, Any] = {"compression": "jpeg", "photometric": "ycbcr", "subsampling": (1, 1), "metadata": None}
LABEL: Array = np.full((96, 288, 3), (0, 200, 0), np.uint8)
"""What stands for the photograph of the glass: a green that no tissue has."""


def _ycbcr(pixels: Array) -> Array:
    return np.asarray(Image.fromarray(pixels).convert("YCbCr"))


def _scaled(side: int) -> Array:
    """The same section at every side."""
    return np.asarray(Image.fromarray(tissue(SIDES[0], SIDES[0])).resize((side, side), Image.Resampling.BOX))


# --- Hamamatsu


def restarting(pixels: Array, interval: int) -> tuple[bytes, list[int]]:
    """A JPEG stream that restarts after every `interval` units of 8 x 8 pixels, and where each piece begins."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90, subsampling=0, restart_marker_blocks=interval)
    data = file.getvalue()
    scan = data.index(b"\xff\xda")
    starts = [scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")]
    starts += [at + 2 for at in range(starts[0], len(data) - 1) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    return data, starts


def ndpi(
    *,
    macro: bool = False,
    private: bool = False,
    sides: tuple[int, ...] = SIDES,
    interval: int = 32,
    starts: bool = True,
    height: int | None = None,
) -> bytes:
    """An NDPI: levels of one strip each, and the photograph of the glass."""
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:

        def write(pixels: Array, lens: float, pieces: bool) -> None:
            stream, begins = restarting(pixels, interval)
            tags: list[Any] = [(65420, "I", 1, 1, True), (65421, "f", 1, lens, True), (65424, "i", 1, 0, True)]
            tags += [(65422, "i", 1, 1000, True), (65423, "i", 1, 1000, True)]
            if pieces:
                tags.append((65426, "I", len(begins), begins, True))
            if private:
                tags.append((65427, "s", 0, "JANE DOE", True))
            options: dict[str, Any] = {**JPEG, "rowsperstrip": pixels.shape[0], "resolutionunit": 3}
            options |= {"shape": pixels.shape, "dtype": np.uint8, "resolution": (20_000, 20_000), "extratags": tags}
            writer.write(iter([stream]), **options)

        for side in sides:
            pixels = _scaled(side)[: height and height * side // sides[0]]
            write(pixels, 20.0 * side / sides[0], starts)
        if macro:
            write(LABEL, -1.0, False)
    return file.getvalue()


# --- Leica, Ventana, Philips


def _tiled(writer: tifffile.TiffWriter, pixels: Array, description: str | None, **more: Any) -> None:
    writer.write(_ycbcr(pixels), tile=(TILE, TILE), description=description, **JPEG, **more)


def scn_xml(sides: tuple[int, ...], *, regions: int = 1, more: str = "") -> str:
    """What Leica writes into the first description. The glass is 4 x 12 mm, a pixel of the section 0.5 µm."""
    uri = "http://www.leica-microsystems.com/scn/2010/10/01"
    lens = "<scanSettings><objectiveSettings><objective>{}</objective></objectiveSettings><illuminationSettings>"
    lens += "<illuminationSource>brightfield</illuminationSource></illuminationSettings></scanSettings>"
    rows = "".join(
        f'<dimension sizeX="{side}" sizeY="{side}" r="{number}" ifd="{number + 1}"/>'
        for number, side in enumerate(sides)
    )
    section = f'<image uuid="urn:uuid:2"><pixels sizeX="{sides[0]}" sizeY="{sides[0]}">{rows}</pixels>'
    section += f'<view sizeX="{sides[0] * 500}" sizeY="{sides[0] * 500}" offsetX="1000" offsetY="1000" spacingZ="0"/>'
    section += lens.format(20) + "</image>"
    macro = '<image uuid="urn:uuid:1"><pixels sizeX="288" sizeY="96"><dimension sizeX="288" sizeY="96" r="0" ifd="0"/>'
    macro += '</pixels><view sizeX="12000000" sizeY="4000000" offsetX="0" offsetY="0" spacingZ="0"/>'
    macro += lens.format("0.6") + "</image>"
    return (
        f'<?xml version="1.0"?><scn xmlns="{uri}"><collection name="JANE DOE" uuid="urn:uuid:0" sizeX="12000000" '
        f'sizeY="4000000"><barcode>SkFORSBET0U=</barcode>{more}{macro}{section * regions}</collection></scn>'
    )


def scn(sides: tuple[int, ...] = SIDES, **described: Any) -> bytes:
    """An SCN: a BigTIFF whose first picture is that of the glass."""
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        _tiled(writer, LABEL, scn_xml(sides, **described))
        for side in sides:
            _tiled(writer, _scaled(side), None)
    return file.getvalue()


def bif(sides: tuple[int, ...] = SIDES, *, overlap: int = 0) -> bytes:
    """A BIF: the label with the XML of the scanner first, then the levels."""
    scanner = (
        b"<iScan Magnification='20' ScanRes='0.5' UnitNumber='1' BarCode1D='JANE DOE' ScannerModel='VENTANA iScan HT'/>"
    )
    scanner = b"<?xml version='1.0'?><Metadata>" + scanner + b"</Metadata>"
    across = sides[0] // TILE
    joints = "".join(_joints(across, overlap))
    encoding = (
        f"<EncodeInfo Ver='2'><SlideInfo><AoiInfo XIMAGESIZE='{TILE}' YIMAGESIZE='{TILE}' NumRows='{across}' "
        f"NumCols='{across}' Pos-X='0' Pos-Y='0'/></SlideInfo><SlideStitchInfo><ImageInfo AOIScanned='1' AOIIndex='0' "
        f"NumRows='{across}' NumCols='{across}' Width='{TILE}' Height='{TILE}' Pos-X='0' Pos-Y='0'>{joints}</ImageInfo>"
        "</SlideStitchInfo><AoiOrigin><AOI0 OriginX='0' OriginY='0'/></AoiOrigin></EncodeInfo>"
    ).encode()
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        writer.write(LABEL, photometric="rgb", description="Label Image", metadata=None, extratags=[_xmp(scanner)])
        for number, side in enumerate(sides):
            tags = [_xmp(encoding)] if not number else []
            description = f"level={number} mag={20 * side // sides[0]} quality=90"
            _tiled(writer, _scaled(side), description, extratags=tags)
    return file.getvalue()


def _xmp(data: bytes) -> tuple[int, int, int, bytes, bool]:
    return 700, 1, len(data), data, True


def _joints(across: int, overlap: int) -> Iterator[str]:
    """How neighbours meet, from the lower left in lines that turn at their ends."""
    said = f"FlagJoined='1' Confidence='100' OverlapX='{overlap}' OverlapY='{overlap}'"

    def number(column: int, row: int) -> int:
        return row * across + (column if row % 2 == 0 else across - 1 - column) + 1

    for row in range(across):
        for column in range(across):
            here = number(column, row)
            if column:
                yield f"<TileJointInfo {said} Direction='RIGHT' Tile1='{number(column - 1, row)}' Tile2='{here}'/>"
            if row:
                yield f"<TileJointInfo {said} Direction='UP' Tile1='{number(column, row - 1)}' Tile2='{here}'/>"


def philips(sides: tuple[int, ...] = SIDES, *, more: str = "") -> bytes:
    """A TIFF of Philips: levels filled up to whole tiles, label and macro at the end."""

    def attribute(name: str, value: str) -> str:
        return f'<Attribute Name="{name}" Group="0x0028" Element="0x0030" PMSVR="IString">{value}</Attribute>'

    spacings = "".join(
        '<DataObject ObjectType="PixelDataRepresentation">'
        + attribute(
            "DICOM_PIXEL_SPACING", f"&quot;{0.0005 * sides[0] / side}&quot; &quot;{0.0005 * sides[0] / side}&quot;"
        )
        + "</DataObject>"
        for side in sides
    )
    scanned = '<DataObject ObjectType="DPScannedImage">' + attribute("PIM_DP_IMAGE_TYPE", "WSI")
    scanned += attribute("PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE", f"<Array>{spacings}</Array>") + "</DataObject>"
    text = '<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">'
    text += attribute("DICOM_MANUFACTURER", "PHILIPS") + attribute("PIM_DP_UFS_BARCODE", "SkFORSBET0U=") + more
    text += attribute("PIM_DP_SCANNED_IMAGES", f"<Array>{scanned}</Array>") + "</DataObject>"
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        for number, side in enumerate(sides):
            _tiled(
                writer, _scaled(side), None if number else text, software="Philips DP v1.0", subfiletype=number and 1
            )
        options: dict[str, Any] = {**JPEG, "software": "Philips DP v1.0"}
        writer.write(_ycbcr(LABEL[:, :96]), description="Label", rowsperstrip=96, **options)
        writer.write(_ycbcr(LABEL), description="Macro", rowsperstrip=96, **options)
    return file.getvalue()


# --- OME and Trestle


def ome_xml(
    sides: tuple[int, ...], *, channels: int = 3, planes: int = 1, scale: str = "0.5", unit: str = "", more: str = ""
) -> str:
    """What Bio-Formats writes into the first description, and QuPath."""
    uri = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    own = f'SizeX="{sides[0]}" SizeY="{sides[0]}" SizeZ="{planes}" SizeC="{channels}" SizeT="1" PhysicalSizeX="{scale}"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{uri}"><Experimenter ID="Experimenter:0" LastName="DOE"/>'
        '<Instrument ID="Instrument:0"><Objective ID="Objective:0:0" NominalMagnification="20.0"/></Instrument>'
        f'<Image ID="Image:0" Name="JANE DOE"><Pixels ID="Pixels:0" Type="uint8" {own} {unit}>'
        f'<Channel ID="Channel:0:0" SamplesPerPixel="{channels}"/><TiffData IFD="0" PlaneCount="1"/></Pixels></Image>'
        f"{more}</OME>"
    )


OME_MACRO = (
    '<Image ID="Image:1" Name="macro image"><Pixels ID="Pixels:1" SizeX="288" SizeY="96" SizeZ="1" SizeC="3" SizeT="1">'
    '<TiffData IFD="1" PlaneCount="1"/></Pixels></Image>'
)


def ome(sides: tuple[int, ...] = SIDES, *, below: bool = True, **described: Any) -> bytes:
    """An OME-TIFF: the levels below the first picture, then the photograph of the glass."""
    file = BytesIO()
    with tifffile.TiffWriter(file, bigtiff=True) as writer:
        text = ome_xml(sides, **{"more": OME_MACRO, **described})
        _tiled(writer, _scaled(sides[0]), text, subifds=len(sides) - 1 if below else None)
        for side in sides[1:]:
            _tiled(writer, _scaled(side), None, subfiletype=1)
        _tiled(writer, LABEL, None)
    return file.getvalue()


def pyramid_below(sides: tuple[int, ...] = SIDES, **tags: Any) -> bytes:
    """A tiled TIFF whose levels stand below its first picture, as libvips writes it: nothing says more than that."""
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        options: dict[str, Any] = {"resolution": (20_000, 20_000), "resolutionunit": 3}
        _tiled(writer, _scaled(sides[0]), None, subifds=len(sides) - 1, **options)
        for side in sides[1:]:
            _tiled(writer, _scaled(side), None, subfiletype=1, **tags)
    return file.getvalue()


def trestle(sides: tuple[int, ...] = SIDES, *, overlaps: str = "0 0 0 0") -> bytes:
    """A slide of Trestle; its label is in another file."""
    file = BytesIO()
    text = f"Background Color=E6E6E6;User Name=JANE DOE;Objective Power=20;JPEG Quality=90;OverlapsXY= {overlaps}"
    with tifffile.TiffWriter(file) as writer:
        for side in sides:
            spacing = 20_000 * side // sides[0]
            options: dict[str, Any] = {"resolution": (spacing, spacing), "resolutionunit": 3, "software": "MedScan 1.0"}
            _tiled(writer, _scaled(side), text, **options)
    return file.getvalue()
