"""A DICOM object with pixels, from data set to preview. Runs in the sandbox only.

Whether its header names a patient must have been asked before.
"""

from dataclasses import replace

from pydicom.dataset import Dataset

from ernbot.imaging import attributes, groups, multiframe, orientation, rendering, writing
from ernbot.imaging.frame import Frames
from ernbot.imaging.model import LONGEST_SIDE, Fact, Preview


def preview(dataset: Dataset) -> Preview:
    """The picture, or the strip of a multi-frame object, windowed as the header asks.

    Where rows are missing, they are hatched and the fact `truncated` says so. Raises `Refused`:
    `file-unsupported` (syntax), `file-too-complex`, `file-broken`; and what codecs raise on broken data.
    """
    frames = Frames.of(dataset)
    written = writing.seen(dataset, frames)
    if frames.count > 1:
        return replace(multiframe.preview(dataset, frames), writing=written.words, places=written.places)
    pixels = frames.decode(0, LONGEST_SIDE)
    header = groups.of_frame(dataset, 0)
    image, window = rendering.drawn(pixels, header, share=frames.rows / int(dataset.Rows))
    thickness = attributes.positive("thickness-mm", attributes.number(header, "SliceThickness"))
    truncated = (Fact("truncated"),) if frames.truncated else ()
    facts = attributes.facts(dataset, "picture", 1, (*orientation.facts(header), *thickness, *window, *truncated))
    drawn = rendering.encode(image, facts)
    return replace(drawn, uids=attributes.uids(dataset), writing=written.words, places=written.places)
