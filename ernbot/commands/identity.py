"""`!identity …`: by which keys the bot and people know each other, and what happens when somebody's have changed.

Another identity may be somebody's new phone, or somebody else in their account. Which of the two, only people can find
out, by talking to each other; nothing here takes a change as confirmed by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ernbot.commands.context import Context
from ernbot.commands.effects import Message
from ernbot.commands.naming import folded, people
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Fact, Part, Reply, Symbol, Text, Value, say
from ernbot.core.assurance import BEGINNING, Assurance, beginning, grouped
from ernbot.core.directory import Directory, Network, Role
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action
from ernbot.storage.identities import IDENTITY_CONFIRMED
from ernbot.storage.records import InboxItem, StoredIdentity
from ernbot.storage.transaction import Transaction

ADMINISTRATOR = "administrator"
"""Who confirms on the command line; no user id looks like this."""

AUDITED = "identity"
"""The action under which changes and confirmations stand in the audit."""


@command("identity", where="direct", changes="nothing")
async def show(ctx: Context) -> Reply:
    """Show the fingerprints of the bot and of this person, and whether theirs has changed."""
    parts: list[Part] = [Fact(Text("identity-bot"), grouped(ctx.office.fingerprint))]
    known = (await ctx.tx.identities([ctx.actor])).get(ctx.actor)
    if known is not None and known.master is not None:
        parts.append(Fact(Text("identity-yours"), grouped(known.master)))
    if ctx.assurance is Assurance.VERIFIED:
        parts.append(Text("identity-verified"))
    elif ctx.assurance is Assurance.UNCHANGED:
        parts.append(Text("identity-unchanged"))
    doubt = await ctx.doubt(max(Assurance.UNCHANGED, ctx.office.policy.needs(Action.SIGN)))
    if doubt is not None:
        parts += refusal(doubt).parts
    return Reply(tuple(parts))


@command(
    "identity confirm",
    where="direct",
    coordinator=True,
    shape=f"<person> <first {BEGINNING} characters of the new fingerprint>",
)
async def confirm(ctx: Context, line: Rest) -> Reply:
    """Confirm, as coordinator, that somebody's new identity is their own."""
    networks = [n for n, person in ctx.office.directory.memberships(ctx.actor) if person.role is Role.COORDINATOR]
    if not networks:
        raise Refused("identity-not-coordinator")
    doubt = await ctx.doubt(max(Assurance.UNCHANGED, ctx.office.policy.needs(Action.SIGN)))
    if doubt is not None:
        raise doubt
    user_id, typed = _whom(line, networks)
    if user_id == ctx.actor:
        raise Refused("identity-own")
    name = ctx.office.directory.name_of(user_id)
    await accept(ctx.tx, user_id, typed, name=name, by=ctx.actor, at=ctx.now)
    return say("identity-confirmed", name=name)


def _whom(line: str, networks: Sequence[Network]) -> tuple[str, str]:
    """The person and the fingerprint in a line; a name may have several words, and the fingerprint several groups.

    Raises:
        BadInput: `usage` without a fingerprint. Refused: `identity-person` for nobody of these networks.
    """
    words = line.split()
    if len(words) < 2:
        raise BadInput("usage")
    named = {name: user_id for network in networks for name, user_id in people(network).items()}
    for number in range(len(words) - 1, 0, -1):
        user_id = named.get(folded(" ".join(words[:number])))
        if user_id is not None:
            return user_id, "".join(words[number:])
    raise Refused("identity-person", person=words[0])


async def accept(tx: Transaction, user_id: str, typed: str, *, name: str, by: str, at: datetime) -> None:
    """Take somebody's new identity for theirs from now on; the bot hears of it by its inbox.

    Raises:
        Refused: `identity-unknown`, `identity-unchanged`, `identity-none` or `identity-fingerprint`.
    """
    await tx.lock_crypto()
    known = (await tx.identities([user_id])).get(user_id)
    try:
        master = _new_master(known, typed, name)
    except Refused as refusal:
        tx.audit(at=at, actor=by, action=AUDITED, decision=refusal.code, detail={"user": user_id})
        raise
    assert known is not None
    await tx.save_identity(replace(known, accepted=master, changed_at=None))
    detail = {"user": user_id, **_change(known.accepted, master)}
    tx.audit(at=at, actor=by, action=AUDITED, decision="identity-confirmed", detail=detail)
    row = f"{IDENTITY_CONFIRMED}:{user_id}:{master}:{at.isoformat()}"
    await tx.receive(InboxItem(row, "", user_id, IDENTITY_CONFIRMED, {"by": by}, at))


def _new_master(known: StoredIdentity | None, typed: str, name: str) -> str:
    """The master key that is to be confirmed."""
    if known is None:
        raise Refused("identity-unknown", name=name)
    if known.master == known.accepted:
        raise Refused("identity-unchanged", name=name)
    if known.master is None:
        raise Refused("identity-none", name=name)
    if len(typed) < BEGINNING or not known.master.startswith(typed):
        raise Refused("identity-fingerprint", name=name, count=BEGINNING)
    return known.master


def _change(before: str | None, now: str | None) -> dict[str, str | int]:
    return {"before": beginning(before), "now": beginning(now)}


# --- what the bot tells of it, from its inbox


async def changed(ctx: Context, before: str | None, now: str | None) -> None:
    """Another identity has taken the place of the actor's: write it down, and tell everybody who works with them."""
    change = _change(before, now)
    fields: dict[str, Value] = {"name": ctx.office.directory.name_of(ctx.actor), "date": ctx.now.date()}
    asked = ctx.office.policy.needs(Action.SIGN) > Assurance.SIGNED
    until = (Text("identity-until-confirmed"),) if asked else ()
    told = await _tell_cases(ctx, Reply((Text("identity-changed-notice", fields), *until)))
    for case_id in (None, *told):
        ctx.tx.audit(
            at=ctx.now, actor=ctx.actor, action=AUDITED, case_id=case_id, decision="identity-changed", detail=change
        )
    if not ctx.office.directory.knows(ctx.actor):
        return
    coordinators = _coordinators(ctx.office.directory, ctx.actor)
    names = ", ".join(ctx.office.directory.name_of(coordinator) for coordinator in coordinators)
    what = Text("identity-changed-yours", {"date": ctx.now.date(), "user": ctx.actor, "start": beginning(now)})
    who = (Fact(Text("identity-coordinators"), names),) if names else ()
    # Without a signed device of an identity that is good enough, nothing encrypted would reach them.
    sure = Assurance.NONE if now is None else Assurance.SIGNED
    plain = sure < ctx.office.policy.room_keys
    await ctx.outbox.to_person(ctx.actor, Reply((what, *until, *who)), plain=plain)
    for coordinator in coordinators:
        await ctx.outbox.to_person(coordinator, say("identity-changed-coordinator", **fields, user=ctx.actor))


async def confirmed(ctx: Context, by: str) -> None:
    """The actor's new identity was confirmed: tell whoever was told of the change."""
    name = ctx.office.directory.name_of
    who: Value = Symbol("confirmed-by", ADMINISTRATOR) if by == ADMINISTRATOR else name(by)
    await _tell_cases(ctx, say("identity-confirmed-notice", name=name(ctx.actor), by=who))
    if ctx.office.directory.knows(ctx.actor):
        await ctx.outbox.to_person(ctx.actor, say("identity-confirmed-yours", by=who))


async def _tell_cases(ctx: Context, notice: Reply) -> list[str]:
    """Say something in every case of the actor that is not over; the ids of these cases."""
    places = await ctx.tx.places_of(ctx.actor)
    for place in places:
        await ctx.outbox.to_case(place.case_id, Message(notice, place.requester))
    return [place.case_id for place in places]


def _coordinators(directory: Directory, user_id: str) -> tuple[str, ...]:
    """Who coordinates a network of somebody, apart from themselves."""
    found = [one for network, _ in directory.memberships(user_id) for one in network.coordinators()]
    return tuple(one for one in dict.fromkeys(found) if one != user_id)
