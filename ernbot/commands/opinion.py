"""`!opinion …`: each expert's structured answer to the network's form, in one line, by template or by dialogue.

Whatever is given in part becomes a draft: what fits is kept, what is missing or wrong is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from ernbot.commands import dialogue, shown, steps
from ernbot.commands.choosing import choose
from ernbot.commands.consensus import after_reveal
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.effects import Message
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import PREFIX, Rest, before_keys, command, key_values
from ernbot.commands.reply import Labels, Part, Quote, Reply, Text, Value, pages, say
from ernbot.core import sheet
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import Field, Form, find_form
from ernbot.core.states import Action, Drafting
from ernbot.storage.records import Dialogue

_KEYS = re.compile(r"\s*[A-Za-z][A-Za-z0-9_-]*=")
"""What a line of `key=value` begins with."""

MAX_UNPLACED = 500
"""Characters repeated of what belongs to no question, where the message itself is still there to be read."""


def topic(form: Form, *, sealed: bool = False) -> Topic:
    """The questions of a form, as a dialogue."""
    required = " ".join(f"{field.id}=…" for field in form.asked({}) if field.required)
    return Topic(
        kind="opinion",
        action=Action.GIVE_OPINION,
        form=form,
        one_line=f"{PREFIX}opinion {required}",
        question=lambda field: Text("dialogue-question", {"question": Labels(field.labels)}),
        label=lambda field: Labels(field.labels),
        option=lambda _, option: Labels(option.labels),
        read=_read,
        sealed=sealed,
    )


def _read(field: Field, text: str, at: datetime) -> tuple[Value | Text, ...]:
    return tuple(shown.answered(field, field.read(text, at.date())))


async def record(ctx: Context, case: Case, form: Form, answers: Mapping[str, str]) -> Reply:
    """Store an opinion, or a new version of it. The last one that was waited for in blind mode reveals them all."""
    filled = form.read(answers, ctx.now.date())
    changed = case.record_opinion(
        ctx.actor,
        form.id,
        form.version,
        filled.values,
        at=ctx.now,
        certainty={field_id: answer.certainty for field_id, answer in filled.answers.items() if answer.certainty},
        conflict=form.conflict(filled.values),
        words=form.words(filled.answers),
    )
    opinion = changed.opinions[-1]
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.GIVE_OPINION,
        case_id=case.id,
        decision="opinion-recorded",
        detail={"version": opinion.version, "event": ctx.event_id, "device": ctx.device_id},
    )
    await ctx.save(changed, unseen=changed.blind.hides and ctx.actor in case.answered)
    key = "opinion-recorded" if opinion.version == 1 else "opinion-revised"
    parts: list[Part] = [Text(key, {"version": opinion.version}), *shown.facts(opinion, form)]
    if opinion.conflict:
        parts.append(Text("opinion-conflict-recorded"))
    if isinstance(case.state, Drafting):
        parts.append(Text("opinion-after-draft"))
    if changed.blind.hides:
        parts += [
            Text("opinion-sealed" if changed.blind.from_lead else "opinion-sealed-but-for-lead"),
            shown.sealed_count(changed),
        ]
    elif case.blind.hides:
        await announce(ctx, changed, "reveal-all-in")
        parts.append(Text("reveal-all-in"))
    return Reply(tuple(parts))


async def announce(ctx: Context, case: Case, decision: str) -> None:
    """Post all opinions in the room of the case, now that they are revealed."""
    ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.REVEAL, case_id=case.id, decision=decision)
    for page in pages(shown.together(ctx, case, after_reveal(ctx, case))):
        await ctx.outbox.to_case(case.id, Message(page, case.requester), tag="reveal")


async def draft_of(ctx: Context, case: Case) -> Dialogue | None:
    """This person's draft on a case in this room.

    Raises:
        Refused: `draft-other` when there is one on another case, which must not be lost.
    """
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if current is None or current.kind != "opinion":
        return None
    if current.case_id == case.id:
        return current
    if dialogue.merged(current, {}):
        raise Refused("draft-other")
    return None


async def continued(ctx: Context, case: Case) -> None:
    """Ask on where a draft stopped, or begin one."""
    current = await draft_of(ctx, case)
    newest = ctx.office.opinion_form(case)
    form = newest if current is None else find_form(ctx.office.forms, current.data["form"], current.data["version"])
    if form is None:
        assert current is not None
        await hand_back(ctx, case, current)
        return
    about = topic(form, sealed=case.blind.hides)
    filled = form.fill(dialogue.merged(current, {}), ctx.now.date()) if current is not None else None
    if current is None or filled is None or not (filled.texts or filled.rejected):
        await dialogue.begin(ctx, about)
    else:
        moved = Dialogue(ctx.room_id, ctx.actor, "opinion", ctx.root, current.data, ctx.now, case.id)
        await ctx.tx.save_dialogue(moved)
        await dialogue.ask(ctx, moved, about, Text("draft-continued", {"count": len(filled.answers)}))


async def hand_back(ctx: Context, case: Case, current: Dialogue) -> None:
    """The form has changed and its old version is gone: the answers come back in a template of the new one."""
    form = ctx.office.opinion_form(case)
    texts = dialogue.merged(current, {})
    about = topic(form, sealed=case.blind.hides)
    kept = {field_id: text for field_id, text in texts.items() if form.field(field_id) is not None}
    await dialogue.begin(ctx, about, form.fill(kept, ctx.now.date()), silent=True)
    lost = tuple(Quote(f"{field_id}: {text}") for field_id, text in texts.items() if field_id not in kept)
    await ctx.say(Reply((Text("draft-form-changed"), *lost)))
    await post_template(ctx, case, form, kept)


async def post_template(ctx: Context, case: Case, form: Form, texts: Mapping[str, str]) -> None:
    """Send the template by itself, so that copying the message copies nothing else."""
    current = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    mark = dialogue.tag(current) if current is not None else None
    await ctx.say(Reply((shown.template(form, case.nickname, dict(texts)),)), tag=mark)


async def settle(
    ctx: Context, case: Case, form: Form, texts: Mapping[str, str], unplaced: Sequence[str] = ()
) -> Reply | None:
    """Record what was typed when it is complete; else keep it as a draft and ask for the rest.

    Raises:
        BadInput: nothing of it fits the form.
    """
    filled = form.fill(texts, ctx.now.date())
    if filled.complete and not unplaced:
        current = await draft_of(ctx, case) if ctx.place is not None else await ctx.tx.dialogue(ctx.room_id, ctx.actor)
        if current is not None and current.case_id == case.id and current.kind == "opinion":
            await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
        return await record(ctx, case, form, texts)
    complaint = form.complaint(filled)
    if complaint is not None and not (filled.texts or filled.rejected):
        raise complaint
    await draft_of(ctx, case)
    # Nothing is recorded yet, so editing the message corrects it.
    await steps.remember(ctx, f"{PREFIX}opinion", "nothing")
    before: list[Part] = [Text("draft-kept", {"count": len(filled.answers)})]
    if filled.unknown and complaint is not None:
        before += refusal(complaint).parts
    before += [Text("draft-idle", {"field": Labels(_field(form, field_id).labels)}) for field_id in filled.idle]
    if unplaced:
        quoted = "\n".join(unplaced)
        cut = quoted[:MAX_UNPLACED] + ("…" if len(quoted) > MAX_UNPLACED else "")
        before += [Text("draft-unplaced"), Quote(cut)]
    await dialogue.begin(ctx, topic(form, sealed=case.blind.hides), filled, before)
    return None


def _field(form: Form, field_id: str) -> Field:
    field = form.field(field_id)
    assert field is not None
    return field


@command(
    "opinion",
    where="anywhere",
    action=Action.GIVE_OPINION,
    shape="[<case>] [<key>=<value> …]",
    example="!opinion diagnosis=ORPHA:87 recommendation=watch confidence=3",
)
async def opinion(ctx: Context, text: Rest = Rest("")) -> Reply | None:
    """Give or revise an opinion: in one line, by a filled template, or question by question."""
    ctx, rest = await choose(ctx, text, Action.GIVE_OPINION)
    case = await ctx.case(Action.GIVE_OPINION)
    if not rest.strip():
        await continued(ctx, case)
        return None
    form = ctx.office.opinion_form(case)
    if sheet.looks_filled(rest, form) and not _KEYS.match(rest):
        reading = sheet.read(rest, form)
        return await _told(ctx, await settle(ctx, case, form, reading.texts, reading.unplaced))
    reply = await settle(ctx, case, form, _answers(rest, form, ctx.now.date()))
    if reply is None:
        # Nothing but a draft: what is wrong in the message can still be put right by editing it.
        await steps.remember(ctx, PREFIX + "opinion", "refused")
    return await _told(ctx, reply)


def _answers(line: str, form: Form, today: date) -> dict[str, str]:
    """The answers of a line by field id: by their keys, and before the first key by what they fit.

    Raises:
        BadInput: as `key_values`. Refused: `opinion-line` with how a whole line looks. It repeats nothing: the line may
            be for the lead alone.
    """
    before, after = before_keys(line)
    named = key_values(after) if after else {}
    placed = form.place(before, named, today)
    if placed is None:
        raise Refused("opinion-line", usage=topic(form).one_line)
    return placed | named


async def _told(ctx: Context, reply: Reply | None) -> Reply | None:
    """Say it about the case, also in a direct chat, whose own answers know of no case."""
    if reply is not None and ctx.about is not None:
        await ctx.say(reply)
        return None
    return reply


@command("opinion form", where="anywhere", action=Action.GIVE_OPINION, shape="[<case>]", changes="nothing")
async def form(ctx: Context, text: Rest = Rest("")) -> None:
    """Post the form as a template to copy, fill in and send back; filled with the draft or the opinion so far."""
    ctx, rest = await choose(ctx, text, Action.GIVE_OPINION)
    if rest.strip():
        raise BadInput("usage")
    case = await ctx.case(Action.GIVE_OPINION)
    current = await draft_of(ctx, case)
    newest = ctx.office.opinion_form(case)
    if current is None:
        await dialogue.begin(ctx, topic(newest, sealed=case.blind.hides), silent=True)
    own = next((each for each in reversed(case.opinions) if each.author == ctx.actor), None)
    texts = dialogue.merged(current, {}) or (shown.typed(own) if own is not None else {})
    await post_template(ctx, case, newest, texts)


@command("opinion show", where="anywhere", action=Action.READ_OPINIONS, shape="[<case>] [<name>]", changes="nothing")
async def show(ctx: Context, text: Rest = Rest("")) -> Reply | None:
    """Show the latest opinions that this person may read."""
    ctx, who = await choose(ctx, text, Action.READ_OPINIONS)
    case = await ctx.case(Action.READ_OPINIONS)
    if not case.opinions:
        raise Refused("no-opinions")
    opinions = shown.readable(ctx, case)
    if case.blind.hides and (ctx.place is not None or not opinions):
        # Everybody in the room would read the answer, whoever asks.
        return await _told(ctx, Reply((shown.sealed(ctx, case), shown.sealed_count(case))))
    if who.strip():
        wanted = who.strip().casefold()
        name = ctx.office.directory.name_of
        opinions = tuple(each for each in opinions if wanted in name(each.author).casefold())
        if not opinions:
            raise BadInput("opinion-nobody", name=who.strip()[:40])
    reply = Reply(tuple(shown.in_full(ctx, opinions))) if who.strip() else shown.overview(ctx, case, opinions)
    if case.blind.hides:
        reply = Reply((*reply.parts, shown.sealed(ctx, case), shown.sealed_count(case)))
    return await _told(ctx, reply)


@command("cancel", where="anywhere", changes="nothing")
async def cancel(ctx: Context) -> Reply:
    """Leave the questions that are open; nothing of them is kept."""
    if await ctx.tx.dialogue(ctx.room_id, ctx.actor) is None:
        return say("cancel-nothing")
    await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
    return say("cancel-done")
