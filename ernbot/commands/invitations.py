"""`!accept`, `!decline`, `!conflict`: what the invited say, in the room, in the direct chat, or by coming and going."""

from __future__ import annotations

import re
from dataclasses import replace

from ernbot.commands.context import Context
from ernbot.commands.effects import Message
from ernbot.commands.naming import folded
from ernbot.commands.panel import INVITATION, called, leave, suggestion_tag, suggestions
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Item, Part, Quote, Reply, Text, say
from ernbot.commands.who import lines
from ernbot.core import inviting
from ernbot.core.case import Case
from ernbot.core.directory import Role, localpart
from ernbot.core.errors import BadInput, Refused
from ernbot.core.invitation import InvitationState, find
from ernbot.core.ranking import Field
from ernbot.core.states import Action

MAX_LEADS = 3
"""People who are named as possible leads."""

AGREES = frozenset("👍✅✔🆗")
"""Reactions to an invitation that accept it: that says nothing clinical, and lets nobody in who was not asked."""


async def _open(ctx: Context, *, said: bool = True) -> list[tuple[Context, Case]]:
    """The cases in which somebody has an invitation, each with its room as the context; those unanswered if any are."""
    if ctx.place is not None:
        return [(ctx, await ctx.case(Action.ANSWER_INVITATION, said=said))]
    found = []
    for place in await ctx.tx.places_of(ctx.actor):
        if place.room_id is None or place.requester == ctx.actor:
            continue
        there = replace(ctx, room_id=place.room_id, place=place, thread=None)
        try:
            found.append((there, await there.case(Action.ANSWER_INVITATION, said=said)))
        except Refused:
            continue
    waiting = [each for each in found if _waits(each[1], ctx.actor)]
    return waiting or found


def _waits(case: Case, user: str) -> bool:
    asked = case.invitation(user)
    return asked is not None and asked.state is InvitationState.INVITED


async def _one(ctx: Context, text: str) -> tuple[Context, Case, str]:
    """The case that is meant, and the rest of the words; of several, the one whose nickname or number comes first.

    Raises:
        Refused: `invitation-none` when there is none.
        BadInput: `invitation-which` when it could be several, with their numbers.
    """
    found = await _open(ctx)
    if not found:
        raise Refused("invitation-none")
    text = " ".join(text.split())
    for number, (there, case) in enumerate(found, start=1):
        for name in (case.nickname, str(number) if len(found) > 1 else case.nickname):
            if re.match(rf"{re.escape(folded(name))}(\s|$)", folded(text)):
                return there, case, text[len(name) :].strip()
    if len(found) > 1:
        names = "; ".join(f"{number} = {case.nickname}" for number, (_, case) in enumerate(found, start=1))
        raise BadInput("invitation-which", cases=names)
    return *found[0], text


@command("accept", where="anywhere", action=Action.ANSWER_INVITATION, shape="[case]")
async def accept(ctx: Context, which: Rest = Rest("")) -> Reply:
    """Accept an invitation."""
    there, case, _ = await _one(ctx, which)
    await _accept(there, case)
    return say("invitation-accepted", nickname=case.nickname)


async def _accept(there: Context, case: Case) -> None:
    changed = inviting.answer(case, there.actor, accepts=True, reason="", at=there.now)
    if changed != case:
        _audit(there, case, "invitation-accepted")
        await there.save(changed)


@command("decline", where="anywhere", action=Action.ANSWER_INVITATION, shape="[case] <reason …>")
async def decline(ctx: Context, reason: Rest) -> Reply:
    """Decline an invitation, with the reason, or leave a case."""
    there, case, words = await _one(ctx, reason)
    if not words:
        raise BadInput("usage")
    await _decline(there, case, words)
    return say("invitation-declined-yours", nickname=case.nickname)


async def _decline(there: Context, case: Case, reason: str) -> None:
    """Take somebody off the panel, tell the lead, and suggest somebody else."""
    changed = inviting.answer(case, there.actor, accepts=False, reason=reason, at=there.now)
    _audit(there, case, "invitation-declined")
    await leave(there, changed, there.actor)
    said: list[Part] = [Text("invitation-declined", {"name": called(there, case, there.actor)})]
    await _tell_lead(there, changed, [*said, *([Quote(reason)] if reason else [])])


def _audit(there: Context, case: Case, decision: str) -> None:
    there.tx.audit(at=there.now, actor=there.actor, action=Action.ANSWER_INVITATION, case_id=case.id, decision=decision)


async def _tell_lead(there: Context, changed: Case, said: list[Part]) -> None:
    """Save a case that has one expert less, and tell the lead of it in the room, with the next best one."""
    office = there.office
    network = office.network(changed)
    listed = office.directory.expert_of(there.actor, network)
    theirs = [Field(listed[0], listed[0].competence(c)) for c in listed[1].competences] if listed is not None else []
    asked = office.index.mentioned(changed.question, network)
    fields = [field for field in theirs if field in asked] or theirs
    asks_as_lead = replace(there, actor=changed.lead)
    found = await suggestions(asks_as_lead, changed, fields, 1)
    changed = replace(changed, suggested=tuple(each.person.user_id for each in found))
    await there.save(changed)
    if found:
        said += [Text("invitation-instead"), *lines(found, asks_as_lead, changed.network)]
        said.append(Item(Text("invitation-invite"), code="!panel invite 1"))
    tag = suggestion_tag(changed) if found else None
    await there.outbox.to_case(changed.id, Message(Reply(tuple(said)), changed.lead), tag=tag)


@command("conflict", where="case", action=Action.DECLARE_CONFLICT)
async def conflict(ctx: Context, reason: Rest) -> None:
    """Declare a conflict of interest: without a vote from then on."""
    if (await ctx.case(Action.READ)).lead == ctx.actor:
        await ctx.say(_hand_over_first(ctx, await ctx.case(Action.HAND_OVER)))
        return
    case = await ctx.case(Action.DECLARE_CONFLICT)
    changed = inviting.declare_conflict(case, ctx.actor, reason)
    ctx.tx.audit(
        at=ctx.now, actor=ctx.actor, action=Action.DECLARE_CONFLICT, case_id=case.id, decision="conflict-declared"
    )
    brought = ctx.actor == case.requester
    await ctx.say(say("conflict-recorded-requester" if brought else "conflict-recorded"))
    await leave(ctx, changed, ctx.actor)
    name = called(ctx, case, ctx.actor)
    local = localpart(ctx.actor)
    said: list[Part] = [
        Text("conflict-declared", {"name": name}),
        Quote(" ".join(reason.split())),
        *(() if brought else (Item(Text("conflict-keep"), code=f"!panel keep {local}"),)),
    ]
    await _tell_lead(ctx, changed, said)


def _hand_over_first(ctx: Context, case: Case) -> Reply:
    """What a lead with a conflict of interest does, and who could lead: the panel first, then who coordinates."""
    network = ctx.office.network(case)
    coordinators = (person.user_id for person in network.people if person.role is Role.COORDINATOR)
    conflicted = {each.user_id for each in case.invitations if each.conflict is not None}
    possible = [
        user
        for user in dict.fromkeys((*case.panel, *coordinators))
        if user != case.lead and user not in conflicted and network.treats_patients(user)
    ]
    items = []
    for user in possible[:MAX_LEADS]:
        local = localpart(user)
        items.append(
            Item(Text("conflict-lead-person", {"name": called(ctx, case, user)}), code=f"!case handover {local}")
        )
    return Reply((Text("conflict-lead"), *items, Text("conflict-lead-then")))


# --- what people do without words


async def came(ctx: Context, case: Case) -> Case:
    """Somebody came into the room; by that they have accepted, unless their network wants it said."""
    asked = find(case.invitations, ctx.actor)
    if asked is None or asked.state is not InvitationState.INVITED or not ctx.office.network(case).joining_accepts:
        return case
    try:
        await _accept(ctx, await ctx.case(Action.ANSWER_INVITATION, said=False))
        return await ctx.case(Action.READ, said=False)
    except Refused:
        return case


async def went(ctx: Context) -> None:
    """Somebody declined the invitation into the room, or left it: the panel waits for them no longer."""
    try:
        case = await ctx.case(Action.ANSWER_INVITATION, said=False)
        if ctx.actor in case.panel:
            await _decline(ctx, case, "")
    except Refused:
        return


async def agreed(ctx: Context, key: str, target: str) -> bool:
    """Whether a reaction accepted an invitation in the direct chat."""
    if ctx.place is not None or key.rstrip("\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff") not in AGREES:
        return False
    sent = await ctx.tx.sent_item(target)
    name, _, case_id = ((sent.tag if sent is not None else None) or "").partition(":")
    if name != INVITATION:
        return False
    for there, case in await _open(ctx, said=False):
        if case.id == case_id:
            await _accept(there, case)
            await ctx.say(say("invitation-accepted", nickname=case.nickname))
            return True
    return False
