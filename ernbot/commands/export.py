"""`!outcome export`: the outcome as a file for the record of the hospital."""

from __future__ import annotations

from typing import get_args

from ernbot.commands.context import Context
from ernbot.commands.effects import DocumentFormat, SendOutcome
from ernbot.commands.registry import command
from ernbot.commands.reply import Reply, say
from ernbot.core.case import Case
from ernbot.core.errors import BadInput
from ernbot.core.outcome import Outcome
from ernbot.core.states import Action

FORMATS: tuple[DocumentFormat, ...] = get_args(DocumentFormat)


@command("outcome export", where="case", action=Action.READ_OUTCOME)
async def export(ctx: Context, format: str = FORMATS[0], version: str = "") -> Reply:
    """Send the outcome as PDF, as HTML or as FHIR; with a number, a signed one that another took the place of."""
    case = await ctx.case(Action.READ_OUTCOME)
    outcome = _version(case, version) if version else case.outcome()
    wanted = next((each for each in FORMATS if each == format.casefold()), None)
    if wanted is None:
        raise BadInput("export-format", formats=", ".join(FORMATS))
    document = SendOutcome(outcome, case.nickname, case.network, ctx.actor, wanted)
    await ctx.outbox.to_case(case.id, document, tag="outcome")
    return say("export-draft-follows" if not outcome.signatures else "export-follows", format=wanted.upper())


def _version(case: Case, version: str) -> Outcome:
    """The outcome of a number, of those that there are."""
    outcomes = {str(outcome.version): outcome for outcome in (*case.amended, case.outcome())}
    if version not in outcomes:
        raise BadInput("outcome-version", versions=", ".join(outcomes))
    return outcomes[version]
