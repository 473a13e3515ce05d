"""PDF documents: recognised by their header at the very start (ISO 32000-2 section 7.5.2).

No program can clean one: text, forms, layers and attachments can each name somebody, and only the person who wrote
the document can export it without them. The cleaner says so.
"""

from ernbot.imaging.model import Format


def _sniff(data: bytes) -> bool:
    return data.startswith((b"%PDF-", b"\xef\xbb\xbf%PDF-"))


FORMAT = Format(
    name="PDF",
    mimetypes=frozenset({"application/pdf", "application/x-pdf"}),
    sniff=_sniff,
    decoder="ernbot.imaging.document",
    cleaner="ernbot.imaging.deid.document",
)
