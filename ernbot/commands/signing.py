"""Votes on an outcome and signatures under it.

A signature says that the outcome is recorded as the panel reached it, dissent included, so whoever voted is asked for
one, whatever they voted. The messages count for what they say, so the digest of the text stands in them.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ernbot.commands.choosing import usable
from ernbot.commands.context import Context, access
from ernbot.commands.effects import SendOutcome, case_lane
from ernbot.commands.registry import CONFIRM, Confirm, Rest, command
from ernbot.commands.reply import Part, Reply, Text, say
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.outcome import MIN_OPINIONS, Signature
from ernbot.core.recommending import numbered
from ernbot.core.signature import SHORT, short
from ernbot.core.states import Action, Closed

_CODE = re.compile(rf"[0-9a-f]{{{SHORT}}}")


# --- votes


async def _in_case(ctx: Context, said: str) -> tuple[Context, str]:
    """Where a vote counts that was given in the direct chat, and what is left of it without the nickname.

    Raises:
        Refused: `vote-nowhere` when this person is asked nowhere, `vote-which` when they are in several places and
            have not begun with a nickname.
    """
    found: list[tuple[Case, Context]] = []
    for place in await ctx.tx.places_of(ctx.actor):
        if place.state == "drafting" and place.room_id is not None:
            there = replace(ctx, place=place, room_id=place.room_id)
            case = await there.case(Action.READ)
            if ctx.actor in case.panel:
                found.append((case, there))
    if not found:
        raise Refused("vote-nowhere")
    named = [(case, there) for case, there in found if said.casefold().startswith(case.nickname.casefold())]
    if len(named) == 1:
        case, there = named[0]
        return there, said[len(case.nickname) :].lstrip(" :,")
    found = usable(ctx, Action.VOTE, found, lambda each: each[0])
    if len(found) > 1:
        raise Refused("vote-which", names=", ".join(case.nickname for case, _ in found))
    return found[0][1], said


async def _vote(ctx: Context, said: str, *, agrees: bool) -> Reply:
    alone = ctx.place is None
    there, said = await _in_case(ctx, said) if alone else (ctx, said)
    case = await there.case(Action.VOTE)
    anonymous = case.outcome().anonymous
    if anonymous and not alone:
        raise Refused("vote-alone")
    number, reason = numbered(said)
    if number is not None and number not in {line.id for line in case.outcome().recommendations}:
        number, reason = None, said
    changed = case.vote(ctx.actor, agrees=agrees, reason=reason, at=ctx.now, recommendation=number)
    decision = "voted" if anonymous else "agrees" if agrees else "dissents"
    _audit(there, changed, Action.VOTE, decision)
    await there.save(changed)
    key = "vote-agrees" if agrees else "vote-dissents"
    version = changed.outcome().version
    if number is not None:
        return say(f"{key}-one", version=version, number=number)
    return say(f"{key}-unnamed" if anonymous else key, version=version)


@command("outcome agree", where="anywhere", action=Action.VOTE, shape="[number] [remark …]")
async def agree(ctx: Context, remark: Rest = Rest("")) -> Reply:
    """Agree with the recommendations, or with one of them."""
    return await _vote(ctx, remark, agrees=True)


@command("outcome dissent", where="anywhere", action=Action.VOTE, shape="[number] <reason …>")
async def dissent(ctx: Context, reason: Rest = Rest("")) -> Reply:
    """Dissent from the recommendations, or from one of them, with the reason."""
    return await _vote(ctx, reason, agrees=False)


# --- signatures


@command("outcome sign", where="case", action=Action.SEND_TO_SIGNING, shape=f"[{CONFIRM}]")
async def outcome_sign(ctx: Context, said: Rest = Rest("")) -> Reply | None:
    """Sign the outcome: the lead first, then everybody who voted; the last signature closes the case."""
    confirmed, code = _said(said)
    if ctx.place is None or ctx.place.state != "drafting":
        return await _sign(ctx, code)
    case = await ctx.case(Action.SEND_TO_SIGNING)
    if ctx.on_behalf_of is not None:
        raise Refused("personal", action=Action.SIGN, name=ctx.office.directory.name_of(ctx.on_behalf_of))
    voted = case.outcome().voted if ctx.office.network(case).signers == "lead-and-panel" else ()
    sent = case.send_to_signing((case.lead, *(member for member in voted if member != case.lead)))
    warning = await _warning(ctx, case)
    if warning is not None and not confirmed:
        await ctx.say(say("outcome-too-few", count=len(case.outcome().opinions), minimum=MIN_OPINIONS), tag=warning)
        return None
    return await _signed(ctx, sent, code)


async def _warning(ctx: Context, case: Case) -> str | None:
    """The mark of the warning of a case that will not count; None when it counts, or when its lead was warned."""
    outcome = case.outcome()
    mark = f"too-few:{outcome.version}"
    if outcome.counts_in_monitoring or await ctx.tx.tagged(case_lane(case.id), mark):
        return None
    return mark


@command("sign", where="case", action=Action.SIGN, shape="<code>")
async def sign(ctx: Context, said: Rest = Rest("")) -> Reply:
    """Sign the outcome that the lead has sent out."""
    return await _sign(ctx, _said(said)[1])


def _said(text: str) -> tuple[bool, str]:
    """Whether somebody insists, and the beginning of the digest that they typed."""
    word = text.strip().casefold().strip("`")
    if word in ("", CONFIRM):
        return word == CONFIRM, ""
    if not _CODE.fullmatch(word):
        raise BadInput("usage")
    return False, word


async def _sign(ctx: Context, code: str) -> Reply:
    case = await ctx.case(Action.SIGN)
    outcome = case.outcome()
    if ctx.actor in outcome.unsigned and not code:
        raise Refused("sign-code", version=outcome.version, start=short(outcome.digest()))
    return await _signed(ctx, case, code)


async def _signed(ctx: Context, case: Case, code: str) -> Reply:
    """A case that waits for signatures with one more."""
    digest = case.outcome().digest()
    if code and code != short(digest):
        raise Refused("sign-other")
    signature = Signature(ctx.actor, ctx.device_id, digest, ctx.now, said=code, event_id=ctx.event_id)
    signed = case.sign(await _vouched(ctx, signature))
    _audit(ctx, signed, Action.SIGN, "signed")
    await ctx.save(signed)
    if isinstance(signed.state, Closed):
        await _publish(ctx, signed)
        return say("outcome-signed", nickname=signed.nickname)
    return Reply(_waiting(ctx, signed))


async def _vouched(ctx: Context, signature: Signature) -> Signature:
    """The signature with how we know whose it is, its place in the audit chain, and ours under it."""
    known = (await ctx.tx.identities([ctx.actor])).get(ctx.actor)
    keys = {device: ed25519 for device, _, ed25519, signed in known.devices if signed} if known is not None else {}
    entries, head = await ctx.tx.audit_head()
    signature = replace(
        signature,
        device_key=keys.get(ctx.device_id, ""),
        master=(known.master if known is not None else None) or "",
        assurance=ctx.assurance.name.lower(),
        audit_entries=entries,
        audit_head=head,
    )
    return ctx.office.notary.countersign(signature) if ctx.office.notary is not None else signature


def _waiting(ctx: Context, case: Case) -> tuple[Part, ...]:
    outcome = case.outcome()
    names = ", ".join(ctx.office.name_in(case, person) for person in outcome.unsigned)
    code = short(outcome.digest())
    return (Text("sign-waiting", {"names": names, "version": outcome.version}), Text("sign-how", {"code": code}))


async def _publish(ctx: Context, case: Case) -> None:
    """Send the outcome of a case that was just closed as a document."""
    document = SendOutcome(case.outcome(), case.nickname, case.network, case.requester)
    await ctx.outbox.to_case(case.id, document, tag="outcome")
    await ctx.outbox.to_case(case.id, access(case))


@command("outcome close", where="case", action=Action.BACK_TO_DRAFTING)
async def close(ctx: Context, confirm: Confirm = Confirm(False)) -> Reply:
    """Close the case without the signatures that are missing; the document names who did not sign."""
    case = await ctx.case(Action.BACK_TO_DRAFTING)
    missing = ", ".join(ctx.office.name_in(case, person) for person in case.outcome().unsigned)
    closed = case.waive(at=ctx.now)
    if not confirm:
        return say("outcome-close-without", names=missing)
    _audit(ctx, closed, Action.SIGN, "waived")
    await ctx.save(closed)
    await _publish(ctx, closed)
    return say("outcome-closed", nickname=case.nickname, name=ctx.office.name_in(case, ctx.actor), names=missing)


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
