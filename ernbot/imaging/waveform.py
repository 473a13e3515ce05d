"""Waveforms: an electrocardiogram on millimetre paper, other curves one below the other.

Runs in the sandbox only. Leads are called what their codes mean in the standard; annotations are free text and stay
unread, and nothing is measured.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from ernbot.core.errors import Refused
from ernbot.imaging import concepts, drawing
from ernbot.imaging.attributes import number
from ernbot.imaging.model import LONGEST_SIDE, Fact, Options, Preview
from ernbot.imaging.objects import card, class_name, drawn

Array = np.ndarray[Any, Any]

_TYPES = {("SB", 8): "i1", ("UB", 8): "u1", ("SS", 16): "i2", ("US", 16): "u2", ("SL", 32): "i4", ("UL", 32): "u4"}
"""By sample interpretation and bits, PS3.3 C.10.9.1.5; companded speech is not drawn."""

_MILLIVOLTS = {"uV": 1e-3, "mV": 1.0, "V": 1e3}

_MM = 3
"""Pixels of a millimetre: the paper of ten seconds is then as wide as a preview may be."""

_MM_A_SECOND, _MM_A_MILLIVOLT = 25.0, 10.0
_SECONDS = 10.0
_SMOOTH = 3
_MARGIN = 25
_PULSE = 5
"""Millimetres that the calibration pulse is wide: 0.2 s, as machines print it."""

_LAYOUT = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
_RHYTHM = "II"
_MOST_CURVES = 16
_CURVE_MM = 14
_ROW_MM = 26
_PAGE_MM = 240
_HIGHEST_ROW_MM = 100
_MOST_SAMPLES = 20_000
"""Of a curve; a heart is sampled a thousand times a second, faster curves are drawn with fewer samples."""

_PAPER, _FINE, _BOLD, _INK = (255, 250, 249), (252, 226, 222), (244, 184, 176), (25, 25, 35)

_LEAD_CODE = re.compile(r"(?:2:|5\.6\.3-9-)(\d+)")
"""The same numbers stand for the same leads in both: MDC, PS3.16 CID 3001, and SCP-ECG, its predecessor."""


@dataclass(frozen=True)
class Curve:
    """One channel: what its lead is called, its samples, and millivolts of one unit (None for no voltage)."""

    name: str
    samples: Array
    millivolts: float | None


def electrocardiogram(dataset: Dataset, _options: Options) -> Preview:
    """Twelve leads as machines print them, or as many as there are, 25 mm/s and 10 mm/mV; PS3.3 section A.34.3."""
    return _preview(dataset, on_paper=True)


def curves(dataset: Dataset, _options: Options) -> Preview:
    """The first seconds of each channel, each as high as its room; PS3.3 sections A.34.6 to A.34.17."""
    return _preview(dataset, on_paper=False)


def unseen(dataset: Dataset, _options: Options) -> Preview:
    """A card, for what is heard or makes no sense without its measurements."""
    named = class_name(dataset)
    group = max(dataset.get("WaveformSequence") or [Dataset()], key=_seconds)
    length = [Fact("duration-s", round(_seconds(group), 1))] if _seconds(group) else []
    return card(dataset, "waveform", *([named] if named else []), *length)


def _preview(dataset: Dataset, on_paper: bool) -> Preview:
    groups = list(dataset.get("WaveformSequence") or [])
    if not groups:
        return unseen(dataset, Options())
    group = max(groups, key=_seconds)  # a printed page's worth, and not its averaged beats
    found, rate = _curves(group, dataset)
    if not found:
        return unseen(dataset, Options())
    details = [Fact("leads", int(group.NumberOfWaveformChannels)), Fact("duration-s", round(_seconds(group), 1))]
    if on_paper and all(curve.millivolts is not None for curve in found):
        picture = _printed(found, rate)
    else:
        picture = _stacked(found, rate)
    return drawn(picture, dataset, "waveform", *details)


def _seconds(group: Dataset) -> float:
    rate, samples = number(group, "SamplingFrequency") or 0.0, number(group, "NumberOfWaveformSamples") or 0.0
    return samples / rate if rate > 0 else 0.0


def _curves(group: Dataset, dataset: Dataset) -> tuple[list[Curve], float]:
    """The first channels, of each the samples that are drawn, and how many of those make a second.

    Raises `Refused` `file-broken` where samples are missing.
    """
    kind = _TYPES.get((str(group.get("WaveformSampleInterpretation")), int(group.get("WaveformBitsAllocated") or 0)))
    channels, samples = int(group.NumberOfWaveformChannels), int(group.NumberOfWaveformSamples)
    rate = number(group, "SamplingFrequency") or 0.0
    if kind is None or rate <= 0:
        return [], 0.0
    type_ = np.dtype(kind).newbyteorder("<" if dataset.original_encoding[1] else ">")
    there = len(group.WaveformData) // (type_.itemsize * max(channels, 1))
    if channels < 1 or samples < 1 or there < samples:
        raise Refused("file-broken")
    wanted = min(samples, max(2, int(rate * _SECONDS)))
    step = max(1, wanted // _MOST_SAMPLES)
    raw = np.frombuffer(group.WaveformData, type_, wanted * channels).reshape(wanted, channels)[::step]
    definitions = list(group.get("ChannelDefinitionSequence") or [])
    found = [
        _curve(definitions[index] if index < len(definitions) else Dataset(), raw[:, index], index)
        for index in range(min(channels, _MOST_CURVES))
    ]
    return found, rate / step


def _curve(definition: Dataset, raw: Array, index: int) -> Curve:
    """Samples in their unit: raw value times sensitivity and its correction, plus the baseline, C.10.9.1.4.2."""
    sensitivity = number(definition, "ChannelSensitivity") or 1.0
    correction = number(definition, "ChannelSensitivityCorrectionFactor") or 1.0
    baseline = number(definition, "ChannelBaseline") or 0.0
    units = definition.get("ChannelSensitivityUnitsSequence")
    unit = str(units[0].get("CodeValue") or "") if units else ""
    samples = raw.astype(np.float64) * sensitivity * correction + baseline
    return Curve(_lead(definition) or str(index + 1), samples, _MILLIVOLTS.get(unit))


def _lead(definition: Dataset) -> str | None:
    """The lead by the code of its source, short as on paper: `aVF`, not `aVF, augmented voltage, foot`."""
    sources = definition.get("ChannelSourceSequence")
    if not sources:
        return None
    code = _LEAD_CODE.fullmatch(str(sources[0].get("CodeValue") or ""))
    scheme = str(sources[0].get("CodingSchemeDesignator") or "")
    name = concepts.named("MDC", f"2:{code[1]}") if code and scheme in ("MDC", "SCPECG") else concepts.name(sources[0])
    return name.partition(",")[0].removeprefix("Lead ") if name else None


def _printed(found: list[Curve], rate: float) -> Image.Image:
    """The paper of an electrocardiograph: three rows of four leads and a rhythm strip, or one row for each lead."""
    by_name = {curve.name: curve for curve in found}
    if all(name in by_name for row in _LAYOUT for name in row):
        rows = [[by_name[name] for name in row] for row in _LAYOUT] + [[by_name[_RHYTHM]]]
        least = _ROW_MM
    else:
        rows, least = [[curve] for curve in found], min(_ROW_MM, _PAGE_MM // len(found))
    heights, baselines = _room(rows, least)
    page = _paper(sum(heights) + 5)
    large = page.resize((page.width * _SMOOTH, page.height * _SMOOTH), Image.Resampling.NEAREST)
    pen, top = ImageDraw.Draw(large), _MM * _SMOOTH * 2.5
    labels: list[tuple[float, float, str]] = []
    for row, height, baseline in zip(rows, heights, baselines, strict=True):
        zero = top + baseline * _MM * _SMOOTH
        _pulse(pen, zero)
        share = min(_SECONDS, len(row[0].samples) / rate) / len(row)
        for place, curve in enumerate(row):
            first, last = round(place * share * rate), round((place + 1) * share * rate)
            seconds = np.arange(first, min(last, len(curve.samples))) / rate
            x = (_MARGIN + seconds * _MM_A_SECOND * _MM) * _SMOOTH
            y = zero - _millimetres(curve)[first:last] * _MM * _SMOOTH
            pen.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=_INK, width=_SMOOTH + 1)
            start = _MARGIN + place * share * _MM_A_SECOND * _MM
            if place:
                edge = start * _SMOOTH
                pen.line((edge, zero - 12 * _SMOOTH, edge, zero + 12 * _SMOOTH), fill=_INK, width=_SMOOTH)
            labels.append((start + 4, top / _SMOOTH + 1, curve.name))
        top += height * _MM * _SMOOTH
    page = large.resize(page.size, Image.Resampling.BOX)
    pen = ImageDraw.Draw(page)
    for left, above, name in labels:
        pen.text((left, above), name, font=drawing.font(drawing.TYPE_SIZE), fill=_INK)
    pen.text((page.width - 6, page.height - 5), "25 mm/s  10 mm/mV", font=drawing.font(12), fill=_INK, anchor="rd")
    return page


def _millimetres(curve: Curve) -> Array:
    """Height on paper above the middle of the curve, which an electrode's own voltage may have moved."""
    away = curve.samples - np.median(curve.samples)
    height = away * (curve.millivolts or 1.0) * _MM_A_MILLIVOLT
    return np.asarray(np.clip(height, -_HIGHEST_ROW_MM, _HIGHEST_ROW_MM))


def _room(rows: list[list[Curve]], least: int) -> tuple[list[int], list[float]]:
    """Height of each row, mm, and where in it the zero line lies: as much as its curves need, within limits."""
    heights, baselines = [], []
    for row in rows:
        above = max(float(_millimetres(curve).max()) for curve in row) + 5
        below = max(float(-_millimetres(curve).min()) for curve in row) + 2
        height = min(max(least, round(above + below)), max(least, _PAGE_MM // len(rows)))
        heights.append(height)
        baselines.append(min(max(height * above / (above + below), 12.0), height - 5.0))
    return heights, baselines


def _paper(millimetres: int) -> Image.Image:
    """Millimetre paper, every fifth line bold."""
    height = min(LONGEST_SIDE, millimetres * _MM)
    page = Image.new("RGB", (LONGEST_SIDE, height), _PAPER)
    pen = ImageDraw.Draw(page)
    for colour, every in ((_FINE, _MM), (_BOLD, 5 * _MM)):
        for x in range(_MARGIN % every, LONGEST_SIDE, every):
            pen.line((x, 0, x, height), fill=colour)
        for y in range(0, height, every):
            pen.line((0, y, LONGEST_SIDE, y), fill=colour)
    return page


def _pulse(pen: ImageDraw.ImageDraw, zero: float) -> None:
    """One millivolt, before the row begins."""
    unit = _MM * _SMOOTH
    right = _MARGIN * _SMOOTH - 2 * _SMOOTH
    left, high = right - _PULSE * unit, zero - _MM_A_MILLIVOLT * unit
    corners = [(left - 5, zero), (left, zero), (left, high), (right, high), (right, zero), (right + 5, zero)]
    pen.line(corners, fill=_INK, width=_SMOOTH)


def _stacked(found: list[Curve], rate: float) -> Image.Image:
    """One curve below the other, each as high as its room, and a bar of one second."""
    high = max(_CURVE_MM * _MM, min(4 * _CURVE_MM * _MM, (LONGEST_SIDE - 40) // len(found)))
    page = Image.new("L", (LONGEST_SIDE * _SMOOTH, (high * len(found) + 30) * _SMOOTH), 255)
    pen = ImageDraw.Draw(page)
    width = (LONGEST_SIDE - 2 * _MARGIN) * _SMOOTH
    for index, curve in enumerate(found):
        low, span = curve.samples.min(), np.ptp(curve.samples) or 1.0
        x = _MARGIN * _SMOOTH + np.linspace(0, width, len(curve.samples))
        y = (index * high + 0.9 * high - (curve.samples - low) / span * 0.75 * high) * _SMOOTH
        pen.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=30, width=_SMOOTH)
    small = page.resize((LONGEST_SIDE, page.height // _SMOOTH), Image.Resampling.BOX)
    pen = ImageDraw.Draw(small)
    for index, curve in enumerate(found):
        pen.text((4, index * high + 2), curve.name, font=drawing.font(12), fill=90)
    second = width / _SMOOTH * rate / len(found[0].samples)
    if second < LONGEST_SIDE / 2:
        pen.line((_MARGIN, small.height - 14, _MARGIN + second, small.height - 14), fill=30, width=2)
        pen.text((_MARGIN + second + 6, small.height - 14), "1 s", font=drawing.font(12), fill=30, anchor="lm")
    return small
