"""The one gate: who may do what with a case, at a time.

It fails closed. A person who has nothing to do with a case gets the same answer as in a room without one, so that the
answer never tells whether a case exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cache

from ernbot.core.case import Case
from ernbot.core.consent import Purpose
from ernbot.core.directory import Directory, Network
from ernbot.core.errors import Refused
from ernbot.core.invitation import EEA, Guest, InvitationState, find
from ernbot.core.states import About, Action, Draft, Erased, Withdrawn
from ernbot.core.triage import PENDING


class Standing(StrEnum):
    """What somebody is to a case; one person may be several things."""

    REQUESTER = "requester"
    LEAD = "lead"
    EXPERT = "expert"
    GUEST = "guest"
    INVITED = "invited"
    OBSERVER = "observer"
    SUCCESSOR = "successor"
    DISPATCHER = "dispatcher"
    COORDINATOR = "coordinator"
    COLLEAGUE = "colleague"
    OUTSIDER = "outsider"


REQUESTER, LEAD, EXPERT, GUEST = Standing.REQUESTER, Standing.LEAD, Standing.EXPERT, Standing.GUEST

MAY: dict[Action, tuple[Standing, ...]] = {
    Action.CREATE: tuple(standing for standing in Standing if standing is not Standing.OUTSIDER),
    Action.READ: (REQUESTER, LEAD, EXPERT, GUEST, Standing.INVITED, Standing.OBSERVER, Standing.SUCCESSOR),
    Action.GIVE_CONSENT: (REQUESTER,),
    Action.WITHDRAW_CONSENT: (REQUESTER, LEAD),
    Action.ATTACH: (REQUESTER, LEAD, EXPERT, GUEST),
    Action.INVITE: (LEAD,),
    Action.GIVE_OPINION: (EXPERT, GUEST),
    Action.READ_OPINIONS: (REQUESTER, LEAD, EXPERT, GUEST, Standing.OBSERVER),
    Action.DRAFT_OUTCOME: (LEAD,),
    Action.WRITE_OUTCOME: (LEAD,),
    Action.READ_OUTCOME: (REQUESTER, LEAD, EXPERT, GUEST, Standing.OBSERVER),
    Action.VOTE: (EXPERT, GUEST),
    Action.SEND_TO_SIGNING: (LEAD,),
    Action.SIGN: (LEAD, EXPERT, GUEST),
    Action.BACK_TO_DRAFTING: (LEAD,),
    Action.AMEND: (LEAD,),
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
    Action.ANSWER_INVITATION: (EXPERT, GUEST, Standing.INVITED),
    Action.DECLARE_CONFLICT: (EXPERT, GUEST, Standing.INVITED),
    Action.ADMIT_GUEST: (LEAD, Standing.COORDINATOR),
    Action.FOLLOW_UP: (REQUESTER,),
    Action.ARRANGE: (LEAD,),
    Action.REVEAL: (LEAD,),
    Action.RUN_ROUNDS: (LEAD,),
    Action.RATE: (EXPERT, GUEST),
    Action.ASK_POLL: (LEAD,),
    Action.ANSWER_POLL: (REQUESTER, LEAD, EXPERT, GUEST),
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
        *(Action.REOPEN, Action.ARCHIVE, Action.ERASE, Action.ANSWER_INVITATION, Action.DECLARE_CONFLICT),
    }
)
"""What may be done while consent to care does not cover the case."""

IN_DRAFT = frozenset({Action.DESCRIBE, Action.PLAN})
"""What may be done besides while a case is a draft, which nobody outside the hospital sees."""

ABOUT_PATIENTS = frozenset({Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.ATTACH})
"""What makes no sense, or is not let in, where there is no patient."""


def standings(user_id: str, case: Case, directory: Directory, at: datetime | None = None) -> frozenset[Standing]:
    """What somebody is to a case by themselves; whoever left the directory is an outsider, whatever the case says.

    Experts of any network can be on the panel. Guests are in no directory: they are what their invitation says at a
    time, and nothing when no time is given.
    """
    home = directory.network(case.network)
    if home is None:
        return frozenset({Standing.OUTSIDER})
    found: set[Standing] = set()
    if directory.treats_patients(user_id) or (case.about is About.QUESTION and directory.knows(user_id)):
        if user_id == case.requester:
            found.add(REQUESTER)
        if user_id == case.lead:
            found.add(LEAD)
        found |= _on_panel(user_id, case, home, EXPERT)
        if case.offer is not None and user_id == case.offer.to:
            found.add(Standing.SUCCESSOR)
    elif at is not None and _is_guest(user_id, case, home, directory, at):
        found |= _on_panel(user_id, case, home, GUEST)
    asked = case.triage.networks
    if asked and any(network.triages(user_id) for network in directory.networks if network.id in asked):
        found.add(Standing.DISPATCHER)
    if user_id in home.coordinators() and home.treats_patients(user_id):
        found.add(Standing.COORDINATOR)
    if not found and home.treats_patients(user_id):
        found.add(Standing.COLLEAGUE)
    return frozenset(found or {Standing.OUTSIDER})


def _on_panel(user_id: str, case: Case, home: Network, standing: Standing) -> set[Standing]:
    """What somebody is to the panel: an expert or guest of it, one who has not accepted yet, one without a voice."""
    asked = find(case.invitations, user_id)
    if asked is not None and asked.observes:
        return {Standing.OBSERVER}
    if user_id not in case.panel:
        return set()
    waits = asked is not None and asked.state is InvitationState.INVITED and not home.joining_accepts
    return {Standing.INVITED if waits else standing}


def _is_guest(user_id: str, case: Case, home: Network, directory: Directory, at: datetime) -> bool:
    """Whether an invitation still lets somebody in whom no directory lists."""
    asked = find(case.invitations, user_id)
    if asked is None or asked.guest is None or asked.until is None or not asked.stands(at.date()):
        return False
    try:
        _check_country(asked.guest, case, home, at)
    except Refused:
        return False
    return not directory.knows(user_id)


def rights(user_id: str, case: Case, directory: Directory, at: datetime | None = None) -> frozenset[Action]:
    """What somebody's own part in a case includes, whatever its state.

    Opening another case is no part in this one, and a coordinator brings guests only into a case that they are in.
    """
    return _included(standings(user_id, case, directory, at))


@cache
def _included(parts: frozenset[Standing]) -> frozenset[Action]:
    """What these standings include together; there are few combinations of them."""
    found = frozenset[Action]().union(*(BY_STANDING[standing] for standing in parts))
    return found if Action.READ in found else found - {Action.CREATE, Action.ADMIT_GUEST}


def without_part(case: Case, directory: Directory, at: datetime) -> tuple[str, ...]:
    """The people of a case who may not read it now: they left the directory, or their time as a guest is over."""

    def reads(user: str) -> bool:
        return Action.READ in rights(user, case, directory, at)

    return tuple(user for user in case.people if not reads(user) and not any(map(reads, directory.assisted_by(user))))


def check_case(user_id: str, action: Action, case: Case, directory: Directory, at: datetime) -> str | None:
    """Let an action on a case pass, or raise. Says on whose behalf an assistant does it; None for one's own part.

    Raises:
        Refused: `no-case` for people who have nothing to do with the case, `not-yours` when their part in it does not
            include the action, `personal` for what an assistant cannot do, `erased` and `withdrawn` after that,
            `no-patient` and `no-patient-files` where there is no patient, `consent-needed` without consent to care,
            `request-waits` while dispatchers have not accepted it, `request-decided` for the slower of two dispatchers,
            `wrong-state` when the action does not fit the state.
    """
    principal = _on_behalf_of(user_id, action, case, directory, at)
    _check_state(action, case, directory, at)
    if action is Action.TRIAGE:
        _check_pending(principal or user_id, case, directory)
    return principal


def able(users: Iterable[str], action: Action, case: Case, directory: Directory, at: datetime) -> frozenset[str]:
    """Those of these people whom `check_case` lets do it; the case itself is asked once for all of them."""

    def may(user_id: str) -> bool:
        try:
            principal = _on_behalf_of(user_id, action, case, directory, at)
            if action is Action.TRIAGE:
                _check_pending(principal or user_id, case, directory)
        except Refused:
            return False
        return True

    try:
        _check_state(action, case, directory, at)
    except Refused:
        return frozenset()
    return frozenset(filter(may, users))


def _on_behalf_of(user_id: str, action: Action, case: Case, directory: Directory, at: datetime) -> str | None:
    """Whose part in the case includes the action: None for one's own, else the clinician who is assisted."""
    own = rights(user_id, case, directory, at)
    if action in own:
        return None
    assisted = {clinician: rights(clinician, case, directory, at) for clinician in directory.assisted_by(user_id)}
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
    in_draft = isinstance(case.state, Draft)
    if action not in WITHOUT_CONSENT and not (in_draft and action in IN_DRAFT) and (in_draft or not case.covered(at)):
        raise Refused("consent-needed")
    if action is Action.INVITE and case.triage.holds(case.network):
        step = case.triage.current(case.network)
        asked = directory.network(step.network) if step is not None else None
        raise Refused("request-waits", network=asked.name if asked is not None else case.network)
    if not case.permits(action):
        raise Refused("wrong-state", state=case.state.kind, action=action)
    if action is Action.ANSWER_TRIAGE and not case.triage.asks(case.network):
        raise Refused("request-not-asked")


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


def check_expert(user_id: str, case: Case, network: Network, others: Iterable[Network] = ()) -> None:
    """Let somebody of the network, or of one of the others, be invited as an expert, or raise.

    Where there is no patient, everybody who is listed may come.

    Raises:
        Refused: `expert-unknown` for people whom no network lists, `expert-no-patients` for staff of centres that see
            no patients and for people who are not clinicians, `expert-is-lead` for the lead, `expert-in-conflict` for
            whoever has declared a conflict of interest in this case.
    """
    listing = [(each, person) for each in (network, *others) if (person := each.person(user_id)) is not None]
    if not listing:
        raise Refused("expert-unknown", user=user_id, network=network.name)
    home, person = listing[0]
    if case.about is About.PATIENT and not any(each.treats_patients(user_id) for each, _ in listing):
        raise Refused("expert-no-patients", user=person.name, centre=home.centre(person.centre).name)
    _check_part(user_id, person.name, case)


def check_guest(user_id: str, guest: Guest, case: Case, network: Network, directory: Directory, at: datetime) -> None:
    """Let a clinician whom no network lists into one case, or raise. Whether the account exists, the room will show.

    Clinicians of countries in which the GDPR does not apply come in under an arrangement of the network, once the
    patient has signed the form that tells of it.

    Raises:
        Refused: `guest-listed` for whoever is in the directory, `guest-country` when the network has no arrangement for
            the country, `guest-consent-form` when the patient has signed another form, and as `check_expert` does.
    """
    if directory.knows(user_id):
        raise Refused("guest-listed", name=directory.name_of(user_id))
    _check_part(user_id, guest.name, case)
    _check_country(guest, case, network, at)


def _check_country(guest: Guest, case: Case, network: Network, at: datetime) -> None:
    arrangement = network.arrangement_for(guest.country)
    if arrangement is None and guest.country not in EEA:
        raise Refused("guest-country", country=guest.country, network=network.name)
    if arrangement is not None and case.about is About.PATIENT:
        entry = case.consent.last(Purpose.CARE, at)
        signed = entry.paper.form_version if entry is not None and entry.paper is not None else None
        if signed != arrangement.consent_form:
            raise Refused("guest-consent-form", arrangement=arrangement.name, form=arrangement.consent_form)


def _check_part(user_id: str, name: str, case: Case) -> None:
    if user_id == case.lead:
        raise Refused("expert-is-lead")
    asked = case.invitation(user_id)
    if asked is not None and asked.conflict is not None:
        raise Refused("expert-in-conflict", user=name)
