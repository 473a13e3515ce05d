"""`!consensus`: what the panel agrees and differs on, in words."""

from __future__ import annotations

from collections.abc import Callable

from ernbot.commands.context import Context
from ernbot.commands.registry import command
from ernbot.commands.reply import Fact, Heading, Labels, Part, Reply, Text
from ernbot.commands.shown import readable
from ernbot.core.case import Case
from ernbot.core.consensus import FEW, counting
from ernbot.core.errors import Refused
from ernbot.core.opinion import Opinion
from ernbot.core.states import Action
from ernbot.documents.agreement import Sentences, findings, number
from ernbot.locales import LANGUAGES, catalogue


def spoken(words: Callable[[Sentences], str]) -> Labels:
    """The same words in every language, for the sender to choose from."""
    return Labels({language: words(catalogue(language).text) for language in LANGUAGES})


def who_counts(case: Case, opinions: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """The opinions of those who are still on the panel and have declared no conflict of interest."""
    authors = (opinion.author for opinion in opinions)
    count = counting(authors, conflicted=case.conflicted, present=case.members)
    return tuple(opinion for opinion in opinions if opinion.author in count)


def statistics(ctx: Context, case: Case) -> tuple[Part, ...]:
    """What the opinions say together, for a room after the reveal and for the draft of an outcome.

    Raises:
        Refused: `consensus-blind` while opinions are kept apart, because everybody in the room reads the answer;
            `no-opinions` when there are none, `consensus-nobody-counts` when none of them counts.
    """
    if case.blind.hides:
        raise Refused("consensus-blind")
    opinions = readable(ctx, case)
    if not opinions:
        raise Refused("no-opinions")
    counted = who_counts(case, opinions)
    if not counted:
        raise Refused("consensus-nobody-counts")
    form = ctx.office.opinion_form(case)
    by_language = {language: findings(counted, form, catalogue(language).text, language) for language in LANGUAGES}
    facts = [
        Fact(Labels(same[0].label), Labels(dict(zip(by_language, (finding.sentence for finding in same), strict=True))))
        for same in zip(*by_language.values(), strict=True)
    ]
    return (Heading("consensus-title"), *facts, *_notes(ctx, case, opinions, counted))


def after_reveal(ctx: Context, case: Case) -> tuple[Part, ...]:
    """What belongs to opinions that were revealed just now: what they say together, or nothing of a single one."""
    enough = len(who_counts(case, readable(ctx, case))) > 1
    return statistics(ctx, case) if enough else ()


def _notes(ctx: Context, case: Case, opinions: tuple[Opinion, ...], counted: tuple[Opinion, ...]) -> list[Part]:
    """Who was not counted, and how little the rest may mean."""
    notes: list[Part] = []
    uncounted = (opinion.author for opinion in (*opinions, *case.set_aside) if opinion not in counted)
    left_out = dict.fromkeys(uncounted)
    if left_out:
        names = ", ".join(map(ctx.office.directory.name_of, left_out))
        notes.append(Text("consensus-left-out", {"names": names, "count": len(left_out)}))
    return [*notes, *cautioned(len(counted))]


def cautioned(count: int) -> tuple[Text, ...]:
    """What belongs to a statement about so few people."""
    return (Text("consensus-few", {"count": spoken(lambda text: number(count, text))}),) if count < FEW else ()


@command("consensus", where="case", action=Action.READ_OPINIONS, changes="nothing")
async def consensus(ctx: Context) -> Reply:
    """Say what the opinions agree and differ on."""
    case = await ctx.case(Action.READ_OPINIONS)
    return Reply(statistics(ctx, case))
