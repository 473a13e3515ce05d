"""Experts are asked, accept by coming in, and find everything that was there before them."""

from __future__ import annotations

import asyncio

from ernbot.demo.clinician import Clinician
from ernbot.demo.scenes.opening import QUESTION
from ernbot.demo.stage import EXPERTS, RESEARCHER, Stage


async def invitations(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    await stage.answer(me, room, f"!panel invite {stage.user(RESEARCHER)}", "does not see patients")
    await stage.answer(me, room, "!panel invite @stranger:elsewhere.example", "does not list")
    invited = await stage.answer(me, room, f"!panel invite {' '.join(EXPERTS)}", "Invited")
    names = ("Saskia de Vries", "Piotr Zieliński", "Giulia Marchetti")
    stage.check(all(name in invited.body for name in names), "three experts are invited in one line")

    async def arrive(expert: Clinician) -> None:
        await expert.invited_to(room)
        await expert.join(room)
        for shown in (QUESTION, "256 × 256", "scan.dcm"):
            await expert.hears(room, shown)

    await asyncio.gather(*(arrive(expert) for expert in stage.experts))
    stage.check(True, "each expert finds the card, the scan and its preview on arrival")
