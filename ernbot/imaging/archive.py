"""Zip archives: a study as a picture archive exports it, or the photographs of one visit.

Recognised by the first local file header (APPNOTE 4.3.7), or by the end record of an empty archive (4.3.16). Office
documents and books are zip archives too; they are nothing that this project shows, and must not be searched for
pictures.
"""

import struct

from ernbot.imaging.model import Format

_MEMBER, _END = b"PK\x03\x04", b"PK\x05\x06"
_DOCUMENTS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"mimetype", b"META-INF/")
"""How the first member is called in Office Open XML, OpenDocument, EPUB and Java archives."""

_NAME_LENGTH_AT, _NAME_AT = 26, 30


def _sniff(data: bytes) -> bool:
    if not data.startswith(_MEMBER) or len(data) < _NAME_AT:
        return data.startswith(_END)
    (length,) = struct.unpack_from("<H", data, _NAME_LENGTH_AT)
    name = data[_NAME_AT : _NAME_AT + length]
    return bool(name) and not name.startswith(_DOCUMENTS)


FORMAT = Format(
    name="ZIP",
    mimetypes=frozenset({"application/zip", "application/x-zip-compressed", "application/x-zip"}),
    sniff=_sniff,
    decoder="ernbot.imaging.members",
    cleaner="ernbot.imaging.deid.archive",
)
