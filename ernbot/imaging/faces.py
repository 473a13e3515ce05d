"""Whether a computer could build the surface of a face from the slices of a scan. Runs in the sandbox only.

A head in a fine CT, MR or PET volume can be rendered and recognised, whatever its header says. Nothing is removed for
that reason: for a craniofacial network the face is the finding. It needs the consent for identifiable images. The words
of a header are read here for one yes or no; none of them may leave.
"""

import re

from pydicom.dataset import Dataset

from ernbot.imaging import terms
from ernbot.imaging.raw import number, text

MIN_SLICES = 16
MAX_SPACING_MM = 3.0
"""Fewer slices, or thicker ones, give steps instead of a face."""

_VOLUMES = frozenset({"CT", "MR", "PT"})

_HEAD = """
BRAIN CEREBELLUM CEREBHEMISPHERE CHEEK CHOROIDPLEXUS CIRCLEOFWILLIS EAR ENDONASAL EYE EYELID FACE HEAD HEADNECK IAC
JAW LATVENTRICLE MANDIBLE MASTOID MAXILLA MOUTH NASALBONE NASOPHARYNX NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV
NOSE OPTICCANAL ORBIT PAROTID PHARYNX SCALP SELLA SINUS SKULL TMJ TONGUE WHOLEBODY ZYGOMA
"""

_PARTS = frozenset(_HEAD.split())
"""Of the terms of Body Part Examined, PS3.16 table L-1, those that have the head or a part of it in the picture."""

_REGIONS = """
69536005 T-D1100 774007 T-D1000 12738006 T-A0100 89545001 T-D1200 89546000 T-11100 91609006 T-11180
70925003 T-11170 81745001 T-AA000 38266002 T-D0010
"""

_CODES = frozenset(_REGIONS.split())
"""The same for AnatomicRegionSequence, in SNOMED CT and in its older edition, PS3.16 annex L."""

_WORDS = re.compile(
    r"""
    \bhead | \bbrain | skull | crani | cereb | \bface\b | facial | \borbit | \bsinus | paranasal | maxill | mandib
    | \bjaw | (?<!femoral\ )\bneck | whole.?body | \bdental | temporal\ bone | mprage | \bneuro
    | hoved | hjerne | krani | ansigt | kæbe | \bhals\b | kopf | schädel | schaedel | gesicht | hirn | kiefer
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""A console that leaves out the body part, or repeats that of the last patient, still names its protocol: in English,
Danish or German."""

_DESCRIPTIONS = ("SeriesDescription", "StudyDescription", "ProtocolName", "RequestedProcedureDescription")


def shows_head(header: Dataset) -> bool:
    """Whether the header says anywhere that the head is in the picture."""
    if terms.defined(text(header, "BodyPartExamined"), _PARTS):
        return True
    said = [text(header, keyword) for keyword in _DESCRIPTIONS]
    regions = header.get("AnatomicRegionSequence") or ()
    if any(terms.defined(text(region, "CodeValue"), _CODES) for region in regions):
        return True
    said += [text(region, "CodeMeaning") for region in regions]
    return any(_WORDS.search(words) for words in said)


def is_volume(modality: str | None, slices: int, spacing: float | None) -> bool:
    """Whether so many slices, `spacing` mm apart, are a volume in which a surface can be found; yes in doubt."""
    return modality in _VOLUMES and slices >= MIN_SLICES and (spacing is None or spacing <= MAX_SPACING_MM)


def is_identifiable(header: Dataset, slices: int) -> bool:
    """Whether a face could be computed from so many slices with this header."""
    spacing = number(header, "SpacingBetweenSlices") or number(header, "SliceThickness")
    return shows_head(header) and is_volume(terms.defined(text(header, "Modality"), _VOLUMES), slices, spacing)
