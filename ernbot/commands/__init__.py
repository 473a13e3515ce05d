"""Everything that a clinician can ask: one async function each, listed in `COMMANDS`.

A command takes typed arguments and returns a `Reply`. It never sees Matrix, SQL or a file.
"""

from ernbot.commands import case, consent, guests, identity, invitations, opinion, outcome, panel, welcome, who
from ernbot.commands.registry import Command

COMMANDS: tuple[Command, ...] = (
    welcome.help_,
    welcome.language,
    case.new,
    case.show,
    consent.consent,
    consent.give,
    consent.withdraw,
    who.who,
    panel.suggest,
    panel.invite,
    panel.show,
    panel.remove,
    panel.keep,
    guests.guest,
    invitations.accept,
    invitations.decline,
    invitations.conflict,
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
    who.report,
)
