"""A case as a request to a network: who looks at it first, and what they decided.

A network may have its dispatchers and coordinators look at each new case before experts are asked, and a case that is
forwarded to a network of which its requester is no member always waits for them. Every word is kept, in order. Nothing
here knows the case: which network it belongs to is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ernbot.core.errors import BadInput, Refused

MAX_WORDS = 2_000
"""Characters of a reason, a question back or its answer."""


class Verdict(StrEnum):
    """What has become of a request."""

    WAITING = "waiting"
    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"


PENDING = frozenset({Verdict.WAITING, Verdict.ASKED})


@dataclass(frozen=True)
class Step:
    """One word on a request: by whom, in the name of which network, and with which words."""

    verdict: Verdict
    network: str
    by: str
    at: datetime
    words: str = ""


@dataclass(frozen=True)
class Triage:
    """All steps of a request, none for a case that never was one."""

    steps: tuple[Step, ...] = ()

    def current(self, home: str) -> Step | None:
        """The step that counts for a case of the network `home`.

        A request to another network counts while it is pending; once declined there, what the home network said before
        counts again.
        """
        if self.steps and self.steps[-1].verdict in PENDING:
            return self.steps[-1]
        return next((step for step in reversed(self.steps) if step.network == home), None)

    def waits_for(self, home: str) -> str | None:
        """The network whose dispatchers have to decide; None when nobody has to."""
        step = self.current(home)
        return step.network if step is not None and step.verdict is Verdict.WAITING else None

    def holds(self, home: str) -> bool:
        """Whether experts may not be asked yet."""
        step = self.current(home)
        return step is not None and step.verdict is not Verdict.ACCEPTED

    @property
    def networks(self) -> frozenset[str]:
        """Every network that was asked."""
        return frozenset(step.network for step in self.steps)

    def submit(self, network: str, by: str, at: datetime, words: str = "") -> Triage:
        """The request, waiting for a network."""
        return self._add(Step(Verdict.WAITING, network, by, at, words.strip()))

    def answer(self, home: str, by: str, at: datetime, words: str) -> Triage:
        """The request with an answer to the question that was asked back; it waits again.

        Raises:
            Refused: `request-not-asked` when there is no open question.
        """
        step = self.current(home)
        if step is None or step.verdict is not Verdict.ASKED:
            raise Refused("request-not-asked")
        return self._add(Step(Verdict.WAITING, step.network, by, at, given(words)))

    def decide(self, verdict: Verdict, home: str, by: str, at: datetime, words: str = "") -> Triage:
        """The request with a decision of the network that it waits for; all but accepting it needs words.

        Raises:
            Refused: `request-decided` when somebody was faster, `request-asked` while the requester has to answer.
        """
        step = self._pending(home)
        if step.verdict is Verdict.ASKED and verdict is Verdict.ASKED:
            raise Refused("request-asked")
        words = words.strip() if verdict is Verdict.ACCEPTED else given(words)
        return self._add(Step(verdict, step.network, by, at, words))

    def forward(self, home: str, network: str, by: str, at: datetime, words: str) -> Triage:
        """The request, sent on to another network by those for whom it waited. Declined there, it comes back to them.

        Raises:
            Refused: `request-decided` when somebody was faster.
        """
        self._pending(home)
        return self.submit(network, by, at, given(words))

    def _pending(self, home: str) -> Step:
        step = self.current(home)
        if step is None or step.verdict not in PENDING:
            last = step or self.steps[-1]
            raise Refused("request-decided", name=last.by)
        return step

    def _add(self, step: Step) -> Triage:
        return replace(self, steps=(*self.steps, step))


def given(words: str) -> str:
    """Words that must not be missing.

    Raises:
        BadInput: `reason-length` when they are empty or longer than `MAX_WORDS` characters.
    """
    words = words.strip()
    if not words or len(words) > MAX_WORDS:
        raise BadInput("reason-length", maximum=MAX_WORDS)
    return words
