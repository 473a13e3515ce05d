"""The configuration that every command works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ernbot.core.assurance import Policy
from ernbot.core.case import Case
from ernbot.core.directory import Directory, Network
from ernbot.core.errors import Refused
from ernbot.core.form import Form


@dataclass(frozen=True)
class Office:
    """`bot` is the bot's own user id, `fingerprint` its public master key; `forms` maps form ids to forms.

    `quiet_seconds` is how long the bot waits for more files of a series. `identified` says what becomes of a file that
    names the patient. `viewer_url` is where a file opens in the full viewer, with `{room}` and `{event}` in it.
    """

    bot: str
    directory: Directory
    forms: Mapping[str, Form]
    languages: tuple[str, ...]
    max_megabytes: int = 1024
    policy: Policy = Policy()
    fingerprint: str = ""
    quiet_seconds: float = 2.0
    identified: Literal["refuse", "ask", "clean"] = "ask"
    viewer_url: str | None = None

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
        return self.forms[self.network(case).opinion_form]
