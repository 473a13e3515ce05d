"""Elements of a header as they are written. Runs in the sandbox only.

pydicom takes longer to turn an element into a value than to find it, and hundreds of headers are read for one preview.
Nonsense is nothing here: a console may write anything anywhere.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Any

from pydicom.dataset import Dataset

_PADDING = " \0"


def text(elements: Dataset, keyword: str) -> str:
    """An element without its padding; empty where it is missing. It must not leave the sandbox."""
    value = _value(elements, keyword)
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode().strip(_PADDING)
    except UnicodeDecodeError:
        return value.decode("latin-1").strip(_PADDING)


def number(elements: Dataset, keyword: str) -> float | None:
    """The first number of an element of VR DS or IS."""
    return next(iter(numbers(elements, keyword)), None)


def numbers(elements: Dataset, keyword: str) -> tuple[float, ...]:
    """The numbers of an element of VR DS or IS; none where one of them is no finite number."""
    value = _value(elements, keyword)
    written = text(elements, keyword).split("\\") if isinstance(value, (bytes, str)) else value
    try:
        found = tuple(float(one) for one in (written if isinstance(written, Iterable) else [written]))
    except (ValueError, TypeError):
        return ()
    return found if all(map(isfinite, found)) else ()


def _value(elements: Dataset, keyword: str) -> Any:
    """Bytes as long as pydicom has not turned them into a value."""
    element = elements.get_item(keyword)
    return "" if element is None or element.value is None else element.value
