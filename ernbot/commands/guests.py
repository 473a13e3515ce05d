"""`!panel guest …`: a clinician whom no network lists, for one case and until a day."""

from __future__ import annotations

import re
from datetime import date, datetime

from ernbot.commands.card import card
from ernbot.commands.context import Context, access
from ernbot.commands.effects import Card, Invite, Message, Outbox, Remove
from ernbot.commands.office import Office
from ernbot.commands.panel import tell_invited
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Reply, Text, Value, say
from ernbot.commands.who import country_code
from ernbot.core import inviting
from ernbot.core.access import check_guest
from ernbot.core.case import Case
from ernbot.core.dates import parse_date
from ernbot.core.errors import BadInput, Refused
from ernbot.core.invitation import Guest, guest_until
from ernbot.core.states import Action
from ernbot.storage.transaction import Transaction

KEYS = ("until", "name", "hospital", "country")
SHAPE = "@user until 2026-12-31 name <name> hospital <hospital> country <country>"
_KEY = re.compile(rf"(?<!\S)({'|'.join(KEYS)})(?:\s*=\s*|\s+|$)", re.IGNORECASE)
_USER = re.compile(r"@[a-z0-9._=/+-]+:\S+")
MAX_NAME = 100


def _parts(text: str) -> tuple[str, dict[str, str]]:
    """The user and the values behind the words `until`, `name`, `hospital` and `country`, in any order.

    Most hospitals have that word in their name, so that it is a key the first time only.
    """
    found = list(_KEY.finditer(text))
    hospitals = [key for key in found if key[1].casefold() == "hospital"]
    keys = [key for key in found if key not in hospitals[1:]]
    first = keys[0].start() if keys else len(text)
    values: dict[str, str] = {}
    for key, following in zip(keys, [*keys[1:], None], strict=False):
        value = text[key.end() : following.start() if following else len(text)].strip(' ,;"“”')
        if key[1].casefold() in values:
            raise BadInput("answer-twice", field=key[1].casefold())
        values[key[1].casefold()] = " ".join(value.split())
    return text[:first].strip(" ,;"), values


@command("panel guest", where="case", action=Action.ADMIT_GUEST, shape=SHAPE)
async def guest(ctx: Context, who: Rest) -> Reply:
    """Let a clinician in whom no network lists, until a day."""
    case = await ctx.case(Action.ADMIT_GUEST)
    user, values = _parts(who)
    mentioned = [each for each in ctx.mentions if each not in case.admitted]
    user = mentioned[0] if mentioned else user if user.startswith("@") else f"@{user}"
    server = ctx.office.bot.partition(":")[2]
    if ":" not in user:
        user = f"{user}:{server}"
    if not _USER.fullmatch(user):
        raise BadInput("usage")
    network = ctx.office.network(case)
    before = case.invitation(user)
    known = before.guest if before is not None else None
    visitor = _guest(ctx, values, known)
    until = guest_until(_day(values.get("until")), ctx.now.date())
    try:
        if user.partition(":")[2] != server:
            raise Refused("guest-elsewhere", user=user, server=server)
        check_guest(user, visitor, case, network, ctx.office.directory, ctx.now)
    except Refused as refusal:
        ctx.tx.audit(at=ctx.now, actor=ctx.actor, action=Action.ADMIT_GUEST, case_id=case.id, decision=refusal.code)
        raise
    arrangement = network.arrangement_for(visitor.country)
    under = arrangement.id if arrangement is not None else None
    changed = inviting.admit_guest(case, user, visitor, until, under, by=ctx.actor, at=ctx.now)
    await ctx.outbox.to_case(case.id, access(changed))
    await ctx.outbox.to_case(case.id, Invite(user))
    await ctx.save(changed)
    fields: dict[str, Value] = {"name": visitor.name, "date": until}
    if user in case.panel:
        return say("guest-extended", **fields)
    await tell_invited(ctx, changed, user)
    told = (Text("guest-arrangement", {"arrangement": arrangement.name}),) if arrangement is not None else ()
    return Reply((Text("guest-invited", fields), *told))


def _guest(ctx: Context, values: dict[str, str], known: Guest | None) -> Guest:
    """Who the guest is, as typed or as known from before."""
    name = values.get("name") or (known.name if known is not None else "")
    hospital = values.get("hospital") or (known.hospital if known is not None else "")
    typed = values.get("country", "")
    country = known.country if known is not None and not typed else country_code(typed.strip(), ctx.office.languages)
    given = {"name": name, "hospital": hospital, "country": typed or country}
    missing = [key for key, value in given.items() if not value]
    if missing:
        raise BadInput("answer-missing", field=", ".join(missing))
    if country is None:
        raise BadInput("country-unknown", word=typed[:MAX_NAME])
    if max(len(name), len(hospital)) > MAX_NAME:
        raise BadInput("answer-text", field="name, hospital", maximum=MAX_NAME)
    return Guest(name, hospital, country)


def _day(text: str | None) -> date | None:
    return parse_date(text) if text else None


async def end_guests(tx: Transaction, office: Office, case: Case, at: datetime) -> Case:
    """Remove the guests of a case whose last day is over, and tell the lead; the case afterwards, to be saved.

    The gate has let them in no longer since that day ended; this empties their chairs.
    """
    changed = inviting.end_guests(case, at)
    gone = [user for user in (*case.panel, *case.observers) if user not in (*changed.panel, *changed.observers)]
    if changed == case:
        return case
    outbox = Outbox(tx, at)
    await outbox.to_case(case.id, access(changed))
    for user in gone:
        await outbox.to_case(case.id, Remove(user))
        tx.audit(at=at, actor=office.bot, action=Action.ADMIT_GUEST, case_id=case.id, decision="guest-ended")
        said = say("guest-ended", name=office.name_in(case, user))
        await outbox.to_case(case.id, Message(said, changed.lead))
    await outbox.to_case(case.id, Card(card(changed, office, at), changed.requester))
    return changed
