"""Reading what people sent, including what no client would send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ernbot.matrix.events import MAX_NESTING, Attachment, Words, attachment, well_formed, words

ME = "@bot:hospital.example"
IDA = "@ida:hospital.example"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def text(body: str, **content: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **content}


def test_plain_words() -> None:
    assert words(text(" !help \n"), ME) == Words("!help", None, None, None, ())


def test_a_reply_names_its_event_and_loses_its_quotation() -> None:
    body = "> <@ida:hospital.example> which one?\n> second line\n\n4"
    content = text(body, **{"m.relates_to": {"m.in_reply_to": {"event_id": "$question"}}})
    assert words(content, ME) == Words("4", None, None, "$question", ())


def test_a_quotation_that_is_no_reply_stays() -> None:
    found = words(text("> she said so\n\nI agree"), ME)
    assert found is not None
    assert found.text == "> she said so\n\nI agree"


def test_a_thread_names_its_root() -> None:
    relation = {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$last"}}
    assert words(text("4", **{"m.relates_to": relation}), ME) == Words("4", None, "$root", "$last", ())


def test_an_edit_is_read_from_its_new_content() -> None:
    content = text(
        "* !help",
        **{"m.new_content": text("!help"), "m.relates_to": {"rel_type": "m.replace", "event_id": "$old"}},
    )
    assert words(content, ME) == Words("!help", "$old", None, None, ())


def test_an_edit_without_new_content_says_nothing() -> None:
    assert words(text("* x", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$old"}}), ME) is None


def test_mentions_are_people_once_and_not_ourselves() -> None:
    content = text("hello", **{"m.mentions": {"user_ids": [IDA, ME, 5, None, IDA]}})
    found = words(content, ME)
    assert found is not None
    assert found.mentions == (IDA,)


PILL = f'<a href="https://matrix.to/#/{ME}">Case &amp; rooms</a>'


@pytest.mark.parametrize(
    ("body", "formatted", "said"),
    [
        ("Case & rooms: help", f"{PILL}: help", "help"),
        ("Case & rooms help", f"<p>{PILL} help</p>", "help"),
        ("Case & rooms, !help", f"{PILL}, !help", "!help"),
        (f"{ME}: help", None, "help"),
        (f"{ME.partition(':')[0]} help", None, "help"),
        ("Case & rooms", PILL, ""),
        ("please help", None, "please help"),
        (
            "Somebody else: help",
            '<a href="https://matrix.to/#/@other:x">Somebody else</a>: help',
            "Somebody else: help",
        ),
        (f"{ME}ter help", None, f"{ME}ter help"),
    ],
)
def test_whoever_addresses_us_need_not_repeat_our_name(body: str, formatted: str | None, said: str) -> None:
    html = {"format": "org.matrix.custom.html", "formatted_body": formatted} if formatted else {}
    found = words(text(body, **html, **{"m.mentions": {"user_ids": [ME, IDA]}}), ME)
    assert found is not None
    assert (found.text, found.addressed, found.mentions) == (said, True, (IDA,))


def test_who_is_not_mentioned_is_not_addressed() -> None:
    found = words(text(f"{ME}: help", formatted_body=f"{PILL}: help"), ME)
    assert found is not None
    assert (found.text, found.addressed) == (f"{ME}: help", False)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"msgtype": "m.text"},
        {"msgtype": "m.text", "body": 5},
        {"msgtype": "m.notice", "body": "x"},
        text("x") | {"msgtype": []},
    ],
)
def test_what_is_no_text_message_has_no_words(content: dict[str, Any]) -> None:
    assert words(content, ME) is None


@pytest.mark.parametrize("kind", ["m.file", "m.image", "m.video", "m.audio"])
def test_an_attachment_is_read_with_its_keys(kind: str) -> None:
    content = {
        "msgtype": kind,
        "file": {"url": "mxc://h/1", "key": {"k": "key"}, "iv": "iv", "hashes": {"sha256": "hash"}},
        "info": {"mimetype": "image/png"},
    }
    assert attachment(content) == Attachment("mxc://h/1", "key", "iv", "hash", "image/png")


@pytest.mark.parametrize(
    "file", [None, [], "text", {}, {"key": []}, {"key": {"k": 1}, "hashes": "x", "url": 5, "iv": None}]
)
def test_an_attachment_without_usable_keys_has_empty_ones(file: Any) -> None:
    assert attachment({"msgtype": "m.file", "file": file, "info": []}) == Attachment("", "", "", "", None)


def test_a_text_is_no_attachment() -> None:
    assert attachment(text("x")) is None


def nested(levels: int) -> Any:
    value: Any = "inside"
    for level in range(levels):
        value = [value] if level % 2 else {"next": value}
    return value


@pytest.mark.parametrize("value", [None, 1, 1.5, "æøå 👶", {"a": [{"b": "c"}]}, nested(MAX_NESTING)])
def test_what_clients_send_is_well_formed(value: Any) -> None:
    assert well_formed(value)


@pytest.mark.parametrize(
    "value",
    ["\ud800", {"a": ["x\udfff"]}, {"\ud83d": 1}, nested(MAX_NESTING + 1), nested(100_000)],
    ids=["surrogate", "inside", "key", "too deep", "far too deep"],
)
def test_what_would_break_its_reader_is_not(value: Any) -> None:
    assert not well_formed(value)


@given(JSON)
def test_what_is_well_formed_can_be_written_down(value: Any) -> None:
    if well_formed(value):
        json.dumps(value, ensure_ascii=False).encode()


@given(
    st.fixed_dictionaries(
        {"msgtype": st.sampled_from(["m.text", "m.file", "m.image"]) | JSON},
        optional=dict.fromkeys(("body", "m.relates_to", "m.new_content", "m.mentions", "file", "info"), JSON),
    )
)
def test_no_content_raises(content: dict[str, Any]) -> None:
    words(content, ME)
    attachment(content)
