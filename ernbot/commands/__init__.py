"""Everything that a clinician can ask: one async function each, listed in `COMMANDS`.

A command takes typed arguments and returns a `Reply`. It never sees Matrix, SQL or a file.
"""

from ernbot.commands import case, consent, ending, identity, lead, opinion, outcome, panel, plan, triage, welcome
from ernbot.commands.registry import Command

COMMANDS: tuple[Command, ...] = (
    welcome.help_,
    welcome.language,
    case.new,
    case.question,
    case.show,
    plan.why,
    plan.news,
    plan.due,
    plan.urgent,
    lead.hand_over,
    lead.accept,
    lead.decline,
    lead.take_over,
    plan.answer,
    ending.forward,
    ending.archive,
    ending.reopen,
    ending.erase,
    triage.waiting,
    triage.show,
    triage.accept,
    triage.ask,
    triage.forward,
    triage.decline,
    consent.consent,
    consent.give,
    consent.withdraw,
    panel.invite,
    panel.show,
    opinion.opinion,
    opinion.show,
    opinion.cancel,
    outcome.draft,
    outcome.show,
    outcome.recommend,
    outcome.evidence,
    outcome.follow_up,
    outcome.agree,
    outcome.dissent,
    outcome.sign,
    identity.show,
    identity.confirm,
)
