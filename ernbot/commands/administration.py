"""What an administrator does on the command line, without a chat and without the bot: it hears of it by its inbox."""

from __future__ import annotations

from datetime import datetime

from ernbot.commands.identity import ADMINISTRATOR, accept
from ernbot.commands.office import Office
from ernbot.commands.refusals import refusal
from ernbot.commands.reply import Reply, say
from ernbot.core.errors import Refused
from ernbot.storage.store import Store


async def confirm_identity(
    store: Store, office: Office, user: str, fingerprint: str, at: datetime
) -> tuple[bool, Reply]:
    """Confirm somebody's new identity; whether that was done, and what to say of it.

    `user` is a user id, or its part before the colon for somebody on the bot's own homeserver.
    """
    user_id = user if user.startswith("@") else f"@{user}:{office.bot.partition(':')[2]}"
    name = office.directory.name_of(user_id)
    try:
        async with store.transaction() as tx:
            await accept(tx, user_id, "".join(fingerprint.split()), name=name, by=ADMINISTRATOR, at=at)
    except Refused as error:
        return False, refusal(error)
    return True, say("identity-confirmed", name=name)
