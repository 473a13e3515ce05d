"""Values of elements as bytes and as text, whether pydicom has converted them already or not."""

from typing import Any

from pydicom.charset import decode_bytes
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from ernbot.core.errors import Refused

PADDING = " \0\t\r\n"
UNKNOWN = "UnknownElements"

_DELIMITERS = set(b"\r\n\t\f\\^=")


def keyword(tag: int) -> str:
    """The keyword of an element; `UNKNOWN` for one that the standard does not have, or has in repeating groups."""
    word = keyword_for_tag(tag)
    return word if word and tag_for_keyword(word) == tag else UNKNOWN


def items(source: Dataset, element: Any) -> list[Dataset] | None:
    """The items of a sequence; None where they make no sense."""
    try:
        return list(source[element.tag].value)
    except (RecursionError, MemoryError):
        raise Refused("file-too-complex") from None
    except Exception:  # whatever pydicom raises
        return None


def raw(element: Any) -> bytes | None:
    """The bytes of an element, also of one that was read already and converted; None for items."""
    if isinstance(element.value, bytes):
        return element.value
    return None if element.VR == "SQ" else _joined(element.value).encode()


def decoded(dataset: Dataset, element: Any) -> str:
    """The text of an element without padding, in the character set of its data set, or as Latin-1 when that fails."""
    value = element.value
    if not isinstance(value, bytes):
        return _joined(value)
    try:
        text = decode_bytes(value, _encodings(dataset), _DELIMITERS)
    except Exception:  # a character set that the file names and nobody knows
        text = value.decode("latin-1")
    return text.strip(PADDING)


def printable(source: Dataset, element: Any) -> list[str]:
    """The text of an element that nobody knows, if it is one."""
    value = raw(element)
    if value is None or len(value) > 256:
        return []
    text = decoded(source, element)
    return text.split("\\") if text.isprintable() else []


def _joined(value: Any) -> str:
    """A value that pydicom has converted, as a file would write it."""
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue | list) else str(value)


def _encodings(dataset: Dataset) -> list[str]:
    encodings = dataset._character_set
    return [encodings] if isinstance(encodings, str) else list(encodings)
