"""What passes between the process that holds the keys and the one that decodes: framing and limits, for both ends.

    request    u32 length | JSON
    message    u8 kind | u32 length | body

A request names an operation, a format, the seconds that it may take and the sizes of the files, of which the last are
references: `{"op": "preview", "format": 0, "seconds": 20.0, "sizes": [512, 64], "references": 1}` or `{"op": "clean",
…, "policy": {…}}`. The worker sends any number of messages, and the last one is its answer:

    ready      JSON, once, before any request: `{"keywords": […], "syntaxes": […], "missing": […]}`, the words that
               reports and refusals may use, and what the confinement lacks on this machine
    read       u16 file | u64 offset | u64 length; answered with exactly these bytes and no frame around them
    progress   f64, from 0.0 to 1.0
    output     bytes of the cleaned file, in order
    answer     u32 length | JSON | pictures, one after the other

The JSON of an answer is `{"previews": [{…}]}`, where the length of a picture stands for the picture, `{"report":
{…}}`, or `{"refused": code, "fields": {…}}`. All numbers are big-endian.
"""

import struct

REQUEST = struct.Struct(">I")
MESSAGE = struct.Struct(">cI")
READ = struct.Struct(">HQQ")
PROGRESS = struct.Struct(">d")
WORDS = struct.Struct(">I")

IS_READY = b"R"
IS_READ = b"r"
IS_PROGRESS = b"p"
IS_OUTPUT = b"o"
IS_ANSWER = b"a"

PIECE = 2**20
"""Most bytes of a file that are on their way at once."""

MAX_WORDS = 256 * 2**10
MAX_PICTURES = 24 * 2**20
MAX_PREVIEWS = 8
MAX_FILES = 2000
"""Files of one request, with its references."""

LARGEST = {
    IS_READY: 2**20,
    IS_READ: READ.size,
    IS_PROGRESS: PROGRESS.size,
    IS_OUTPUT: PIECE,
    IS_ANSWER: WORDS.size + MAX_WORDS + MAX_PICTURES,
}
"""Longest body of a message, bytes."""

PICTURES = ("picture", "thumbnail", "animation")
"""Fields of a preview that travel behind the JSON, in this order."""
