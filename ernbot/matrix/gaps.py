"""Filling what a sync left out of a room's timeline, page by page, while other rooms go on.

A gap is a row of the inbox that stands before the events after it. What is found takes its turn; how far we are is
committed with every page, so that a crash costs one page at most and nothing is skipped, however much was said.
"""

from __future__ import annotations

import logging

from ernbot.matrix.errors import MatrixError
from ernbot.matrix.events import as_list
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.intake import Intake
from ernbot.storage.records import InboxItem
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

GAP = "gap"
"""Kind of the inbox row of a gap."""

MAX_EMPTY = 10
"""Pages in a row in which there is nothing for us, before we stop looking; a homeserver filters after it cuts."""


class Gaps:
    """Fills gaps."""

    def __init__(self, gateway: Gateway, intake: Intake, store: Store) -> None:
        self._gateway = gateway
        self._intake = intake
        self._store = store

    async def fill(self, gap: InboxItem) -> None:
        """Fetch everything between the two tokens of a gap, the oldest first; nothing from a room closed to us.

        Raises:
            MatrixError, Unreachable: the homeserver did not answer well; what was fetched is kept.
        """
        start, end, empty = gap.payload["from"], gap.payload["to"], 0
        while True:
            try:
                page = await self._gateway.messages(gap.room_id, start, end)
            except MatrixError as error:
                if error.status not in (403, 404):
                    raise
                log.warning("the history of a room is closed to us (%s)", error)
                page = {}
            events = [event for event in as_list(page.get("chunk")) if isinstance(event, dict)]
            following = page.get("end")
            empty = 0 if events else empty + 1
            ended = not isinstance(following, str) or following == start or empty > MAX_EMPTY
            arrival = self._intake.arrival(events)
            async with self._store.transaction() as tx:
                if arrival is not None:
                    # What was found so far is from before we were in the room.
                    await tx.drop_turn(gap.seq)
                await self._intake.take(tx, gap.room_id, events[arrival:], turn=gap.seq)
                if ended:
                    await tx.handled(gap.event_id)
                    return
                await tx.rewrite(gap, {"from": following, "to": end})
            start = following
