"""`!followup`: the clinician says what became of the patient, and the panel reads it.

The question is put by the calendar. Replying to it, or a numbered reaction, begins the answer in a thread; one line
does as well. A reaction fills in an answer and never completes the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ernbot.commands import dialogue
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.effects import Message
from ernbot.commands.registry import PREFIX, Answers, command
from ernbot.commands.reminding import FOLLOW_UP
from ernbot.commands.reply import Fact, Heading, Part, Quote, Reply, Symbol, Text, Value, say
from ernbot.core import ending
from ernbot.core.condition import Among
from ernbot.core.errors import BadInput
from ernbot.core.followup import Changed, Followed, Report, WhyNot, report
from ernbot.core.form import Field, Form, Option
from ernbot.core.states import Action
from ernbot.storage.records import Dialogue

NOT_FULLY = Among("followed", (Followed.PARTLY, Followed.NO))

FORM = Form(
    id="follow-up",
    version="1",
    labels={},
    fields=(
        Field("followed", "choice", {}, options=tuple(Option(word, {}) for word in Followed)),
        Field("why", "choices", {}, options=tuple(Option(word, {}) for word in WhyNot), when=NOT_FULLY),
        Field("changed", "choice", {}, options=tuple(Option(word, {}) for word in Changed)),
        Field("happened", "text", {}, required=False),
    ),
)
"""The questions of `!followup`; their words are in the catalogue, not here."""


def read(field: Field, text: str, at: datetime) -> tuple[Value, ...]:
    """One answer as it was understood."""
    value = field.parse(text)
    if field.id == "happened":
        return (str(value),)
    return tuple(Symbol(field.id, str(each)) for each in (value if isinstance(value, tuple) else (value,)))


TOPIC = Topic(
    kind="follow-up",
    action=Action.FOLLOW_UP,
    form=FORM,
    one_line=f"{PREFIX}followup followed=partly why=patient changed=management happened=…",
    question=lambda field: Text(f"ask-followup-{field.id}"),
    label=lambda field: Text(f"answer-followup-{field.id}"),
    option=lambda field, option: Symbol(field.id, option.id),
    read=read,
)


@command("followup", where="case", action=Action.FOLLOW_UP, shape="[followed=… changed=… why=… happened=…]")
async def followup(ctx: Context, answers: Answers = Answers({})) -> Reply | None:
    """Say what became of the patient: in one line, or question by question."""
    if answers:
        return await record(ctx, answers)
    await ctx.case(Action.FOLLOW_UP)
    await dialogue.begin(ctx, TOPIC)
    return None


async def record(ctx: Context, answers: Mapping[str, str]) -> Reply:
    """Keep the report in the case, and show it to everybody in the room."""
    case = await ctx.case(Action.FOLLOW_UP)
    if FORM.fill(answers).missing == ("why",):
        raise BadInput("follow-up-why")
    given = FORM.parse(answers)
    why = given.get("why", ())
    made = report(
        ctx.actor,
        ctx.now,
        Followed(str(given["followed"])),
        Changed(str(given["changed"])),
        tuple(WhyNot(str(word)) for word in (why if isinstance(why, tuple) else (why,))),
        str(given.get("happened", "")),
    )
    changed = ending.record_follow_up(case, made)
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.FOLLOW_UP,
        case_id=case.id,
        decision="follow-up-recorded",
        detail={"event": ctx.event_id, "device": ctx.device_id},
    )
    await ctx.save(changed)
    await ctx.outbox.to_case(case.id, Message(_shown(ctx, made), ctx.actor))
    return say("followup-recorded")


def _shown(ctx: Context, made: Report) -> Reply:
    """What the panel reads."""
    parts: list[Part] = [
        Heading("followup-title", {"name": ctx.office.directory.name_of(made.by)}),
        Fact(Text("answer-followup-followed"), Symbol("followed", made.followed)),
        *(Fact(Text("answer-followup-why"), Symbol("why", word)) for word in made.why),
        Fact(Text("answer-followup-changed"), Symbol("changed", made.changed)),
    ]
    if made.happened:
        parts += [Text("answer-followup-happened"), Quote(made.happened)]
    return Reply(tuple(parts))


async def asked(ctx: Context, replies_to: str | None) -> str | None:
    """The question of a follow-up that a message of its clinician answers; None when it answers none."""
    if ctx.place is None or ctx.place.requester != ctx.actor:
        return None
    for event_id in (ctx.thread, replies_to):
        sent = await ctx.tx.sent_item(event_id) if event_id else None
        if sent is not None and (sent.tag, sent.case_id) == (FOLLOW_UP, ctx.place.case_id):
            return event_id
    return None


async def begin(ctx: Context, root: str, text: str, *, said: bool = True) -> None:
    """Take the first answer and ask the rest in a thread under the question; `said` is false for a reaction.

    Raises:
        BadInput: the answer does not fit. Refused: see `core.access.check_case`.
    """
    await ctx.case(Action.FOLLOW_UP, said=said)
    data = {"form": FORM.id, "version": FORM.version, "answers": {}, "asked": 0}
    current = Dialogue(ctx.room_id, ctx.actor, TOPIC.kind, root, data, ctx.now)
    await dialogue.take(replace(ctx, thread=root), current, TOPIC, text, 0)
