"""`!rate …`: a rater's own ratings, in the direct chat: in one line, statement by statement, or as a filled template.

Numbers and remarks that wait for the final yes are sealed with the case and end with it. A reaction fills in a number
and records nothing: it travels in the clear (docs/decisions/0004). Statements are shown on request only, in the moment
in which the gate lets them pass.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ernbot.commands.choosing import usable
from ernbot.commands.context import Context
from ernbot.commands.delphi import _decimal
from ernbot.commands.dialogue import SKIP, YES
from ernbot.commands.refusals import refusal
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Item, Part, Quote, Reply, Text, Value, say
from ernbot.core import rounds
from ernbot.core.case import Case
from ernbot.core.consensus import counting
from ernbot.core.delphi import Round, Study
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import Action
from ernbot.storage.records import Dialogue

KIND = "rating"
"""Dialogues about ratings are of the kind `rating:<case id>`, so that their questions are known by it."""

TEMPLATE = "ratings"
"""Marks a template in the outbox as `ratings:<case id>`, so that a reply to it finds its case."""

_RATING = re.compile(r"(?:(?<=\s)|(?<=[,;])|\A)(\d{1,4})\s*=\s*(\S+)", re.ASCII)

Ratings = dict[int, tuple[int, str]]


@dataclass(frozen=True)
class There:
    """A case with an open round that asks this person; `ctx` is about it, so that what is said goes with its key."""

    ctx: Context
    case: Case

    @property
    def round(self) -> Round:
        found = self.case.study.open_round
        assert found is not None
        return found


def parse(text: str) -> Ratings:
    """`1=8 2=3 too early 3=9` as ratings with their remarks.

    Raises:
        BadInput: `usage` when there is none, `rating-twice` for a statement given twice, `delphi-rating` for what is no
            whole number from 1 to 9.
    """
    found = list(_RATING.finditer(text))
    if not found:
        raise BadInput("usage")
    ratings: Ratings = {}
    for match, following in zip(found, [*found[1:], None], strict=True):
        statement = int(match[1])
        if statement in ratings:
            raise BadInput("rating-twice", statement=statement)
        remark = text[match.end() : following.start() if following else len(text)]
        ratings[statement] = (_value(match[2].rstrip(",;"), statement), " ".join(remark.split()).strip(" ,;"))
    return ratings


def _value(text: str, statement: int) -> int:
    if not re.fullmatch("[1-9]", text):
        raise BadInput("delphi-rating", statement=statement, value=text[:10])
    return int(text)


async def _waiting(ctx: Context) -> list[There]:
    """The rounds that ask this person now."""
    found = []
    for place in await ctx.tx.places_of(ctx.actor):
        if place.room_id is None:
            continue
        there = ctx.on(place)
        try:
            case = await there.case(Action.READ)
        except Refused:
            continue
        now = case.study.open_round if case.delphi else None
        if now is not None and ctx.actor in now.invited:
            found.append(There(there, case))
    return found


async def _chosen(ctx: Context, text: str) -> tuple[There, str]:
    """The case whose nickname the text begins with, or the only one there is; and the rest of the text.

    Raises:
        Refused: `rate-nothing` when no round asks this person; else what the gate says.
        BadInput: `rate-which` when several do and none is named.
    """
    waiting = await _waiting(ctx)
    if not waiting:
        raise Refused("rate-nothing")
    folded = " ".join(text.split())
    named = [each for each in waiting if folded.casefold().startswith(each.case.nickname.casefold())]
    waiting = named if len(named) == 1 else usable(ctx, Action.RATE, waiting, lambda each: each.case)
    if len(waiting) > 1:
        raise BadInput("rate-which", cases=", ".join(each.case.nickname for each in waiting))
    there = waiting[0]
    rest = text
    if named:
        pattern = r"\s+".join(map(re.escape, there.case.nickname.split()))
        rest = re.sub(rf"\A\s*{pattern}\s*:?", "", text, flags=re.IGNORECASE)
    return await _again(there.ctx), rest.strip()


async def _again(there: Context) -> There:
    """The case through the gate, to rate in it.

    Raises:
        Refused: `rate-nothing` when its round is over or does not ask this person, else what the gate says.
    """
    case = await there.case(Action.RATE)
    now = case.study.open_round if case.delphi else None
    if now is None or there.actor not in now.invited:
        raise Refused("rate-nothing")
    if there.actor in case.conflicted:
        raise Refused("delphi-conflict")
    return There(there, case)


async def _by_id(ctx: Context, case_id: str) -> There:
    place = await ctx.tx.case_place(case_id)
    if place is None or place.room_id is None:
        raise Refused("no-case")
    return await _again(ctx.on(place))


@command(
    "rate",
    where="direct",
    action=Action.RATE,
    shape="[<case>] [<number>=<1 to 9> … or list or suggest <statement …>]",
)
async def rate(ctx: Context, ratings: Rest = Rest("")) -> None:
    """Rate the statements of an open round: in one line, or alone, one by one."""
    verb, *words = ratings.split(maxsplit=1) or [""]
    there, rest = await _chosen(ctx, (words[0] if words else "") if verb.casefold() in VERBS else ratings)
    if verb.casefold() not in VERBS:
        verb, *words = rest.split(maxsplit=1) or [""]
        rest = (words[0] if words else "") if verb.casefold() in VERBS else rest
    if verb.casefold() in VERBS:
        await VERBS[verb.casefold()](there, rest)
        return
    if rest:
        await _record(there, parse(rest))
        return
    unrated = [statement for statement in there.round.statements if statement not in there.round.own(ctx.actor)]
    statements = unrated or list(there.round.statements)
    data = {"case": there.case.id, "round": there.round.number, "statements": statements, "asked": 0, "answers": {}}
    draft = Dialogue(ctx.room_id, ctx.actor, f"{KIND}:{there.case.id}", None, data, ctx.now, there.case.id)
    await ctx.tx.save_dialogue(draft)
    fields: dict[str, Value] = {
        "nickname": there.case.nickname,
        "round": there.round.number,
        "count": len(statements),
        "example": _example(statements),
    }
    await _ask(there, draft, Text("rate-opening", fields))


async def _list(there: There, _: str) -> None:
    """Show all statements at once; a reply with numbers rates them."""
    own = there.round.own(there.ctx.actor)
    shown: list[Part] = [Text("rate-template", {"nickname": there.case.nickname, "round": there.round.number})]
    for number in there.round.statements:
        text = there.case.study.statement(number).text
        given = own.get(number)
        key = "rate-line-rated" if given is not None else "rate-line"
        fields: dict[str, Value] = {"text": text, "value": given.value if given is not None else 0}
        shown.append(Item(Text(key, fields if given is not None else {"text": text}), code=f"{number}="))
    shown.append(Text("rate-reply", {"example": _example(there.round.statements)}))
    await there.ctx.say(Reply(tuple(shown)), tag=f"{TEMPLATE}:{there.case.id}")


def _example(statements: list[int] | tuple[int, ...]) -> str:
    return " ".join(f"{statement}={value}" for statement, value in zip(statements, (8, 3, 9), strict=False))


async def _suggest(there: There, statement: str) -> None:
    """Take a statement for the second round."""
    await there.ctx.save(rounds.suggest_statement(there.case, there.ctx.actor, statement), unseen=True)
    await there.ctx.say(say("rate-suggested", nickname=there.case.nickname))


VERBS: Mapping[str, Callable[[There, str], Awaitable[None]]] = {"list": _list, "suggest": _suggest}


async def _record(there: There, ratings: Mapping[int, tuple[int, str]]) -> None:
    """Store ratings, unseen by the room; when nobody is missing any more, the lead alone is told that."""
    ctx = there.ctx
    changed = rounds.rate(there.case, ctx.actor, ratings, at=ctx.now)
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.RATE,
        case_id=changed.id,
        decision="rated",
        detail={"round": there.round.number, "event": ctx.event_id, "device": ctx.device_id},
    )
    await ctx.save(changed, unseen=True)
    draft = await ctx.tx.dialogue(ctx.room_id, ctx.actor)
    if draft is not None and is_draft(draft) and draft.case_id == changed.id:
        # What was filled in before must not overwrite what was just recorded.
        await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
    now = changed.study.open_round
    assert now is not None
    if _complete(changed, now) and not _complete(changed, there.round):
        told = say("delphi-all-rated", nickname=changed.nickname, round=now.number)
        await ctx.outbox.to_person(changed.lead, told)
    own = now.own(ctx.actor)
    given = ", ".join(f"{statement}={rating.value}" for statement, rating in sorted(own.items()))
    missing = [str(statement) for statement in now.statements if statement not in own]
    parts: list[Part] = [Text("rate-recorded", {"nickname": changed.nickname, "ratings": given})]
    parts.append(Text("rate-missing", {"statements": ", ".join(missing)}) if missing else Text("rate-complete"))
    if now.number == 1 and not missing:
        parts.append(Text("rate-suggest"))
    await ctx.say(Reply(tuple(parts)))


def _complete(case: Case, now: Round) -> bool:
    awaited = counting(now.invited, conflicted=case.conflicted, present=case.panel)
    return all(len(now.own(user)) == len(now.statements) for user in awaited)


# --- statement by statement


def is_draft(dialogue: Dialogue) -> bool:
    """Whether a dialogue is about ratings."""
    return dialogue.kind.startswith(f"{KIND}:")


def tag(draft: Dialogue) -> str:
    """The mark of the statement that a dialogue is at."""
    return f"{draft.kind}:{draft.data['round']}:{draft.data['asked']}"


def place_of(draft: Dialogue, mark: str | None) -> int | None:
    """Which question of this dialogue bears a mark; None for one of another dialogue, or of nobody's."""
    before, _, asked = (mark or "").rpartition(":")
    return int(asked) if before == f"{draft.kind}:{draft.data['round']}" and asked.isdigit() else None


async def _ask(there: There, draft: Dialogue, *before: Part) -> None:
    """Put the next statement, or show all numbers and ask whether to record them."""
    statements, asked = draft.data["statements"], draft.data["asked"]
    if asked < len(statements):
        study, number = there.case.study, statements[asked]
        parts = [*before, Text("rate-statement", {"place": asked + 1, "count": len(statements), "number": number})]
        parts += [Quote(study.statement(number).text), *_feedback(study, number, there.ctx.actor)]
        await there.ctx.say(Reply(tuple(parts)), tag=tag(draft), choices=9)
        return
    answers = draft.data["answers"]
    lines = [Item(_given(value, remark), code=statement) for statement, (value, remark) in answers.items()]
    await there.ctx.say(Reply((*before, *lines, Text("rate-confirm"))), tag=tag(draft))


def _given(value: int, remark: str) -> Text:
    return Text("rate-answer", {"value": value, "remark": remark}) if remark else Text("rate-number", {"value": value})


def _feedback(study: Study, statement: int, user: str) -> list[Part]:
    """How the round before rated a statement, what was remarked, and one's own last answer."""
    now = study.open_round
    assert now is not None
    earlier = [held for held in study.rounds[:-1] if statement in held.statements]
    if not earlier:
        return []
    last = earlier[-1]
    result = study.result(last.number, statement)
    low, high = sum(result.distribution[:3]), sum(result.distribution[6:])
    fields: dict[str, Value] = {
        "round": last.number,
        "low": low,
        "middle": sum(result.distribution) - low - high,
        "high": high,
    }
    parts: list[Part] = [Text("rate-before", fields)]
    if result.spread is not None:
        spread = {name: _decimal(getattr(result.spread, name)) for name in ("median", "lower", "upper")}
        parts.append(Text("rate-median", {**spread}))
    own = last.own(user).get(statement)
    parts.append(Text("rate-own", {"value": own.value}) if own is not None else Text("rate-own-none"))
    return parts + [Quote(remark) for remark in last.comments(statement)]


async def hear(ctx: Context, draft: Dialogue, text: str, mark: str | None) -> None:
    """An answer in a dialogue: to the statement that was replied to, or to the present one. Refusals are said."""
    place = place_of(draft, mark)
    if mark is None:
        place = draft.data["asked"]
    if place is None:
        await ctx.say(say("not-a-command"))
        return
    try:
        async with ctx.tx.savepoint():
            there = await _same(ctx, draft)
            await _take(there, draft, text, place)
    except BadInput as error:
        await ctx.say(refusal(error), tag=tag(draft))
    except Refused as error:
        # The round or the consent is gone, and with it what was filled in.
        await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
        await ctx.say(refusal(error))


async def _same(ctx: Context, draft: Dialogue) -> There:
    """The case of a dialogue, as long as its round is the one that is open.

    Raises:
        Refused: `rate-nothing` when it is not, else what the gate says.
    """
    there = await _by_id(ctx, draft.data["case"])
    if there.round.number != draft.data["round"]:
        raise Refused("rate-nothing")
    return there


async def _take(there: There, draft: Dialogue, text: str, place: int) -> None:
    ctx = there.ctx
    statements, answers = draft.data["statements"], draft.data["answers"]
    if place >= len(statements):
        if text.casefold().rstrip(" .!") not in YES:
            raise BadInput("rate-yes")
        await ctx.tx.end_dialogue(ctx.room_id, ctx.actor)
        given = {int(statement): (value, remark) for statement, (value, remark) in answers.items()}
        if given:
            await _record(there, given)
        else:
            await ctx.say(say("cancel-done"))
        return
    statement = statements[place]
    if text.casefold() in SKIP:
        answers.pop(str(statement), None)
    else:
        value, *remark = text.split(maxsplit=1)
        answers[str(statement)] = [_value(value.rstrip(".,:;"), statement), " ".join(remark)]
    draft.data["asked"] = max(draft.data["asked"], place + 1)
    await ctx.tx.save_dialogue(draft)
    await _ask(there, draft)


async def prefill(ctx: Context, draft: Dialogue, chosen: str, mark: str | None) -> None:
    """A numbered reaction: it fills in the number of the statement under which it stands.

    Once all is there to be read through, only words change it.
    """
    place = place_of(draft, mark)
    if place is None or place >= len(draft.data["statements"]) or draft.data["asked"] >= len(draft.data["statements"]):
        return
    try:
        async with ctx.tx.savepoint():
            place_in = await ctx.tx.case_place(draft.data["case"])
            if place_in is None or place_in.room_id is None:
                return
            # It proves nothing, and completes nothing: that takes words, of whose sender we are sure.
            there = ctx.on(place_in)
            case = await there.case(Action.RATE, said=False)
            now = case.study.open_round if case.delphi else None
            if now is not None and now.number == draft.data["round"] and ctx.actor in now.invited:
                await _take(There(there, case), draft, chosen, place)
    except Refused as error:
        await ctx.say(refusal(error))


async def answered_template(ctx: Context, text: str, mark: str | None) -> bool:
    """A reply to a template rates; whether it was one."""
    name, _, case_id = (mark or "").partition(":")
    if name != TEMPLATE or ctx.place is not None:
        return False
    try:
        async with ctx.tx.savepoint():
            there = await _by_id(ctx, case_id)
            await _record(there, _filled(text))
    except Refused as error:
        reply = say("rate-reply", example="1=8 2=3") if error.code == "usage" else refusal(error)
        await ctx.say(reply, tag=mark)
    return True


def _filled(text: str) -> Ratings:
    """A template with some lines left empty, which are not answers."""
    lines = [line.lstrip("-*• ") for line in text.replace("`", "").split("\n")]
    return parse("\n".join(line for line in lines if not re.fullmatch(r"\d{1,4}\s*=\s*", line, re.ASCII)))
