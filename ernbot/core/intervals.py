"""After how long somebody is reminded, and when a patient's course is asked about: settings of a network.

Numbers alone, so that the directory can hold them. What they lead to is in `core.agenda`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Intervals:
    """Days, if not said otherwise.

    `invitation` unanswered, `request` not decided or a question back not answered, `opinion` missing in a case without
    a due date, `before_due` of the due date, `lead` when it is the lead's turn, `signature` or vote missing, `urgent`
    for everything in an urgent case. `consent_review` is how long before its review a consent to care is asked for
    anew. `follow_up_months` after the signature the clinician is asked what became of the patient; EXPeRT asks after
    three months (EJC Paediatric Oncology 2024;3:100137).
    """

    invitation: int = 3
    request: int = 2
    opinion: int = 7
    before_due: int = 3
    lead: int = 1
    signature: int = 3
    urgent: int = 1
    consent_review: int = 30
    follow_up_months: int = 3
