"""Replacement values: UIDs, pseudonyms and dates, the same for the same secret and original.

The secret of a case is the key of an HMAC, so that nobody who lacks it can try names or numbers against a
de-identified file. Nothing is stored: a follow-up scan gets the same replacements years later.
"""

import hmac
import re
from datetime import date, timedelta

LONGEST_SHIFT = 1095
"""Dates move back by 1 to this many days: three years."""

OLDEST = 90
"""Ages from here on are said as this one: those who are older are few."""

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_OLD_DATE = re.compile(r"(\d{4})\.(\d{2})\.(\d{2})")
_TIME = re.compile(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d|60)?)?(?:\.\d{1,6})?|\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?")
_DATETIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?((?:\d{2}){0,3}(?:\.\d{1,6})?(?:[+-]\d{4})?)")
_AGE = re.compile(r"(\d{3})([DWMY])")


class Replacements:
    """The replacements of one case. `secret` as in `Policy`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.days = 1 + self._number("shift", "") % LONGEST_SHIFT

    def _number(self, purpose: str, value: str) -> int:
        message = f"{purpose}\0{value}".encode()
        return int.from_bytes(hmac.digest(self._secret, message, "sha256"), "big")

    def uid(self, original: str) -> str:
        """A UID made of a UUID (PS3.5 section B.2), version 8 of RFC 9562: what 122 bits of the HMAC say."""
        bits = self._number("uid", original.strip(" \0")) >> 128
        bits = bits & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
        return f"2.25.{bits}"

    def pseudonym(self, patient: str) -> str:
        """The new name and number of a patient, from the old number, in which case and padding say nothing."""
        return f"ANON{self._number('patient', patient.strip(' ^=').casefold()) % 10**10:010d}"

    def moved_date(self, original: str) -> str:
        """A date (DA, also in the form of before 1993) moved back; empty when it is none."""
        found = _DATE.fullmatch(original.strip(" \0")) or _OLD_DATE.fullmatch(original.strip(" \0"))
        moved = self._moved(*map(int, found.groups())) if found else None
        return moved.strftime("%Y%m%d").rjust(8, "0") if moved else ""

    def moved_datetime(self, original: str) -> str:
        """A moment (DT) moved back by whole days, as precise as it was; empty when it is none."""
        found = _DATETIME.fullmatch(original.strip(" \0"))
        if not found:
            return ""
        year, month, day, rest = found.groups()
        moved = self._moved(int(year), int(month or 1), int(day or 1))
        if moved is None:
            return ""
        digits = f"{moved:%Y%m%d}".rjust(8, "0")
        return digits[: 8 if day else 6 if month else 4] + (rest if day else "")

    def _moved(self, year: int, month: int, day: int) -> date | None:
        try:
            return date(year, month, day) - timedelta(days=self.days)
        except (ValueError, OverflowError):
            return None


def time(original: str) -> str:
    """A time of day (TM, also in the form of before 1993) as it is; empty when it is none."""
    value = original.strip(" \0")
    return value if _TIME.fullmatch(value) else ""


def readable(original: str, vr: str) -> str:
    """A date or moment as it is; empty when it is none."""
    pattern = _DATETIME if vr == "DT" else _DATE
    value = original.strip(" \0")
    return value if pattern.fullmatch(value) or (vr == "DA" and _OLD_DATE.fullmatch(value)) else ""


def age(original: str) -> str:
    """An age (AS), at most `OLDEST` years; empty when it is none."""
    found = _AGE.fullmatch(original.strip(" \0"))
    if not found:
        return ""
    number, unit = int(found[1]), found[2]
    return f"{OLDEST:03d}Y" if unit == "Y" and number > OLDEST else found[0]
