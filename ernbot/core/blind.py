"""Blind mode: nobody reads an opinion before everybody who was asked has given one, or the lead reveals them.

A first judgement that is formed alone is worth more than one that follows the room (ISUP Imagebase hid votes until
one's own vote). `visible` is the only way in which commands and documents read opinions; nothing else may look at
`Case.opinions`, not even to say that two of them differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from ernbot.core.errors import Refused
from ernbot.core.opinion import Opinion

Mode = Literal["off", "on", "lead"]
"""`on` hides opinions from the other experts, `lead` from the panel lead as well."""


@dataclass(frozen=True)
class Blind:
    """How the opinions of a case are kept apart. `revealed_by` is None when the last opinion revealed them all."""

    on: bool = False
    from_lead: bool = False
    revealed_at: datetime | None = None
    revealed_by: str | None = None

    @property
    def hides(self) -> bool:
        """Whether opinions are sealed now."""
        return self.on and self.revealed_at is None

    @property
    def mode(self) -> Mode:
        return "off" if not self.on else "lead" if self.from_lead else "on"

    def switch(self, mode: Mode, opinions: tuple[Opinion, ...]) -> Blind:
        """Blind mode set anew.

        Raises:
            Refused: `blind-too-late` once there is an opinion: what was read cannot be unread.
        """
        if opinions:
            raise Refused("blind-too-late")
        return blind(mode)

    def reveal(self, opinions: tuple[Opinion, ...], *, by: str | None, at: datetime) -> Blind:
        """Blind mode ended for good.

        Raises:
            Refused: `blind-off` when nothing is hidden, `no-opinions` when there is nothing to reveal.
        """
        if not self.hides:
            raise Refused("blind-off")
        if not opinions:
            raise Refused("no-opinions")
        return replace(self, revealed_at=at, revealed_by=by)

    def settle(self, opinions: tuple[Opinion, ...], asked: Iterable[str], at: datetime) -> Blind:
        """Blind mode after an opinion came in: it ends when nobody is missing any more."""
        if self.hides and opinions and not missing(opinions, asked):
            return self.reveal(opinions, by=None, at=at)
        return self


def blind(mode: Mode) -> Blind:
    """Blind mode as a network or a lead asks for it."""
    return Blind(on=mode != "off", from_lead=mode == "lead")


def missing(opinions: Iterable[Opinion], asked: Iterable[str]) -> tuple[str, ...]:
    """Who was asked and has not answered, in the order of asking."""
    answered = {opinion.author for opinion in opinions}
    return tuple(person for person in asked if person not in answered)


def visible(
    opinions: tuple[Opinion, ...], reader: str, lead: str, blind: Blind, panel: tuple[str, ...]
) -> tuple[Opinion, ...]:
    """What somebody may read of the opinions of a case, in their order.

    Everybody always reads their own. A lead who was asked as an expert too reads those of others only after giving
    one.
    """
    if not blind.hides:
        return opinions
    own = tuple(opinion for opinion in opinions if opinion.author == reader)
    if reader == lead and not blind.from_lead and (reader not in panel or own):
        return opinions
    return own
