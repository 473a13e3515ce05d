"""What a signed outcome proves to somebody who has only the file, and what is found when it was tampered with."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ernbot.__main__ import run_command
from ernbot.core.canonical import canonical, plain
from ernbot.core.outcome import Outcome
from ernbot.core.signature import Notary
from ernbot.documents.seal import open_seal, seal
from ernbot.verify import MAX_BYTES, verify
from tests.core.samples import EXPERT, LATER, LEAD, SECOND
from tests.core.test_outcome import ASKED, VOTED, WRITTEN
from tests.core.test_signature import NOTARY, OTHER, given, signed

PDF = b"%PDF-1.7\n1 0 obj\n<</T (Wait.)>>\nendobj\nxref\nstartxref\n40\n%%EOF"
HTML = b"<!DOCTYPE html>\n<p>Wait.</p>\n"
FHIR = b'{"resourceType":"Bundle","entry":[]}\n'
KINDS = pytest.mark.parametrize("document", [PDF, HTML, FHIR, b""], ids=["pdf", "html", "fhir", "record"])


def record(outcome: Outcome, notary: Notary = NOTARY) -> bytes:
    return notary.record(outcome, nickname="Quiet Heron", network="ERN CRANIO")


def sealed(document: bytes, inside: bytes, notary: Notary = NOTARY) -> bytes:
    """A document with its record, or for no document the record itself."""
    if not document:
        return inside
    return seal(document, notary.words(document, inside, at=LATER, by="ernbot"))


SMALL = record(signed())


def failures(data: bytes, fingerprint: str | None = NOTARY.key) -> list[str]:
    return [finding.text for finding in verify(data, fingerprint) if finding.holds is False]


@KINDS
def test_what_the_bot_made_holds(document: bytes) -> None:
    findings = list(verify(sealed(document, SMALL), NOTARY.key))
    assert [finding for finding in findings if finding.holds is False] == []
    text = "\n".join(finding.text for finding in findings)
    assert "Quiet Heron (ERN CRANIO, case c1), version 3" in text
    assert f"{LEAD} signed this text at 2026-03-05" in text
    assert f"The digest of the text is {ASKED.digest()}." in text
    assert "Everybody who was asked to sign has signed." in text
    assert ("Not one byte of the file has changed" in text) == bool(document)


@KINDS
def test_every_single_changed_byte_is_found(document: bytes) -> None:
    """Each byte of a whole file, changed in its lowest bit, in its case, and to a blank."""
    whole = sealed(document, SMALL)
    for place in range(len(whole)):
        for changed in {whole[place] ^ 1, whole[place] ^ 32, 32} - {whole[place]}:
            tampered = whole[:place] + bytes([changed]) + whole[place + 1 :]
            assert failures(tampered), f"byte {place} may be {changed}"


@KINDS
def test_what_is_cut_off_taken_out_or_added_is_found(document: bytes) -> None:
    whole = sealed(document, SMALL)
    for place in range(0, len(whole), 7):
        assert failures(whole[:place]), place
        assert failures(whole[:place] + whole[place + 1 :]), place
        assert failures(whole[:place] + b" " + whole[place:]), place
    assert failures(whole + b"\n")


def test_an_incremental_update_of_a_pdf_is_found() -> None:
    update = b"\n1 0 obj\n<</T (Operate.)>>\nendobj\nxref\n1 1\n0000000070 00000 n \nstartxref\n90\n%%EOF"
    whole = sealed(PDF, SMALL)
    assert failures(whole + update)
    again = seal(whole + update, open_seal(whole).words or {})
    assert failures(again) == [
        "The file is not the one that the bot made from this record: it was changed or put together."
    ]


@pytest.mark.parametrize("document", [PDF, HTML, FHIR], ids=["pdf", "html", "fhir"])
def test_a_record_does_not_move_to_another_document(document: bytes) -> None:
    words = open_seal(sealed(document, SMALL)).words or {}
    other = document.replace(b"Wait.", b"Now!!").replace(b"[]", b"[ ]")
    assert other != document
    assert any("not the one that the bot made" in text for text in failures(seal(other, words)))


def test_the_record_of_another_case_does_not_fit_a_document() -> None:
    other = record(signed(replace(ASKED, case_id="c2")))
    words = dict(open_seal(sealed(PDF, SMALL)).words or {})
    moved = seal(PDF, {**words, "record": other.decode()})
    assert any("not the one that the bot made" in text for text in failures(moved))


def test_another_key_proves_nothing_about_the_bot() -> None:
    forged = sealed(PDF, record(signed(notary=OTHER), OTHER), OTHER)
    assert failures(forged, None) == []
    assert failures(forged)[0].startswith("Another key made it: ")


def resealed(change: Any) -> bytes:
    """A record that the bot would never make, with a seal of its key all the same."""
    content = json.loads(SMALL)
    change(content)
    del content["seal"]
    return canonical({**content, "seal": NOTARY.sign(b"eu.ern.outcome.record.1\n", content)}) + b"\n"


def entry(by: str, outcome: Outcome, place: int, **changes: Any) -> dict[str, Any]:
    """A countersigned signature as it stands in a record."""
    signature = NOTARY.countersign(replace(given(by, outcome, place), **changes))
    content: dict[str, Any] = plain(asdict(signature))
    return content


LATER_TEXT = ASKED.recommend("More.").ask(ASKED.asked)
WRONG = {
    "an earlier version": (lambda c: c["signatures"].__setitem__(1, entry(EXPERT, WRITTEN, 8)), "of another text"),
    "a later version": (lambda c: c["signatures"].__setitem__(1, entry(EXPERT, LATER_TEXT, 8)), "of another text"),
    "the text": (lambda c: c["outcome"].__setitem__("question", "Now?"), "of another text"),
    "an outsider": (lambda c: c["signatures"].__setitem__(1, entry("@x:y", ASKED, 8)), "had no part in this panel"),
    "not asked": (lambda c: c["signatures"].__setitem__(1, entry(SECOND, ASKED, 8)), "had no part in this panel"),
    "one missing": (lambda c: c["signatures"].pop(), f"Signatures are missing: {EXPERT}."),
    "all missing": (lambda c: c["signatures"].clear(), "Signatures are missing: "),
    "one twice": (lambda c: c["signatures"].__setitem__(1, c["signatures"][0]), "is there twice"),
    "their order": (lambda c: c["signatures"].reverse(), "contradict each other"),
    "one place": (lambda c: c["signatures"].__setitem__(1, entry(EXPERT, ASKED, 7)), "contradict each other"),
    "no head": (lambda c: c["signatures"].__setitem__(1, entry(EXPERT, ASKED, 8, audit_head="")), "contradict"),
    "no device": (lambda c: c["signatures"].__setitem__(1, entry(EXPERT, ASKED, 8, device_key="")), "does not say"),
    "what was typed": (lambda c: c["signatures"].__setitem__(1, entry(EXPERT, ASKED, 8, said="0" * 8)), "digest 0000"),
    "the device": (lambda c: c["signatures"][1].__setitem__("device_id", "OTHER"), "was changed"),
    "the key": (lambda c: c["signatures"][1].__setitem__("key", OTHER.key), "was changed"),
    "a field more": (lambda c: c["signatures"][1].__setitem__("more", 1), "list of signatures is damaged"),
    "a field less": (lambda c: c["signatures"][1].pop("said"), "list of signatures is damaged"),
    "no list": (lambda c: c.__setitem__("signatures", {}), "not one of a signed outcome"),
    "no signature": (lambda c: c.__setitem__("signatures", [5]), "list of signatures is damaged"),
    "no time": (lambda c: c["signatures"][1].__setitem__("at", "2026-03-05T13:07:00"), "list of signatures is damaged"),
    "another format": (lambda c: c.__setitem__("format", "eu.ern.outcome.9"), "newer version of this program"),
    "no outcome": (lambda c: c.__setitem__("outcome", []), "not one of a signed outcome"),
    "no panel": (lambda c: c["outcome"].__setitem__("panel", [5]), "not one of a signed outcome"),
    "no case": (lambda c: c["outcome"].__setitem__("case_id", 5), "not one of a signed outcome"),
    "no predecessor": (lambda c: c["outcome"].__setitem__("amends", 5), "not one of a signed outcome"),
    "something more": (lambda c: c.__setitem__("more", 5), "not one of a signed outcome"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_record_is_found_even_under_a_true_seal(name: str) -> None:
    change, said = WRONG[name]
    assert any(said in text for text in failures(resealed(change)))


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7", b"x" * 1_000, b"\xff\xfe", b"[" * 200_000, b'{"a":' * 200_000, b"[1]\n"]
)
def test_what_is_no_signed_outcome_is_said_to_be_none(data: bytes) -> None:
    (finding,) = verify(data)
    assert finding.holds is False


@pytest.mark.parametrize(
    "words", [{"record": "[" * 100_000}, {"record": "{}"}, {"record": 5}, {"record": "\ud800"}, {}]
)
def test_a_seal_with_nonsense_in_it_is_no_proof(words: dict[str, Any]) -> None:
    assert failures(seal(PDF, {"at": "", "by": "", **words}))


def test_an_amended_outcome_names_the_one_before() -> None:
    amended = replace(VOTED, amends=ASKED.digest(), why="New scan.").ask((LEAD,))
    text = next(verify(record(signed(amended)))).text
    assert text.endswith(f"It takes the place of a signed one with the digest {ASKED.digest()}.")


def test_a_case_closed_without_somebody_says_so() -> None:
    lead_alone = ASKED.sign(given(LEAD, ASKED)).waive()
    findings = list(verify(record(lead_alone), NOTARY.key))
    assert not [finding for finding in findings if finding.holds is False]
    assert any(EXPERT in finding.text and "without the signatures" in finding.text for finding in findings)


def test_names_in_a_file_do_nothing_to_a_terminal() -> None:
    forged = resealed(lambda content: content.__setitem__("nickname", "\x1b[2J\u202eevil\n" + "x" * 10_000))
    shown = next(verify(forged)).text
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\n" not in shown
    assert len(shown) < 500


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run_command(["outcome", "verify", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@KINDS
def test_the_command_says_what_holds(document: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "outcome"
    file.write_bytes(sealed(document, SMALL))
    spaced = " ".join(NOTARY.key[place : place + 4] for place in range(0, 43, 4))
    for key in (NOTARY.key, spaced, NOTARY.key + "="):
        status, out, err = run(capsys, file, "--fingerprint", key)
        assert (status, err) == (0, "")
        assert out.endswith("\nEverything holds.\n")
        assert "FAILS" not in out
    status, out, _ = run(capsys, file)
    assert status == 0
    assert "compare the fingerprint above" in out
    assert spaced in out


def test_the_command_says_what_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "outcome.pdf"
    file.write_bytes(sealed(PDF, SMALL).replace(b"Wait", b"Now!"))
    status, out, err = run(capsys, file)
    assert (status, err) == (1, "")
    assert "FAILS  The file is not the one that the bot made from this record" in out
    assert out.endswith("1 of 7 checks fail: do not rely on this file.\n")
    file.write_bytes(sealed(PDF, SMALL))
    status, out, _ = run(capsys, file, "--fingerprint", OTHER.key)
    assert status == 1
    assert "FAILS  Another key made it" in out


def test_the_command_says_why_it_cannot_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    huge = tmp_path / "huge.pdf"
    with huge.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    for name in (tmp_path / "none.pdf", tmp_path, huge):
        status, out, err = run(capsys, name)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert str(name) in err
    small = tmp_path / "outcome.json"
    small.write_bytes(SMALL)
    status, out, err = run(capsys, small, "--fingerprint", "ABCD")
    assert (status, out) == (2, "")
    assert err.startswith("That is no fingerprint")
