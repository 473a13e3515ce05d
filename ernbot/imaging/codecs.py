"""From the bytes of one compressed frame to its values: one decoder for each transfer syntax.

Runs in the sandbox only, after `frame` has compared every size that is declared. pydicom's decoders do most of
the work. Its permissive ones miss 12-bit and lossless JPEG, and none of them can leave detail out.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from imagecodecs import jpeg8_decode
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
)

from ernbot.core.errors import Refused
from ernbot.imaging import jpeg2000
from ernbot.imaging.codestream import Stated

Array = np.ndarray[Any, Any]
_DEAR = 2**19
"""Pixels of a JPEG 2000 frame from which a softer preview is better than a late one."""

_END_OF_IMAGE = b"\xff\xd9"

Decoder = Callable[[bytes, Stated, Dataset, int], Array]


def is_known(syntax: UID) -> bool:
    """Whether an installed codec can decode this transfer syntax."""
    if syntax in _DECODERS:
        return True
    try:
        return bool(get_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def decode(codestream: bytes, stated: Stated, dataset: Dataset, least: int) -> Array | None:
    """The values of a frame, of at least `least` pixels along its longer side; None where pydicom has to do it.

    Rows x columns, or x 3 in RGB. `least` 0 asks for all of them. Raises `Refused` (`file-broken`), and what
    codecs raise on broken data.
    """
    decoder = _DECODERS.get(dataset.file_meta.TransferSyntaxUID)
    if decoder is None or (decoder is _jpeg2000 and (stated.components != 1 or stated.precision > 16)):
        return None
    signed = bool(dataset.PixelRepresentation)
    # Negative values in an unsigned stream are large ones to a wavelet: nothing may be left out of them.
    values = decoder(codestream, stated, dataset, 0 if signed and not stated.signed else least)
    if values.ndim != 2 + (stated.components > 1) or not values.size:
        raise Refused("file-broken")
    return _signed(values, stated.precision) if signed and values.dtype.kind == "u" else values


def _signed(values: Array, precision: int) -> Array:
    """Two's complement of so many bits, which a codec has taken for a number without a sign."""
    unused = values.dtype.itemsize * 8 - precision
    return np.asarray((values << unused).view(values.dtype.str.replace("u", "i")) >> unused)


def _jpeg(codestream: bytes, stated: Stated, dataset: Dataset, least: int) -> Array:
    """Baseline and extended JPEG. Of 8 bits, it can be decoded at an eighth, a quarter or a half."""
    if stated.precision != 8:
        return _whole_jpeg(codestream)
    with Image.open(BytesIO(codestream), formats=("JPEG",)) as picture:
        scale = min(1.0, least / max(picture.size)) if least else 1.0
        # Without a marker of its own the stream leaves open whether it holds YCbCr: then the header decides.
        marked = picture.info.keys() & {"adobe_transform", "jfif"}
        bare = stated.components == 3 and not marked and dataset.PhotometricInterpretation == "RGB"
        picture.draft("YCbCr" if bare else None, (int(picture.width * scale), int(picture.height * scale)))
        return np.asarray(picture)


def _whole_jpeg(codestream: bytes) -> Array:
    """The codec makes up what is missing of a stream that was cut; the mark of the end cannot stand within one."""
    if _END_OF_IMAGE not in codestream:
        raise Refused("file-broken")
    return np.asarray(jpeg8_decode(codestream))


def _lossless_jpeg(codestream: bytes, _stated: Stated, dataset: Dataset, _least: int) -> Array:
    values = _whole_jpeg(codestream)
    photometric = str(dataset.PhotometricInterpretation)
    return convert_color_space(values, photometric, "RGB") if photometric.startswith("YBR") else values


def _jpeg2000(codestream: bytes, stated: Stated, _dataset: Dataset, least: int) -> Array:
    # The dearest codec of all: a mammogram at 512 pixels takes a quarter of the time of one at 1024.
    dear = stated.width * stated.height > _DEAR
    return jpeg2000.one_component(codestream, stated, least * 5 // 8 if dear else least)


def _high_throughput(codestream: bytes, stated: Stated, dataset: Dataset, least: int) -> Array:
    values = jpeg2000.high_throughput(codestream, stated, least)
    photometric = str(dataset.PhotometricInterpretation)
    return convert_color_space(values, photometric, "RGB") if photometric.startswith("YBR_FULL") else values


_DECODERS: dict[UID, Decoder] = {
    JPEGBaseline8Bit: _jpeg,
    JPEGExtended12Bit: _jpeg,
    JPEGLossless: _lossless_jpeg,
    JPEGLosslessSV1: _lossless_jpeg,
    JPEG2000Lossless: _jpeg2000,
    JPEG2000: _jpeg2000,
    HTJ2KLossless: _high_throughput,
    HTJ2KLosslessRPCL: _high_throughput,
    HTJ2K: _high_throughput,
}
