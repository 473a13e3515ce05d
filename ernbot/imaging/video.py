"""Films inside DICOM: one frame from the middle, how long, how fast.

Runs in the sandbox only. The film library opens playlists and other files when a stream asks it to: so a stream is
handed over only when its first bytes are those of a film, and it is read from memory.
"""

from io import BytesIO

from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from ernbot.core.errors import Refused
from ernbot.imaging import drawing
from ernbot.imaging.attributes import number
from ernbot.imaging.model import LONGEST_SIDE, MAX_FRAME_BYTES, Fact, Options, Preview
from ernbot.imaging.objects import card, drawn

_SYNTAXES = tuple(f"1.2.840.10008.1.2.4.{end}" for end in range(100, 109))
"""MPEG-2, H.264 and H.265, PS3.5 sections A.4.5 to A.4.7; the fragmentable ones carry a further number."""

_STARTS = (b"\0\0\x01\xba", b"\0\0\x01\xb3", b"\0\0\0\x01", b"\0\0\x01\x67", b"\0\0\x01\x40", b"\0\0\x01\x09")
"""Program stream, MPEG-2 video, and the first units of bare H.264 and H.265."""

_TS_PACKET, _TS_SYNC = 188, b"\x47"
_MOST_FRAMES = 10_000_000


def is_film(dataset: Dataset) -> bool:
    """Whether the pixels are one stream of moving pictures."""
    return is_film_syntax(str(dataset.file_meta.get("TransferSyntaxUID") or "")) and "PixelData" in dataset


def is_film_syntax(uid: str) -> bool:
    """Whether pixels in this transfer syntax are one stream of moving pictures."""
    return uid.startswith(_SYNTAXES)


def preview(dataset: Dataset, _options: Options) -> Preview:
    """The middle frame with length and rate; a card with what the header says where it cannot be decoded.

    Raises `Refused` `file-broken` without a stream.
    """
    stream = get_frame(dataset.PixelData, 0, number_of_frames=1)
    if not stream:
        raise Refused("file-broken")
    frames, rate = _stated(dataset)
    picture = None
    if _is_stream(stream):
        picture, counted, measured = _opened(stream, frames)
        frames, rate = frames or counted, rate or measured
    details = [Fact("duration-s", round(frames / rate, 1)), Fact("rate-fps", round(rate, 2))] if frames and rate else []
    if picture is None:
        return card(dataset, "video", *details, reason="no-preview")
    shows_person = str(dataset.get("Modality")) == "XC" or "77.1.4" in str(dataset.get("SOPClassUID"))
    return drawn(
        drawing.fit(picture, min(picture.width, LONGEST_SIDE), min(picture.height, LONGEST_SIDE)),
        dataset,
        "video",
        *details,
        frames=max(1, frames),
        lossy=True,
        identifiable=shows_person,
    )


def _stated(dataset: Dataset) -> tuple[int, float]:
    """Frames and frames a second by the header, each 0 where it does not say; PS3.3 C.7.6.5."""
    frames = number(dataset, "NumberOfFrames") or 0.0
    between = number(dataset, "FrameTime") or 0.0
    rate = 1000 / between if between > 0 else 0.0
    rate = rate or number(dataset, "CineRate") or number(dataset, "RecommendedDisplayFrameRate") or 0.0
    return int(frames) if 1 <= frames < _MOST_FRAMES else 0, rate if 0 < rate < 10_000 else 0.0


def _is_stream(stream: bytes) -> bool:
    in_packets = stream[:1] == _TS_SYNC and stream[_TS_PACKET : _TS_PACKET + 1] == _TS_SYNC
    return stream.startswith(_STARTS) or in_packets or stream[4:8] == b"ftyp"


def _opened(stream: bytes, frames: int) -> tuple[Image.Image | None, int, float]:
    """A frame of the middle, or the first where there is no way to the middle; frames and rate as measured."""
    import cv2  # only now: it takes 170 MB of address space, and films are rare

    source = BytesIO(stream)  # the library does not keep it alive, and reads from it until it is released
    film = cv2.VideoCapture(source, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])  # type: ignore[call-overload]
    try:
        if not film.isOpened():
            return None, 0, 0.0
        width, height = film.get(cv2.CAP_PROP_FRAME_WIDTH), film.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if not 0 < width * height * 3 <= MAX_FRAME_BYTES:
            return None, 0, 0.0
        counted = film.get(cv2.CAP_PROP_FRAME_COUNT)
        counted = int(counted) if 1 <= counted < _MOST_FRAMES else 0
        rate = film.get(cv2.CAP_PROP_FPS)
        film.set(cv2.CAP_PROP_POS_FRAMES, (counted or frames) // 2)
        there, pixels = film.read()
        if not there:
            film.set(cv2.CAP_PROP_POS_FRAMES, 0)
            there, pixels = film.read()
        picture = Image.fromarray(pixels[..., ::-1].copy()) if there and pixels is not None else None
        return picture, counted, rate if 0 < rate < 10_000 else 0.0
    finally:
        film.release()
