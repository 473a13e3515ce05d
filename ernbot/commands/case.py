"""`!case new`, `!question new`, `!case show`: bring a case, look at its card."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import date

from ernbot.commands import opening
from ernbot.commands.card import card
from ernbot.commands.context import Context, access
from ernbot.commands.effects import CreateCaseRoom, Invite, Message
from ernbot.commands.naming import folded, people
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Reply, Text
from ernbot.core.access import check_new_case
from ernbot.core.background import Background
from ernbot.core.blind import blind
from ernbot.core.case import Case, new_case
from ernbot.core.dates import parse_due
from ernbot.core.directory import Network
from ernbot.core.errors import BadInput, Refused
from ernbot.core.states import About, Action, Draft

_COLOURS = "amber azure coral copper crimson golden indigo ivory jade lilac maroon olive pearl silver teal violet"
_BIRDS = "avocet bunting crane curlew dipper dunlin eider fulmar heron ibis kestrel linnet merlin osprey plover puffin"


def nickname() -> str:
    """A name for a case that says nothing about anybody."""
    words = secrets.choice(_COLOURS.split()), secrets.choice(_BIRDS.split())
    return f"{' '.join(words).title()} {secrets.randbelow(900) + 100}"


_DETAIL = re.compile(r"(?:^|\s)(why|new|due|urgent|for)=", re.IGNORECASE)
_YES = frozenset({"yes", "ja", "y", "j", "1", "true"})

DETAILS = "[why=…] [new=…] [due=…] [urgent=yes]"


def details(line: str) -> tuple[str, dict[str, str]]:
    """The question in a line, and what follows it as `why=… new=… due=… urgent=yes for=…`.

    Raises:
        BadInput: `answer-twice` for a detail given twice.
    """
    found = list(_DETAIL.finditer(line))
    ends = [*(match.start() for match in found[1:]), len(line)]
    values: dict[str, str] = {}
    for match, end in zip(found, ends, strict=False):
        key = match[1].casefold()
        if key in values:
            raise BadInput("answer-twice", field=key)
        values[key] = line[match.end() : end].strip()
    return line[: found[0].start()] if found else line, values


def _clinician(ctx: Context, network: Network, named: str | None) -> str:
    """For whom a case is opened: the actor, or somebody whom the actor assists.

    Raises:
        BadInput: `assist-whom` when it could be several, or somebody whom the actor does not assist.
    """
    assisted = ctx.office.directory.assisted_by(ctx.actor)
    if named is None and (network.treats_patients(ctx.actor) or not assisted):
        return ctx.actor
    wanted = people(network).get(folded(named)) if named is not None else None
    candidates = [user for user in assisted if wanted in (None, user)]
    if len(candidates) != 1 or (named is not None and wanted is None):
        raise BadInput("assist-whom", names=", ".join(map(ctx.office.directory.name_of, assisted)) or "–")
    return candidates[0]


@command(
    "case new",
    where="direct",
    action=Action.CREATE,
    shape=f"<network> <question …> {DETAILS}",
    example="!case new ern-cranio Operate on the sagittal suture now, or wait?",
)
async def new(ctx: Context, network: str = "", question: Rest = Rest("")) -> None:
    """Open a case, or ask question by question for what a new case needs."""
    text, more = details(question)
    wanted = _network(ctx, network, About.PATIENT) if network else _only_network(ctx)
    if wanted is not None and text.strip():
        await _create(ctx, wanted, text, more)
        return
    if wanted is not None:
        _requester(ctx, wanted, more)
    _due(ctx, more)
    await opening.begin(ctx, wanted, more)


def _only_network(ctx: Context) -> Network | None:
    """The network of somebody who may open cases in one alone; None where there are several."""
    networks = opening.networks(ctx)
    if not networks:
        _check(ctx, ctx.actor, next((network for network, _ in ctx.office.directory.memberships(ctx.actor)), None))
    return networks[0] if len(networks) == 1 else None


async def confirmed(ctx: Context, network: str, question: str, more: dict[str, str]) -> None:
    """Open the case that was described question by question.

    Raises:
        Refused: see `Context.doubt` and `core.access.check_new_case`.
    """
    doubt = await ctx.doubt(ctx.office.policy.needs(None))
    if doubt is not None:
        raise doubt
    await _create(ctx, _network(ctx, network, About.PATIENT), question, more)


def _requester(ctx: Context, network: Network, more: dict[str, str]) -> str:
    """For whom a case is opened, who may have one in this network."""
    requester = _clinician(ctx, network, more.get("for"))
    _check(ctx, requester, network)
    return requester


def _due(ctx: Context, more: dict[str, str]) -> date | None:
    return parse_due(more["due"], ctx.now.date()) if "due" in more else None


async def _create(ctx: Context, wanted: Network, text: str, more: dict[str, str]) -> None:
    """Keep a new case: its room is made, its requester invited, and told so once it is true."""
    requester = _requester(ctx, wanted, more)
    case = new_case(
        secrets.token_hex(8),
        wanted.id,
        nickname(),
        requester,
        text,
        ctx.now,
        background=_background(more),
        opened_by=ctx.actor if ctx.actor != requester else None,
    )
    await _open(ctx, replace(case, due=_due(ctx, more), urgent=more.get("urgent", "").casefold() in _YES))


@command("question new", where="direct", shape="<network> <question …>")
async def question(ctx: Context, network: str, question: Rest) -> None:
    """Ask a network a general question, without a patient."""
    wanted = _network(ctx, network, About.QUESTION)
    text, more = details(question)
    case = new_case(
        secrets.token_hex(8),
        wanted.id,
        nickname(),
        ctx.actor,
        text,
        ctx.now,
        about=About.QUESTION,
        background=_background(more),
    )
    await _open(ctx, case)


def _background(more: dict[str, str]) -> Background:
    background = Background()
    if "why" in more:
        background = background.tell("why", more["why"])
    return background.tell("new", more["new"]) if "new" in more else background


def _network(ctx: Context, network: str, about: About) -> Network:
    """The network in which the actor wants to open something, and may, or one whose clinicians they assist."""
    wanted = ctx.office.directory.network(network.casefold())
    assists = wanted is not None and any(map(wanted.person, ctx.office.directory.assisted_by(ctx.actor)))
    if not (assists and about is About.PATIENT):
        _check(ctx, ctx.actor, wanted, about)
    assert wanted is not None
    return wanted


def _check(ctx: Context, user: str, network: Network | None, about: About = About.PATIENT) -> None:
    """Whether somebody may open something in a network; a refusal is written down."""
    try:
        check_new_case(user, network, about)
    except Refused as refusal:
        ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.CREATE, decision=refusal.code)
        if refusal.code == "network-unknown":
            mine = ", ".join(n.id for n, _ in ctx.office.directory.memberships(ctx.actor))
            raise BadInput("network-unknown", networks=mine) from None
        raise


async def _open(ctx: Context, case: Case) -> None:
    """Keep a new case, and have its room made."""
    name = ctx.office.directory.name_of
    on_behalf_of = {"for": case.requester} if case.opened_by is not None else {}
    ctx.tx.audit(
        at=ctx.now,
        actor=ctx.actor,
        action=Action.CREATE,
        case_id=case.id,
        decision="allowed",
        detail={**on_behalf_of},
    )
    assistants = tuple(one for one in ctx.office.directory.assistants_of(case.requester) if one != case.requester)
    network = ctx.office.network(case)
    case = replace(case, assistants=assistants, blind=blind(network.blind))
    await ctx.add(case)
    await ctx.outbox.to_case(case.id, CreateCaseRoom(case.nickname, case.network, case.requester))
    is_open = not isinstance(case.state, Draft)
    if assistants or is_open:
        await ctx.outbox.to_case(case.id, access(case, open=is_open))
    for assistant in assistants:
        await ctx.outbox.to_case(case.id, Invite(assistant))
    parts = [Text("case-created" if case.about is About.PATIENT else "question-created", {"nickname": case.nickname})]
    if case.opened_by is not None:
        who = {"name": name(ctx.actor), "clinician": name(case.requester)}
        parts.insert(0, Text("on-behalf", {**who}))
    answer = Message(Reply(tuple(parts)), ctx.actor, ctx.event_id, ctx.thread)
    await ctx.outbox.to_case(case.id, answer, room_id=ctx.room_id)


@command("case show", where="case", action=Action.READ, changes="nothing")
async def show(ctx: Context) -> Reply:
    """Show the card of this room's case."""
    case = await ctx.case(Action.READ)
    return card(case, ctx.office, ctx.now)
