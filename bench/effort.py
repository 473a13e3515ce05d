"""How many messages people type for the core journey, against the most that they should have to.

The journey is the one that tests/commands/test_effort.py plays to the signed outcome, every answer on one screen.
"""

from __future__ import annotations

from bench._common import state
from ernbot.demo.journey import AIMS, effort


def main() -> None:
    for step, typed in effort().items():
        state(f"{step}: messages typed (reference: the most it may take)", typed, AIMS[step], "messages")


if __name__ == "__main__":
    main()
