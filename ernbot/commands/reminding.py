"""What is said by itself: one reminder for a person, the question of a follow-up. Nothing clinical leaves a case.

A reminder names a case by its nickname, says what is waited for and by when, and leads to the room; whoever reads it on
a locked telephone learns nothing of a patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from ernbot.commands.card import card
from ernbot.commands.effects import Card, Message, Outbox, direct_lane
from ernbot.commands.office import Office
from ernbot.commands.reply import Heading, Item, Line, Part, Reply, Symbol, Text, Value
from ernbot.core import ending
from ernbot.core.agenda import Task
from ernbot.core.case import Case
from ernbot.core.followup import Followed
from ernbot.core.states import Action
from ernbot.core.worklist import Brief
from ernbot.storage.agenda import Reminder
from ernbot.storage.transaction import Transaction

LINES = 10
"""Lines of a list: one screen."""

WITHOUT_DUE = frozenset({Task.REVIEW, Task.SILENT})
"""What has nothing to do with the day by which the panel answers."""

REMINDER = "reminder"
"""Marks reminders in the outbox: one that somebody has not had yet is replaced by the next."""

FOLLOW_UP = "follow-up"
"""Marks the question of a follow-up, so that a reply or a reaction to it begins the answer."""


def digest(reminders: Sequence[Reminder], briefs: Mapping[str, Brief], office: Office, today: date) -> Reply | None:
    """One message for everything that somebody is to be reminded of; None when nothing of it is left.

    `briefs` are those of the cases that are named.
    """
    lines = [_item(each, briefs[each.case_id], office, today) for each in reminders[:LINES] if each.case_id in briefs]
    if not lines:
        return None
    parts: list[Part] = [Heading("reminder-title", {"count": len(reminders)}), *lines]
    if more := reminders[LINES:]:
        parts.append(Text("reminder-more", {"count": len(more)}))
    parts.append(Text("reminder-stop"))
    return Reply(tuple(parts))


def sayable(reminders: Sequence[Reminder], office: Office) -> list[Reminder]:
    """Those of cases that can be named, in networks that are still there."""
    return [each for each in reminders if each.readable and office.directory.network(each.network) is not None]


def _item(reminder: Reminder, brief: Brief, office: Office, today: date) -> Item:
    network = office.directory.network(reminder.network)
    assert network is not None
    name = Text("cases-urgent" if reminder.urgent else "cases-name", {"nickname": brief.nickname})
    fields: dict[str, Value] = {"network": network.name, "what": Symbol("due", reminder.kind)}
    texts = [name, Text("reminder-what", fields)]
    if reminder.due is not None and reminder.kind not in WITHOUT_DUE:
        texts.append(Text("cases-late" if reminder.due < today else "cases-due", {"date": reminder.due}))
    return Item(Line(tuple(texts)), room=reminder.room_id)


async def remind(tx: Transaction, replies: Mapping[str, Reply], now: datetime) -> None:
    """Say it to each in the direct chat, in the place of an earlier reminder that has not gone out."""
    await tx.replace_tagged([direct_lane(user_id) for user_id in replies], REMINDER)
    await Outbox(tx, now).to_people(replies, tag=REMINDER)


async def ask_follow_up(tx: Transaction, office: Office, case: Case, place_card: str | None, now: datetime) -> Case:
    """Put the question in the room, where the clinician is mentioned under the card; the case afterwards."""
    asked = ending.ask_follow_up(case, at=now)
    options = tuple(
        Item(Text("dialogue-option", {"label": Symbol("followed", word)}), code=str(number))
        for number, word in enumerate(Followed, start=1)
    )
    name = office.directory.name_of(case.requester)
    question = Reply((Text("followup-question", {"name": name}), *options, Text("followup-how")))
    message = Message(question, case.requester, place_card, choices=len(options))
    outbox = Outbox(tx, now)
    await outbox.to_case(case.id, message, tag=FOLLOW_UP)
    await outbox.to_case(case.id, Card(card(asked, office, now), case.requester))
    tx.audit(at=now, actor=office.bot, action=Action.FOLLOW_UP, case_id=case.id, decision="follow-up-asked")
    return asked
