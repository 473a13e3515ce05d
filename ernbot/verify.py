"""`ernbot outcome verify FILE`: says of a signed outcome what is proved and what is not, from the file alone.

Takes the PDF, the HTML page, the FHIR bundle or the record itself. No database, no network, no configuration: whoever
has the file can do this on a machine of their own. Nothing in the file is trusted: it is read as bytes and JSON, never
as a PDF or a page.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ernbot.core.assurance import grouped
from ernbot.core.canonical import plain
from ernbot.core.characters import harmless
from ernbot.core.outcome import Signature
from ernbot.core.signature import FORMAT, belongs, countersigned, digest, read, sealed, short
from ernbot.documents.seal import open_seal

MAX_BYTES = 200 * 2**20
"""A document of ours has less than one megabyte; more than this is not read into memory."""

MAX_SHOWN = 120
"""Characters of one value of the file that are shown."""

_FINGERPRINT = re.compile(r"[A-Za-z0-9+/]{43}")
_HASH = re.compile(r"[0-9a-f]{64}")
_RECORD = {"format", "nickname", "network", "outcome", "asked", "waived", "signatures", "key", "seal"}
_WORDS = {None: "says ", True: "holds", False: "FAILS"}
_SIGNATURES = TypeAdapter(tuple[Signature, ...])


class Unusable(Exception):
    """Nothing could be checked; the text is one sentence that says what to do."""


@dataclass(frozen=True)
class Finding:
    """One thing that holds or fails, as a sentence; `holds` is None for what the file only says of itself."""

    holds: bool | None
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the PDF, HTML, FHIR bundle or JSON record")
    parser.add_argument(
        "--fingerprint",
        metavar="FINGERPRINT",
        help="what the hospital publishes of its bot (`ernbot identity show`), with or without spaces",
    )


def run(options: argparse.Namespace) -> int:
    """Print what holds and what fails; 0 when all holds, 1 when something fails.

    Raises:
        Unusable: the file or the fingerprint cannot be read.
    """
    fingerprint = None if options.fingerprint is None else "".join(options.fingerprint.split()).rstrip("=")
    if fingerprint is not None and not _FINGERPRINT.fullmatch(fingerprint):
        raise Unusable(
            "That is no fingerprint: it has 43 letters, digits, + and /, as `ernbot identity show` prints it."
        )
    try:
        if options.file.stat().st_size > MAX_BYTES:
            raise Unusable(f"{options.file}: too large for a signed outcome; nothing was checked.")
        data = options.file.read_bytes()
    except OSError as error:
        raise Unusable(f"{options.file}: cannot be read: {error.strerror}.") from None
    findings = list(verify(data, fingerprint))
    for finding in findings:
        _say(f"{_WORDS[finding.holds]}  {finding.text}")
    failed = sum(finding.holds is False for finding in findings)
    if failed:
        checks = sum(finding.holds is not None for finding in findings)
        _say(f"\n{failed} of {checks} checks fail: do not rely on this file.")
        return 1
    _say("\nEverything holds.")
    if fingerprint is None:
        _say(
            "Anybody can make a key of their own, though: compare the fingerprint above with the one that the hospital "
            "publishes, or give that with --fingerprint."
        )
    return 0


def _say(text: str) -> None:
    """A line on a terminal that may not know every letter."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def verify(data: bytes, fingerprint: str | None = None) -> Iterator[Finding]:
    """What holds and what fails of a file. `fingerprint` is the key that it has to be sealed with.

    What cannot be asked any more after a failure is left out, so the last finding may be the first that fails.
    """
    opened = open_seal(data)
    text = data if opened.words is None else opened.words.get("record")
    text = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        record = read(text if isinstance(text, bytes) else b"")
    except ValueError:
        yield Finding(False, _nothing(data))
        return
    if not _is_record(record):
        yield Finding(False, "The record inside is not one of a signed outcome, or of a newer version of this program.")
        return
    key = record["key"]
    yield _about(record)
    if opened.words is not None:
        yield _document(belongs(opened.words, opened.content, key))
    yield Finding(
        sealed(record),
        "The record is as the bot sealed it."
        if sealed(record)
        else "The record was changed after the bot sealed it, or the bot never sealed it.",
    )
    yield _fingerprint(key, fingerprint)
    yield from _signatures(record, key)


def _nothing(data: bytes) -> str:
    if data.startswith(b"{") or data.startswith(b"["):
        return "This is no signed outcome, or it was changed: the JSON is not as the bot wrote it, byte for byte."
    return (
        "There is no seal of ours in this file: it never was a signed outcome, or it was changed, cut, saved anew or "
        "printed since. Ask for the file as it was in the case room."
    )


def _is_record(record: Mapping[str, Any]) -> bool:
    """Whether a record has the shape of ours, so that the rest may be asked of it."""
    if set(record) != _RECORD or record["format"] != FORMAT:
        return False
    outcome, signatures = record["outcome"], record["signatures"]
    texts = (record["nickname"], record["network"], record["key"], record["seal"])
    if not all(isinstance(text, str) for text in texts) or not isinstance(outcome, dict):
        return False
    people = (outcome.get("panel"), record["asked"], record["waived"])
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in people):
        return False
    named = isinstance(outcome.get("case_id"), str) and isinstance(outcome.get("version"), int)
    return named and isinstance(outcome.get("amends", ""), str) and isinstance(signatures, list)


def _about(record: Mapping[str, Any]) -> Finding:
    outcome = record["outcome"]
    name = f"{_shown(record['nickname'])} ({_shown(record['network'])}, case {_shown(outcome['case_id'])})"
    text = f"It is the outcome of {name}, version {outcome['version']}."
    if "amends" in outcome:
        text += f" It takes the place of a signed one with the digest {_shown(outcome['amends'])}."
    return Finding(None, text)


def _document(belongs: bool) -> Finding:
    if belongs:
        return Finding(True, "Not one byte of the file has changed since the bot made it from the record inside it.")
    return Finding(False, "The file is not the one that the bot made from this record: it was changed or put together.")


def _fingerprint(key: str, wanted: str | None) -> Finding:
    if wanted is None:
        return Finding(True, f"One key made all of it. Its fingerprint is {grouped(_shown(key))}.")
    if wanted == key:
        return Finding(True, f"The key is the one that was given: {grouped(key)}.")
    return Finding(False, f"Another key made it: {grouped(_shown(key))}, and {grouped(wanted)} was given.")


def _signatures(record: Mapping[str, Any], key: str) -> Iterator[Finding]:
    text = digest(record["outcome"])
    yield Finding(None, f"The digest of the text is {text}.")
    signatures = _parsed(record["signatures"])
    if signatures is None:
        yield Finding(False, "The list of signatures is damaged.")
        return
    for signature in signatures:
        yield _signature(signature, record, text, key)
    signers = [signature.by for signature in signatures]
    if len(set(signers)) < len(signers):
        yield Finding(False, "Somebody's signature is there twice.")
    unsigned = [name for name in record["asked"] if name not in signers]
    missing = [_shown(name) for name in unsigned if name not in record["waived"]]
    if missing or not signers:
        yield Finding(False, f"Signatures are missing: {', '.join(missing) or 'all of them'}.")
    elif unsigned:
        names = ", ".join(map(_shown, unsigned))
        yield Finding(None, f"The lead closed the case without the signatures of {names}, who were asked for them.")
    else:
        yield Finding(True, "Everybody who was asked to sign has signed.")
    yield _chain(signatures)


def _parsed(entries: list[Any]) -> tuple[Signature, ...] | None:
    """The signatures, each with exactly what a signature has."""
    names = {field.name for field in fields(Signature)}
    try:
        if not all(isinstance(entry, dict) and set(entry) == names for entry in entries):
            return None
        signatures = _SIGNATURES.validate_python(entries)
    except (ValidationError, RecursionError):
        return None
    exact = [plain(asdict(signature)) for signature in signatures] == entries
    return signatures if exact and all(each.at.utcoffset() == timedelta(0) for each in signatures) else None


def _signature(signature: Signature, record: Mapping[str, Any], text: str, key: str) -> Finding:
    who = f"The signature of {_shown(signature.by)}"
    if not countersigned(signature, key):
        return Finding(False, f"{who} was changed, or another key vouches for it.")
    if signature.digest != text:
        return Finding(False, f"{who} is of another text or another version: digest {_shown(signature.digest)}.")
    if signature.by not in record["outcome"]["panel"] or signature.by not in record["asked"]:
        return Finding(False, f"{who} is of somebody who had no part in this panel, or was not asked to sign.")
    if signature.said and signature.said != short(text):
        return Finding(False, f"{who} came with the digest {_shown(signature.said)}, which is that of another text.")
    if not signature.master or not signature.device_key or not signature.event_id:
        return Finding(False, f"{who} does not say with which device of which identity it was given.")
    device = f"{_shown(signature.device_id)} (key {_shown(signature.device_key)})"
    typed = f" The message repeated {signature.said}." if signature.said else ""
    return Finding(
        True,
        f"{_shown(signature.by)} signed this text at {signature.at:%Y-%m-%d %H:%M} UTC, the bot testifies: by event "
        f"{_shown(signature.event_id)} from device {device} of identity {_shown(signature.master)} "
        f"({_shown(signature.assurance)}).{typed}",
    )


def _chain(signatures: tuple[Signature, ...]) -> Finding:
    """Whether the places in the audit chain follow each other as the signatures do."""
    places = [signature.audit_entries for signature in signatures]
    heads = [signature.audit_head for signature in signatures]
    if (
        not all(_HASH.fullmatch(head) for head in heads)
        or places != sorted(set(places))
        or len(set(heads)) < len(heads)
        or [signature.at for signature in signatures] != sorted(signature.at for signature in signatures)
    ):
        return Finding(False, "The places of the signatures in the bot's audit chain contradict each other.")
    where = ", ".join(str(place) for place in places)
    return Finding(True, f"Each signature names its place in the bot's audit chain, in order: after entry {where}.")


def _shown(text: str) -> str:
    """A value of the file, harmless to a terminal and not endless."""
    return harmless(text).replace("\n", " ").replace("\t", " ")[:MAX_SHOWN]
