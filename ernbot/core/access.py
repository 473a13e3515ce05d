"""The one gate: who may do what with a case, at a time.

It fails closed. A person who has nothing to do with a case gets the same answer as in a room without one, so that the
answer never tells whether a case exists.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from ernbot.core.case import About, Action, Case, Draft, Erased, Withdrawn
from ernbot.core.directory import Directory, Network
from ernbot.core.errors import Refused
from ernbot.core.triage import PENDING


class Standing(StrEnum):
    """What somebody is to a case; one person may be several things."""

    REQUESTER = "requester"
    LEAD = "lead"
    EXPERT = "expert"
    GUEST = "guest"
    SUCCESSOR = "successor"
    DISPATCHER = "dispatcher"
    COORDINATOR = "coordinator"
    COLLEAGUE = "colleague"
    OUTSIDER = "outsider"


REQUESTER, LEAD, EXPERT, GUEST = Standing.REQUESTER, Standing.LEAD, Standing.EXPERT, Standing.GUEST

MAY: dict[Action, tuple[Standing, ...]] = {
    Action.CREATE: tuple(standing for standing in Standing if standing is not Standing.OUTSIDER),
    Action.READ: (REQUESTER, LEAD, EXPERT, GUEST, Standing.SUCCESSOR),
    Action.GIVE_CONSENT: (REQUESTER,),
    Action.WITHDRAW_CONSENT: (REQUESTER, LEAD),
    Action.ATTACH: (REQUESTER, LEAD, EXPERT, GUEST),
    Action.INVITE: (LEAD,),
    Action.GIVE_OPINION: (EXPERT, GUEST),
    Action.READ_OPINIONS: (REQUESTER, LEAD, EXPERT, GUEST),
    Action.DRAFT_OUTCOME: (LEAD,),
    Action.WRITE_OUTCOME: (LEAD,),
    Action.READ_OUTCOME: (REQUESTER, LEAD, EXPERT, GUEST),
    Action.VOTE: (EXPERT,),
    Action.SEND_TO_SIGNING: (LEAD,),
    Action.SIGN: (LEAD, EXPERT),
    Action.BACK_TO_DRAFTING: (LEAD,),
    Action.DESCRIBE: (REQUESTER, LEAD),
    Action.PLAN: (LEAD,),
    Action.HAND_OVER: (LEAD,),
    Action.TAKE_LEAD: (Standing.SUCCESSOR,),
    Action.TAKE_OVER: (Standing.COORDINATOR,),
    Action.FORWARD: (REQUESTER,),
    Action.TRIAGE: (Standing.DISPATCHER,),
    Action.ANSWER_TRIAGE: (REQUESTER, LEAD),
    Action.REOPEN: (REQUESTER, LEAD),
    Action.ARCHIVE: (REQUESTER, LEAD),
    Action.ERASE: (REQUESTER, Standing.COORDINATOR),
    Action.ARRANGE: (LEAD,),
    Action.REVEAL: (LEAD,),
    Action.RUN_ROUNDS: (LEAD,),
    Action.RATE: (EXPERT, GUEST),
    Action.ASK_POLL: (LEAD,),
    Action.ANSWER_POLL: (REQUESTER, LEAD, EXPERT, GUEST),
    Action.DECLARE_CONFLICT: (REQUESTER, LEAD, EXPERT, GUEST),
}
"""Which standings each action takes; CREATE asks for standing in the network alone."""

BY_STANDING: dict[Standing, frozenset[Action]] = {
    standing: frozenset(action for action, standings in MAY.items() if standing in standings) for standing in Standing
}
"""The same by standing. An assistant has what the clinician has for whom they act, without what is `PERSONAL`."""

PERSONAL = frozenset(
    {
        *(Action.GIVE_OPINION, Action.VOTE, Action.SIGN),
        *(Action.RATE, Action.ANSWER_POLL, Action.DECLARE_CONFLICT),
    }
)
"""What nobody does for somebody else."""

WITHOUT_CONSENT = frozenset(
    {
        *(Action.CREATE, Action.READ, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT),
        *(Action.ARCHIVE, Action.ERASE),
    }
)
"""What may be done while consent to care does not cover the case."""

ABOUT_PATIENTS = frozenset({Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH})
"""What makes no sense, or is not let in, where there is no patient."""


def standings(user_id: str, case: Case, directory: Directory) -> frozenset[Standing]:
    """What somebody is to a case by themselves; whoever left the directory is an outsider, whatever the case says."""
    home = directory.network(case.network)
    if home is None:
        return frozenset({Standing.OUTSIDER})
    found: set[Standing] = set()
    if directory.treats_patients(user_id) or (case.about is About.QUESTION and directory.knows(user_id)):
        found |= {Standing.REQUESTER} if user_id == case.requester else set()
        found |= {Standing.LEAD} if user_id == case.lead else set()
        found |= {Standing.EXPERT} if user_id in case.panel else set()
        found |= {Standing.SUCCESSOR} if case.offer is not None and user_id == case.offer.to else set()
    if any(network.triages(user_id) for network in directory.networks if network.id in case.triage.networks):
        found.add(Standing.DISPATCHER)
    if user_id in home.coordinators() and home.treats_patients(user_id):
        found.add(Standing.COORDINATOR)
    if not found and home.treats_patients(user_id):
        found.add(Standing.COLLEAGUE)
    return frozenset(found or {Standing.OUTSIDER})


def rights(user_id: str, case: Case, directory: Directory) -> frozenset[Action]:
    """What somebody's own part in a case includes, whatever its state; opening another case is no part in this one."""
    found = frozenset[Action]().union(*(BY_STANDING[standing] for standing in standings(user_id, case, directory)))
    return found if Action.READ in found else found - {Action.CREATE}


def check_case(user_id: str, action: Action, case: Case, directory: Directory, at: datetime) -> str | None:
    """Let an action on a case pass, or raise. Says on whose behalf an assistant does it; None for one's own part.

    Raises:
        Refused: `no-case` for people who have nothing to do with the case, `not-yours` when their part in it does not
            include the action, `personal` for what an assistant cannot do, `erased` and `withdrawn` after that,
            `no-patient` and `no-patient-files` where there is no patient, `consent-needed` without consent to care,
            `request-waits` while dispatchers have not accepted it, `request-decided` for the slower of two dispatchers,
            `wrong-state` when the action does not fit the state.
    """
    principal = _on_behalf_of(user_id, action, case, directory)
    _check_state(action, case, directory, at)
    if action is Action.TRIAGE:
        _check_pending(principal or user_id, case, directory)
    return principal


def _on_behalf_of(user_id: str, action: Action, case: Case, directory: Directory) -> str | None:
    """Whose part in the case includes the action: None for one's own, else the clinician who is assisted."""
    own = rights(user_id, case, directory)
    if action in own:
        return None
    assisted = {clinician: rights(clinician, case, directory) for clinician in directory.assisted_by(user_id)}
    for clinician, theirs in assisted.items():
        if action in theirs - PERSONAL - {Action.CREATE}:
            return clinician
    if Action.READ not in own.union(*assisted.values()):
        raise Refused("no-case")
    for clinician, theirs in assisted.items():
        if action in theirs & PERSONAL:
            raise Refused("personal", action=action, name=directory.name_of(clinician))
    raise Refused("not-yours", action=action)


def _check_state(action: Action, case: Case, directory: Directory, at: datetime) -> None:
    if isinstance(case.state, Erased) and action is not Action.READ:
        raise Refused("erased")
    if isinstance(case.state, Withdrawn) and not case.permits(action):
        raise Refused("withdrawn")
    if case.about is About.QUESTION and action in ABOUT_PATIENTS:
        raise Refused("no-patient-files" if action is Action.ATTACH else "no-patient")
    if action not in WITHOUT_CONSENT and (isinstance(case.state, Draft) or not case.covered(at)):
        raise Refused("consent-needed")
    if action is Action.INVITE and case.triage.holds(case.network):
        step = case.triage.current(case.network)
        asked = directory.network(step.network) if step is not None else None
        raise Refused("request-waits", network=asked.name if asked is not None else case.network)
    if not case.permits(action):
        raise Refused("wrong-state", state=case.state.kind, action=action)


def _check_pending(user_id: str, case: Case, directory: Directory) -> None:
    """Whoever decides on a request sees it only while it waits for their network."""
    step = case.triage.current(case.network)
    network = directory.network(step.network) if step is not None and step.verdict in PENDING else None
    if network is None or not network.triages(user_id):
        raise Refused("request-decided", name=directory.name_of((step or case.triage.steps[-1]).by))


def check_take_over(case: Case, network: Network, directory: Directory, at: datetime) -> bool:
    """Let a coordinator take a case over, or raise; whether its lead has left the directory.

    Raises:
        Refused: `take-over-early` before the due date has passed by `Network.take_over_days`, `take-over-no-due` for
            a case that is due on no day.
    """
    gone = not directory.treats_patients(case.lead)
    if gone:
        return True
    if case.due is None:
        raise Refused("take-over-no-due", name=directory.name_of(case.lead))
    waited = (at.date() - case.due).days
    if waited < network.take_over_days:
        raise Refused("take-over-early", name=directory.name_of(case.lead), date=case.due, days=network.take_over_days)
    return False


def check_new_case(user_id: str, network: Network | None, about: About = About.PATIENT) -> None:
    """Let somebody open a case in a network, or raise. A general question is open to everybody of the network.

    Raises:
        Refused: `network-unknown` when there is no such network, or none that knows this person; `not-a-clinician` for
            people of it who do not see patients.
    """
    if network is None or network.person(user_id) is None:
        raise Refused("network-unknown")
    if about is About.PATIENT and not network.treats_patients(user_id):
        raise Refused("not-a-clinician", network=network.name)


def check_expert(user_id: str, case: Case, network: Network) -> None:
    """Let somebody be invited as an expert, or raise. Where there is no patient, everybody of the network may come.

    Raises:
        Refused: `expert-unknown` for people whom the network does not list, `expert-no-patients` for staff of centres
            that see no patients and for people who are not clinicians, `expert-is-lead` for the lead.
    """
    person = network.person(user_id)
    if person is None:
        raise Refused("expert-unknown", user=user_id, network=network.name)
    if case.about is About.PATIENT and not network.treats_patients(user_id):
        raise Refused("expert-no-patients", user=person.name, centre=network.centre(person.centre).name)
    if user_id == case.lead:
        raise Refused("expert-is-lead")
