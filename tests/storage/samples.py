"""A small network and a case with distinctive words, for the tests of storage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from ernbot.core.case import Case, new_case
from ernbot.core.consent import Paper, Purpose, Signer
from ernbot.core.directory import Centre, CentreKind, Directory, Network, Person, Role
from ernbot.core.form import Value
from ernbot.core.outcome import Section
from ernbot.storage.records import CaseFile, Dialogue, ImageJob, InboxItem, Original, OutboxItem, StoredPicture

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)

REQUESTER = "@ida:hospital.example"
EXPERT = "@otto:clinic.example"
SECOND_EXPERT = "@mia:clinic.example"
STRANGER = "@eve:elsewhere.example"
ROOM = "!caseroom:hospital.example"

DIRECTORY = Directory(
    (
        Network(
            id="cranio",
            name="Cranio",
            opinion_form="cranio-opinion",
            competences=(),
            centres=(Centre("c", "Centre", "DK", CentreKind.REFERENCE),),
            people=tuple(
                Person(user_id=user, name=user, centre="c", role=Role.CLINICIAN, competences=(), languages=("en",))
                for user in (REQUESTER, EXPERT, SECOND_EXPERT)
            ),
        ),
    )
)

CLINICAL_WORDS = (
    "turricephaly",
    "sagittalsynostosis",
    "papilloedema",
    "spring-distraction",
    "fundoscopy",
    "Danish-consent-7b",
    "quiet-heron",
    "ORPHA:2343",
    "dialogueanswer",
    "inboxwords",
    "outboxwords",
    "headerfact",
    "previewpixels",
    "thumbnailpixels",
    "animationpixels",
    "LblurhashK",
    "1.2.840.9999",
    "keyofanotherfile",
    "foundinthefile",
    "droppedfilename",
    "decryptionkeyofthefile",
    "mayberatherthirteen",
)
"""Each of these is somewhere in the content below and must be nowhere in a copy of the database."""


def draft(case_id: str = "c-1") -> Case:
    return new_case(case_id, "cranio", "quiet-heron", REQUESTER, "turricephaly with sagittalsynostosis?", NOW)


def drafting(case_id: str = "c-1") -> Case:
    """A case that has been through everything but the signature."""
    paper = Paper("Danish-consent-7b", "da", Signer.PARENT, date(2026, 3, 1))
    case = draft(case_id).give_consent((Purpose.CARE, Purpose.IMAGES), paper, by=REQUESTER, at=NOW)
    case = case.invite((EXPERT, SECOND_EXPERT))
    answers: dict[str, Value] = {"diagnosis": "ORPHA:2343", "findings": ("papilloedema",), "confidence": 4}
    for expert in (EXPERT, SECOND_EXPERT):
        case = case.record_opinion(expert, "cranio-opinion", "1", answers, at=NOW)
    case = case.draft_outcome().recommend("spring-distraction before month six")
    case = case.rewrite(case.outcome().write(Section.FOLLOW_UP, "fundoscopy every three months"))
    return case.vote(EXPERT, agrees=False, reason="mayberatherthirteen", at=NOW)


def case_file(case_id: str = "c-1", file_id: str = "f-1") -> CaseFile:
    return CaseFile(
        id=file_id,
        case_id=case_id,
        event_id="$file",
        sender=REQUESTER,
        content={"file": {"key": {"k": "decryptionkeyofthefile"}}},
        facts={"modality": "CT", "body_part": "headerfact"},
        preview=StoredPicture(b"\x89PNG previewpixels", "image/png", 640, 480),
        at=NOW,
        thumbnail=StoredPicture(b"\x89PNG thumbnailpixels", "image/png", 320, 240),
        animation=StoredPicture(b"RIFF animationpixels", "image/webp", 200, 200),
        blurhash="LblurhashK",
        uids=("1.2.840.9999.1",),
        refers=("1.2.840.9999.2",),
        others=(Original("$other-file", {"file": {"key": {"k": "keyofanotherfile"}}}),),
    )


def image_job(job_id: str = "j-1", case_id: str = "c-1") -> ImageJob:
    return ImageJob(job_id, case_id, ROOM, REQUESTER, "collecting", NOW, NOW, data={"kinds": "foundinthefile"})


def original(event_id: str = "$dropped") -> Original:
    return Original(event_id, {"body": "droppedfilename"})


def dialogue(room_id: str = ROOM, user_id: str = EXPERT, case_id: str | None = None) -> Dialogue:
    return Dialogue(room_id, user_id, "opinion", "$root", {"answers": {"finding": "dialogueanswer"}}, NOW, case_id)


def received(event_id: str = "$in", room_id: str = ROOM) -> InboxItem:
    return InboxItem(event_id, room_id, EXPERT, "m.room.message", {"body": "inboxwords"}, NOW)


def to_send(
    item_id: str = "out-1", lane: str = ROOM, *, case_id: str | None = "c-1", kind: str = "message"
) -> OutboxItem:
    return OutboxItem(item_id, lane, kind, case_id, ROOM, {"body": "outboxwords"}, NOW)
