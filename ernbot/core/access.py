"""The one gate: who may do what with a case, at a time.

It fails closed. A person who has nothing to do with a case gets the same answer as in a room without one, so that the
answer never tells whether a case exists.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from ernbot.core.case import Action, Case, Draft, Withdrawn
from ernbot.core.consent import Purpose
from ernbot.core.directory import Network
from ernbot.core.errors import Refused


class Standing(StrEnum):
    """What somebody is to a case."""

    REQUESTER = "requester"
    EXPERT = "expert"
    COLLEAGUE = "colleague"
    OUTSIDER = "outsider"


BY_STANDING: dict[Standing, frozenset[Action]] = {
    Standing.REQUESTER: frozenset(
        {
            Action.CREATE,
            Action.READ,
            Action.GIVE_CONSENT,
            Action.WITHDRAW_CONSENT,
            Action.ATTACH,
            Action.INVITE,
            Action.READ_OPINIONS,
            Action.DRAFT_OUTCOME,
            Action.WRITE_OUTCOME,
            Action.READ_OUTCOME,
            Action.SIGN,
            Action.RUN_ROUNDS,
            Action.ASK_POLL,
            Action.ANSWER_POLL,
            Action.DECLARE_CONFLICT,
        }
    ),
    Standing.EXPERT: frozenset(
        {
            Action.CREATE,
            Action.READ,
            Action.ATTACH,
            Action.GIVE_OPINION,
            Action.READ_OPINIONS,
            Action.READ_OUTCOME,
            Action.VOTE,
            Action.RATE,
            Action.ANSWER_POLL,
            Action.DECLARE_CONFLICT,
        }
    ),
    Standing.COLLEAGUE: frozenset({Action.CREATE}),
    Standing.OUTSIDER: frozenset(),
}
"""Which actions each standing has; CREATE asks for standing in the network alone."""

WITHOUT_CONSENT = frozenset({Action.CREATE, Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT})
"""What may be done while consent to care does not cover the case."""


def standing(user_id: str, case: Case, network: Network) -> Standing:
    """What somebody is to a case; whoever left the directory is an outsider, whatever the case says."""
    if not network.treats_patients(user_id):
        return Standing.OUTSIDER
    if user_id == case.requester:
        return Standing.REQUESTER
    if user_id in case.panel:
        return Standing.EXPERT
    return Standing.COLLEAGUE


def check_case(user_id: str, action: Action, case: Case, network: Network, at: datetime) -> None:
    """Let an action on a case pass, or raise.

    Raises:
        Refused: `no-case` for people who have nothing to do with the case, `not-yours` when their part in it does not
            include the action, `consent-needed` without consent to care, `withdrawn` after it was withdrawn,
            `wrong-state` when the action does not fit the state.
    """
    what = standing(user_id, case, network)
    if Action.READ not in BY_STANDING[what]:
        raise Refused("no-case")
    if action not in BY_STANDING[what]:
        raise Refused("not-yours", action=action)
    if isinstance(case.state, Withdrawn) and action is not Action.READ:
        raise Refused("withdrawn")
    if action not in WITHOUT_CONSENT and (isinstance(case.state, Draft) or not case.consent.covers(Purpose.CARE, at)):
        raise Refused("consent-needed")
    if not case.permits(action):
        raise Refused("wrong-state", state=case.state.kind, action=action)


def check_new_case(user_id: str, network: Network | None) -> None:
    """Let somebody open a case in a network, or raise.

    Raises:
        Refused: `network-unknown` when there is no such network, or none that knows this person; `not-a-clinician` for
            people of it who do not see patients.
    """
    if network is None or network.person(user_id) is None:
        raise Refused("network-unknown")
    if not network.treats_patients(user_id):
        raise Refused("not-a-clinician", network=network.name)


def check_expert(user_id: str, case: Case, network: Network) -> None:
    """Let somebody be invited as an expert, or raise.

    Raises:
        Refused: `expert-unknown` for people whom the network does not list, `expert-no-patients` for staff of centres
            that see no patients and for people who are not clinicians, `expert-is-lead` for the requester.
    """
    person = network.person(user_id)
    if person is None:
        raise Refused("expert-unknown", user=user_id, network=network.name)
    if not network.treats_patients(user_id):
        raise Refused("expert-no-patients", user=person.name, centre=network.centre(person.centre).name)
    if user_id == case.requester:
        raise Refused("expert-is-lead")
