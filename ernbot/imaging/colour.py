"""Colours of a DICOM frame in eight bits: palettes, and RGB of any depth. Runs in the sandbox only."""

from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

Array = np.ndarray[Any, Any]

_COLOURS = ("Red", "Green", "Blue")


def rgb(frame: Array, dataset: Dataset) -> Array:
    """Rows x columns x 3 in eight bits; deeper samples are scaled by BitsStored."""
    stored = int(dataset.get("BitsStored") or frame.dtype.itemsize * 8)
    return _eight_bits(frame, min(stored, frame.dtype.itemsize * 8))


def palette(frame: Array, dataset: Dataset) -> Array:
    """Colours of a palette picture, PS3.3 C.7.9.1."""
    if not dataset.original_encoding[1]:
        for colour in _COLOURS:
            # pydicom reads the words of a table in the order of this machine.
            table = dataset.get(f"{colour}PaletteColorLookupTableData")
            if isinstance(table, bytes):
                swapped = np.frombuffer(table, ">u2").astype("<u2").tobytes()
                dataset[f"{colour}PaletteColorLookupTableData"].value = swapped
    colours = np.asarray(apply_color_lut(frame, _tables(dataset))[..., :3])
    # Some writers announce entries of 16 bits and store 8.
    return _eight_bits(colours, colours.dtype.itemsize * 8 if colours.size and colours.max() > 255 else 8)


def supplement(grey: Array, frame: Array, dataset: Dataset) -> Array:
    """`grey`, with colour where stored values lie in a Supplemental Palette, PS3.3 C.7.6.19: a dose, a flow."""
    first = int(dataset.RedPaletteColorLookupTableDescriptor[1])
    coloured = frame >= first
    shown = np.repeat(grey[..., None], 3, axis=2)
    shown[coloured] = palette(frame[coloured][None], dataset)[0]
    return shown


def _tables(dataset: Dataset) -> Dataset:
    """The palette alone: pydicom refuses the whole data set of a supplemented picture."""
    tables = Dataset()
    tables.set_original_encoding(*dataset.original_encoding)
    for element in dataset.group_dataset(0x0028):
        if "Palette" in element.keyword:
            tables.add(element)
    return tables


def is_supplemented(dataset: Dataset) -> bool:
    """Whether a monochrome picture brings colours for some of its values (0008,9205)."""
    return dataset.get("PixelPresentation") == "COLOR" and "RedPaletteColorLookupTableDescriptor" in dataset


def _eight_bits(samples: Array, bits: int) -> Array:
    return (samples >> max(0, bits - 8)).astype(np.uint8)
