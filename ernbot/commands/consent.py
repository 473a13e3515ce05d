"""`!consent …`: record what the patient allowed, and withdraw it."""

from __future__ import annotations

from datetime import datetime

from ernbot.commands import dialogue
from ernbot.commands.card import consent_fact
from ernbot.commands.context import Context, access
from ernbot.commands.dialogue import Topic
from ernbot.commands.effects import Redact, Remove, TakeBack, case_lane
from ernbot.commands.files import file_tag, is_identifiable, job_tag, together
from ernbot.commands.registry import PREFIX, Answers, Words, command
from ernbot.commands.reply import Fact, Part, Reply, Symbol, Text, Value
from ernbot.commands.requests import tell_dispatchers
from ernbot.core import requesting
from ernbot.core.case import Case
from ernbot.core.consent import Paper, Purpose, Signer, check_form_version, check_language, check_signed
from ernbot.core.dates import parse_date
from ernbot.core.errors import BadInput
from ernbot.core.form import Field, Form, Option
from ernbot.core.states import Action, Draft

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

DETAILS = "form=… lang=… signer=… signed=…"


def read(field: Field, text: str, at: datetime) -> tuple[Value, ...]:
    """One answer of the form as it was understood.

    Raises:
        BadInput: it does not fit; each answer is checked when it is given, not at the end.
    """
    text = text.strip()
    match field.id:
        case "purposes":
            return tuple(Symbol("purpose", purpose) for purpose in _purposes(text))
        case "signer":
            return (Symbol("signer", str(field.parse(text))),)
        case "signed":
            signed = parse_date(text)
            check_signed(signed, at)
            return (signed,)
        case "form":
            check_form_version(text)
            return (text,)
        case _:
            check_language(text.lower())
            return (text.lower(),)


TOPIC = Topic(
    kind="consent",
    action=Action.GIVE_CONSENT,
    form=FORM,
    one_line=f"{PREFIX}consent give care {DETAILS}",
    question=lambda field: Text(f"ask-consent-{field.id}"),
    label=lambda field: Text(f"answer-consent-{field.id}"),
    option=lambda field, option: Symbol({"purposes": "purpose"}.get(field.id, field.id), option.id),
    read=read,
)


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
    changed = case.give_consent(purposes, paper(answers), by=ctx.actor, at=ctx.now, on_behalf_of=ctx.on_behalf_of)
    _audit(ctx, changed, "consent-given", purposes)
    if isinstance(case.state, Draft) and not isinstance(changed.state, Draft):
        await ctx.outbox.to_case(case.id, access(changed))
        if ctx.office.network(case).triage:
            changed = requesting.submit(changed, ctx.actor, at=ctx.now)
            await tell_dispatchers(ctx, changed)
    await ctx.save(changed)
    recorded = (consent_fact(changed, purpose, ctx.now, ctx.office) for purpose in purposes)
    if not changed.covered(ctx.now):
        then = "consent-care-missing"
    else:
        then = "consent-request-waits" if changed.triage.holds(changed.network) else "consent-care-covered"
    return Reply((Text("consent-recorded"), *recorded, Text(then)))


def _audit(ctx: Context, case: Case, decision: str, purposes: tuple[Purpose, ...]) -> None:
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.GIVE_CONSENT if decision == "consent-given" else Action.WITHDRAW_CONSENT,
        case_id=case.id,
        decision=decision,
        detail={"purposes": ",".join(purposes), "event": ctx.event_id, "device": ctx.device_id},
    )


@command(
    "consent give",
    where="case",
    action=Action.GIVE_CONSENT,
    shape=f"<purposes …> {DETAILS}",
    example=f"{PREFIX}consent give care form=2.1 lang=da signer=parent signed=2026-03-31",
)
async def give(ctx: Context, purposes: Words, details: Answers) -> Reply:
    """Record a signed consent in one line."""
    await ctx.case(Action.GIVE_CONSENT)
    known = {field.id for field in FORM.fields} - {"purposes"}
    for key in details:
        if key not in known:
            fields = ", ".join(field.id for field in FORM.fields if field.id in known)
            raise BadInput("answer-unknown", field=key, fields=fields)
    missing = [field.id for field in FORM.fields if field.id in known and not details.get(field.id)]
    if missing:
        raise BadInput("answer-missing", field=", ".join(missing))
    return await record(ctx, {"purposes": ",".join(purposes), **details})


@command("consent", where="case", action=Action.GIVE_CONSENT)
async def consent(ctx: Context) -> None:
    """Record a signed consent, question by question."""
    await ctx.case(Action.GIVE_CONSENT)
    await dialogue.begin(ctx, TOPIC)


@command("consent withdraw", where="case", action=Action.WITHDRAW_CONSENT, shape="<care, registry, contact or images>")
async def withdraw(ctx: Context, purposes: Words) -> Reply | None:
    """Withdraw consents; without consent to care the panel is dissolved at once."""
    case = await ctx.case(Action.WITHDRAW_CONSENT)
    # Care comes last: nothing can be withdrawn from a case that is withdrawn.
    wanted = sorted(_purposes(",".join(purposes)), key=lambda purpose: purpose is Purpose.CARE)
    changed = case
    for purpose in wanted:
        changed = changed.withdraw_consent(purpose, by=ctx.actor, at=ctx.now, on_behalf_of=ctx.on_behalf_of)
    _audit(ctx, changed, "consent-withdrawn", tuple(wanted))
    if Purpose.CARE in wanted:
        await _dissolve(ctx, case, changed)
        return None
    await ctx.save(changed)
    parts: list[Part] = [Text("consent-withdrawn", {"purpose": Symbol("purpose", purpose)}) for purpose in wanted]
    if Purpose.IMAGES in wanted:
        parts.append(Text("withdrawal-photographs", {"count": await _take_photographs_out(ctx, case)}))
    return Reply((*parts, Text("consent-case-goes-on")))


async def _take_photographs_out(ctx: Context, case: Case) -> int:
    """Redact everything in a case that shows who somebody is, and its previews; how many there were."""
    groups = [files for files in together(await ctx.tx.files(case.id)) if is_identifiable(files)]
    for leader, *_ in groups:
        shown = await ctx.tx.tagged(case_lane(case.id), file_tag(leader.group))
        originals = (original.event_id for original in leader.originals)
        for event_id in (*originals, *(item.event_id for item in shown)):
            await ctx.outbox.to_case(case.id, Redact(event_id))
    return len(groups)


async def _dissolve(ctx: Context, case: Case, changed: Case) -> None:
    """Close the room to everybody but the requester, stop what is on its way, and tell who must know."""
    await ctx.tx.drop_lane_content(case_lane(case.id))
    for job_id in await ctx.tx.drop_jobs(case.id):
        await ctx.outbox.to_case(case.id, TakeBack(job_tag(job_id)))
    await ctx.outbox.to_case(case.id, access(changed, open=False, closed=True))
    removed = tuple(person for person in case.admitted if person not in changed.admitted)
    for person in removed:
        await ctx.outbox.to_case(case.id, Remove(person))
    await dialogue.give_up(ctx, case, "withdrawn")
    await ctx.save(changed)
    names = ", ".join(map(ctx.office.directory.name_of, removed))
    done: tuple[Part, ...] = (
        Text("withdrawal-done", {"nickname": case.nickname, "count": len(removed)}),
        *((Fact(Text("withdrawal-removed"), names),) if names else ()),
        Text("withdrawal-stopped"),
        Text("withdrawal-not-recalled"),
    )
    await ctx.say(Reply((*done, Text("withdrawal-tell-patient"))))
    network = ctx.office.network(case)
    requester = Fact(Text("card-requester"), ctx.office.directory.name_of(case.requester))
    coordinators = network.coordinators()
    for user in dict.fromkeys((*coordinators, ctx.actor)):
        if user != case.requester:
            notice = (Text("withdrawal-notice", {"network": network.name}),) if user in coordinators else ()
            await ctx.outbox.to_person(user, Reply((*done, requester, *notice)))
