"""`!panel …`: who is asked, who is suggested, who leaves."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from ernbot.commands.context import Context, access
from ernbot.commands.effects import Invite, Remove
from ernbot.commands.naming import alike, everybody, folded
from ernbot.commands.registry import PREFIX, Rest, command
from ernbot.commands.reply import Heading, Item, Labels, Part, Reply, Symbol, Text, Value, say
from ernbot.commands.who import SHOWN, languages_of, lines, parse
from ernbot.core import inviting
from ernbot.core.access import check_expert
from ernbot.core.case import Case
from ernbot.core.characters import harmless
from ernbot.core.directory import Group, Network, localpart
from ernbot.core.errors import BadInput, Refused
from ernbot.core.form import label
from ernbot.core.invitation import MAX_AT_ONCE, InvitationState
from ernbot.core.ranking import Field, Suggestion, Wish
from ernbot.core.states import Action, Drafting
from ernbot.core.worklist import index as index_of

MAX_BY_COMPETENCE = 3
"""A competence stands for a handful of experts, not for everybody who has it."""

MAX_SUGGESTED = 9
"""As many as there are numbered reactions."""

GROUP = "group:"
SUGGESTION = "suggestion"
INVITATION = "invitation"
"""Mark our messages in the outbox, so that a reply or a reaction to one finds what it is about."""


def _competences(network: Network) -> dict[str, str]:
    """Competences by every name that they have: their id, and their label in each language."""
    return {
        folded(name): competence.id
        for competence in network.competences
        for name in (competence.id, *competence.labels.values())
    }


def _groups(network: Network) -> dict[str, Group]:
    names = ((name, group) for group in network.groups for name in (group.id, *group.labels.values()))
    return {f"{GROUP}{folded(name)}": group for name, group in names}


def _split(text: str, names: Iterable[str]) -> list[str]:
    """The words of a line; a name that holds spaces or commas is one of them."""
    longest_first = sorted((name for name in names if re.search(r"[\s,]", name)), key=len, reverse=True)
    known = "|".join(re.escape(name) for name in longest_first)
    return re.findall(rf"(?:{known})(?=[\s,;]|$)|[^\s,;]+" if known else r"[^\s,;]+", text)


def _wanted(ctx: Context, text: str, case: Case, network: Network) -> tuple[str, ...]:
    """The people whom a line means: by mention, number, group, user id, user name, name, or competence.

    Mentions stand alone: a client also writes into the line what it calls the mentioned person, and a word of that
    name must not bring in everybody with a competence. Mentions of people of the case do not count, because a client
    adds the author of a message that is replied to.

    Raises:
        BadInput: `person-meant` for a part of a name, `expert-or-competence` for a word that means nobody,
            `competence-empty` for a competence whose experts are all here, `suggest-number` for a number that was not
            suggested, `group-unknown`, `too-many-at-once`, `usage` when nobody is named.
    """
    mentioned = tuple(harmless(user) for user in ctx.mentions if user not in case.admitted)
    if mentioned:
        return mentioned
    competences, groups, named = _competences(network), _groups(network), everybody(ctx.office.directory, network)
    wanted: list[str] = []
    for word in _split(re.sub(rf"{GROUP}\s+", GROUP, folded(text)), [*competences, *groups, *named]):
        if word in competences:
            wanted += _of_competence(ctx, case, network, competences[word])
        elif word in groups:
            wanted += _of_group(groups[word], case, network)
        elif word.startswith(GROUP):
            raise BadInput("group-unknown", word=word, groups=", ".join(group.id for group in network.groups) or "–")
        elif word in named:
            wanted.append(named[word])
        elif re.fullmatch(r"\d{1,2}", word, re.ASCII):
            if not 1 <= int(word) <= len(case.suggested):
                raise BadInput("suggest-number", number=word, count=len(case.suggested))
            wanted.append(case.suggested[int(word) - 1])
        elif re.fullmatch(r"@[^:]+:.+", word):
            wanted.append(word)
        elif meant := alike(word, network):
            raise BadInput("person-meant", word=word, names=meant)
        else:
            raise BadInput("expert-or-competence", word=word, competences=", ".join(c.id for c in network.competences))
    if not wanted:
        raise BadInput("usage")
    if len(set(wanted)) > MAX_AT_ONCE:
        raise BadInput("too-many-at-once", maximum=MAX_AT_ONCE)
    return tuple(dict.fromkeys(wanted))


def _of_competence(ctx: Context, case: Case, network: Network, competence: str) -> list[str]:
    """The next experts of a network for a competence."""
    field = Field(network, network.competence(competence))
    wish = Wish(ctx.now.date(), network.id, without=without(case), languages=languages_of(ctx))
    free = [each.person.user_id for each in ctx.office.index.suggest((field,), wish, MAX_BY_COMPETENCE)]
    if not free:
        raise BadInput("competence-empty", competence=competence)
    return free


def _of_group(group: Group, case: Case, network: Network) -> list[str]:
    """The members of a group who can be invited: a group holds up nothing because of one of them."""
    free = []
    for user in group.members:
        try:
            check_expert(user, case, network)
        except Refused:
            continue
        free.append(user)
    if not free:
        raise BadInput("group-empty", group=group.id)
    return free


def without(case: Case) -> frozenset[str]:
    """Who is not to be suggested: who is here, has said no or was taken out, or has a conflict of interest."""
    gone = (InvitationState.DECLINED, InvitationState.REMOVED)
    refused = (i.user_id for i in case.invitations if i.state in gone or i.conflict is not None)
    return frozenset((*case.admitted, case.requester, *refused))


@command("panel invite", where="case", action=Action.INVITE, example="!panel invite craniosynostosis saskia.devries")
async def invite(ctx: Context, who: Rest) -> Reply:
    """Bring experts in: by name, competence, group, or number of a suggestion."""
    case = await ctx.case(Action.INVITE)
    network = ctx.office.network(case)
    wanted = _wanted(ctx, who, case, network)
    for user in wanted:
        try:
            check_expert(user, case, network, ctx.office.directory.networks)
        except Refused as refusal:
            ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.INVITE, case_id=case.id, decision=refusal.code)
            raise
    changed = inviting.ask(case, wanted, by=ctx.actor, at=ctx.now)
    await ctx.outbox.to_case(case.id, access(changed))
    for user in wanted:
        # Once more for those already on the panel: they may have declined, or their account may exist only now.
        await ctx.outbox.to_case(case.id, Invite(user))
    new = changed.panel[len(case.panel) :]
    if not new:
        return say("panel-already")
    await ctx.save(changed)
    for user in new:
        await tell_invited(ctx, changed, user)
    introduced = (Item(introduce(ctx, changed, user)) for user in new)
    return Reply((Text("panel-invited"), *introduced, *_caveats(ctx, case, new)))


def _caveats(ctx: Context, case: Case, new: Iterable[str]) -> list[Part]:
    """What the lead should know of those just invited."""
    parts: list[Part] = []
    for user in new:
        for _, person in ctx.office.directory.memberships(user):
            if (until := person.away_until(ctx.now.date())) is not None:
                parts.append(Text("panel-away", {"name": person.name, "date": until}))
            elif not person.available:
                parts.append(Text("panel-not-now", {"name": person.name}))
            else:
                continue
            break
    return [*parts, Text("panel-after-draft")] if isinstance(case.state, Drafting) else parts


async def tell_invited(ctx: Context, case: Case, user: str) -> None:
    """Tell somebody alone that they were asked, by when, and how to say no; of the case, its nickname alone."""
    fields: dict[str, Value] = {
        "name": ctx.office.directory.name_of(ctx.actor),
        "network": ctx.office.network(case).name,
        "nickname": case.nickname,
    }
    joins = "invitation-join" if ctx.office.network(case).joining_accepts else "invitation-accept"
    by = (Text("invitation-by", {"date": case.due}),) if case.due is not None and case.due >= ctx.now.date() else ()
    reply = Reply((Text("invitation", fields), *by, Text(joins), Text("invitation-decline")))
    await ctx.outbox.to_person(user, reply, tag=f"{INVITATION}:{case.id}")


def introduce(ctx: Context, case: Case, user_id: str) -> Text:
    """Somebody of the panel with their hospital; a guest with the day until which they stay."""
    asked = case.invitation(user_id)
    if asked is not None and asked.guest is not None and asked.until is not None:
        guest = asked.guest
        fields: dict[str, Value] = {"name": guest.name, "centre": guest.hospital, "country": guest.country}
        return Text("panel-guest", {**fields, "user": user_id, "date": asked.until})
    home = ctx.office.network(case)
    entries = sorted(ctx.office.directory.memberships(user_id), key=lambda entry: entry[0].id != home.id)
    if not entries:
        return Text("panel-gone", {"user": user_id})
    network, person = entries[0]
    centre = network.centre(person.centre)
    fields = {"name": person.name, "centre": centre.name, "country": centre.country}
    if network.id != home.id:
        return Text("panel-person-of", {**fields, "network": network.name})
    return Text("panel-person", fields)


@command("panel show", where="case", action=Action.READ, changes="nothing")
async def show(ctx: Context) -> Reply:
    """List who was asked, and what they answered."""
    case = await ctx.case(Action.READ)
    others = [i for i in case.invitations if i.user_id not in case.panel and (i.observes or i.conflict is None)]
    if not case.panel and not others:
        return say("panel-empty")
    parts: list[Part] = [Text("panel-title"), *(Item(introduce(ctx, case, user)) for user in case.panel)]
    for asked in others:
        state = Symbol("invited", "observes" if asked.observes else asked.state)
        parts.append(Item(Text("panel-former", {"name": called(ctx, case, asked.user_id), "state": state})))
    return Reply(tuple(parts))


def called(ctx: Context, case: Case, user_id: str) -> str:
    """The name of somebody of a case, who may be a guest."""
    return ctx.office.name_in(case, user_id)


@command(
    "panel suggest",
    where="case",
    action=Action.INVITE,
    changes="nothing",
    shape="[count] [competence or disease …]",
)
async def suggest(ctx: Context, what: Rest = Rest("")) -> None:
    """Suggest whom to invite, with the reasons."""
    case = await ctx.case(Action.INVITE)
    count, rest = _count(what)
    network = ctx.office.network(case)
    index = ctx.office.index
    if rest:
        search = parse(rest, index, ctx.office.directory, ctx.office.languages)
        fields, country, language = search.fields, search.country, search.language
    else:
        fields, country, language = index.mentioned(case.question, network), None, None
    if not fields:
        raise BadInput("suggest-for-what", competences=", ".join(c.id for c in network.competences))
    found = await suggestions(ctx, case, fields, count, country=country, language=language)
    if not found:
        raise Refused("suggest-nobody")
    changed = inviting.suggest(case, tuple(each.person.user_id for each in found))
    # The card says nothing of a suggestion, and stays as it is.
    await ctx.tx.save_case(changed, index=index_of(changed, ctx.office.directory, ctx.now))
    title = Heading("suggest-title", {"competences": _named(fields, ctx.office.languages)})
    parts: list[Part] = [title, *lines(found, ctx, case.network), Text("suggest-next")]
    await ctx.say(Reply(tuple(parts)), tag=suggestion_tag(changed))


def _named(fields: Iterable[Field], languages: tuple[str, ...]) -> Labels:
    """The competences of fields, each once, in every language."""
    labels = list({field.competence.id: field.competence.labels for field in fields}.values())
    return Labels({language: ", ".join(label(each, language) for each in labels) for language in languages})


def _count(text: str) -> tuple[int, str]:
    first, _, rest = text.strip().partition(" ")
    if re.fullmatch(r"\d{1,3}", first, re.ASCII):
        return max(1, min(int(first), MAX_SUGGESTED)), rest.strip()
    return SHOWN, text.strip()


async def suggestions(
    ctx: Context,
    case: Case,
    fields: Iterable[Field],
    count: int,
    *,
    country: str | None = None,
    language: str | None = None,
) -> tuple[Suggestion, ...]:
    """Whom to invite into a case, spread over countries together with those who are there."""
    there = (ctx.office.directory.expert_of(user, ctx.office.network(case)) for user in case.members)
    wish = Wish(
        ctx.now.date(),
        case.network,
        without=without(case),
        country=country,
        speaking=language,
        languages=languages_of(ctx),
        load=await ctx.tx.open_cases(),
        panel=[network.centre(person.centre) for network, person in filter(None, there)],
    )
    return ctx.office.index.suggest(fields, wish, count)


def suggestion_tag(case: Case) -> str:
    """The mark of a suggestion, by which its numbers are told from those of another one."""
    return f"{SUGGESTION}:{hashlib.sha256(' '.join(case.suggested).encode()).hexdigest()[:16]}"


async def are_numbers(ctx: Context, text: str, replies_to: str | None) -> bool:
    """Whether a message replies with numbers to a suggestion."""
    if ctx.place is None or replies_to is None or not re.fullmatch(r"\d{1,2}([\s,;]+\d{1,2})*", text.strip(), re.ASCII):
        return False
    sent = await ctx.tx.sent_item(replies_to)
    return sent is not None and (sent.tag or "").startswith(f"{SUGGESTION}:")


async def numbers(ctx: Context, text: str, replies_to: str | None) -> str | None:
    """The command that a reply with numbers to a suggestion stands for; None for any other message.

    Raises:
        Refused: `suggest-stale` when something else was suggested since.
    """
    if not await are_numbers(ctx, text, replies_to):
        return None
    assert replies_to is not None
    sent = await ctx.tx.sent_item(replies_to)
    assert sent is not None
    if sent.tag != suggestion_tag(await ctx.case(Action.INVITE)):
        raise Refused("suggest-stale")
    return f"{PREFIX}panel invite {text}"


async def reacted(ctx: Context, number: str, target: str) -> bool:
    """Say what to type after a numbered reaction to a suggestion: it is not encrypted, so it lets nobody in."""
    sent = await ctx.tx.sent_item(target)
    if ctx.place is None or sent is None or not (sent.tag or "").startswith(f"{SUGGESTION}:"):
        return False
    await ctx.say(say("suggest-react", command=f"{PREFIX}panel invite {number}"))
    return True


@command("panel remove", where="case", action=Action.INVITE)
async def remove(ctx: Context, who: Rest) -> Reply:
    """Take an expert out of the case."""
    case = await ctx.case(Action.INVITE)
    user = member(ctx, case, who)
    changed = inviting.remove(case, user, at=ctx.now)
    await leave(ctx, changed, user)
    await ctx.save(changed)
    return say("panel-removed", name=called(ctx, case, user))


@command("panel keep", where="case", action=Action.INVITE)
async def keep(ctx: Context, who: Rest) -> Reply:
    """Let an expert with a conflict of interest stay, without a voice."""
    case = await ctx.case(Action.INVITE)
    user = member(ctx, case, who)
    changed = inviting.let_observe(case, user)
    await ctx.outbox.to_case(case.id, access(changed))
    await ctx.outbox.to_case(case.id, Invite(user))
    await ctx.save(changed)
    return say("panel-kept", name=called(ctx, case, user))


def member(ctx: Context, case: Case, who: str) -> str:
    """The one person of the case whom a line names, also one who is in no directory any more.

    Raises:
        BadInput: `usage` for none or several; `not-on-panel` for somebody else.
    """
    mentioned = [user for user in ctx.mentions if case.invitation(user) is not None]
    if len(mentioned) == 1:
        return mentioned[0]
    wanted = folded(who)
    if not wanted:
        raise BadInput("usage")
    candidates = (*case.panel, *(asked.user_id for asked in case.invitations))
    for user in candidates:
        local = localpart(user)
        if wanted in (user, local, f"@{local}", folded(called(ctx, case, user))):
            return user
    raise BadInput("not-on-panel")


async def leave(ctx: Context, changed: Case, user: str) -> None:
    """Close the room to somebody who is no longer of the case."""
    await ctx.outbox.to_case(changed.id, access(changed))
    if user not in changed.admitted:
        await ctx.outbox.to_case(changed.id, Remove(user))
