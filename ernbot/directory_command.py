"""`ernbot directory`: import people from CSV, export them, and say which competences are thin.

An import says what it would do with every row and does nothing without `--write`. It writes `<network>.people.toml`
alone: the files that an administrator edits by hand are never touched, and what they say counts.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ernbot.config import ConfigError, load_settings, read
from ernbot.core.directory import Coverage, Directory, coverage
from ernbot.directory_csv import MAX_BYTES, Row, RowRefused, Unusable, decode, read_rows, to_csv, to_person, to_toml
from ernbot.network_files import (
    PEOPLE,
    NetworkFile,
    PersonTable,
    full_user_id,
    load_directory,
    network_files,
    read_people,
)

What = Literal["added", "changed", "unchanged", "refused"]


@dataclass(frozen=True)
class Finding:
    """What becomes of one row."""

    line: int
    what: What
    who: str
    words: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.who}{' ' if self.who and self.words else ''}{self.words}"


@dataclass
class Roster:
    """The people of one network: by hand, imported, and as this import leaves them; by full user id."""

    file: NetworkFile
    path: Path
    by_hand: dict[str, PersonTable]
    imported: dict[str, PersonTable]
    seen: dict[str, tuple[int, PersonTable]] = field(default_factory=dict)
    changed: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `ernbot directory`."""
    whats = parser.add_subparsers(dest="what", required=True, metavar="what")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        what: argparse.ArgumentParser = whats.add_parser(name, help=text, description=text.capitalize() + ".")
        what.add_argument("--config", type=Path, default=Path("config/ernbot.toml"), metavar="FILE")
        return what

    taken = add("import", "say what a CSV file of people would change, row by row")
    taken.add_argument("file", type=Path, metavar="FILE.csv")
    taken.add_argument("--network", metavar="ID", help="for a file without the column “network”")
    taken.add_argument("--write", action="store_true", help="and write it beside the files of the networks")
    given = add("export", "print the people of all networks, or of one, as CSV")
    given.add_argument("--network", metavar="ID")
    add("report", "say which competences have no or only one reference centre")


def run(options: argparse.Namespace) -> int:
    """Do what was asked; 1 when a row was refused or the file is no use.

    Raises:
        ConfigError: the configuration does not fit.
    """
    settings = load_settings(options.config)
    folder, server_name = settings.networks, settings.homeserver.server_name
    directory = load_directory(folder, server_name)
    if options.what == "report":
        sys.stdout.write("\n".join(report(directory)) + "\n")
        return 0
    rosters = _rosters(folder, server_name)
    if options.network is not None and options.network not in rosters:
        sys.stderr.write(f"There is no network {options.network}. Known are: {', '.join(rosters)}.\n")
        return 1
    if options.what == "export":
        chosen = [rosters[options.network]] if options.network else list(rosters.values())
        people = ((r.file.id, p) for r in chosen for p in (*r.by_hand.values(), *r.imported.values()))
        sys.stdout.buffer.write(to_csv(people).encode())
        return 0
    try:
        return _import(options, rosters, server_name)
    except Unusable as error:
        sys.stderr.write(f"{options.file}: {error}\n")
        return 1


def _rosters(folder: Path, server_name: str) -> dict[str, Roster]:
    found = {}
    for path in network_files(folder):
        file = read(path, NetworkFile)
        by_hand = {full_user_id(person.user, server_name): person for person in file.person}
        imported = {full_user_id(p.user, server_name): p for p in read_people(folder, file, server_name)}
        found[file.id] = Roster(file, path, by_hand, imported)
    return found


def _import(options: argparse.Namespace, rosters: dict[str, Roster], server_name: str) -> int:
    text, encoding = decode(_bytes(options.file))
    findings = [_take(row, rosters, options.network, server_name) for row in read_rows(text)]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    count = Counter(finding.what for finding in findings)
    sums = ", ".join(f"{count[what]} {what}" for what in get_args(What))
    sys.stdout.write(f"{sums}. Read as {encoding}.\n")
    for roster in rosters.values():
        kept = len(roster.imported.keys() - roster.seen.keys())
        if roster.seen and kept:
            sys.stdout.write(f"{kept} people of {roster.file.id}{PEOPLE} are not in this list and stay.\n")
    changed = [roster for roster in rosters.values() if roster.changed]
    if not changed:
        sys.stdout.write("Nothing to write.\n")
    elif not options.write:
        sys.stdout.write("Nothing was written. Add --write to do so.\n")
    else:
        for roster in changed:
            path = roster.path.parent / f"{roster.file.id}{PEOPLE}"
            _replace(path, "\n".join(to_toml(roster.imported.values())) + "\n")
            sys.stdout.write(f"Wrote {path}.\n")
        sys.stdout.write("See what follows with `python -m bridge plan`, then restart the bot.\n")
    return 1 if count["refused"] else 0


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}.") from None


def _take(row: Row, rosters: dict[str, Roster], network: str | None, server_name: str) -> Finding:
    """What one row does to its network."""
    who = row.cells.get("user", "")[:100]
    try:
        roster = _roster(row, rosters, network)
        person = to_person(row, roster.file, server_name)
        user_id = full_user_id(person.user, server_name)
        before = roster.seen.get(user_id)
        if before is not None and before[1] == person:
            return Finding(row.line, "unchanged", who, f"(the same as line {before[0]})")
        if before is not None:
            raise RowRefused(f"is in line {before[0]} as well, otherwise. Keep one of the two.")
        by_hand = roster.by_hand.get(user_id)
        if by_hand is not None and _alike(by_hand, person, server_name) != ():
            raise RowRefused(f"is listed by hand in {roster.path.name}. Change it there.")
    except RowRefused as error:
        return Finding(row.line, "refused", who, str(error))
    roster.seen[user_id] = (row.line, person)
    known = by_hand or roster.imported.get(user_id)
    differences = _alike(known, person, server_name) if known is not None else ()
    if known is not None and not differences:
        return Finding(row.line, "unchanged", who)
    roster.imported[user_id] = person
    roster.changed = True
    if known is None:
        return Finding(row.line, "added", who, f"({person.name}, {person.centre})")
    return Finding(row.line, "changed", who, f"({'; '.join(differences)})")


def _roster(row: Row, rosters: dict[str, Roster], network: str | None) -> Roster:
    named = row.cells.get("network", "") or network or (next(iter(rosters)) if len(rosters) == 1 else "")
    if network is not None and named != network:
        raise RowRefused(f"belongs to {named}, and this import is for {network} alone.")
    if not named:
        raise RowRefused("names no network. Add the column “network”, or use --network.")
    if named not in rosters:
        raise RowRefused(f"names the unknown network “{named}”. Known are: {', '.join(rosters)}.")
    return rosters[named]


def _alike(known: PersonTable, person: PersonTable, server_name: str) -> tuple[str, ...]:
    """What is different between two entries of one person, in words; empty when nothing is."""
    found = []
    for name in PersonTable.model_fields:
        before, after = getattr(known, name), getattr(person, name)
        if name == "user":
            before, after = full_user_id(before, server_name), full_user_id(after, server_name)
        if before != after:
            found.append(f"{name}: {_words(before)} → {_words(after)}")
    return tuple(found)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(_words, value)) or "none"
    return f"{value.first}..{value.last}" if hasattr(value, "first") else str(value)


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None


def report(directory: Directory) -> Iterator[str]:
    """The competences with no or only one reference centre, per network, and a line for all."""
    total, thin = 0, 0
    countries: set[str] = set()
    for network in directory.networks:
        covered = coverage(network)
        few = [each for each in covered if each.thin]
        total, thin = total + len(covered), thin + len(few)
        sums = f"{len(few)} of {len(covered)} competences have no or only one reference centre"
        yield f"{network.name} ({network.id}): {sums}."
        yield from (f"  {_line(each)}" for each in few)
        countries.update(*(each.countries for each in covered))
    yield f"All networks: {thin} of {total} competences, experts in {len(countries)} countries."


def _line(each: Coverage) -> str:
    references = ", ".join(f"{centre.name} ({centre.country})" for centre in each.references) or "no reference centre"
    people = "1 person" if each.experts == 1 else f"{each.experts} people"
    return f"{each.competence.id}: {references}; {people} in {', '.join(each.countries) or 'no country'}"
