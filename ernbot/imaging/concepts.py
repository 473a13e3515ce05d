"""Coded concepts: what the standard calls a code, by pydicom's dictionary of PS3.16.

A code in a file comes with a meaning that its author wrote. That text is never used: a code that the dictionary
does not know has no name here.
"""

import re
from functools import cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr._concepts_dict import concepts
from pydicom.sr._snomed_dict import mapping

from ernbot.imaging.drawing import printable

_OLD_SNOMED = frozenset({"SRT", "SNM3", "99SDM"})
"""Designators of the codes that PS3.16 section 8.1.1 has since replaced by SNOMED CT's own numbers."""

_ATOM = r"[kcdmunM]?(?:m|g|s|l|L|A|V|J|W|K|Gy|Sv|Bq|eV|Hz|Pa|mol)(?:-?[1-3])?"
_COMPOSED = re.compile(rf"{_ATOM}(?:[./]{_ATOM}){{0,2}}")
"""What reports compose besides, like `mGy.cm`: UCUM's prefixes, units and exponents, never its free annotations."""


def name(code: Dataset | None) -> str | None:
    """The dictionary's name for the code in an item (PS3.3 section 8.8), in plain letters; None where unknown."""
    if code is None:
        return None
    scheme = str(code.get("CodingSchemeDesignator") or "").strip()
    value = str(code.get("CodeValue") or code.get("LongCodeValue") or "").strip()
    if scheme in _OLD_SNOMED:
        scheme, value = "SCT", mapping["SRT"].get(value, "")
    return named(scheme, value)


def named(scheme: str, value: str) -> str | None:
    """The dictionary's name for a code; None where unknown."""
    return _names().get((scheme, value))


def first(dataset: Dataset, keyword: str) -> str | None:
    """The name of the first code in a sequence that may be absent or empty."""
    items = dataset.get(keyword)
    return name(items[0]) if items else None


def unit(code: Dataset | None) -> str | None:
    """The UCUM symbol in an item, empty for plain numbers; None where it is no symbol of the dictionary."""
    if code is None or str(code.get("CodingSchemeDesignator") or "").strip() != "UCUM":
        return None
    value = str(code.get("CodeValue") or "").strip()
    if value == "1" or (value.startswith("{") and ("UCUM", value) in _names()):
        return ""
    return printable(value) if ("UCUM", value) in _names() or _COMPOSED.fullmatch(value) else None


@cache
def _names() -> dict[tuple[str, str], str]:
    """Names by scheme and code; of several for one code the shortest, as `Liver` of `Liver structure`."""
    found: dict[tuple[str, str], str] = {}
    tables: dict[str, dict[str, Any]] = concepts
    for scheme, keywords in tables.items():
        for meanings in keywords.values():
            for value, (meaning, _) in meanings.items():
                text = printable(meaning)
                if len(text) < len(found.get((scheme, value), text + " ")):
                    found[scheme, value] = text
    return found
