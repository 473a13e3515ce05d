"""The grammar of conditions: closed, and the same when it is written and read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.condition import (
    MAX_LENGTH,
    Among,
    Answered,
    Condition,
    Either,
    Every,
    clauses,
    holds,
    parse,
    written,
)

NAMES = st.sampled_from(["a", "b", "step", "x-1"])
VALUES = st.sampled_from(["surgery", "watch", "1", "ORPHA:2343", "very-low"])
ATOMS: st.SearchStrategy[Condition] = st.builds(Answered, NAMES) | st.builds(
    Among, NAMES, st.lists(VALUES, min_size=1, max_size=3, unique=True).map(tuple)
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds(Every, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Either, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)
ANSWERS = st.dictionaries(NAMES, VALUES | st.integers(1, 2) | st.lists(VALUES, max_size=2).map(tuple))


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("step == surgery", {"step": "surgery"}, True),
        ("step == surgery", {"step": "watch"}, False),
        ("step == surgery", {}, False),
        ("step==surgery", {"step": ("watch", "surgery")}, True),
        ("scale == 4", {"scale": 4}, True),
        ("step in (surgery, watch)", {"step": "watch"}, True),
        ("step in ( surgery,watch )", {"step": "wait"}, False),
        ("answered(age)", {"age": "8 mo"}, True),
        ("answered(age)", {"step": "surgery"}, False),
        ("a == 1 or b == 1 and c == 1", {"a": 1}, True),
        ("(a == 1 or b == 1) and c == 1", {"a": 1}, False),
        ("(a == 1 or b == 1) and c == 1", {"b": 1, "c": 1}, True),
    ],
)
def test_what_holds(text: str, answers: dict[str, object], expected: bool) -> None:
    assert holds(parse(text), answers) is expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "a field expected at 'the end'"),
        ("step", "== or in expected at 'the end'"),
        ("step = surgery", "== or in expected at '='"),
        ("step == ", "a value expected at 'the end'"),
        ("step == surgery watch", "and, or, or the end expected at 'watch'"),
        ("step in surgery", r"\( expected at 'surgery'"),
        ("step in ()", r"a value expected at '\)'"),
        ("step in (a b)", r", or \) expected at 'b'"),
        ("answered age", r"\( expected at 'age'"),
        ("(step == a", r"\) expected at 'the end'"),
        ("not step == a", "== or in expected at 'step'"),
        ("and == a", "a field expected at 'and'"),
        ("step == or", "a value expected at 'or'"),
        ("__import__('os')", "a field expected at '_'"),
        ("step == a; import os", "and, or, or the end expected at ';'"),
        ("step == a" + " or step == a" * 100, f"at most {MAX_LENGTH} characters"),
    ],
)
def test_what_is_no_condition_says_where(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(text)


def flat(condition: Condition) -> Condition:
    """The condition as it means, whatever brackets it was written with."""
    return parse(written(condition))


@given(CONDITIONS, ANSWERS)
def test_a_condition_means_the_same_when_it_is_written_and_read(
    condition: Condition, answers: dict[str, object]
) -> None:
    assert flat(condition) == condition
    assert holds(flat(condition), answers) == holds(condition, answers)


@given(CONDITIONS, ANSWERS)
def test_its_clauses_mean_the_same(condition: Condition, answers: dict[str, object]) -> None:
    each = all(any(holds(atom, answers) for atom in clause) for clause in clauses(condition))
    assert each == holds(condition, answers)


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_a_value_error(text: str) -> None:
    try:
        condition = parse(text)
    except ValueError:
        return
    assert parse(written(condition)) == condition
