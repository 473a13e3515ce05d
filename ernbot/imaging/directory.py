"""A DICOMDIR: the index of a medium, PS3.10 section 8 and PS3.3 annex F. Runs in the sandbox only.

It is counted and never followed: ReferencedFileID is a path that somebody else wrote.
"""

from collections import Counter

from pydicom.dataset import Dataset

from ernbot.imaging.model import Fact, Facts, Preview


def card(elements: Dataset) -> Preview:
    """How many series and images the index lists."""
    records = elements.get("DirectoryRecordSequence") or ()
    types = Counter(str(record.get("DirectoryRecordType", "")).strip().upper() for record in records)
    facts = Facts(
        format="DICOM",
        modality=None,
        body_part=None,
        width=0,
        height=0,
        frames=0,
        lossy=False,
        kind="directory",
        details=(Fact("series", types["SERIES"]), Fact("images", types["IMAGE"]), Fact("no-pixels")),
    )
    return Preview(facts, None)
