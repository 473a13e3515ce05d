"""The documents say what the program does: commands, tables, links and targets are compared with the code."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ernbot.commands import COMMANDS
from ernbot.core.access import BY_STANDING
from ernbot.core.states import ALLOWED, Action
from ernbot.storage.tables import metadata
from tests.core.test_case import LEADS_TO

ROOT = Path(__file__).parents[2]
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "index" + "-url=")
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:home|Users|root|work|workspace|tmp/wt)/\w")
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
ARROW = re.compile(r"^ {4}(\w+) --> (\w+): (.+)$", re.MULTILINE)


def files() -> Iterator[Path]:
    """Every file of the repository that holds text: what git tracks, and what is new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.split(b"\0"):
        path = ROOT / name.decode()
        if name and path.is_file() and b"\0" not in path.read_bytes():
            yield path


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def table(document: str, first_cell: str) -> list[list[str]]:
    """The rows of the table whose head begins with these words, head included, the line below it left out."""
    lines = text(document).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(first_cell))
    rows: list[list[str]] = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells = re.split(r"(?<!\\)\|", line.strip("|"))
        rows.append([cell.strip().replace("\\|", "|") for cell in cells])
    return [rows[0], *rows[2:]]


def ticked(document: str, first_cell: str) -> dict[str, set[str]]:
    """A table of ticks: for each column the rows that have one."""
    head, *rows = table(document, first_cell)
    return {column: {row[0] for row in rows if row[number] == "✓"} for number, column in enumerate(head) if column}


def anchors(path: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_lists_every_command_as_it_is_typed() -> None:
    rows = table("README.md", "| Type this")[1:]
    assert [(row[0], row[1]) for row in rows] == [(f"`{command.usage}`", command.where) for command in COMMANDS]
    assert all(row[2] for row in rows)


def test_the_architecture_shows_which_action_fits_which_state() -> None:
    assert ticked("docs/architecture.md", "| | draft |") == {
        state: {str(action) for action in actions} for state, actions in ALLOWED.items()
    }


def test_the_architecture_shows_who_may_do_what() -> None:
    shown = ticked("docs/architecture.md", "| | requester |")
    assert shown == {str(who): {str(action) for action in actions} for who, actions in BY_STANDING.items()}


def test_no_action_is_left_out_of_a_table() -> None:
    for first_cell, missing in (("| | draft |", {Action.CREATE}), ("| | requester |", set[Action]())):
        rows = table("docs/architecture.md", first_cell)[1:]
        assert [row[0] for row in rows] == [str(action) for action in Action if action not in missing]


def test_the_diagram_has_every_change_of_state_and_no_other() -> None:
    drawn = {
        (start, end): set(labels.split(", ")) for start, end, labels in ARROW.findall(text("docs/architecture.md"))
    }
    real: dict[tuple[str, str], set[str]] = {}
    for (start, action), end in LEADS_TO.items():
        if start != end:
            real.setdefault((start, end), set()).add(str(action))
    assert drawn == real
    assert {state for arrow in drawn for state in arrow} == set(ALLOWED)


def test_the_architecture_names_every_table_and_what_is_sealed() -> None:
    shown = {row[0].strip("`"): bool(row[2]) for row in table("docs/architecture.md", "| Table ")[1:]}
    sealed = {t.name: any(str(column.type) == "BLOB" for column in t.columns) for t in metadata.sorted_tables}
    assert shown == sealed


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for match in LINK.finditer(document.read_text(encoding="utf-8")):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = document.parent / target if target else document
        assert path.exists(), match[0]
        assert not anchor or anchor in anchors(path), match[0]


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_and_target_that_a_document_names_exists(document: Path) -> None:
    """Paths begin with a folder of the repository; those under data/ are made by an administrator."""
    content = document.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", content, re.MULTILINE)) <= targets
    for path in re.findall(r"`((?:ernbot|bridge|config|docs|docker|tests)/[\w./-]*)`", content):
        assert (ROOT / path).exists(), path


def test_the_decisions_are_numbered_once() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert len({name[:4] for name in names}) == len(names)
    for name in names:
        assert text(f"docs/decisions/{name}").startswith(f"# {name[:4]} "), name


def test_the_glossary_is_in_order_and_has_each_word_once() -> None:
    words = [row[0].strip("*").casefold() for row in table("docs/glossary.md", "| Word ")[1:]]
    assert words == sorted(set(words))


def test_the_licence_is_whole() -> None:
    licence = text("LICENSE")
    headings = re.findall(r"^(\d+)\. [A-Z]", licence, re.MULTILINE)
    assert headings == [str(number) for number in range(1, 16)]
    assert "EUROPEAN UNION PUBLIC LICENCE v. 1.2" in licence
    assert licence.rstrip().endswith("EUPL version.")


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    found = []
    for path in files():
        content = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {name}" for name in REGISTRIES if name in content]
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in MACHINE_PATH.finditer(content)]
    assert found == []
