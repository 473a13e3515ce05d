"""A record says who signed what, and nobody but the bot can have made it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ernbot.core.canonical import canonical
from ernbot.core.outcome import Outcome, Signature
from ernbot.core.signature import FORMAT, Notary, belongs, countersigned, digest, read, sealed, short

from .samples import EXPERT, LATER, LEAD
from .test_outcome import ASKED, VOTED

NOTARY = Notary(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Notary(Ed25519PrivateKey.from_private_bytes(bytes(32)))
KEY = "B" * 43


def given(by: str, outcome: Outcome, place: int = 7, notary: Notary = NOTARY) -> Signature:
    """A countersigned signature of somebody on an outcome."""
    text = outcome.digest()
    signature = Signature(
        by,
        "DEVICE",
        text,
        LATER + timedelta(minutes=place),
        said=short(text),
        device_key=KEY,
        master=KEY,
        assurance="unchanged",
        event_id=f"$event-{place}",
        audit_entries=place,
        audit_head=f"{place:064x}",
    )
    return notary.countersign(signature)


def signed(outcome: Outcome = ASKED, notary: Notary = NOTARY) -> Outcome:
    for place, by in enumerate(outcome.asked, start=7):
        outcome = outcome.sign(given(by, outcome, place, notary))
    return outcome


RECORD = NOTARY.record(signed(), nickname="Quiet Heron", network="ERN CRANIO")
DOCUMENT = b"%PDF-1.7 whatever"
WORDS = NOTARY.words(DOCUMENT, RECORD, at=LATER, by="ernbot")


def test_a_countersignature_is_of_one_key_and_of_every_detail() -> None:
    signature = given(LEAD, ASKED)
    assert countersigned(signature, NOTARY.key)
    assert not countersigned(signature, OTHER.key)
    assert not countersigned(replace(signature, key=OTHER.key), OTHER.key)
    changes: dict[str, Any] = {"at": LATER, "audit_entries": 8}
    for field in fields(Signature):
        change: dict[str, Any] = {field.name: changes.get(field.name, "x")}
        assert not countersigned(replace(signature, **change), NOTARY.key), field.name


def test_a_record_holds_the_text_and_the_signatures_in_one_form() -> None:
    record = read(RECORD)
    assert sealed(record)
    assert (record["format"], record["key"], record["nickname"]) == (FORMAT, NOTARY.key, "Quiet Heron")
    assert digest(record["outcome"]) == ASKED.digest()
    assert [entry["by"] for entry in record["signatures"]] == [LEAD, EXPERT]
    assert NOTARY.record(signed(), nickname="Quiet Heron", network="ERN CRANIO") == RECORD, "the same again"
    for name in record:
        assert not sealed({**record, name: "x"}), name
        assert not sealed({key: value for key, value in record.items() if key != name}), name
    assert not sealed({**record, "more": 1})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]\n",
        b"{}",
        b"{} \n",
        b'{"a": 1}\n',
        b'{"b":1,"a":1}\n',
        b'{"a":1,"a":1}\n',
        b'{"a":NaN}\n',
        b'{"a":1e400}\n',
        b'{"a":"\xc3\xa9"}\n',
        b'{"a":"\xff"}\n',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 5_000 + b"}\n",
        b"\x00" * 1_000,
        json.dumps(json.loads(RECORD), indent=1).encode(),
    ],
)
def test_only_the_one_form_of_json_is_read(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read(data)


def test_the_seal_of_a_document_binds_it_to_its_record() -> None:
    assert belongs(WORDS, DOCUMENT, NOTARY.key)
    assert not belongs(WORDS, DOCUMENT + b"\n", NOTARY.key)
    assert not belongs(WORDS, DOCUMENT, OTHER.key)
    for name in WORDS:
        assert not belongs({**WORDS, name: "x"}, DOCUMENT, NOTARY.key), name
        assert not belongs({key: value for key, value in WORDS.items() if key != name}, DOCUMENT, NOTARY.key), name
    assert not belongs({**WORDS, "more": "x"}, DOCUMENT, NOTARY.key)


def test_a_signature_of_one_kind_is_none_of_another() -> None:
    record = read(RECORD)
    bare = {name: value for name, value in record.items() if name != "seal"}
    forged = NOTARY.private.sign(canonical(bare))
    for seal in (record["signatures"][0]["countersignature"], WORDS["signature"], forged.hex(), "", None, 5):
        assert not sealed({**record, "seal": seal})


@pytest.mark.parametrize("key", [None, 5, "", "x", "=" * 43, "é", "A" * 43, "A" * 44, KEY[:-1] + "C"])
def test_no_key_that_is_none_vouches_for_anything(key: object) -> None:
    assert not sealed({**read(RECORD), "key": key})


def test_of_the_ways_to_write_a_signature_in_base64_only_ours_counts() -> None:
    """The last letter of 64 bytes has bits to spare: a changed one must not pass for the same signature."""
    signature = given(LEAD, ASKED)
    last = signature.countersignature[-1]
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=":
        changed = replace(signature, countersignature=signature.countersignature[:-1] + letter)
        assert countersigned(changed, NOTARY.key) == (letter == last)


def test_a_draft_has_a_record_without_signatures() -> None:
    assert read(NOTARY.record(VOTED, nickname="n", network="n"))["signatures"] == []
