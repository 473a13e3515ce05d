"""The table of holes in docs/encryption.md says what the tests of the holes try."""

from __future__ import annotations

from collections.abc import Iterator

from tests.docs.test_docs import table
from tests.matrix import test_holes


def tried() -> Iterator[tuple[int, str, str]]:
    """Number of the hole, what happens in plain matrix-nio, name of the test: as the marks of the tests have it."""
    for name, function in vars(test_holes).items():
        for mark in getattr(function, "pytestmark", ()) if name.startswith("test_") else ():
            if mark.name == "parametrize" and mark.args[0] == "kind":
                _, nio = mark.args[1]
                (fails,) = nio.marks
                assert fails.kwargs["strict"]
                number, _, happens = fails.kwargs["reason"].removeprefix("hole ").partition(": ")
                yield int(number), happens, name


def test_the_table_has_every_test_of_a_hole_and_no_other() -> None:
    rows = table("docs/encryption.md", "| Hole |")[1:]
    assert [(int(row[0]), row[1], row[3].strip("`")) for row in rows] == list(tried())
    assert all(row[2] for row in rows)


def test_no_hole_is_left_out() -> None:
    assert {number for number, _, _ in tried()} == set(range(1, 14))
