"""Everything that a clinician can ask: one async function each, listed in `COMMANDS`.

A command takes typed arguments and returns a `Reply`. It never sees Matrix, SQL or a file.
"""

from ernbot.commands import (
    blind,
    case,
    consensus,
    consent,
    delphi,
    identity,
    opinion,
    outcome,
    panel,
    poll,
    rate,
    welcome,
)
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
    blind.panel_blind,
    blind.panel_question,
    opinion.opinion,
    opinion.form,
    opinion.show,
    blind.reveal,
    opinion.cancel,
    consensus.consensus,
    consensus.conflict,
    delphi.delphi,
    delphi.show,
    rate.rate,
    poll.poll,
    poll.vote,
    poll.close,
    poll.show,
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
