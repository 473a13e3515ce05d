"""Walks a data set and builds a new one of what may stay. Remembers what it took, so that it can be searched for.

Two passes: what names somebody may stand behind what has already been kept, and a person's name in a label is only
known as one when all names have been seen.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from ernbot.core.errors import Refused
from ernbot.imaging import terms
from ernbot.imaging.deid import elements, icc, rules, table, values
from ernbot.imaging.deid.model import Policy
from ernbot.imaging.deid.reading import PIXEL_DATA

MAX_DEPTH = 32
DUMMY = "REMOVED"
"""Stands where a class of object requires a text."""

SHORTEST_NAME = 4
SHORTEST_FOREIGN_NAME = 2
SHORTEST_TEXT = 8
SHORTEST_UID = 16

_MOST_NUMBERS = 64
"""Bytes of a private element that is kept: the longest have six float64."""

_GRAPHICS = {0x50: "CurveData", 0x60: "OverlayData"}
_CHARACTER_SET, _CODE_MEANING, _ICC_PROFILE = 0x00080005, 0x00080104, 0x00282000
_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,64}")
_MEANING = re.compile(r"[^<>{}@|\\\x00-\x1f\x7f-\x9f]{1,64}")
_FIRST_CJK = 0x2E80
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[\d.+\-\s]{1,7}")
_CODING_SCHEMES = frozenset({"BI", "DCM", "FMA", "I10", "I9C", "LN", "MDC", "RADLEX", "SCT", "SNM3", "SRT", "UCUM"})
_SUBJECT = frozenset({"121029", "121030", "121031"})
_SUBJECT_CHARACTERISTICS = frozenset({"121032", "121033", "8302-2", "29463-7", "3141-9"})
"""Concepts of content items: name, number and birth date of the subject; sex, age, height, weight. PS3.16 annex D."""

_WORDS = """
ANON ANONYMOUS AXIAL CODE COLOR COMPOSITE CONTAINER CONTAINS DERIVED HAS IMAGE LOCALIZER MONOCHROME1 MONOCHROME2 NONE
ORIGINAL OTHER PALETTE PRIMARY RGB SECONDARY TEXT UNKNOWN YES
"""

STANDARD_WORDS = frozenset(map(str.casefold, (*terms.MODALITIES, *terms.BODY_PARTS, *_WORDS.split(), DUMMY)))
"""What a removed value may say and the standard needs in other elements: it names nobody there."""


class Cleaner:
    """Cleans the data sets of one file. `implicit` and `little` say how it is written, and will be written again."""

    def __init__(self, policy: Policy, replacements: values.Replacements, implicit: bool, little: bool) -> None:
        self._policy, self._replacements = policy, replacements
        self._implicit, self._little = implicit, little
        self.kinds: set[str] = set()
        self.names: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.temporal: dict[str, str] = {}
        self.uids: dict[str, str] = {}
        self.written: set[str] = set()
        self.safe_private = False

    def clean(self, dataset: Dataset) -> Dataset:
        """A new data set of what may stay; `dataset` is left as it is.

        Raises `Refused`: `file-too-complex`. `names` and `texts` then hold what was removed, with the keyword of the
        element; so do `temporal` and `uids` what was replaced, and `written` what took its place.
        """
        cleaned = self._dataset(dataset, 0)
        self._sweep(cleaned)
        return cleaned

    # First pass: element by element

    def _dataset(self, source: Dataset, depth: int) -> Dataset:
        if depth > MAX_DEPTH:
            raise Refused("file-too-complex")
        cleaned = Dataset()
        for tag in sorted(source.keys()):
            element = source.get_item(tag)
            if tag.is_private:
                self._private(source, element, cleaned)
            elif tag.group < 0x0008:  # of a network message, or file meta information at the wrong place
                self.kinds.add(elements.keyword(tag))
            elif tag.element != 0 and (tag != PIXEL_DATA or depth):  # group lengths say nothing, pixels come later
                kept = self._element(source, element, depth)
                if kept is not None:
                    cleaned[tag] = kept
        self._forget_local_code(cleaned)
        return cleaned

    def _private(self, source: Dataset, element: Any, cleaned: Dataset) -> None:
        tag = element.tag
        if tag.is_private_creator:
            return
        creator_tag = tag.group << 16 | tag.element >> 8
        creator = elements.decoded(source, source.get_item(creator_tag)) if creator_tag in source else ""
        vr = rules.safe_private(creator, int(tag), element.VR)
        value = elements.raw(element)
        kept = vr and value and len(value) <= _MOST_NUMBERS and rules.fits(tag, vr, value) and self._native(element)
        if not kept:
            self._remember("PrivateElements", self.texts, elements.printable(source, element))
            for item in (elements.items(source, element) if element.VR == "SQ" else None) or ():
                self._lose(item, "PrivateElements", 0)
            return
        cleaned[creator_tag] = DataElement(creator_tag, "LO", creator)
        cleaned[tag] = element
        self.safe_private = True

    def _element(self, source: Dataset, element: Any, depth: int) -> Any:
        tag, kind = int(element.tag), elements.keyword(element.tag)
        vr = rules.representation(tag, element.VR)
        block = tag >> 24
        if tag == _CHARACTER_SET:
            return None  # texts are written anew
        if tag == _ICC_PROFILE:
            return self._profile(element)
        if vr is None or kind == elements.UNKNOWN or block in _GRAPHICS:
            self._remember(_GRAPHICS.get(block, kind), self.texts, elements.printable(source, element))
            return None
        action = rules.action(tag, vr, self._policy)
        if vr == "SQ":
            return self._sequence(source, element, kind, action, depth)
        if action == "U":
            return self._uids(source, element, kind)
        if action == "K":
            return self._kept(source, element, vr, kind)
        text = elements.decoded(source, element)
        if action == "C" and vr in ("DA", "DT", "TM", "AS"):
            return self._temporal(element, vr, kind, text)
        if action == "C":
            return DataElement(tag, vr, text) if text else None
        self._removed(tag, vr, kind, text)
        if action == "X" or (action == "D" and vr in ("OB", "UN")):
            return None
        return DataElement(tag, vr, DUMMY if action == "D" and text and vr in rules.TEXTS | {"CS"} else None)

    def _sequence(self, source: Dataset, element: Any, kind: str, action: str, depth: int) -> DataElement | None:
        items = elements.items(source, element)
        if items is None:
            self.kinds.add(kind)
            return None
        if action in ("C", "U*"):
            kept = [self._dataset(item, depth + 1) for item in items if not self._says_who(item, kind)]
            return DataElement(element.tag, "SQ", Sequence(kept))
        for item in items:
            self._lose(item, kind, depth + 1)
        return DataElement(element.tag, "SQ", Sequence()) if action == "Z" else None

    def _lose(self, item: Dataset, kind: str, depth: int) -> None:
        """Remember all that a sequence holds which goes as a whole."""
        if depth > MAX_DEPTH:
            raise Refused("file-too-complex")
        self.kinds.add(kind)
        for tag in list(item.keys()):
            element = item.get_item(tag)
            vr = rules.representation(tag, element.VR)
            if vr == "SQ":
                for nested in elements.items(item, element) or ():
                    self._lose(nested, kind, depth + 1)
            elif vr in rules.TEXTS:
                self._removed(int(tag), vr, elements.keyword(tag), elements.decoded(item, element))

    def _says_who(self, item: Dataset, kind: str) -> bool:
        """Whether a content item is about who the subject is (PS3.16 TID 1007), and therefore goes."""
        if kind != "ContentSequence":
            return False
        try:
            concept = str(item.ConceptNameCodeSequence[0].CodeValue).strip()
        except (AttributeError, IndexError):
            return False
        if concept in _SUBJECT or (concept in _SUBJECT_CHARACTERISTICS and not self._policy.keep_characteristics):
            self._lose(item, kind, 0)
            return True
        return False

    def _uids(self, source: Dataset, element: Any, kind: str) -> DataElement | None:
        replaced = []
        for uid in elements.decoded(source, element).split("\\"):
            if not uid or UID(uid).name != uid:  # empty, or one of the standard's own
                replaced.append(uid)
                continue
            self._remember(kind, self.uids, [uid])
            replaced.append(self._replacements.uid(uid))
            self.written.add(replaced[-1])
        return DataElement(element.tag, "UI", replaced[0] if len(replaced) == 1 else replaced)

    def _kept(self, source: Dataset, element: Any, vr: str, kind: str) -> Any:
        value = elements.raw(element)
        if vr in rules.SIZES and not isinstance(element.value, bytes):
            return element  # somebody needed this number before, and has read it as one
        if value is None or not rules.fits(element.tag, vr, value):
            self._removed(int(element.tag), vr, kind, elements.decoded(source, element))
            return None
        text = elements.decoded(source, element)
        if vr in ("DA", "DT", "TM"):
            return DataElement(element.tag, vr, values.time(text) if vr == "TM" else values.readable(text, vr))
        if vr in rules.TEXTS:
            return DataElement(element.tag, vr, text)
        if self._native(element):
            padding = b"\0" if vr in ("OB", "UI", "UN") else b" "
            return element._replace(value=value + padding * (len(value) % 2))
        try:
            return source[element.tag]
        except Exception:  # whatever pydicom raises on a value that makes no sense
            self.kinds.add(kind)
            return None

    def _profile(self, element: Any) -> DataElement | None:
        """The colours of a profile without its words. One that works by tables goes: pixels are not converted."""
        self.kinds.add("ICCProfile")
        try:
            fresh = icc.rebuilt(elements.raw(element) or b"")
        except icc.NeedsConversion:
            return None
        return DataElement(_ICC_PROFILE, "OB", fresh + bytes(len(fresh) % 2)) if fresh else None

    def _temporal(self, element: Any, vr: str, kind: str, text: str) -> DataElement:
        replaced = []
        for value in text.split("\\"):
            if vr == "TM":
                new = values.time(value)
            elif vr == "AS":
                new = values.age(value)
            elif vr == "DA":
                new = self._replacements.moved_date(value)
            else:
                new = self._replacements.moved_datetime(value)
            replaced.append(new)
            if new != value.strip(elements.PADDING):
                self._remember(kind, self.temporal, [value.strip(elements.PADDING)])
            self.written.add(new)
        return DataElement(element.tag, vr, replaced[0] if len(replaced) == 1 else replaced)

    def _forget_local_code(self, cleaned: Dataset) -> None:
        """The meaning of a code that a hospital made up is free text, and what does not look like a code is none."""
        scheme, meaning = str(cleaned.get("CodingSchemeDesignator", "")).strip(), str(cleaned.get("CodeMeaning", ""))
        made_up = scheme not in _CODING_SCHEMES and not self._policy.keep_descriptions
        if meaning and (made_up or not _MEANING.fullmatch(meaning)):
            self._removed(_CODE_MEANING, "LO", "CodeMeaning", meaning)
            cleaned.CodeMeaning = DUMMY
        for keyword in ("CodeValue", "LongCodeValue", "CodingSchemeDesignator"):
            code = str(cleaned.get(keyword, ""))
            if code and not _CODE.fullmatch(code):
                self._removed(_CODE_MEANING, "LO", keyword, code)
                setattr(cleaned, keyword, DUMMY)

    def _native(self, element: Any) -> bool:
        """Whether the bytes of an element may be written as they are."""
        if not isinstance(element, RawDataElement):
            return False
        fits = element.is_implicit_VR == self._implicit and element.is_little_endian == self._little
        return fits and (self._implicit or element.VR is not None) and element.length != 0xFFFFFFFF

    # What was removed

    def _removed(self, tag: int, vr: str, kind: str, text: str) -> None:
        if not text.strip(elements.PADDING + "^=\\"):
            return
        if vr in ("DA", "DT", "TM", "AS"):
            self._remember(kind, self.temporal, [text.strip(elements.PADDING)])
        elif vr == "PN":
            words = re.split(r"[\^=\\,;\s]+", text)
            self._remember(kind, self.names, [text, text.replace("^", " "), *words])
        elif vr in rules.TEXTS and (tag in table.DESCRIPTORS or tag not in table.TABLE):
            self._remember(kind, self.texts, text.split("\\"))
        elif vr in rules.TEXTS:
            self._remember(kind, self.names, text.split("\\"))
        else:
            self.kinds.add(kind)

    def _remember(self, kind: str, found: dict[str, str], texts: Iterable[str]) -> None:
        self.kinds.add(kind)
        for text in texts:
            value = text.strip(elements.PADDING)
            if len(value) >= (SHORTEST_NAME if value.isascii() else SHORTEST_FOREIGN_NAME):
                found.setdefault(value, kind)

    # Second pass: names in what was kept

    def _sweep(self, cleaned: Dataset) -> None:
        names = [name for name in self.names if name.casefold() not in STANDARD_WORDS]
        self._names = re.compile(
            "|".join(map(_as_word, sorted(names, key=len, reverse=True))) or r"(?!)", re.IGNORECASE
        )
        self._texts = [text.casefold() for text in self.texts if len(text) >= SHORTEST_TEXT]
        self._swept(cleaned)

    def _swept(self, cleaned: Dataset) -> None:
        for tag in list(cleaned.keys()):
            element = cleaned.get_item(tag)
            if element.VR == "SQ":
                for item in element.value:
                    self._swept(item)
                continue
            vr = rules.representation(tag, element.VR)
            if vr != "CS" and vr not in rules.TEXTS:
                continue
            text = elements.decoded(cleaned, element)
            kept = self._kept_text(int(tag), vr, text)
            if kept == text:
                self.written.update(part.strip(elements.PADDING) for part in (text, *text.split("\\")))
                continue
            self.kinds.add(elements.keyword(tag))
            if kept:
                cleaned[tag] = DataElement(tag, vr, kept)
            else:
                del cleaned[tag]

    def _kept_text(self, tag: int, vr: str, text: str) -> str:
        """What may stay of a text now that all names are known."""
        if text == DUMMY or text.casefold() in STANDARD_WORDS:
            return text
        if tag in table.DESCRIPTORS:
            return self._scrubbed(text)
        if vr == "CS" and "\\" in text:
            return "\\".join(DUMMY if self._kept_text(tag, vr, part) != part else part for part in text.split("\\"))
        return "" if self._names.search(text) or (vr != "CS" and self._holds_text(text)) else text

    def _holds_text(self, text: str) -> bool:
        folded = text.casefold()
        return any(removed in folded for removed in self._texts)

    def _scrubbed(self, text: str) -> str:
        """A description without the words that name somebody, and without long numbers."""
        names = {word for name in self.names for word in _WORD.findall(name.casefold())}
        names |= {name.casefold() for name in self.names}

        def word(found: re.Match[str]) -> str:
            said = found[0]
            return "" if said.casefold() in names or sum(map(str.isdigit, said)) >= SHORTEST_NAME else said

        return " ".join(_WORD.sub(word, self._names.sub("", text)).split())


def _as_word(name: str) -> str:
    """A pattern for a name as a word of its own; Chinese and Japanese have no spaces between words."""
    name, joined = re.escape(name), any(ord(character) >= _FIRST_CJK for character in name)
    return name if joined else rf"(?<![^\W_]){name}(?![^\W_])"


def strings(found: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Values and their keywords, without numbers that may stand anywhere."""
    return ((value, kind) for value, kind in found.items() if not _NUMBER.fullmatch(value))
