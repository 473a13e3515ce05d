"""Who leads a case: the lead is offered and taken, or taken over by a coordinator.

Each function takes a case and returns a new one or raises. Who may do it is for `core.access` to say.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ernbot.core.background import Offer
from ernbot.core.case import Case
from ernbot.core.errors import Refused
from ernbot.core.states import Action, Signing


def offer(case: Case, to: str, by: str, *, at: datetime) -> Case:
    """A case whose lead somebody was asked to take over."""
    case.require(Action.HAND_OVER)
    if to == case.lead:
        raise Refused("lead-already")
    return replace(case, offer=Offer(to, by, at))


def take(case: Case, *, hospital: bool) -> Case:
    """A case led by the one whom the lead was offered to; the one before stays in the panel.

    `hospital` when both work at the same hospital, whose consent it is: then the case is theirs altogether.

    Raises:
        Refused: `lead-not-offered` when there is no offer (any more).
    """
    case.require(Action.TAKE_LEAD)
    if case.offer is None:
        raise Refused("lead-not-offered")
    return _led_by(case, case.offer.to, hospital=hospital and case.lead == case.requester)


def decline(case: Case) -> Case:
    case.require(Action.TAKE_LEAD)
    if case.offer is None:
        raise Refused("lead-not-offered")
    return replace(case, offer=None)


def take_over(case: Case, by: str, *, gone: bool) -> Case:
    """A case led by its coordinator; `gone` when the lead before is no longer in the directory.

    Raises:
        Refused: `lead-already` for the lead.
    """
    case.require(Action.TAKE_OVER)
    if by == case.lead:
        raise Refused("lead-already")
    led = replace(_led_by(case, by), due=None)
    if gone:
        led = replace(led, panel=tuple(member for member in led.panel if member != case.lead))
    return led.back_to_drafting() if isinstance(case.state, Signing) else led


def _led_by(case: Case, lead: str, *, hospital: bool = False) -> Case:
    requester = lead if hospital else case.requester
    panel = (*(member for member in case.panel if member != lead), case.lead)
    return replace(case, requester=requester, leader=None if lead == requester else lead, panel=panel, offer=None)
