"""Made scans of clinical size for the benchmarks: anatomy-like shapes with noise, in every packing that is measured.

Noise matters: a codec is fast on an empty picture.
"""

from __future__ import annotations

import warnings
import zipfile
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import compress
from pydicom.uid import (
    UID,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

Array = np.ndarray[Any, Any]

_AIR, _WATER, _BONE = -1000, 40, 900
SYNTAXES: dict[str, UID] = {
    "raw": ExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG lossless": JPEGLosslessSV1,
    "12-bit JPEG": JPEGExtended12Bit,
    "J2K": JPEG2000Lossless,
    "HTJ2K": HTJ2KLossless,
}


def head(side: int, height: float, seed: int) -> Array:
    """A slice of a head at a height from 0.0 to 1.0: bone around tissue in air; signed 16 bit, Hounsfield units."""
    down, across = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    radius = np.hypot(across / 0.75, down / 0.9) / np.sqrt(1 - (height - 0.5) ** 2)
    values = np.where(radius < 0.9, _BONE, _AIR)
    values = np.where(radius < 0.8, _WATER + 30 * np.sin(9 * across) * np.cos(7 * down), values)
    noise = np.random.default_rng(seed).normal(0, 12, values.shape)
    return np.clip(values + noise, -1024, 3071).astype(np.int16)


def ct(syntax: str, *, side: int = 512, height: float = 0.5, number: int = 1, series: str | None = None) -> bytes:
    """One CT slice, packed as `SYNTAXES` says."""
    uid = SYNTAXES[syntax]
    pixels = head(side, height, number)
    dataset = _image(CTImageStorage, "CT", pixels, series)
    dataset.InstanceNumber = number
    dataset.ImagePositionPatient = [0, 0, 200 * height]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.SliceThickness = 1
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    if uid == JPEGExtended12Bit:  # samples without sign, as the process has it
        dataset.RescaleIntercept = -1024
        shifted = (pixels + 1024).clip(0, 4095).astype(np.uint16)
        dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 0, 12, 11
        _pack(dataset, uid, imagecodecs.jpeg8_encode(shifted, level=95, bitspersample=12))
    elif uid == JPEGLosslessSV1:
        _pack(dataset, uid, imagecodecs.ljpeg_encode(pixels.view(np.uint16)))
    elif uid == HTJ2KLossless:
        _pack(dataset, uid, imagecodecs.htj2k_encode(pixels, reversible=True))
    elif uid != ExplicitVRLittleEndian:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compress(dataset, uid, generate_instance_uid=False)
    return _written(dataset)


def mammogram() -> bytes:
    """2048 x 2048 samples of 12 bit, JPEG 2000 lossless."""
    pixels = (head(2048, 0.5, 1).astype(np.int32) + 1024).clip(0, 4095).astype(np.uint16)
    dataset = _image(DigitalMammographyXRayImageStorageForPresentation, "MG", pixels, None)
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.WindowCenter, dataset.WindowWidth = 1064, 2000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compress(dataset, JPEG2000Lossless, generate_instance_uid=False)
    return _written(dataset)


def series(slices: int = 300) -> bytes:
    """A zip, about 100 MB when nothing of it can be packed any tighter, of one CT series in no order."""
    uid, file = generate_uid(), BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for place in np.random.default_rng(1).permutation(slices):
            data = ct("raw", height=0.1 + 0.8 * int(place) / slices, number=int(place) + 1, series=uid)
            archive.writestr(f"IM{_shuffled(int(place))}.dcm", data)
    return file.getvalue()


def _shuffled(place: int) -> str:
    """A file name in no order, always the same."""
    return f"{place * 7919 % 1000003:06}"


def cine(frames: int = 120) -> bytes:
    """An ultrasound film of 640 x 480 in colour, JPEG baseline, 25 pictures a second."""
    rng = np.random.default_rng(2)
    texture = rng.normal(0, 25, (480, 640))
    pictures = []
    down, across = np.mgrid[0:480, 0:640]
    for number in range(frames):
        beat = 60 * np.sin(2 * np.pi * number / 30)
        fan = (np.hypot(across - 320, down + 40) < 480) & (abs(across - 320) < 0.7 * (down + 40))
        organ = np.hypot(across - 320, down - 260) < 110 + beat
        grey = np.where(fan, 60 + 70 * organ + np.roll(texture, number, 0), 0).clip(0, 255).astype(np.uint8)
        pictures.append(bytes(imagecodecs.jpeg8_encode(np.repeat(grey[..., None], 3, 2), level=85)))
    dataset = _image(UltrasoundMultiFrameImageStorage, "US", np.zeros((480, 640), np.uint8), None)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "YBR_FULL_422", 0
    dataset.NumberOfFrames, dataset.FrameTime = frames, 40
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate(pictures)
    return _written(dataset)


def _image(sop_class: UID, modality: str, pixels: Array, series: str | None) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series or generate_uid(), generate_uid(entropy_srcs=["study"])
    dataset.Modality, dataset.PatientName, dataset.PatientID = modality, "", ""
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    return dataset


def _pack(dataset: Dataset, syntax: UID, codestream: bytes | bytearray) -> None:
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([bytes(codestream)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True


def _written(dataset: Dataset) -> bytes:
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
