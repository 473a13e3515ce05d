"""Everything that a clinician can ask: one async function each, listed in `COMMANDS`.

A command takes typed arguments and returns a `Reply`. It never sees Matrix, SQL or a file.
"""

from ernbot.commands import (
    case,
    cases,
    consent,
    followup,
    guests,
    identity,
    invitations,
    opinion,
    outcome,
    panel,
    reminders,
    welcome,
    who,
)
from ernbot.commands.registry import Command

COMMANDS: tuple[Command, ...] = (
    welcome.help_,
    welcome.language,
    case.new,
    case.show,
    cases.cases,
    reminders.reminders,
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
    followup.followup,
    identity.show,
    identity.confirm,
    who.report,
)
