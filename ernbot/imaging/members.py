"""What a zip archive holds, from its members to previews. Runs in the sandbox only.

DICOM members go to `study`, photographs onto one contact sheet, anything else to the decoder of its format. Names are
looked for in every member before a picture leaves. What is no format of this project is counted and left alone, and
so is an archive in the archive.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from typing import BinaryIO

from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import archive, dicom, header, montage, other_slides, photograph, recognise, rendering, study, unzip
from ernbot.imaging.header import Header
from ernbot.imaging.model import Fact, Format, Options, Preview
from ernbot.imaging.reader import HEAD, SHORT_HEAD, Reader


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """The previews of all that the archives hold, as if it had been sent in one piece.

    Raises `Refused`: those of the decoders of the members, `archive-unsafe`, `archive-locked`, `file-slide-export`
    (maker) for a slide of many files, and `file-unknown` where nothing in it can be shown.
    """
    headers: list[Header] = []
    photographs: list[Reader] = []
    others: list[tuple[Format, Reader]] = []
    archives = unknown = 0
    for reader in unzip.readers(files):
        head = reader(SHORT_HEAD)
        found = dicom.FORMAT if dicom.FORMAT.sniff(head) else recognise(reader(HEAD))
        if found is None:
            other_slides.refuse(reader(HEAD))
            unknown += 1
        elif found is archive.FORMAT:
            archives += 1
        elif found is dicom.FORMAT:
            headers.append(header.read(reader, head))
        elif found.decoder == photograph.__name__:
            photographs.append(reader)
        else:
            others.append((found, reader))
    kinds = {kind for one in headers for kind in one.kinds}
    kinds.update(kind for reader in photographs for kind in photograph.kinds(BytesIO(reader(-1))))
    rest = _others(others, kinds, options)
    study.refuse_names(kinds)
    rest = [*_sheet(photographs, options), *rest]
    kept = rest[: study.MOST_PREVIEWS - (1 if headers else 0)]
    shown = [*(study.of(headers, options, study.MOST_PREVIEWS - len(kept)) if headers else ()), *kept]
    if not shown:
        raise Refused("file-unknown")
    counts = {"not-shown": len(rest) - len(kept), "members-unknown": unknown, "archives-inside": archives}
    return study.remarked(shown, counts)


def _others(members: Iterable[tuple[Format, Reader]], kinds: set[str], options: Options) -> list[Preview]:
    """The previews of what is neither photograph nor DICOM; adds to `kinds` what names somebody in them."""
    shown: list[Preview] = []
    for format_, reader in members:
        decoder = import_module(format_.decoder)  # loaded before the sandbox closed
        try:
            shown += decoder.previews([BytesIO(reader(-1))], options)
        except Refused as refusal:
            if refusal.code != "file-names-patient":
                raise
            kinds.update(str(refusal.fields["kinds"]).split(", "))
    return shown


def _sheet(photographs: Sequence[Reader], options: Options) -> list[Preview]:
    """The first nine photographs on one sheet; one alone as it is."""
    drawn: list[Preview] = []
    for reader in photographs[: montage.MOST]:  # one by one: each may be as large as a member may be
        drawn += photograph.previews([BytesIO(reader(-1))], options)
    if len(drawn) < 2:
        return drawn
    facts = replace(
        drawn[0].facts,
        frames=len(photographs),
        lossy=any(preview.facts.lossy for preview in drawn),
        details=(Fact("images", len(photographs)),),
    )
    sheet = rendering.encode(montage.grid([_pixels(preview) for preview in drawn]), facts)
    return [replace(sheet, writing=sum(preview.writing for preview in drawn))]


def _pixels(preview: Preview) -> Image.Image:
    assert preview.picture is not None
    with Image.open(BytesIO(preview.picture.data)) as picture:
        return picture.convert("L" if picture.mode == "L" else "RGB")
