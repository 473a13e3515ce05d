"""The bot with its clock set ahead: `python -m ernbot.demo.later DAYS run --config FILE`.

What comes due by itself after months can so be seen today. It is `ernbot` with another clock and nothing else changed;
neither its command line nor its settings can set the clock, so only the demo and the tests ever do. Everything that
the bot dates then bears the later time, a signature too: never to be used on the database of real patients.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from ernbot.__main__ import run_command
from ernbot.matrix.bot import now

if __name__ == "__main__":
    days, *arguments = sys.argv[1:]
    ahead = timedelta(days=int(days))
    sys.exit(run_command(arguments, clock=lambda: now() + ahead))
