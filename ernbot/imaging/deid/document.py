"""Documents: the cleaner that cleans nothing, and says that a person must."""

from typing import BinaryIO, NoReturn

from ernbot.core.errors import Refused
from ernbot.imaging.deid import Policy


def deidentify(_file: BinaryIO, _out: BinaryIO, _policy: Policy) -> NoReturn:
    """Raises `Refused`: `deid-document`. Names may stand anywhere in a document, in words and in pictures of words."""
    raise Refused("deid-document")
