"""Slides that are a folder of files, found among the members of a zip: MIRAX, and Hamamatsu's VMS and VMU.

Runs in the sandbox only. One file describes the slide and names the others, among them a photograph of the label: no
picture of such a folder is drawn but what that file calls a level. The names that it gives are compared with those of
members, and lead nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ernbot.core.errors import Refused
from ernbot.imaging import other_slides, recognise, unzip
from ernbot.imaging.reader import HEAD, SHORT_HEAD
from ernbot.imaging.unzip import Member

_DESCRIPTIONS = ("slidedat.ini", ".vms", ".vmu")
"""How the file that describes a slide is called, or how its name ends."""


@dataclass(frozen=True)
class Folder:
    """A slide: whose it is (one of `terms.SLIDE_MAKERS`), what describes it, and all files beside that, by name."""

    maker: str
    description: Member
    files: Mapping[str, Member]

    def file(self, name: str) -> Member:
        """The file that is called so, in large or small letters. Raises `Refused` `file-slide-part` (maker)."""
        if name.casefold() not in self.files:
            raise Refused("file-slide-part", maker=self.maker)
        return self.files[name.casefold()]


def find(held: unzip.Contents) -> Folder | None:
    """The slide in these archives, or None where there is none.

    Raises `Refused`: `archive-slide-alone` where something else is in them that could be shown, be it a second slide;
    `file-slide-part` (maker) where the file is there that a pathologist calls the slide, and not its folder.
    """
    described = [(maker, member) for member in held.members if (maker := _describes(member))]
    if not described:
        if any(_is_mirax(member) for member in held.members):
            raise Refused("file-slide-part", maker="MIRAX")
        return None
    maker, description = described[0]
    place = _parts(description)[0]
    if len(described) > 1 or any(map(_is_shown, (one for one in held.members if _parts(one)[0] != place))):
        raise Refused("archive-slide-alone")
    beside = {_parts(member)[1]: member for member in held.members if _parts(member)[0] == place}
    return Folder(maker, description, beside)


def _parts(member: Member) -> tuple[str, str]:
    """The folder that a member is in, and its name there in small letters."""
    folder, _, name = member.name.rpartition("/")
    return folder, name.casefold()


def _describes(member: Member) -> str | None:
    """Whose slide this file describes; None for all others."""
    maker = other_slides.maker(member.read(SHORT_HEAD)) if _parts(member)[1].endswith(_DESCRIPTIONS) else None
    return maker if maker in other_slides.IN_FOLDERS else None


def _is_mirax(member: Member) -> bool:
    return _parts(member)[1].endswith(other_slides.MIRAX_ENDING)


def _is_shown(member: Member) -> bool:
    """Whether somebody who sends this along would expect to see it."""
    return not _is_mirax(member) and recognise(member.read(HEAD)) is not None
