"""Objects of the classes without plain pixels, made for the tests around our own phantom."""

import os
import struct
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.utils import pack_bits
from pydicom.uid import MPEG2MPML
from pypdf import PdfWriter

from ernbot.imaging import Preview, dataset
from ernbot.imaging.model import Options, Picture
from tests.imaging.imaging_samples import DATA, Array, dicom, edited, nameless, opened, written

STORAGE = "1.2.840.10008.5.1.4.1.1."
SPACE = "1.2.3.4"
SECRET = "Doe Jane"


def item(**elements: Any) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def code(value: str, scheme: str, meaning: str = SECRET) -> list[Dataset]:
    """A code with a meaning that its author made up."""
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def shown(data: bytes, *references: bytes) -> Preview:
    """The preview of one file beside other files of its case, made without the sandbox."""
    files = tuple(BytesIO(reference) for reference in references)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the sandbox does
        (preview,) = dataset.previews([BytesIO(data)], Options(files))
    return preview


def details(preview: Preview) -> dict[str, object]:
    return {fact.name: fact.value for fact in preview.facts.details}


def colours(picture: Picture) -> Array:
    return opened(picture.data).astype(int)


def is_as_looked_at(preview: Preview, name: str) -> bool:
    """Whether the picture, made small, is the one that somebody has looked at and kept.

    `GOLDEN=write` keeps new ones: look at each.
    """
    assert preview.picture is not None
    path = DATA / "golden" / f"{name}.png"
    with Image.open(BytesIO(preview.picture.data)) as picture:
        picture.thumbnail((320, 320), Image.Resampling.LANCZOS)
        now = np.asarray(picture)
    if os.environ.get("GOLDEN") == "write":
        Image.fromarray(now).save(path)
    kept = opened(path.read_bytes())
    return now.shape == kept.shape and float(np.abs(now.astype(int) - kept).mean()) < 2.0


def slice_at(height: float, **elements: Any) -> bytes:
    """The phantom at this height, mm, in a window that shows bone and brain."""
    return edited(
        nameless("phantom/ct_phantom_explicit.dcm"),
        **{
            "SOPInstanceUID": uid_at(height),
            "FrameOfReferenceUID": SPACE,
            "ImagePositionPatient": [-128, -128, height],
            "WindowCenter": 300,
            "WindowWidth": 1500,
            **elements,
        },
    )


def uid_at(height: float) -> str:
    return f"1.2.3.5.{int(height)}"


def disc(radius: float, column: float = 128, row: float = 128) -> Array:
    rows, columns = np.indices((256, 256))
    return np.asarray(np.hypot(columns - column, rows - row) <= radius)


def segmentation(kind: str = "BINARY", heights: tuple[float, ...] = (0, 2, 4), sources: bool = True) -> bytes:
    """Two segments on each slice: a large disc called by its code, a small one whose code nobody knows."""
    large, small = disc(60), disc(15, 180, 85)
    frames, functional = [], []
    for height in heights:
        masks = {1: large, 2: small} if kind != "LABELMAP" else {0: np.where(small, 2, large)}
        for number, mask in masks.items():
            frames.append(mask)
            groups = item(
                PlanePositionSequence=[item(ImagePositionPatient=[-128, -128, height])],
                FrameContentSequence=[item(FrameAcquisitionNumber=1)],
            )
            if number:
                groups.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=number)]
            if sources:
                source = item(ReferencedSOPInstanceUID=uid_at(height))
                groups.DerivationImageSequence = [item(SourceImageSequence=[source])]
            functional.append(groups)
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=2)],
    )
    bits = {"BINARY": 1, "FRACTIONAL": 8, "LABELMAP": 8}[kind]
    stack = np.stack(frames).astype(np.uint8) * (100 if kind == "FRACTIONAL" else 1)
    return dicom(
        np.zeros((256, 256)),
        SOPClassUID=STORAGE + ("66.7" if kind == "LABELMAP" else "66.4"),
        Modality="SEG",
        FrameOfReferenceUID=SPACE,
        SegmentationType=kind,
        MaximumFractionalValue=200,
        NumberOfFrames=len(frames),
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        SegmentSequence=[
            item(SegmentNumber=1, SegmentLabel=SECRET, SegmentedPropertyTypeCodeSequence=code("12738006", "SCT")),
            item(SegmentNumber=2, SegmentLabel=SECRET, SegmentedPropertyTypeCodeSequence=code("1", "99LOCAL")),
        ],
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=functional,
        PixelData=pack_bits(stack.ravel(), pad=True) if bits == 1 else stack.tobytes(),
    )


def circle(radius: float, height: float, x: float = 0, y: float = 0) -> list[float]:
    """Points around (x, y) of the patient, mm."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return [
        round(float(number), 3)
        for angle in angles
        for number in (x + radius * np.cos(angle), y + radius * np.sin(angle), height)
    ]


def structures(heights: tuple[float, ...] = (0, 2, 4), **elements: Any) -> bytes:
    """A skin, a target to the left and front, and a point."""
    rois = (("EXTERNAL", 90.0, 0.0, 0.0), ("PTV", 25.0, 40.0, -30.0), ("DOE JANE", 0.0, 40.0, -30.0))
    contours, observations = [], []
    for number, (kind, radius, x, y) in enumerate(rois, 1):
        shapes = [
            item(
                ContourGeometricType="CLOSED_PLANAR" if radius else "POINT",
                ContourData=circle(radius, height, x, y) if radius else [x, y, height],
            )
            for height in heights
        ]
        colour = [255, 80 * number % 255, 40]
        contours.append(item(ReferencedROINumber=number, ROIDisplayColor=colour, ContourSequence=shapes))
        observations.append(item(ReferencedROINumber=number, RTROIInterpretedType=kind, ROIObservationLabel="DOE"))
    return dicom(
        SOPClassUID=STORAGE + "481.3",
        Modality="RTSTRUCT",
        StructureSetROISequence=[
            item(ROINumber=number, ROIName=SECRET, ReferencedFrameOfReferenceUID=SPACE) for number in (1, 2, 3)
        ],
        **{"ROIContourSequence": contours, "RTROIObservationsSequence": observations, **elements},
    )


def dose(**elements: Any) -> bytes:
    """Three slices of a ball of dose around a point to the left and front; the middle one holds the maximum."""
    rows, columns = np.indices((32, 32))
    ball = np.exp(-(((columns * 8 - 168) / 40) ** 2 + ((rows * 8 - 98) / 40) ** 2))
    grid = np.rint(np.stack([ball * 0.5, ball, ball * 0.5]) * 60_000).astype(np.uint16)
    return dicom(
        grid,
        **{
            "SOPClassUID": STORAGE + "481.2",
            "Modality": "RTDOSE",
            "FrameOfReferenceUID": SPACE,
            "ImagePositionPatient": [-128, -128, -2],
            "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [8, 8],
            "NumberOfFrames": 3,
            "GridFrameOffsetVector": [0, 2, 4],
            "DoseUnits": "GY",
            "DoseGridScaling": 0.001,
            **elements,
        },
    )


def key_objects(*uids: str) -> bytes:
    references = [item(ValueType="IMAGE", ReferencedSOPSequence=[item(ReferencedSOPInstanceUID=uid)]) for uid in uids]
    text = item(ValueType="TEXT", TextValue=SECRET, ConceptNameCodeSequence=code("113012", "DCM"))
    return dicom(
        SOPClassUID=STORAGE + "88.59", Modality="KO", ValueType="CONTAINER", ContentSequence=[text, *references]
    )


def presentation(uid: str, objects: list[Dataset] | None = None, **elements: Any) -> bytes:
    annotation = item(
        GraphicLayer="LAYER",
        GraphicObjectSequence=objects or [],
        TextObjectSequence=[item(UnformattedTextValue=SECRET, AnchorPoint=[10, 10])],
    )
    series = item(SeriesInstanceUID="1.2.3.9", ReferencedImageSequence=[item(ReferencedSOPInstanceUID=uid)])
    return dicom(
        SOPClassUID=STORAGE + "11.1",
        Modality="PR",
        ContentCreatorName="",
        ReferencedSeriesSequence=[series],
        GraphicAnnotationSequence=[annotation],
        **elements,
    )


def graphic(kind: str, data: list[float], units: str = "PIXEL") -> Dataset:
    return item(GraphicType=kind, GraphicData=data, GraphicAnnotationUnits=units, NumberOfGraphicPoints=len(data) // 2)


def report(**elements: Any) -> bytes:
    """Measurements with names of the standard among texts and codes of the author."""

    def measured(concept: list[Dataset], value: object, unit: list[Dataset]) -> Dataset:
        number = item(NumericValue=value, MeasurementUnitsCodeSequence=unit)
        return item(ValueType="NUM", ConceptNameCodeSequence=concept, MeasuredValueSequence=[number])

    group = item(
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("125007", "DCM"),
        ContentSequence=[
            item(
                ValueType="CODE",
                ConceptNameCodeSequence=code("121071", "DCM"),
                ConceptCodeSequence=code("T-62000", "SRT"),
            ),
            measured(code("410668003", "SCT"), "12.5", code("mm", "UCUM")),
            measured(code("G-D705", "SRT"), "1234.5678", code("mm3", "UCUM")),
            measured(code("X1", "99LOCAL"), "7", code("mGy.cm", "UCUM")),
            measured(code("410668003", "SCT"), "3", code("{doe}", "UCUM")),
            item(ValueType="TEXT", ConceptNameCodeSequence=code("121071", "DCM"), TextValue=SECRET),
            item(ValueType="PNAME", ConceptNameCodeSequence=code("121008", "DCM"), PersonName=SECRET),
        ],
    )
    return dicom(
        SOPClassUID=STORAGE + "88.33",
        Modality="SR",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("126000", "DCM"),
        ContentSequence=[group],
        **elements,
    )


def waveform(samples: Array, rate: float, end: str, sources: list[list[Dataset]], **elements: Any) -> bytes:
    """Channels of 16 bits, one microvolt each unit."""
    channels = [
        item(
            ChannelSourceSequence=source,
            ChannelSensitivity=1,
            ChannelSensitivityUnitsSequence=code("uV", "UCUM"),
            ChannelSensitivityCorrectionFactor=1,
            ChannelBaseline=0,
        )
        for source in sources
    ]
    group = item(
        NumberOfWaveformChannels=samples.shape[1],
        NumberOfWaveformSamples=samples.shape[0],
        SamplingFrequency=rate,
        ChannelDefinitionSequence=channels,
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    group.add_new(0x54001010, "OW", samples.astype("<i2").tobytes())
    for keyword, value in elements.items():
        setattr(group, keyword, value)
    return dicom(SOPClassUID=f"{STORAGE}9.{end}", WaveformSequence=[group])


def document(data: bytes, end: str) -> bytes:
    return dicom(
        SOPClassUID=f"{STORAGE}104.{end}",
        Modality="DOC",
        EncapsulatedDocument=data + b"\0" * (len(data) % 2),
        EncapsulatedDocumentLength=len(data),
    )


def pdf(pages: int = 2, width: float = 200, height: float = 300) -> bytes:
    file, writer = BytesIO(), PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width, height)
    writer.write(file)
    return file.getvalue()


def stl(header: str = "") -> bytes:
    """A tetrahedron."""
    corners = np.array([[0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 100]], "<f4")
    faces = corners[[[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]]
    triangles = b"".join(bytes(12) + face.tobytes() + bytes(2) for face in faces)
    return header.encode().ljust(80) + struct.pack("<I", len(faces)) + triangles


def stream(folder: Path, ending: str = "mpg", frames: int = 50) -> bytes:
    """A film of a red disc that crosses a grey ground from left to right, 25 pictures a second."""
    path = folder / f"film.{ending}"
    film = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mpg2"), 25, (320, 240))
    assert film.isOpened()
    for index in range(frames):
        picture = np.full((240, 320, 3), 90, np.uint8)
        cv2.circle(picture, (10 + 300 * index // frames, 120), 20, (0, 0, 255), -1)
        film.write(picture)
    film.release()
    return path.read_bytes()


def film(data: bytes, **elements: Any) -> bytes:
    made = pydicom.dcmread(BytesIO(dicom(np.zeros((240, 320)), SOPClassUID=STORAGE + "77.1.1.1", Modality="ES")))
    made.file_meta.TransferSyntaxUID = MPEG2MPML
    made.SamplesPerPixel, made.PhotometricInterpretation = 3, "YBR_PARTIAL_420"
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelData = encapsulate([data + b"\0" * (len(data) % 2)])
    made["PixelData"].is_undefined_length = True
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return written(made)
