"""What a zip archive holds, from its members to previews. Runs in the sandbox only.

DICOM members go to `study`, photographs onto one contact sheet, anything else to the decoder of its format. Names are
looked for in every member, and in what members are called, before a picture leaves. What nobody could search for names
must not stay in a room unseen: what is no format of this project, what is broken, an archive in the archive.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from io import BytesIO
from typing import BinaryIO

from PIL import Image

from ernbot.core.errors import Refused
from ernbot.imaging import (
    archive,
    dicom,
    header,
    mirax,
    montage,
    other_slides,
    photograph,
    recognise,
    rendering,
    slide_folder,
    study,
    unzip,
    vms,
    writing,
)
from ernbot.imaging.header import Header
from ernbot.imaging.model import Fact, Options, Preview, remarked
from ernbot.imaging.reader import HEAD, SHORT_HEAD, Reader

_FOLDERS = {"MIRAX": mirax.preview, "VMS": vms.preview}
"""What draws a slide that is a folder of files."""


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """The previews of all that the archives hold, as if it had been sent in one piece.

    Raises `Refused`: those of the decoders of the members; `file-names-patient` also for names of members;
    `archive-unsafe`, `archive-locked`; `file-slide-part` and `file-slide-export` (maker), `archive-slide-alone` for
    slides that cannot be shown; `archive-unchecked` (count) where there are members beside the others that nobody can
    search for names; `file-unknown`, `archive-inside`, `file-broken` where nothing in it can be shown.
    """
    held = unzip.contents(files)
    if folder := slide_folder.find(held):
        return [_FOLDERS[folder.maker](folder, options)]
    kinds = set(held.kinds)
    headers: list[Header] = []
    photographs: list[Reader] = []
    others: list[Preview] = []
    archives = unknown = broken = 0
    for member in held.members:
        try:
            head = member.read(SHORT_HEAD)
            found = dicom.FORMAT if dicom.FORMAT.sniff(head) else recognise(member.read(HEAD))
            if found is None:
                other_slides.refuse(member.read(HEAD))
                unknown += 1
            elif found is archive.FORMAT:
                archives += 1
            elif found is dicom.FORMAT:
                headers.append(_header(member.read, head))
            elif found.decoder == photograph.__name__:
                kinds |= photograph.kinds(BytesIO(member.read(-1)))
                photographs.append(member.read)
            else:
                decoder = import_module(found.decoder)  # loaded before the sandbox closed
                others += decoder.previews([BytesIO(member.read(-1))], options)
        except Refused as refusal:
            if refusal.code == "file-names-patient":
                kinds.update(str(refusal.fields["kinds"]).split(", "))
            elif refusal.code == "file-broken":
                broken += 1
            else:
                raise
        except (MemoryError, RecursionError):
            raise
        except Exception:  # parsers raise anything on hostile bytes; the other members can still be told about
            broken += 1
    # Such an archive leaves the room whatever else is in it, and nothing else of it is shown.
    leaves = bool(others) and not (headers or photographs) and all(one.is_overview_only for one in others)
    if not leaves:
        study.refuse_names(kind for kind in (*kinds, *(kind for one in headers for kind in one.kinds)))
    if not (headers or photographs or others):
        raise Refused("file-broken" if broken else "archive-inside" if archives else "file-unknown")
    if (unchecked := archives + unknown + broken) and not leaves:
        raise Refused("archive-unchecked", count=unchecked)
    rest = [*_sheet(photographs, options), *others]
    kept = rest[: study.MOST_PREVIEWS - (1 if headers else 0)]
    shown = [*(study.of(headers, options, study.MOST_PREVIEWS - len(kept)) if headers else ()), *kept]
    return remarked(shown, {"not-shown": len(rest) - len(kept)})


def _header(reader: Reader, head: bytes) -> Header:
    """Raises `Refused` `file-broken` also where nothing of the standard is in it: names could be anywhere."""
    found = header.read(reader, head)
    if not (found.sop_class or found.is_image):
        raise Refused("file-broken")
    return found


def _sheet(photographs: Sequence[Reader], options: Options) -> list[Preview]:
    """The first nine photographs on one sheet; one alone as it is."""
    drawn: list[Preview] = []
    for reader in photographs[: montage.MOST]:  # one by one: each may be as large as a member may be
        drawn += photograph.previews([BytesIO(reader(-1))], options, min(len(photographs), montage.MOST))
    if len(drawn) < 2:
        return drawn
    facts = replace(
        drawn[0].facts,
        frames=len(photographs),
        lossy=any(preview.facts.lossy for preview in drawn),
        details=(Fact("images", len(photographs)),),
    )
    sheet = rendering.encode(montage.grid([_pixels(preview) for preview in drawn]), facts)
    unseen = writing.UNSEEN.words if len(photographs) > len(drawn) else 0
    return [replace(sheet, writing=unseen + sum(preview.writing for preview in drawn))]


def _pixels(preview: Preview) -> Image.Image:
    assert preview.picture is not None
    with Image.open(BytesIO(preview.picture.data)) as picture:
        return picture.convert("L" if picture.mode == "L" else "RGB")
