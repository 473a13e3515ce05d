"""Slides of Sakura: recognised by the first page of a database that names the table by which OpenSlide knows them.

They hold pictures of the label and of the glass, and texts, beside tiles of which each colour is a JPEG of its own. So
there is an overview of them, and no copy.
"""

import re

from ernbot.imaging.model import Format

_SIGN = re.compile(rb"SQLite format 3\0.*DataManagerSQLiteConfigXPO", re.DOTALL)

FORMAT = Format(
    name="Sakura",
    mimetypes=frozenset({"application/vnd.sqlite3", "application/x-sqlite3"}),
    sniff=lambda data: bool(_SIGN.match(data)),
    decoder="ernbot.imaging.slide_sakura",
    cleaner="ernbot.imaging.deid.labelled",
)
