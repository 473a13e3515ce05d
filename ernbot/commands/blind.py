"""Blind mode in the room: switching it, revealing, and keeping opinions out of the room while they are sealed.

Whoever types an opinion into the room all the same, by command, template, answer or mistyped, has it taken out of the
room at once and finds it as a draft in their direct chat with the bot. No answer given here repeats a word of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from ernbot.commands import dialogue, shown
from ernbot.commands.context import Context
from ernbot.commands.effects import Redact
from ernbot.commands.opinion import announce, continued, draft_of, topic
from ernbot.commands.registry import PREFIX, Confirm, command, key_values
from ernbot.commands.reply import Part, Quote, Reply, Text, say
from ernbot.core import sheet
from ernbot.core.blind import Mode, missing
from ernbot.core.case import Case
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import Form
from ernbot.core.states import Action

LIKE = 0.7
"""Likeness from which a mistyped `!opinion` counts as one (0 to 1, as difflib counts)."""

MODES: dict[str, Mode] = {"off": "off", "on": "on", "lead": "lead"}


@command("panel blind", where="case", action=Action.ARRANGE, shape="on/off/lead")
async def panel_blind(ctx: Context, mode: str) -> Reply:
    """Hide opinions from each other, and from the lead as well, until all are in."""
    case = await ctx.case(Action.ARRANGE)
    wanted = MODES.get(mode.casefold())
    if wanted is None:
        raise BadInput("blind-mode")
    await ctx.save(case.keep_apart(wanted))
    return say(f"blind-set-{wanted}")


@command("panel question", where="case", action=Action.ARRANGE, shape="<type>", changes="case")
async def panel_question(ctx: Context, kind: str) -> Reply:
    """Say what type of question this is, which decides on the form."""
    case = await ctx.case(Action.ARRANGE)
    types = ctx.office.network(case).opinion_forms
    if not types:
        raise Refused("question-type-none")
    if kind.casefold() not in types:
        raise BadInput("question-type", types=", ".join(types))
    await ctx.save(case.ask_for(kind.casefold()))
    return say("question-type-set", type=kind.casefold())


@command("reveal", where="case", action=Action.REVEAL)
async def reveal(ctx: Context, confirm: Confirm = Confirm(False)) -> Reply | None:
    """End blind mode: all opinions are posted here."""
    case = await ctx.case(Action.REVEAL)
    revealed = case.reveal(ctx.actor, at=ctx.now)
    absent = missing(case.opinions, case.panel)
    if absent and not confirm:
        names = ", ".join(map(ctx.office.directory.name_of, absent))
        return Reply((shown.sealed_count(case), Text("reveal-confirm", {"names": names})))
    await ctx.save(revealed)
    await announce(ctx, revealed, "revealed")
    return None


def tells(text: str, forms: Iterable[Form]) -> bool:
    """Whether a message gives an opinion, well typed or not, rather than being talk or another command."""
    if text.startswith(PREFIX):
        words = text.removeprefix(PREFIX).split(maxsplit=2)
        noun, verb = (*(word.casefold() for word in words[:2]), "", "")[:2]
        if not difflib.get_close_matches(noun, ["opinion"], n=1, cutoff=LIKE):
            return False
        return verb != "show"
    for form in forms:
        ids = {match[1].casefold() for match in re.finditer(r"([A-Za-z][A-Za-z0-9-]{0,60})\s*=", text)}
        if len(ids & {field.id for field in form.fields}) > 1 or sheet.looks_filled(text, form):
            return True
    return False


async def intercepted(ctx: Context, text: str, number: int | None = None, *, edited: str | None = None) -> bool:
    """Keep an opinion out of a room in which opinions are sealed; whether that was necessary.

    `number` is the question of a dialogue in this room that the message answers, `edited` the message that it replaces.
    """
    if ctx.place is None or not (number is not None or tells(text, _forms(ctx))):
        return False
    try:
        case = await ctx.case(Action.READ, said=False)
    except Refused:
        return False
    if not case.blind.hides or ctx.actor not in case.panel:
        return False
    form = ctx.office.opinion_form(case)
    begun = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    begun = begun if begun is not None and begun.kind == "opinion" else None
    texts, unplaced = _given(text, form)
    if number is not None and not text.startswith(PREFIX) and number < len(form.fields) and not texts:
        texts, unplaced = {form.fields[number].id: text}, []
    if texts or unplaced or edited:
        await ctx.outbox.to_case(case.id, Redact(ctx.event_id))
        if edited is not None:
            await ctx.outbox.to_case(case.id, Redact(edited))
        await ctx.say(say("blind-room"))
    else:
        await ctx.say(say("blind-room-asks"))
    if begun is not None:
        await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
    await _wait_aside(ctx, case, form, dialogue.merged(begun, texts), unplaced)
    return True


def _forms(ctx: Context) -> list[Form]:
    network = ctx.office.directory.network(ctx.place.network) if ctx.place is not None else None
    ids = {network.opinion_form, *network.opinion_forms.values()} if network is not None else set()
    return [ctx.office.forms[form_id] for form_id in sorted(ids) if form_id in ctx.office.forms]


def _given(text: str, form: Form) -> tuple[dict[str, str], list[str]]:
    """The texts of an opinion by field, and what belongs to no field, however it was typed."""
    if text.startswith(PREFIX):
        _, _, text = text.partition("opinion") if "opinion" in text.split()[0] else text.partition(" ")
    text = text.strip()
    if not text or text.casefold() == "form":
        return {}, []
    start = re.search(r"(?:^|\s)[A-Za-z][A-Za-z0-9_-]*=", text)
    if sheet.looks_filled(text, form) and (start is None or start.start() > 0):
        reading = sheet.read(text, form)
        return reading.texts, list(reading.unplaced)
    try:
        typed = key_values(text[start.start() :] if start else text)
    except BadInput:
        return {}, [text]
    before = [text[: start.start()].strip()] if start and text[: start.start()].strip() else []
    known = {key: value for key, value in typed.items() if form.field(key) is not None}
    return known, [*before, *(f"{key}: {value}" for key, value in typed.items() if key not in known)]


async def _wait_aside(ctx: Context, case: Case, form: Form, texts: dict[str, str], unplaced: list[str]) -> None:
    """Keep what was typed as a draft in the direct chat, or send it back there where another draft waits already."""
    place = ctx.place
    assert place is not None
    returned: list[Part] = [Text("draft-unplaced"), Quote("\n".join(unplaced))] if unplaced else []
    room_id = await ctx.tx.direct_room(ctx.actor)
    if room_id is None:
        sheet_of = shown.template(form, case.nickname, texts)
        moved = Text("blind-draft-sent-back", {"nickname": case.nickname})
        await ctx.outbox.to_person(ctx.actor, Reply((moved, *returned)))
        await ctx.outbox.to_person(ctx.actor, Reply((sheet_of,)))
        return
    aside = ctx.aside(room_id)
    try:
        current = await draft_of(aside, case)
    except Refused:
        await aside.say(Reply((Text("blind-draft-sent-back", {"nickname": case.nickname}), *returned)))
        await aside.say(Reply((shown.template(form, case.nickname, texts),)))
        return
    all_texts = dialogue.merged(current, texts)
    if not all_texts and not returned:
        await continued(aside, case)
        return
    filled = form.fill(all_texts, ctx.now.date())
    moved = Text("blind-draft-moved", {"nickname": case.nickname})
    await dialogue.begin(aside, topic(form, sealed=True), filled, [moved, *returned])
