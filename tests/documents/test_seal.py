"""The seal of a file: it goes in and out without a trace, and every changed byte is found."""

from __future__ import annotations

import hashlib

import pytest

from ernbot.documents.seal import Opened, open_seal, seal

PDF = b"%PDF-1.7\n1 0 obj\n<</T (%ernbot-seal e30=)>>\nendobj\nxref\nstartxref\n40\n%%EOF"
HTML = b"<!DOCTYPE html>\n<p>&lt;!--ernbot-seal e30=--&gt;</p>\n"
FHIR = b'{"resourceType":"Bundle","note":",\\"signature\\":{\\"type\\":[","entry":[]}\n'
DOCUMENTS = pytest.mark.parametrize("document", [PDF, HTML, FHIR], ids=["pdf", "html", "fhir"])


def words_of(content: bytes) -> dict[str, str]:
    return {"at": "2026-03-05T13:07:00Z", "by": 'Bot {"} \\', "sha256": hashlib.sha256(content).hexdigest()}


def holds(document: bytes) -> bool:
    """What a verifier does, with a digest in the place of a signature."""
    opened = open_seal(document)
    return opened.words == words_of(opened.content)


@DOCUMENTS
def test_a_seal_goes_in_and_out_without_a_trace(document: bytes) -> None:
    sealed = seal(document, words_of(document))
    assert open_seal(sealed) == Opened(document, words_of(document))
    assert holds(sealed)


@DOCUMENTS
def test_a_document_without_a_seal_says_so(document: bytes) -> None:
    assert open_seal(document) == Opened(document, None)


@DOCUMENTS
def test_every_changed_byte_is_found(document: bytes) -> None:
    sealed = seal(document, words_of(document))
    for place in range(len(sealed)):
        for changed in (sealed[place] ^ 1, sealed[place] ^ 32, 0):
            if changed != sealed[place]:
                assert not holds(sealed[:place] + bytes([changed]) + sealed[place + 1 :]), place


@DOCUMENTS
def test_what_is_cut_off_or_added_is_found(document: bytes) -> None:
    sealed = seal(document, words_of(document))
    assert not any(holds(sealed[:length]) for length in range(len(sealed)))
    assert not any(holds(sealed + more) for more in (b"\n", b" ", b"%", b"%%EOF\n", b"<!---->\n", b"}\n"))


@DOCUMENTS
def test_a_second_seal_is_over_the_first(document: bytes) -> None:
    once = seal(document, words_of(document))
    if document is FHIR:
        return
    assert open_seal(seal(once, words_of(once))) == Opened(once, words_of(once))


@pytest.mark.parametrize(
    "text",
    [
        b"%PDF-1.7\n%ernbot-seal WzFd\nstartxref\n4\n%%EOF",
        b"%PDF-1.7\n%ernbot-seal bm8ganNvbg==\nstartxref\n4\n%%EOF",
        b"%PDF-1.7\n%ernbot-seal a\nstartxref\n4\n%%EOF",
        b"<!DOCTYPE html>\n<!--ernbot-seal e30-->\n",
        b'{"resourceType":"Bundle","signature":{"type":[],"data":"e30="}}\n',
    ],
)
def test_what_looks_like_a_seal_and_is_none_stays(text: bytes) -> None:
    assert open_seal(text) == Opened(text, None)


@pytest.mark.parametrize("document", [b"", b"%PDF-1.7 without an end", b"<html>", b'{"resourceType":"Bundle",', b"[]"])
def test_only_documents_of_ours_are_sealed(document: bytes) -> None:
    with pytest.raises(ValueError, match="no document of a kind"):
        seal(document, words_of(document))
