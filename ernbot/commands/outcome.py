"""`!outcome …`: what the panel recommends, written by its lead line by line. Votes and signatures: `signing.py`."""

from __future__ import annotations

from functools import partial

from ernbot.commands.context import Context
from ernbot.commands.naming import people
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Fact, Heading, Item, Line, Part, Quote, Reply, Symbol, Text, Value, say
from ernbot.core import ending
from ernbot.core.case import Case
from ernbot.core.errors import BadInput
from ernbot.core.outcome import Outcome, Section
from ernbot.core.recommendation import Recommendation
from ernbot.core.recommending import numbered, parse_line, propose
from ernbot.core.signature import short
from ernbot.core.states import Action, Drafting, Signing


def parts(ctx: Context, case: Case, outcome: Outcome | None = None) -> tuple[Part, ...]:
    """An outcome as a message, by default the present one: texts, votes, who has not voted, and signatures."""
    outcome = outcome or case.outcome()
    shown: list[Part] = [Heading("outcome-title", {"version": outcome.version})]
    if outcome.amends is not None:
        shown.append(Fact(Text("outcome-amends"), outcome.why))
    for line in outcome.recommendations:
        shown += _line(ctx, case, line)
    if not outcome.recommendations:
        shown.append(Text("outcome-recommendation-none"))
    shown += [
        Fact(Text(f"outcome-{section}"), text) for section in Section if (text := getattr(outcome, section.attribute))
    ]
    return (*shown, *_votes(ctx, case, outcome), *_signatures(ctx, case, outcome))


def _line(ctx: Context, case: Case, line: Recommendation) -> list[Part]:
    """One recommendation: a line with its number and what is known of it, then its text."""
    details = [Text("outcome-line", {"number": line.id}), Text(f"strength-{line.strength}")]
    if line.proposed:
        details.append(Text("outcome-proposed"))
    if line.direction == "against":
        details.append(Text("direction-against"))
    if line.evidence is not None:
        details.append(Text("outcome-grade", {"grade": Symbol("grade", line.evidence)}))
    if line.owner is not None:
        details.append(Text("outcome-owner", {"name": ctx.office.name_in(case, line.owner)}))
    if line.due is not None:
        details.append(Text("outcome-due", {"date": line.due}))
    if line.preference:
        details.append(Text("outcome-preference", {"preference": line.preference}))
    return [Line(tuple(details)), Quote(line.text)]


def _votes(ctx: Context, case: Case, outcome: Outcome) -> list[Part]:
    name = partial(ctx.office.name_in, case)
    shown: list[Part] = []
    withheld = outcome.withholds_votes(case.conflicted)
    if withheld:
        shown += [Fact(Text("outcome-votes"), len(outcome.voted))] if outcome.votes else []
    elif outcome.anonymous:
        agreements = sum(vote.agrees for vote in outcome.votes)
        shown += [Fact(Text("outcome-agreements"), agreements)] if outcome.votes else []
    else:
        for vote in (vote for vote in outcome.votes if vote.agrees):
            said = f"{name(vote.by)}: {vote.reason}" if vote.reason else name(vote.by)
            shown.append(Fact(_about("outcome-agrees", vote.recommendation), said))
    for dissent in () if withheld else outcome.dissents:
        who = f"{name(dissent.by)}: " if dissent.by is not None else ""
        shown.append(Fact(_about("outcome-dissents", dissent.recommendation), f"{who}{dissent.reason}"))
    if outcome.recommendations and not outcome.signatures and case.silent and isinstance(case.state, Drafting):
        shown.append(Fact(Text("outcome-silent"), ", ".join(map(name, case.silent))))
    if outcome.anonymous:
        shown.append(Text("outcome-anonymous-yet" if withheld and outcome.votes else "outcome-anonymous"))
    shown.append(Text("outcome-opinions", {"count": len(outcome.opinions)}))
    return shown


def _about(key: str, number: int | None) -> Text:
    return Text(key) if number is None else Text(f"{key}-one", {"number": number})


def _signatures(ctx: Context, case: Case, outcome: Outcome) -> list[Part]:
    name = partial(ctx.office.name_in, case)
    shown: list[Part] = [
        Fact(Text("outcome-signed-by", {"name": name(signature.by)}), signature.at) for signature in outcome.signatures
    ]
    if outcome.unsigned:
        shown.append(Fact(Text("outcome-unsigned"), ", ".join(map(name, outcome.unsigned))))
    if outcome.waived:
        shown.append(Fact(Text("outcome-waived"), ", ".join(map(name, outcome.waived))))
    return shown


def _changed(ctx: Context, before: Case, after: Case) -> Reply:
    """The outcome after a change, with what the change does to votes and signatures and what comes next."""
    voted = isinstance(before.state, Drafting | Signing) and before.state.outcome.votes
    signed = isinstance(before.state, Signing)
    void = (Text("outcome-signatures-void"),) if signed else (Text("outcome-votes-void"),) if voted else ()
    if not after.has_gathered_all():
        then = Text("next-gather")
    elif not after.outcome().recommendations:
        then = Text("outcome-recommend-now")
    else:
        then = Text("outcome-vote-alone" if after.outcome().anonymous else "outcome-vote-now")
    return Reply((*parts(ctx, after), *void, then))


@command("outcome draft", where="case", action=Action.DRAFT_OUTCOME, changes="case")
async def draft(ctx: Context) -> Reply:
    """Gather the opinions into an outcome, and propose what most of them recommend."""
    case = await ctx.case(Action.DRAFT_OUTCOME)
    drafted = case.draft_outcome()
    language = await ctx.tx.language(ctx.actor) or "en"
    outcome = drafted.outcome()
    outcome = outcome.propose(*propose(outcome.opinions, ctx.office.opinion_form(case), language))
    if not isinstance(case.state, Drafting) and ctx.office.network(case).anonymous_dissent:
        outcome = outcome.name_dissent(anonymous=True)
    drafted = drafted.rewrite(outcome)
    await ctx.save(drafted)
    return _changed(ctx, case, drafted)


@command("outcome show", where="case", action=Action.READ_OUTCOME, changes="nothing")
async def show(ctx: Context) -> Reply:
    """Show the outcome as it stands, and which signed ones it takes the place of."""
    case = await ctx.case(Action.READ_OUTCOME)
    earlier: list[Part] = [Text("outcome-earlier")] if case.amended else []
    for outcome in case.amended:
        fields: dict[str, Value] = {"date": outcome.signatures[-1].at.date(), "start": short(outcome.signed_digest)}
        earlier.append(Item(Text("outcome-earlier-one", fields), code=str(outcome.version)))
    return Reply((*parts(ctx, case), *earlier))


async def rewrite(ctx: Context, case: Case, outcome: Outcome) -> Reply:
    """Keep another text of the outcome, and show it."""
    changed = case.rewrite(outcome)
    await ctx.save(changed)
    return _changed(ctx, case, changed)


@command(
    "outcome recommend",
    where="case",
    action=Action.WRITE_OUTCOME,
    shape="[number] <text …> [strength=… due=…]",
    changes="case",
    example="!outcome recommend Operate between 9 and 12 months of age. strength=strong evidence=low due=2 weeks",
)
async def recommend(ctx: Context, line: Rest) -> Reply:
    """Add a recommendation, or change one by its number."""
    case = await ctx.case(Action.WRITE_OUTCOME)
    outcome = case.outcome()
    known = people(ctx.office.network(case))
    number, rest = numbered(line)
    if number is None or number not in {each.id for each in outcome.recommendations}:
        number, rest = None, line
    text, details = parse_line(rest, today=ctx.now.date(), people=known)
    if number is None:
        return await rewrite(ctx, case, outcome.recommend(text, **details))
    if not text and not details:
        raise BadInput("usage")
    return await rewrite(ctx, case, outcome.change(number, **({"text": text} if text else {}), **details))


@command("outcome drop", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def drop(ctx: Context, number: str) -> Reply:
    """Take a recommendation out."""
    case = await ctx.case(Action.WRITE_OUTCOME)
    found, rest = numbered(number)
    if found is None or rest:
        raise BadInput("usage")
    return await rewrite(ctx, case, case.outcome().drop(found))


async def _write(ctx: Context, section: Section, text: str) -> Reply:
    case = await ctx.case(Action.WRITE_OUTCOME)
    return await rewrite(ctx, case, case.outcome().write(section, text))


@command("outcome alternatives", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def alternatives(ctx: Context, text: Rest) -> Reply:
    """Write what else could be done."""
    return await _write(ctx, Section.ALTERNATIVES, text)


@command("outcome evidence", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def evidence(ctx: Context, text: Rest) -> Reply:
    """Write the evidence that the recommendations rest on."""
    return await _write(ctx, Section.EVIDENCE, text)


@command("outcome trials", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def trials(ctx: Context, text: Rest) -> Reply:
    """Write for which trials the patient could be eligible."""
    return await _write(ctx, Section.TRIALS, text)


@command("outcome open", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def open_questions(ctx: Context, text: Rest) -> Reply:
    """Write which questions stay open."""
    return await _write(ctx, Section.OPEN_QUESTIONS, text)


@command("outcome followup", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def follow_up(ctx: Context, text: Rest) -> Reply:
    """Write the follow-up."""
    return await _write(ctx, Section.FOLLOW_UP, text)


@command("outcome summary", where="case", action=Action.WRITE_OUTCOME, changes="case")
async def summary(ctx: Context, text: Rest) -> Reply:
    """Write a summary in plain language for the patient."""
    return await _write(ctx, Section.SUMMARY, text)


@command("outcome names", where="case", action=Action.WRITE_OUTCOME, shape="<on or off>", changes="case")
async def names(ctx: Context, choice: str) -> Reply:
    """Decide, before anybody votes, whether dissent bears names."""
    if choice.casefold() not in ("on", "off"):
        raise BadInput("usage")
    case = await ctx.case(Action.WRITE_OUTCOME)
    return await rewrite(ctx, case, case.outcome().name_dissent(anonymous=choice.casefold() == "off"))


@command("outcome amend", where="case", action=Action.AMEND)
async def amend(ctx: Context, why: Rest) -> Reply:
    """Begin the next version of a signed outcome; the one before stays as it was signed."""
    case = await ctx.case(Action.AMEND)
    changed = ending.amend(case, why)
    await ctx.save(changed)
    started = say("outcome-amending", before=short(case.outcome().signed_digest))
    return Reply((*parts(ctx, changed), *started.parts))
