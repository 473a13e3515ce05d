"""The press: a template and its content become a PDF.

The layout engine keeps its fonts in memory for ever and tells its troubles on standard error, content included. The bot
therefore prints in a process that ends with the page (`press_apart`).
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typst

import ernbot

GLYPHS = Path(__file__).with_name("glyphs.typ")
LAST_LATIN = "\u024f"
SECONDS = 60.0
STANDARDS: list[Any] = ["ua-1", "a-3a"]
"""Accessible (ISO 14289-1), and readable for as long as a hospital keeps it (ISO 19005-3, level A)."""

_MISSING_GLYPH = re.compile(r"the text `\"(?P<text>.+?)\"` could not be displayed")
_RUST_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\U000e0000-\U000e0fff]")
"""Joiners, marks and selectors: they need no glyph, but are reported together with a character that lacks one."""


@dataclass(frozen=True)
class Page:
    """What is to be printed: a template of this package, JSON values, the time of creation in seconds since 1970."""

    template: Path
    content: Any
    created: int


def press(page: Page) -> bytes:
    """The page as PDF, after naming the characters that no font can draw.

    They are looked for one by one first: several of them in a right-to-left line break the layout engine. Then in
    the document itself, because a letter and its mark can lack a glyph together when each has one alone.

    Raises:
        typst.TypstError: the template and the content do not fit, which is a fault of this module.
    """
    data = json.dumps(page.content, ensure_ascii=False)
    foreign = sorted({character for character in data if character > LAST_LATIN})
    if foreign:
        try:
            _typst(GLYPHS, json.dumps(foreign), page.created)
        except typst.TypstError as error:
            data = _name_missing(data, error)
    while True:
        try:
            return _typst(page.template, data, page.created)
        except typst.TypstError as error:
            named = _name_missing(data, error)
            if named == data:
                raise
            data = named


def _typst(template: Path, data: str, created: int) -> bytes:
    try:
        return typst.compile(
            template,
            root=template.parent,
            font_paths=_fonts(),
            sys_inputs={"data": data},
            pdf_standards=STANDARDS,
            timestamp=created,
        )
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # no Exception, it would end the process
            raise RuntimeError("the layout engine failed") from None
        raise


@cache
def _fonts() -> typst.Fonts:
    """The fonts of the library, and those of the machine for scripts that these do not cover."""
    return typst.Fonts(include_system_fonts=True)


def _name_missing(data: str, error: typst.TypstError) -> str:
    for found in _MISSING_GLYPH.finditer(f"{error.message}\n{error.diagnostic}"):
        for character in _RUST_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), found["text"]):
            if not (character.isascii() or _INVISIBLE.fullmatch(character)):
                data = data.replace(character, f"[{unicodedata.name(character, f'U+{ord(character):04X}')}]")
    return data


async def press_apart(page: Page) -> bytes:
    """The same as `press`, in a process of its own that is killed when it takes too long.

    Raises:
        RuntimeError: it failed; the text says nothing of the content.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ernbot.documents.press"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd=Path(ernbot.__file__).parents[1],
    )
    order = json.dumps([page.template.name, page.content, page.created])
    try:
        async with asyncio.timeout(SECONDS):
            pdf, _ = await process.communicate(order.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError("the press failed")
    return pdf


def main() -> None:
    """The process: an order on standard input, a PDF on standard output."""
    name, content, created = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(press(Page(Path(__file__).with_name(Path(name).name), content, created)))


if __name__ == "__main__":
    main()
