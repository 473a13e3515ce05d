"""Samples and small made pictures for the imaging tests."""

import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from ernbot.imaging import Preview
from ernbot.imaging.model import Picture
from ernbot.imaging.source import BytesSource
from ernbot.imaging.worker import Previewer

Array = np.ndarray[Any, Any]
DATA = Path(__file__).parents[1] / "data" / "imaging"
_NAMES = ((b"PHANTOM^CT", b" " * 10), (b"PHANTOM-1 ", b" " * 10))


def sample(name: str) -> bytes:
    return (DATA / name).read_bytes()


async def look(previewer: Previewer, data: bytes, claimed: str | None = None) -> Preview:
    """The only preview of one file."""
    (preview,) = await previewer.previews([BytesSource(data)], claimed=claimed)
    return preview


def pictured(preview: Preview) -> Picture:
    """The large picture of a preview that has one."""
    assert preview.picture is not None
    return preview.picture


def nameless(name: str) -> bytes:
    """One of our samples, its name and number blanked in place, and every lie in it left as it is."""
    data = sample(name)
    if "deflated" in name:
        head = data.index(b"1.2.840.10008.1.2.1.99")
        start = 144 + int.from_bytes(data[140:144], "little")
        assert head < start
        deflater = zlib.compressobj(wbits=-15)
        return data[:start] + deflater.compress(_blank(zlib.decompress(data[start:], -15))) + deflater.flush()
    return _blank(data)


def _blank(data: bytes) -> bytes:
    for name, blank in _NAMES:
        data = data.replace(name, blank)
    return data


def shipped(name: str) -> bytes:
    """A test file of pydicom itself, as it is."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def edited(data: bytes, *, drop: tuple[str, ...] = (), **elements: Any) -> bytes:
    """A DICOM file with elements set or dropped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(BytesIO(data), force=True)
        for keyword in drop:
            if keyword in dataset:
                delattr(dataset, keyword)
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        return written(dataset)


def deidentified(data: bytes) -> bytes:
    """A third-party test file as a de-identifier would leave it."""
    gone = ("PatientBirthDate", "OtherPatientIDs", "OtherPatientIDsSequence", "PatientAddress")
    return edited(data, drop=gone, PatientName="ANON1", PatientID="ANON1", PatientIdentityRemoved="YES")


def written(dataset: Dataset) -> bytes:
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.save_as(file)
    return file.getvalue()


def dicom(pixels: Array | None = None, /, *, syntax: UID = ExplicitVRLittleEndian, **elements: Any) -> bytes:
    """A small nameless CT of these pixels: rows x columns of 16 bits, or none, with elements set on top."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality = "CT"
    if pixels is not None:
        dataset.Rows, dataset.Columns = pixels.shape[-2:]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 0
        dataset.PixelData = pixels.astype("<u2").tobytes()
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def photograph(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def opened(image: bytes) -> Array:
    with Image.open(BytesIO(image)) as picture:
        return np.asarray(picture)
