"""Everything that a clinician can ask: one async function each, listed in `COMMANDS`.

A command takes typed arguments and returns a `Reply`. It never sees Matrix, SQL or a file.
"""

from ernbot.commands import case, consent, export, identity, opinion, outcome, panel, welcome
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
    outcome.evidence,
    outcome.follow_up,
    outcome.agree,
    outcome.dissent,
    outcome.sign,
    export.export,
    identity.show,
    identity.confirm,
)
