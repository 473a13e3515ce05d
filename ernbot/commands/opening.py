"""What a new case needs, asked question by question in the direct chat of whoever brings it.

Why a case is presented and what is new are asked and may be left out: neither ever holds a case up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ernbot.commands import dialogue
from ernbot.commands.context import Context
from ernbot.commands.dialogue import Topic
from ernbot.commands.registry import PREFIX
from ernbot.commands.reply import Labels, Text, Value
from ernbot.core.background import Background
from ernbot.core.case import question_of
from ernbot.core.directory import Network
from ernbot.core.errors import Refused
from ernbot.core.form import Field, Form, Option
from ernbot.core.states import Action
from ernbot.storage.records import Dialogue

KIND: Literal["new-case"] = "new-case"


def networks(ctx: Context) -> list[Network]:
    """Where the actor may open a case, for themselves or for somebody whom they assist."""
    assisted = ctx.office.directory.assisted_by(ctx.actor)
    return [
        network
        for network in ctx.office.directory.networks
        if network.treats_patients(ctx.actor) or any(map(network.treats_patients, assisted))
    ]


def topic(ctx: Context) -> Topic:
    """The questions; their words are in the catalogue, not here."""
    options = tuple(Option(network.id, {"en": network.name}) for network in networks(ctx))
    fields = (
        Field("network", "choice", {}, options=options),
        Field("question", "text", {}),
        Field("why", "text", {}, required=False),
        Field("new", "text", {}, required=False),
    )
    return Topic(
        kind=KIND,
        action=Action.CREATE,
        form=Form(KIND, "1", {}, fields),
        one_line=f"{PREFIX}case new <network> <question …>",
        question=lambda field: Text(f"ask-case-{field.id}"),
        label=lambda field: Text(f"answer-case-{field.id}"),
        option=lambda _, option: Labels(option.labels),
        read=lambda field, text, _: _read(ctx, field, text),
    )


def _read(ctx: Context, field: Field, text: str) -> tuple[Value, ...]:
    match field.id:
        case "network":
            network = ctx.office.directory.network(str(field.parse(text)))
            assert network is not None
            return (network.name,)
        case "question":
            return (question_of(text),)
        case "why":
            return (Background().tell("why", text).why,)
        case _:
            return (Background().tell("new", text).new,)


async def begin(ctx: Context, network: Network | None, more: Mapping[str, str]) -> None:
    """Ask for what was not said. `more` are the details that were.

    Raises:
        Refused: `dialogue-busy` when something else is unfinished here, which must not be lost.
    """
    before = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if before is not None and before.kind != KIND:
        raise Refused("dialogue-busy")
    answers = {key: more[key] for key in ("why", "new") if key in more}
    data = {"form": KIND, "version": "1", "answers": answers, "asked": 0, "skipped": [], "more": dict(more)}
    current = Dialogue(ctx.room_id, ctx.actor, KIND, ctx.root, data, ctx.now)
    if network is not None:
        await dialogue.take(ctx, current, topic(ctx), network.id, 0)
        return
    await ctx.tx.save_dialogue(current)
    await dialogue.ask(ctx, current, topic(ctx))


async def answered(ctx: Context, current: Dialogue, text: str, number: int) -> tuple[str, str, dict[str, str]] | None:
    """Take an answer. Network, question and details once all of them are confirmed; None while there is more to ask."""
    answers = await dialogue.take(ctx, current, topic(ctx), text, number)
    if answers is None:
        return None
    told = {key: answers[key] for key in ("why", "new") if key in answers}
    return answers["network"], answers["question"], {**current.data["more"], **told}
