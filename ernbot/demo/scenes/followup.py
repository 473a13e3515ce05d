"""Three months later: the bot asks what became of the patient, the clinician answers, and the panel reads it.

Nobody waits for three months: the bot is started again with its clock set ahead (`ernbot.demo.later`), and once more
with the right time afterwards. Homeserver and people keep the time of day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ernbot.core.clocks import durations
from ernbot.core.followup import months_later
from ernbot.core.states import Action
from ernbot.demo.stage import NETWORK, REQUESTER, Stage

HAPPENED = "Her parents want to wait until ten months. Eye grounds normal, growing well."
CAME = "What became of the patient, from Anders Kjær"


async def three_months_later(stage: Stage) -> None:
    me, room = stage.requester, stage.case
    network = stage.place.directory.network(NETWORK)
    assert network is not None
    today = datetime.now(UTC)
    ahead = months_later(today, network.intervals.follow_up_months) - today + timedelta(days=1)
    await stage.place.stop_bot()
    await stage.place.start_bot(ahead=ahead.days)
    question = await me.hears(room, "Was it followed?", sender=stage.bot)
    stage.marks[question.event_id] = "Three months later"
    stage.check(question.encrypted and question.trusted, "the bot asks by itself whether the outcome was followed")
    mentioned = question.content.get("m.mentions", {}).get("user_ids")
    stage.check(mentioned == [me.user_id], "only the clinician who brought the case is called by it")
    root = question.event_id
    await me.react(room, root, "2️⃣")
    await me.hears(room, "Why not, or not all of it?", after=root)
    stage.check(True, "a tap begins the answer")
    await stage.answer(me, room, "patient", "change something", thread=root)
    await stage.answer(me, room, "management", "What happened since?", thread=root)
    await stage.answer(me, room, HAPPENED, "Is this right?", thread=root)
    await stage.answer(me, room, "yes", "Recorded, thank you", thread=root)
    told = [await expert.hears(room, CAME, sender=stage.bot) for expert in stage.experts]
    stage.check(all("in part" in seen.body and HAPPENED in seen.body for seen in told), "the panel reads the answer")
    await _clocks(stage, ahead)

    await stage.place.stop_bot()
    await stage.place.start_bot()
    asked = await me.say(stage.chats[REQUESTER], "!help")
    stage.marks[asked] = "Today again"
    await me.hears(stage.chats[REQUESTER], "What you can do here", after=asked)
    stage.check(True, "with its clock right again the bot goes on")


async def _clocks(stage: Stage, ahead: timedelta) -> None:
    """The four clocks of the case, read from the bot's database as an administrator could."""
    place = stage.place
    async with place.store() as store, store.transaction() as tx:
        case = await tx.case_in(
            stage.case, stage.requester.user_id, Action.READ, place.directory, datetime.now(UTC) + ahead
        )
    ran = durations(case.clocks, case.opened_at)
    stopped = [each for each in (ran.first_answer, ran.outcome, ran.signature, ran.follow_up) if each is not None]
    stage.check(len(stopped) == 4, "the four clocks of the case have stopped, with nothing typed for them")
    answer, outcome, signature, followed = stopped
    kept = ", ".join(f"{each.total_seconds():.0f} s" for each in (answer, outcome, signature))
    stage.check(
        answer < outcome <= signature < timedelta(hours=1), f"first answer, outcome and signature came after {kept}"
    )
    stage.check(ahead < followed < ahead + timedelta(hours=1), f"and word of the patient {followed.days} days later")
