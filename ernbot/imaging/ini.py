"""The key files of scanners: sections of keys and values, as Windows programs write them. Runs in the sandbox only.

Such a file can be of any length and say anything: values are handed on as bounded numbers and as words to compare with.
Python's own parser takes time with the square of a line of blanks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ernbot.core.errors import Refused

MAX_BYTES = 2**20
"""The largest seen has 30 kB."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_REAL = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True)
class Section:
    """The keys below one heading; of a key that stands twice, the last."""

    values: Mapping[str, str]

    def word(self, key: str) -> str:
        """What the key says. Raises `Refused` `file-broken` where it is not there."""
        if key not in self.values:
            raise Refused("file-broken")
        return self.values[key]

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number in these bounds. Raises `Refused` `file-broken` for anything else."""
        if default is not None and key not in self.values:
            return default
        word = self.word(key)
        if not _WHOLE.fullmatch(word) or not least <= int(word) <= most:
            raise Refused("file-broken")
        return int(word)

    def real(self, key: str) -> float | None:
        """A number; None where there is none."""
        word = self.values.get(key, "")
        return float(word) if _REAL.fullmatch(word) else None


def read(data: bytes) -> dict[str, Section]:
    """The sections of a file by their headings. Raises `Refused` `file-too-complex` where it is too long."""
    if len(data) > MAX_BYTES:
        raise Refused("file-too-complex")
    found: dict[str, dict[str, str]] = {}
    values: dict[str, str] = {}
    for line in map(str.strip, data.decode("utf-8-sig", "replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            values = found.setdefault(line[1:-1], {})
        elif line and line[0] not in "#;":
            key, _, value = line.partition("=")
            values[key.rstrip()] = value.lstrip()
    return {heading: Section(values) for heading, values in found.items()}
