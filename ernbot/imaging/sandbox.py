"""The process in which untrusted pictures are decoded: `python -m ernbot.imaging.sandbox`, run by `worker`.

Reads requests from standard input and answers on standard output, one at a time, until its input ends (`pipe` has
the protocol). It has no key and an empty environment, and so much memory and no more; where the kernel helps, it can
open no file but its libraries, write none, start no process and make no connection (`confinement`). The files
themselves stay with the process that asks: this one reads ranges of them. It must never write what it reads anywhere
but the pipe.
"""

import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary

from ernbot.core.errors import Refused
from ernbot.imaging import FORMATS, Preview, confinement, terms
from ernbot.imaging.deid import Policy, Report
from ernbot.imaging.model import Options
from ernbot.imaging.pipe import (
    IS_ANSWER,
    IS_PROGRESS,
    IS_READY,
    MAX_PICTURES,
    MAX_WORDS,
    PICTURES,
    PROGRESS,
    REQUEST,
    WORDS,
)
from ernbot.imaging.remote import Pipe, created, leave, opened

Decoder = Callable[[Sequence[BinaryIO], Options], list[Preview]]
Cleaner = Callable[[BinaryIO, BinaryIO, Policy], Report]
Answer = tuple[dict[str, Any], list[bytes]]


def answer(work: Callable[[], Answer]) -> Answer:
    """What goes back for one request; running out of memory ends the process, and a fresh one follows."""
    try:
        return work()
    except Refused as refusal:
        return {"refused": refusal.code, "fields": refusal.fields}, []
    except RecursionError:
        return {"refused": "file-too-complex", "fields": {}}, []
    except MemoryError:
        raise
    except Exception:  # parsers and codecs raise anything on hostile bytes, with patient data in the message
        return {"refused": "file-broken", "fields": {}}, []


def preview(decoder: Decoder, files: Sequence[BinaryIO], options: Options) -> Answer:
    pictures: list[bytes] = []
    return {"previews": [_plain(preview, pictures) for preview in decoder(files, options)]}, pictures


def _plain(preview: Preview, pictures: list[bytes]) -> dict[str, Any]:
    """What JSON can carry of a preview; the pictures go into a list of their own."""
    plain = asdict(preview)
    details = plain["facts"]["details"]  # a header may make a number of any size, which nobody would believe
    plain["facts"]["details"] = [detail for detail in details if terms.fits(**detail)]
    for name in PICTURES:
        if plain[name] is not None:
            pictures.append(plain[name]["data"])
            plain[name]["data"] = len(pictures[-1])
    return plain


def clean(cleaner: Cleaner, file: BinaryIO, out: BinaryIO, policy: dict[str, Any]) -> Answer:
    report = cleaner(file, out, Policy(**{**policy, "secret": bytes.fromhex(policy["secret"])}))
    out.flush()
    return {"report": asdict(report)}, []


class Sandbox:
    """The loaded decoders, and the pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._decoders: list[Decoder] = [import_module(format_.decoder).previews for format_ in FORMATS]
        self._cleaners: list[Cleaner | None] = [
            import_module(format_.cleaner).deidentify if format_.cleaner else None for format_ in FORMATS
        ]

    def ready(self, missing: Sequence[str]) -> None:
        """Say so, what the confinement lacks, and which words honest reports and refusals are made of."""
        elements = (*DicomDictionary.values(), *RepeatersDictionary.values())
        keywords = {keyword for *_, keyword in elements if keyword}
        syntaxes = {name for name, *_ in UID_dictionary.values()}
        words = {"missing": missing, "keywords": sorted(keywords), "syntaxes": sorted(syntaxes)}
        self._pipe.send(IS_READY, json.dumps(words).encode())

    def serve(self) -> None:
        while head := self._pipe.read(REQUEST.size):
            request = json.loads(self._pipe.read(*REQUEST.unpack(head)))
            confinement.allow_seconds(request["seconds"])
            said, pictures = answer(partial(self._work, request))
            words = json.dumps(said).encode()
            if len(words) > MAX_WORDS or sum(map(len, pictures)) > MAX_PICTURES:
                words, pictures = json.dumps({"refused": "file-too-complex", "fields": {}}).encode(), []
            self._pipe.send(IS_ANSWER, WORDS.pack(len(words)), words, *pictures)

    def _work(self, request: dict[str, Any]) -> Answer:
        sizes = request["sizes"]
        files = tuple(opened(self._pipe, index, size, len(sizes)) for index, size in enumerate(sizes))
        if request["op"] == "clean":
            cleaner = self._cleaners[request["format"]]
            assert cleaner is not None
            return clean(cleaner, files[0], created(self._pipe), request["policy"])
        count = len(files) - request["references"]
        return preview(self._decoders[request["format"]], files[:count], Options(files[count:], self._progress))

    def _progress(self, share: float) -> None:
        self._pipe.send(IS_PROGRESS, PROGRESS.pack(min(1.0, max(0.0, share))))


def main(memory: int) -> None:
    # The answers get a descriptor of their own: a codec that prints must not be able to write into them.
    pipe = Pipe(os.dup(0), os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    missing = confinement.enter()
    warnings.simplefilter("ignore")
    sandbox = Sandbox(pipe)
    missing += confinement.seal(memory)
    sandbox.ready(missing)
    try:
        sandbox.serve()
    except MemoryError:
        leave()


if __name__ == "__main__":
    main(int(sys.argv[1]))
