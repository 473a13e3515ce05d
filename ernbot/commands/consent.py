"""`!consent …`: record what the patient allowed, and withdraw it."""

from __future__ import annotations

import contextlib
import re
from datetime import date

from ernbot.commands import dialogue
from ernbot.commands.context import Context, access
from ernbot.commands.effects import Remove, case_lane
from ernbot.commands.registry import Answers, command
from ernbot.commands.reply import Fact, Reply, Symbol, Text, say
from ernbot.core.case import Action, Case, Draft
from ernbot.core.consent import Paper, Purpose, Signer
from ernbot.core.errors import BadInput
from ernbot.core.form import Field, Form, Option

FORM = Form(
    id="consent",
    version="1",
    labels={},
    fields=(
        Field("purposes", "choices", {}, options=tuple(Option(purpose, {}) for purpose in Purpose)),
        Field("form", "text", {}),
        Field("lang", "text", {}),
        Field("signer", "choice", {}, options=tuple(Option(signer, {}) for signer in Signer)),
        Field("signed", "text", {}),
    ),
)
"""The questions of `!consent`; their words are in the catalogue, not here."""


def parse_date(text: str) -> date:
    """A date as ISO 8601 (`2026-03-31`) or day first (`31.3.2026`, `31/3/2026`).

    Raises:
        BadInput: `date` when it is none.
    """
    text = text.strip()
    iso = re.fullmatch(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", text, re.ASCII)
    match = iso or re.fullmatch(r"(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})", text, re.ASCII)
    if match is not None:
        with contextlib.suppress(ValueError):
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
    raise BadInput("date", text=text)


def paper(answers: dict[str, str]) -> Paper:
    """The signed form that the answers describe."""
    signer = FORM.fields[3].parse(answers["signer"])
    return Paper(
        answers["form"].strip(), answers["lang"].strip().lower(), Signer(str(signer)), parse_date(answers["signed"])
    )


def _purposes(text: str) -> tuple[Purpose, ...]:
    parsed = FORM.fields[0].parse(text)
    assert isinstance(parsed, tuple)
    return tuple(map(Purpose, parsed))


async def record(ctx: Context, answers: dict[str, str]) -> Reply:
    """Write a consent into the ledger; consent to care opens the case."""
    case = await ctx.case(Action.GIVE_CONSENT)
    purposes = _purposes(answers["purposes"])
    changed = case.give_consent(purposes, paper(answers), by=ctx.actor, at=ctx.now)
    _audit(ctx, changed, "consent-given", purposes)
    if isinstance(case.state, Draft) and not isinstance(changed.state, Draft):
        await ctx.outbox.to_case(case.id, access(changed))
    await ctx.save(changed)
    recorded = (Fact(Text("consent-purpose"), Symbol("purpose", purpose)) for purpose in purposes)
    care = changed.consent.covers(Purpose.CARE, ctx.now)
    return Reply(
        (Text("consent-recorded"), *recorded, Text("consent-care-covered" if care else "consent-care-missing"))
    )


def _audit(ctx: Context, case: Case, decision: str, purposes: tuple[Purpose, ...]) -> None:
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.GIVE_CONSENT if decision == "consent-given" else Action.WITHDRAW_CONSENT,
        case_id=case.id,
        decision=decision,
        detail={"purposes": ",".join(purposes), "event": ctx.event_id, "device": ctx.device_id},
    )


@command("consent give", where="case", action=Action.GIVE_CONSENT)
async def give(ctx: Context, purposes: str, details: Answers) -> Reply:
    """Record a signed consent in one line."""
    await ctx.case(Action.GIVE_CONSENT)
    known = {field.id for field in FORM.fields} - {"purposes"}
    for key in details:
        if key not in known:
            raise BadInput("answer-unknown", field=key, fields=", ".join(sorted(known)))
    missing = sorted(known - details.keys())
    if missing:
        raise BadInput("answer-missing", field=", ".join(missing))
    return await record(ctx, {"purposes": purposes, **details})


@command("consent", where="case", action=Action.GIVE_CONSENT)
async def consent(ctx: Context) -> None:
    """Record a signed consent, question by question."""
    await ctx.case(Action.GIVE_CONSENT)
    await dialogue.begin(ctx, "consent", FORM)


@command("consent withdraw", where="case", action=Action.WITHDRAW_CONSENT)
async def withdraw(ctx: Context, purpose: str) -> Reply | None:
    """Withdraw a consent; without consent to care the panel is dissolved at once."""
    case = await ctx.case(Action.WITHDRAW_CONSENT)
    wanted = _purposes(purpose)[0]
    changed = case.withdraw_consent(wanted, by=ctx.actor, at=ctx.now)
    _audit(ctx, changed, "consent-withdrawn", (wanted,))
    if wanted is not Purpose.CARE:
        await ctx.save(changed)
        return say("consent-withdrawn", purpose=Symbol("purpose", wanted))
    await _dissolve(ctx, case, changed)
    return None


async def _dissolve(ctx: Context, case: Case, changed: Case) -> None:
    """Close the room to everybody but the requester, stop what is on its way, and tell who must know."""
    await ctx.tx.drop_lane_content(case_lane(case.id))
    await ctx.tx.end_dialogues(ctx.room_id)
    await ctx.outbox.to_case(case.id, access(changed, open=False, closed=True))
    for expert in case.panel:
        await ctx.outbox.to_case(case.id, Remove(expert))
    await ctx.save(changed)
    names = ", ".join(ctx.office.directory.name_of(expert) for expert in case.panel)
    done = (
        Text("withdrawal-done", {"nickname": case.nickname, "count": len(case.panel)}),
        *((Fact(Text("withdrawal-removed"), names),) if names else ()),
        Text("withdrawal-stopped"),
        Text("withdrawal-not-recalled"),
    )
    await ctx.say(Reply(done))
    for coordinator in ctx.office.network(case).coordinators():
        if coordinator != case.requester:
            await ctx.outbox.to_person(coordinator, Reply(done))
