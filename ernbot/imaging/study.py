"""DICOM files that were sent together: one preview for each series. Runs in the sandbox only.

Only headers are read of all files, and they are searched for names before anything is drawn. Pixels are decoded of
the few slices that are shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import BinaryIO

from ernbot.core.errors import Refused
from ernbot.imaging import dataset, directory, drawn_series, header, reader
from ernbot.imaging.header import Header
from ernbot.imaging.model import Options, Preview, remarked
from ernbot.imaging.series import Stack, stack

MOST_PREVIEWS = 8


def previews(files: Sequence[BinaryIO], options: Options) -> list[Preview]:
    """A preview of one file, or of each series of many.

    Raises `Refused`: `file-names-patient` (kinds, of all files), `file-unsupported` (syntax), `file-too-complex`,
    `file-broken`; and whatever pydicom raises on what cannot be parsed.
    """
    if len(files) == 1:
        return _alone(files[0], options)
    return of([header.read(reader.of(file)) for file in files], options)


def of(headers: Sequence[Header], options: Options, most: int = MOST_PREVIEWS) -> list[Preview]:
    """At most so many previews of files whose headers were read: images first, the largest series first."""
    refuse_names(kind for one in headers for kind in one.kinds)
    objects = [one for one in headers if not one.is_directory] or headers[:1]
    stacks = sorted(map(stack, _groups(objects)), key=lambda order: (not order.slices[0].is_image, -order.frames))
    shown: list[Preview] = []
    refused: list[Refused] = []
    for order in stacks[:most]:
        try:
            shown += _previews(order, options, objects)
        except Refused as refusal:
            if refusal.code == "file-names-patient":
                raise
            refused.append(refusal)
        except MemoryError:
            raise
        except Exception:  # codecs raise anything on hostile bytes; the other series can still be seen
            refused.append(Refused("file-broken"))
    if not shown:
        raise refused[0]
    patients = len({one.patient for one in objects if one.patient})
    not_shown = max(0, len(stacks) - most) + len(refused)
    return remarked(shown, {"not-shown": not_shown, "patients": patients if patients > 1 else 0})


def refuse_names(kinds: Iterable[str]) -> None:
    """Raise `Refused` `file-names-patient` where there is any kind of element that names the patient."""
    if found := sorted(set(kinds)):
        raise Refused("file-names-patient", kinds=", ".join(found))


def _alone(file: BinaryIO, options: Options) -> list[Preview]:
    read = reader.of(file)
    if not header.may_be_directory(read(reader.SHORT_HEAD)):
        file.seek(0)
        return dataset.previews([file], options)
    elements = dataset.read(read(-1))
    refuse_names(dataset.identifying(elements))
    return [directory.card(elements)]


def _groups(headers: Sequence[Header]) -> list[list[Header]]:
    """Images by SeriesInstanceUID; each object that is no image, or belongs to no series, alone."""
    groups: dict[object, list[Header]] = defaultdict(list)
    for one in headers:
        groups[one.series if one.is_image and one.series else id(one)].append(one)
    return list(groups.values())


def _previews(order: Stack, options: Options, study: Sequence[Header]) -> list[Preview]:
    if len(order.slices) > 1:
        return [drawn_series.preview(order)]
    one = order.slices[0]
    if not one.is_image:  # it may be drawn over images of the same study
        images = [reader.opened(other.read) for other in study if other.is_image and other.study == one.study]
        options = replace(options, references=(*options.references, *images))
    return previews([reader.opened(one.read)], options)
