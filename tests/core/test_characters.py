"""Misleading characters are seen, letters of every script stay."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.characters import harmless, right_to_left


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb\rc\u2028d\u2029e\x85f\x0bg\x0ch", "a\nb\nc\nd\ne\nf\ng\nh"),
        ("a\u202e1.5 mg\u202c", "a\ufffd1.5 mg\ufffd"),
        ("\u2066x\u2069", "\ufffdx\ufffd"),
        ("\x00\x1b[31m\x7f", "\ufffd\ufffd[31m\ufffd"),
        ("\ud800\ue000\U0010ffff", "\ufffd\ufffd\U0010ffff"),
        ("👩‍⚕️ שלום مرحبا हिन्दी 漢字 é", "👩‍⚕️ שלום مرحبا हिन्दी 漢字 é"),
    ],
)
def test_harmless(text: str, expected: str) -> None:
    assert harmless(text) == expected


@given(st.text())
def test_harmless_text_stays_and_can_be_sent(text: str) -> None:
    once = harmless(text)
    assert harmless(once) == once
    once.encode()
    assert {unicodedata.category(c) for c in once.replace("\n", "").replace("\t", "")}.isdisjoint({"Cc", "Cs", "Co"})


def test_right_to_left() -> None:
    assert right_to_left("see שלום")
    assert right_to_left("مرحبا")
    assert not right_to_left("Størrelse 5 mm, 漢字, кириллица")
