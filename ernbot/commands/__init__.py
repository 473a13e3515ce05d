"""Everything that a clinician can ask: one async function each, listed in `COMMANDS`.

A command takes typed arguments and returns a `Reply`. It never sees Matrix, SQL or a file.
"""

from ernbot.commands import case, consent, export, identity, opinion, outcome, panel, signing, welcome
from ernbot.commands.registry import Command

COMMANDS: tuple[Command, ...] = (
    welcome.help_,
    welcome.language,
    case.new,
    case.show,
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
    outcome.drop,
    outcome.alternatives,
    outcome.evidence,
    outcome.trials,
    outcome.open_questions,
    outcome.follow_up,
    outcome.summary,
    outcome.names,
    signing.agree,
    signing.dissent,
    signing.outcome_sign,
    signing.sign,
    signing.close,
    outcome.send,
    outcome.amend,
    export.export,
    identity.show,
    identity.confirm,
)
