"""The configuration that every command works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ernbot.core.assurance import Policy
from ernbot.core.case import Case
from ernbot.core.directory import Directory, Network
from ernbot.core.errors import Refused
from ernbot.core.form import Form
from ernbot.core.ranking import Index
from ernbot.core.signature import Notary


@dataclass(frozen=True)
class Office:
    """`bot` is the bot's own user id, `fingerprint` its public master key; `forms` maps form ids to forms.

    `notary` signs for the bot with the key of that fingerprint; there is none where no identity is at hand.

    `quiet_seconds` is how long the bot waits for more files of a series, `arrival_seconds` for more people who are
    expected in a room, before it shows them all what is there. `identified` says what becomes of a file that
    names the patient. `viewer_url` is where a file opens in the full viewer, with `{room}` and `{event}` in it.
    `reminder_hour` is when people are reminded, in UTC.
    """

    bot: str
    directory: Directory
    forms: Mapping[str, Form]
    languages: tuple[str, ...]
    max_megabytes: int = 1024
    policy: Policy = Policy()
    fingerprint: str = ""
    notary: Notary | None = None
    quiet_seconds: float = 2.0
    arrival_seconds: float = 20.0
    identified: Literal["refuse", "ask", "clean"] = "ask"
    viewer_url: str | None = None
    reminder_hour: int = 8

    @cached_property
    def index(self) -> Index:
        """The directory by what people look for, made once."""
        return Index(self.directory)

    def name_in(self, case: Case, user_id: str) -> str:
        """The name of somebody of a case; no directory has that of a guest."""
        asked = case.invitation(user_id)
        return asked.guest.name if asked is not None and asked.guest is not None else self.directory.name_of(user_id)

    def network(self, case: Case) -> Network:
        """The network of a case.

        Raises:
            Refused: `no-case` when an administrator has taken the network out of the configuration.
        """
        network = self.directory.network(case.network)
        if network is None:
            raise Refused("no-case")
        return network

    def opinion_form(self, case: Case) -> Form:
        """The form that the experts of a case answer, in its newest version."""
        return self.forms[self.network(case).form_for(case.question_type)]
