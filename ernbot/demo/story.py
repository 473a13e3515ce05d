"""The story that `make demo` plays: a case from its question to what became of the patient, and one that is withdrawn.

Every scene is played by real encrypted clients against the running system and says what it has seen to be true. A
scene whose check fails ends the story.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ernbot.demo.scenes import followup, opening, opinions, outcome, panel, pictures, rounds, withdrawal
from ernbot.demo.stage import Stage, Step

SCENES: tuple[tuple[str, Callable[[Stage], Awaitable[None]]], ...] = (
    ("The clinicians log in", opening.log_in),
    ("A clinician greets the bot", opening.greeting),
    ("A case is opened", opening.open_case),
    ("Nobody comes in before consent", opening.closed_before_consent),
    ("Consent is recorded", opening.consent),
    ("Scans and photographs are shown", pictures.files),
    ("Experts are brought in", panel.invitations),
    ("Experts give their opinions sealed", opinions.sealed),
    ("The opinions are revealed", opinions.revealed),
    ("A statement is rated in two Delphi rounds", rounds.delphi),
    ("The outcome is written and signed by three", outcome.signed),
    ("The outcome is proved offline", outcome.proved),
    ("Consent is withdrawn from another case", withdrawal.withdrawn),
    ("Three months later the clinician is asked", followup.three_months_later),
)


async def play(stage: Stage, tell: Callable[[Step], None]) -> bool:
    """Play all scenes; whether all went well."""
    for name, scene in SCENES:
        step = await stage.play(name, scene)
        tell(step)
        if not step.ok:
            return False
    return True
