"""DICOM objects without plain pixels: a card that says what they are. Runs in the sandbox only."""

from pydicom.dataset import Dataset

from ernbot.imaging import attributes, frame, terms
from ernbot.imaging.model import Fact, Facts, Options, Preview


def preview(dataset: Dataset, _options: Options) -> Preview | None:
    """A card for an object that is no picture; None for one that is."""
    if "Rows" in dataset or any(keyword in dataset for keyword in frame.PIXELS):
        return None
    facts = Facts(
        format="DICOM",
        modality=terms.defined(dataset.get("Modality"), terms.MODALITIES),
        body_part=terms.defined(dataset.get("BodyPartExamined"), terms.BODY_PARTS),
        width=0,
        height=0,
        frames=0,
        lossy=False,
        kind="unknown",
        details=(Fact("no-pixels"),),
    )
    return Preview(facts, None, uids=attributes.uids(dataset))
