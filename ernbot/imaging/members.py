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
from ernbot.imaging import archive, dicom, header, montage, recognise, rendering, study, unzip
from ernbot.imaging.header import Header
from ernbot.imaging.model import Fact, Format, Options, Preview
from ernbot.imaging.reader import HEAD, SHORT_HEAD, Reader

_PHOTOGRAPHS = frozenset({"photograph", "picture"})


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """The previews of all that the archives hold, as if it had been sent in one piece.

    Raises `Refused`: those of the decoders of the members, `archive-unsafe`, `archive-locked`, and `file-unknown`
    where nothing in it can be shown.
    """
    headers: list[Header] = []
    others: list[tuple[Format, Reader]] = []
    archives = unknown = 0
    for reader in unzip.readers(files):
        head = reader(SHORT_HEAD)
        found = dicom.FORMAT if dicom.FORMAT.sniff(head) else recognise(reader(HEAD))
        if found is None:
            unknown += 1
        elif found is archive.FORMAT:
            archives += 1
        elif found is dicom.FORMAT:
            headers.append(header.read(reader, head))
        else:
            others.append((found, reader))
    kinds = {kind for one in headers for kind in one.kinds}
    rest = _others(others, kinds, options)
    study.refuse_names(kinds)
    kept = rest[: study.MOST_PREVIEWS - (1 if headers else 0)]
    shown = [*(study.of(headers, options, study.MOST_PREVIEWS - len(kept)) if headers else ()), *kept]
    if not shown:
        raise Refused("file-unknown")
    counts = {"not-shown": len(rest) - len(kept), "members-unknown": unknown, "archives-inside": archives}
    return study.remarked(shown, counts)


def _others(members: Iterable[tuple[Format, Reader]], kinds: set[str], options: Options) -> list[Preview]:
    """A contact sheet of the photographs, and the previews of what is neither photograph nor DICOM.

    Adds to `kinds` what names somebody. Each member is looked at, however few are shown: its decoder finds the names.
    """
    photographs: list[Preview] = []
    count, shown, lossy = 0, list[Preview](), False
    for format_, reader in members:
        decoder = import_module(format_.decoder)  # loaded before the sandbox closed
        try:
            found: list[Preview] = decoder.previews([BytesIO(reader(-1))], options)
        except Refused as refusal:
            if refusal.code != "file-names-patient":
                raise
            kinds.update(str(refusal.fields["kinds"]).split(", "))
            continue
        for preview in found:
            if preview.facts.kind not in _PHOTOGRAPHS or preview.picture is None:
                shown.append(preview)
                continue
            count, lossy = count + 1, lossy or preview.facts.lossy
            if len(photographs) < montage.MOST:
                photographs.append(preview)
    return [*_sheet(photographs, count, lossy), *shown]


def _sheet(photographs: Sequence[Preview], count: int, lossy: bool) -> list[Preview]:
    if len(photographs) < 2:
        return list(photographs)
    pictures = [_pixels(preview) for preview in photographs]
    facts = replace(
        photographs[0].facts,
        kind="photograph",
        frames=count,
        lossy=lossy,
        identifiable=True,
        details=(Fact("images", count),),
    )
    sheet = rendering.encode(montage.grid(pictures), facts)
    return [replace(sheet, writing=sum(preview.writing for preview in photographs))]


def _pixels(preview: Preview) -> Image.Image:
    assert preview.picture is not None
    with Image.open(BytesIO(preview.picture.data)) as picture:
        return picture.convert("L" if picture.mode == "L" else "RGB")
