"""`!outcome …`: from the opinions to a signed document."""

from __future__ import annotations

from ernbot.commands.context import Context, access
from ernbot.commands.effects import SendOutcome
from ernbot.commands.registry import Confirm, Rest, command
from ernbot.commands.reply import Fact, Heading, Part, Quote, Reply, Text, say
from ernbot.core.case import Action, Case, Drafting
from ernbot.core.outcome import MIN_OPINIONS, Section


def parts(ctx: Context, case: Case) -> tuple[Part, ...]:
    """The outcome as a message: texts, votes and who has not voted."""
    outcome = case.outcome()
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
    voted = {vote.by for vote in outcome.votes}
    silent = ", ".join(name(expert) for expert in case.panel if expert not in voted)
    if outcome.recommendation and silent:
        shown.append(Fact(Text("outcome-silent"), silent))
    shown.append(Text("outcome-opinions", {"count": len(outcome.opinions)}))
    return tuple(shown)


def _changed(ctx: Context, before: Case, after: Case) -> Reply:
    """The outcome after a change, with what the change does to the votes and what comes next."""
    voted = isinstance(before.state, Drafting) and before.state.outcome.votes
    void = (Text("outcome-votes-void"),) if voted else ()
    if not after.has_gathered_all():
        then = "next-gather"
    else:
        then = "outcome-vote-now" if after.outcome().recommendation else "outcome-recommend-now"
    return Reply((*parts(ctx, after), *void, Text(then)))


@command("outcome draft", where="case", action=Action.DRAFT_OUTCOME)
async def draft(ctx: Context) -> Reply:
    """Gather the opinions into an outcome."""
    case = await ctx.case(Action.DRAFT_OUTCOME)
    drafted = case.draft_outcome()
    await ctx.save(drafted)
    return _changed(ctx, case, drafted)


@command("outcome show", where="case", action=Action.READ_OUTCOME)
async def show(ctx: Context) -> Reply:
    """Show the outcome as it stands."""
    case = await ctx.case(Action.READ_OUTCOME)
    return Reply(parts(ctx, case))


async def _write(ctx: Context, section: Section, text: str) -> Reply:
    case = await ctx.case(Action.WRITE_OUTCOME)
    changed = case.write_outcome(section, text)
    await ctx.save(changed)
    return _changed(ctx, case, changed)


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


@command("outcome sign", where="case", action=Action.SEND_TO_SIGNING)
async def sign(ctx: Context, confirm: Confirm = Confirm(False)) -> Reply:
    """Sign the outcome and close the case."""
    case = await ctx.case(Action.SEND_TO_SIGNING)
    signed = case.send_to_signing().sign(ctx.actor, ctx.device_id, at=ctx.now)
    outcome = signed.outcome()
    if not outcome.counts_in_monitoring and not confirm:
        return say("outcome-too-few", count=len(outcome.opinions), minimum=MIN_OPINIONS)
    _audit(ctx, signed, Action.SIGN, "signed")
    await ctx.save(signed)
    document = SendOutcome(outcome, case.nickname, case.network, case.requester)
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
