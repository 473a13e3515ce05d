"""`!outcome …`: from the opinions to a signed document."""

from __future__ import annotations

from ernbot.commands.context import Context, access
from ernbot.commands.effects import SendOutcome
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Fact, Heading, Part, Quote, Reply, Text, say
from ernbot.core.case import Action, Case
from ernbot.core.errors import Refused
from ernbot.core.outcome import MIN_OPINIONS, Outcome, Section


def parts(ctx: Context, outcome: Outcome) -> tuple[Part, ...]:
    """The outcome as a message: texts, votes and who has not voted."""
    name = ctx.office.directory.name_of
    shown: list[Part] = [Heading("outcome-title", {"version": outcome.version})]
    for key, text in (
        ("outcome-recommendation", outcome.recommendation),
        ("outcome-evidence", outcome.evidence),
        ("outcome-follow-up", outcome.follow_up),
    ):
        shown += [Text(key), Quote(text)] if text else [Text(f"{key}-none")]
    for vote in outcome.votes:
        key = "outcome-agrees" if vote.agrees else "outcome-dissents"
        shown.append(Fact(Text(key), name(vote.by) + (f": {vote.reason}" if vote.reason else "")))
    shown.append(Text("outcome-opinions", {"count": len(outcome.opinions)}))
    return tuple(shown)


@command("outcome draft", where="case", action=Action.DRAFT_OUTCOME)
async def draft(ctx: Context) -> Reply:
    """Gather the opinions into an outcome."""
    case = (await ctx.case(Action.DRAFT_OUTCOME)).draft_outcome()
    await ctx.save(case)
    return Reply((*parts(ctx, case.outcome()), Text("outcome-drafted")))


@command("outcome show", where="case", action=Action.READ_OUTCOME)
async def show(ctx: Context) -> Reply:
    """Show the outcome as it stands."""
    case = await ctx.case(Action.READ_OUTCOME)
    return Reply(parts(ctx, case.outcome()))


async def _write(ctx: Context, section: Section, text: str) -> Reply:
    case = await ctx.case(Action.WRITE_OUTCOME)
    voted = bool(case.outcome().votes)
    changed = case.write_outcome(section, text)
    await ctx.save(changed)
    note = (Text("outcome-votes-void"),) if voted else ()
    return Reply((*parts(ctx, changed.outcome()), *note, Text("outcome-vote-now")))


@command("outcome recommend", where="case", action=Action.WRITE_OUTCOME)
async def recommend(ctx: Context, text: Rest) -> Reply:
    """Write the recommendation."""
    return await _write(ctx, Section.RECOMMENDATION, text)


@command("outcome evidence", where="case", action=Action.WRITE_OUTCOME)
async def evidence(ctx: Context, text: Rest) -> Reply:
    """Write the evidence that the recommendation rests on."""
    return await _write(ctx, Section.EVIDENCE, text)


@command("outcome followup", where="case", action=Action.WRITE_OUTCOME)
async def follow_up(ctx: Context, text: Rest) -> Reply:
    """Write the follow-up."""
    return await _write(ctx, Section.FOLLOW_UP, text)


async def _vote(ctx: Context, reason: str, *, agrees: bool) -> Reply:
    case = await ctx.case(Action.VOTE)
    changed = case.vote(ctx.actor, agrees=agrees, reason=reason, at=ctx.now)
    _audit(ctx, changed, Action.VOTE, "agrees" if agrees else "dissents")
    await ctx.save(changed)
    return say("vote-agrees" if agrees else "vote-dissents", version=changed.outcome().version)


@command("outcome agree", where="case", action=Action.VOTE)
async def agree(ctx: Context, remark: Rest = Rest("")) -> Reply:
    """Agree with the recommendation."""
    return await _vote(ctx, remark, agrees=True)


@command("outcome dissent", where="case", action=Action.VOTE)
async def dissent(ctx: Context, reason: Rest) -> Reply:
    """Dissent from the recommendation, with the reason."""
    return await _vote(ctx, reason, agrees=False)


@command("outcome sign", where="case", action=Action.SIGN)
async def sign(ctx: Context, confirm: str = "") -> Reply:
    """Sign the outcome and close the case."""
    case = await ctx.case(Action.SIGN)
    outcome = case.outcome()
    if not outcome.recommendation:
        raise Refused("outcome-empty")
    if not outcome.counts_in_monitoring and confirm.casefold() != "confirm":
        return say("outcome-too-few", count=len(outcome.opinions), minimum=MIN_OPINIONS)
    signed = case.sign(ctx.actor, ctx.device_id, at=ctx.now)
    _audit(ctx, signed, Action.SIGN, "signed")
    await ctx.save(signed)
    document = SendOutcome(signed.outcome(), case.nickname, case.network, case.requester)
    await ctx.outbox.to_case(case.id, document, tag="outcome")
    await ctx.outbox.to_case(case.id, access(signed))
    return say("outcome-signed", nickname=case.nickname)


def _audit(ctx: Context, case: Case, action: Action, decision: str) -> None:
    outcome = case.outcome()
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=action,
        case_id=case.id,
        decision=decision,
        detail={
            "version": outcome.version,
            "digest": outcome.digest(),
            "event": ctx.event_id,
            "device": ctx.device_id,
        },
    )
