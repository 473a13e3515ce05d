"""A clinician resets their identity in the middle of a case: all are told, nothing is signed until it is confirmed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from ernbot.core.states import Closed, Drafting
from ernbot.demo.clinician import Clinician, Seen
from ernbot.demo.process import finish
from ernbot.matrix.identity import Identity
from ernbot.storage.audit import verify_audit
from ernbot.storage.tables import audit
from tests.fixtures_installation import PATIENCE, House, house
from tests.matrix.devices import reset_identity

pytestmark = pytest.mark.homeserver

LEAD, EXPERT, COORDINATOR = "anders.kjaer", "saskia.devries", "mette.holm"
OPINION = "!opinion diagnosis=ORPHA:2343 recommendation=surgery confidence=4"
CHANGED = "The encryption identity of Anders Kjær changed on"
REFUSED = "Your encryption identity changed on"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An installation of its own: in the shared one nobody's identity changes."""
    async with house(tmp_path_factory.mktemp("changed")) as running:
        yield running


async def reset(house: House, person: Clinician) -> Identity:
    """What a client does when its owner has forgotten the recovery key."""
    return await reset_identity(person.gateway, person.machine.olm, house.place.passwords[person.user_id])


async def drafting(house: House) -> str:
    """The room of a case whose outcome lies before the panel."""
    room = await house.case(LEAD, panel=[EXPERT])
    lead, expert = await house.person(LEAD), await house.person(EXPERT)
    await house.ask(expert, room, OPINION)
    await house.ask(lead, room, "!outcome draft")
    await house.ask(lead, room, "!outcome recommend Operate before nine months.")
    return room


async def entries(house: House, decision: str) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    """Actor, action, case and detail of the audit entries with a decision, in a chain that holds."""
    async with house.store() as store:
        assert (await verify_audit(store)).intact
        async with store.engine.connect() as connection:
            rows = await connection.execute(select(audit).where(audit.c.decision == decision).order_by(audit.c.seq))
            return [(row.actor, row.action, row.case_id, json.loads(row.detail)) for row in rows]


def said(house: House, reader: Clinician, text: str) -> list[Seen]:
    """Every message of the bot that somebody was shown with a text in it."""
    return [seen for seen in reader.seen if seen.sender == house.bot and text in seen.body.replace("**", "")]


async def test_a_reset_in_the_middle_of_a_case(own_house: House) -> None:
    house = own_house
    lead, chat = await house.chat(LEAD)
    coordinator = await house.person(COORDINATOR)
    room = await drafting(house)
    expert = await house.person(EXPERT)
    invitations = set(coordinator.invitations)
    before = (await house.look(room, LEAD))[0]

    identity = await reset(house, lead)
    start = identity.fingerprint[:8]

    # Told though nobody writes: in the room, to himself, to the coordinator, who has to ask him for the fingerprint.
    for reader in (lead, expert):
        notice = await reader.hears(room, CHANGED, sender=house.bot, patience=PATIENCE)
        assert (notice.encrypted, notice.trusted) == (True, True)
        assert "I take no consent, vote or signature" in notice.body
    own = await lead.hears(chat, REFUSED, sender=house.bot, patience=PATIENCE)
    assert start in own.body
    assert "Mette Holm" in own.body
    office = await coordinator.invited(invitations, PATIENCE)
    await coordinator.join(office)
    told = await coordinator.hears(office, CHANGED, sender=house.bot, patience=PATIENCE)
    assert start not in told.body
    changes = await entries(house, "identity-changed")
    assert [(actor, action, case) for actor, action, case, _ in changes] == [
        (lead.user_id, "identity", None),
        (lead.user_id, "identity", before.id),
    ]
    assert all(detail["now"] == start != detail["before"] for *_, detail in changes)

    # He talks on, and others vote; what counts as a signature waits, also after a restart.
    assert "Recorded: you agree" in (await house.ask(expert, room, "!outcome agree")).body
    assert "Operate before nine months." in (await house.ask(lead, room, "!outcome show")).body
    consent = "!consent give registry form=2.1 lang=da signer=parent signed=2026-03-31"
    for text in ("!outcome sign", "!outcome sign confirm", consent, "!consent"):
        assert REFUSED in (await house.ask(lead, room, text)).body
    await house.restart_bot()
    assert REFUSED in (await house.ask(lead, room, "!outcome sign confirm")).body
    case = (await house.look(room, LEAD))[0]
    assert (isinstance(case.state, Drafting), case.consent) == (True, before.consent)
    shown = await house.ask(lead, chat, "!identity")
    assert REFUSED in shown.body
    assert f"{start[:4]} {start[4:]}" in shown.body

    # The coordinator, and nobody else, confirms what he has read to her.
    wrong = await house.ask(coordinator, office, "!identity confirm anders.kjaer AAAAAAAA")
    assert "does not begin like this" in wrong.body
    own_try = await house.ask(lead, chat, f"!identity confirm anders.kjaer {start}")
    assert "Only a coordinator" in own_try.body
    done = await house.ask(coordinator, office, f"!identity confirm Anders Kjær {start}")
    assert "Confirmed." in done.body
    await expert.hears(room, "was confirmed by Mette Holm", sender=house.bot, patience=PATIENCE)
    await lead.hears(chat, "was confirmed by Mette Holm", sender=house.bot, patience=PATIENCE)
    waiting = (await house.ask(lead, room, "!outcome sign confirm")).body
    line = re.search("!sign [0-9a-f]{8}", waiting)
    assert line is not None, waiting
    assert "Signed." in (await house.ask(expert, room, line[0])).body
    assert isinstance((await house.look(room, LEAD))[0].state, Closed)

    detail = {"user": lead.user_id, "before": changes[0][3]["before"], "now": start}
    assert await entries(house, "identity-confirmed") == [(coordinator.user_id, "identity", None, detail)]
    assert len(await entries(house, "identity-changed")) > 2, "each refused signature is an entry, too"
    assert len(said(house, expert, CHANGED)) == 1
    assert len(said(house, coordinator, CHANGED)) == 1


@pytest.mark.parametrize("delay", [0.0, 0.3, 1.0])
async def test_a_crash_while_it_is_noticed_and_an_administrator_who_confirms(own_house: House, delay: float) -> None:
    """Told once, whenever the bot is killed; and what the command line confirms reaches the running bot."""
    house = own_house
    lead, _ = await house.chat(LEAD)
    expert = await house.person(EXPERT)
    room = await drafting(house)
    identity = await reset(house, lead)
    await lead.say(room, "Anybody there?")
    await asyncio.sleep(delay)
    await house.kill_bot()
    await house.place.start_bot()
    assert REFUSED in (await house.ask(lead, room, "!outcome sign confirm")).body
    await expert.hears(room, CHANGED, sender=house.bot, patience=PATIENCE)

    settings = ["--config", str(house.place.settings)]
    told = await finish("ernbot", ["identity", "confirm", LEAD, identity.fingerprint, *settings])
    assert told.startswith("Confirmed. I take the new encryption identity of Anders Kjær")
    assert "Signed." in (await house.ask(lead, room, "!outcome sign confirm")).body
    await expert.hears(room, "was confirmed by the administrator", sender=house.bot, patience=PATIENCE)
    assert len([seen for seen in said(house, expert, CHANGED) if seen.room_id == room]) == 1


async def test_withdrawing_consent_waits_for_nobody(own_house: House) -> None:
    house = own_house
    lead, _ = await house.chat(LEAD)
    room = await house.case(LEAD)
    await reset(house, lead)
    assert REFUSED in (await house.ask(lead, room, "!consent")).body
    withdrawn = await house.ask(lead, room, "!consent withdraw care")
    assert "Consent to care was withdrawn" in withdrawn.body
