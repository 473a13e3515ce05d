"""`!opinion …`: each expert's structured answer to the network's form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ernbot.commands import dialogue
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.registry import PREFIX, Answers, command
from ernbot.commands.reply import Fact, Heading, Labels, Part, Reply, Text, Value, say
from ernbot.core.case import Action, Drafting
from ernbot.core.errors import Refused
from ernbot.core.form import Field, Form
from ernbot.core.form import Value as Answer
from ernbot.core.opinion import Opinion, latest


def topic(form: Form) -> Topic:
    """The questions of a form, as a dialogue."""
    required = " ".join(f"{field.id}=…" for field in form.fields if field.required)
    return Topic(
        kind="opinion",
        action=Action.GIVE_OPINION,
        form=form,
        one_line=f"{PREFIX}opinion {required}",
        question=lambda field: Text("dialogue-question", {"question": Labels(field.labels)}),
        label=lambda field: Labels(field.labels),
        option=lambda _, option: Labels(option.labels),
        read=_read,
    )


def _read(field: Field, text: str, _: datetime) -> tuple[Value, ...]:
    return tuple(_shown(field, field.parse(text)))


async def record(ctx: Context, answers: Mapping[str, str]) -> Reply:
    """Store an opinion, or a new version of it."""
    case = await ctx.case(Action.GIVE_OPINION)
    form = ctx.office.opinion_form(case)
    changed = case.record_opinion(ctx.actor, form.id, form.version, form.parse(answers), at=ctx.now)
    opinion = changed.opinions[-1]
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.GIVE_OPINION,
        case_id=case.id,
        decision="opinion-recorded",
        detail={"version": opinion.version, "event": ctx.event_id, "device": ctx.device_id},
    )
    await ctx.save(changed)
    key = "opinion-recorded" if opinion.version == 1 else "opinion-revised"
    drafted = (Text("opinion-after-draft"),) if isinstance(case.state, Drafting) else ()
    return Reply((Text(key, {"version": opinion.version}), *facts(form, opinion), *drafted))


@command("opinion", where="case", action=Action.GIVE_OPINION)
async def opinion(ctx: Context, answers: Answers = Answers({})) -> Reply | None:
    """Give or revise an opinion: in one line, or question by question."""
    if answers:
        return await record(ctx, answers)
    case = await ctx.case(Action.GIVE_OPINION)
    await dialogue.begin(ctx, topic(ctx.office.opinion_form(case)))
    return None


@command("opinion show", where="case", action=Action.READ_OPINIONS)
async def show(ctx: Context) -> Reply:
    """Show every expert's latest opinion."""
    case = await ctx.case(Action.READ_OPINIONS)
    form = ctx.office.opinion_form(case)
    opinions = latest(case.opinions)
    if not opinions:
        raise Refused("no-opinions")
    return Reply(tuple(_parts(ctx, form, opinions)))


def _parts(ctx: Context, form: Form, opinions: Iterable[Opinion]) -> Iterable[Part]:
    for opinion in opinions:
        fields: dict[str, Value] = {
            "name": ctx.office.directory.name_of(opinion.author),
            "version": opinion.version,
            "date": opinion.at,
        }
        yield Heading("opinion-by", fields)
        yield from facts(form, opinion)


def facts(form: Form, opinion: Opinion) -> Iterable[Fact]:
    """The answers of an opinion with the labels of its form; a field that the form has lost keeps its id."""
    for field_id, answer in opinion.answers.items():
        field = form.field(field_id)
        if field is None:
            yield Fact(Labels({"en": field_id}), str(answer))
        else:
            yield from (Fact(Labels(field.labels), value) for value in _shown(field, answer))


def _shown(field: Field, answer: Answer) -> Iterable[Value]:
    labels = {option.id: option.labels for option in field.options}
    for value in answer if isinstance(answer, tuple) else (answer,):
        yield Labels(labels[value]) if isinstance(value, str) and value in labels else value


@command("cancel", where="anywhere")
async def cancel(ctx: Context) -> Reply:
    """Leave the questions that are open; nothing of them is kept."""
    if await ctx.tx.dialogue(ctx.room_id, ctx.actor) is None:
        return say("cancel-nothing")
    await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
    return say("cancel-done")
