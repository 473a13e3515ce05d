"""Slides whose label nothing here can take out: they are shown, and there is no copy of them."""

from typing import BinaryIO, NoReturn

from ernbot.core.errors import Refused
from ernbot.imaging.deid.model import Policy


def deidentify(_file: BinaryIO, _out: BinaryIO, _policy: Policy) -> NoReturn:
    """Raises `Refused` `file-overview-only`: who asked for a copy may show the overview instead."""
    raise Refused("file-overview-only")
