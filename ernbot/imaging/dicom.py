"""DICOM files: recognised by their prefix, or without one by their first elements.

Old archives write data sets without the preamble of PS3.10 section 7.1. They are taken for DICOM only when
several elements in a row make sense, so that no other binary file is.
"""

import struct

from ernbot.imaging.model import Format

_FIRST_GROUPS = (0x0002, 0x0008)
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_ELEMENTS = 3
_LONGEST = 1024


def _element(data: bytes, at: int) -> tuple[int, int] | None:
    """Tag of the little-endian element at `at` and where the next one starts; None where none makes sense."""
    head = data[at : at + 12]
    if len(head) < 8:
        return None
    group, number = struct.unpack_from("<HH", head)
    if group not in _FIRST_GROUPS:
        return None
    vr = head[4:6]
    if vr in _SHORT_VRS:
        start, length = at + 8, struct.unpack_from("<H", head, 6)[0]
    elif vr in _LONG_VRS and head[6:8] == b"\0\0" and len(head) == 12:
        start, length = at + 12, struct.unpack_from("<I", head, 8)[0]
    else:
        start, length = at + 8, struct.unpack_from("<I", head, 4)[0]
    if length > _LONGEST or length % 2 or start + length > len(data):
        return None
    return group << 16 | number, start + length


def _sniff(data: bytes) -> bool:
    if data[128:132] == b"DICM":
        return True
    at, last = 0, -1
    for _ in range(_ELEMENTS):
        element = _element(data, at)
        if element is None or element[0] <= last:
            return False
        last, at = element
    return True


FORMAT = Format(
    name="DICOM",
    mimetypes=frozenset({"application/dicom"}),
    sniff=_sniff,
    decoder="ernbot.imaging.study",
    cleaner="ernbot.imaging.deid.dicom",
)
