"""From typed words to arguments, and no text whatsoever that breaks the conversation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernbot.commands import COMMANDS
from ernbot.commands.registry import Answers, Command, Confirm, Rest, Words, command, find, key_values
from ernbot.commands.reply import Reply
from ernbot.core.errors import BadInput

from .chat import ANDERS, OPINION, SASKIA, Chat


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", {"a": "1"}),
        ("a=1 b=2", {"a": "1", "b": "2"}),
        ("  A=1\n\tb-c=2  ", {"a": "1", "b-c": "2"}),
        ("a=two words b=3", {"a": "two words", "b": "3"}),
        ('a="b=2" c=3', {"a": "b=2", "c": "3"}),
        ("a=“b=2 c=4” c=3", {"a": "b=2 c=4", "c": "3"}),
        ('a="" b=2', {"a": "", "b": "2"}),
        ("a= b=2", {"a": "", "b": "2"}),
        ("a=x==y", {"a": "x==y"}),
        ("a=1+1=2", {"a": "1+1=2"}),
        ('a="open b=2', {"a": '"open', "b": "2"}),
        ('a=say "yes" now', {"a": 'say "yes" now'}),
        ("a=\ue0000\ue001", {"a": "0"}),
        ('a="x" b=\ue0000\ue001', {"a": "x", "b": "0"}),
        ("a=one\ntwo", {"a": "one\ntwo"}),
    ],
)
def test_answers(text: str, values: dict[str, str]) -> None:
    assert key_values(text) == values


@pytest.mark.parametrize("text", ["", "a", "=", "=1", "a =1", "x a=1", "1a=2", "å=1", '"a=1"'])
def test_no_answers(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        key_values(text)
    assert refusal.value.code == "usage"


@pytest.mark.parametrize("text", ["a=1 a=2", "a=1 A=1", 'a="1" b=2 a=3'])
def test_an_answer_given_twice(text: str) -> None:
    with pytest.raises(BadInput) as refusal:
        key_values(text)
    assert (refusal.value.code, refusal.value.fields) == ("answer-twice", {"field": "a"})


@given(st.text(alphabet=st.sampled_from('ab= "“”\n\ue000\ue0010')))
def test_answers_are_mappings_or_mistakes(text: str) -> None:
    try:
        values = key_values(text)
    except BadInput:
        return
    assert values
    assert all("\ue000" not in value for value in values.values())


@command("try word", where="anywhere")
async def word(ctx: Any, one: str, two: str = "") -> Reply | None: ...


@command("try rest", where="anywhere")
async def rest(ctx: Any, one: str, more: Rest) -> Reply | None: ...


@command("try words", where="anywhere")
async def words(ctx: Any, some: Words, answers: Answers) -> Reply | None: ...


@command("try confirm", where="anywhere")
async def confirm(ctx: Any, confirm: Confirm = Confirm(False)) -> Reply | None: ...


@pytest.mark.parametrize(
    ("tried", "text", "arguments"),
    [
        (word, "a", {"one": "a"}),
        (word, " a \n b ", {"one": "a", "two": "b"}),
        (word, "", None),
        (word, "a b c", None),
        (rest, "a b c\n d", {"one": "a", "more": "b c\n d"}),
        (rest, "a\u00a0b", {"one": "a", "more": "b"}),
        (rest, "a", None),
        (words, "a,b ; c x=1 y=2", {"some": ("a", "b", "c"), "answers": {"x": "1", "y": "2"}}),
        (words, "a", None),
        (words, "x=1", None),
        (words, ",; x=1", None),
        (confirm, "", {}),
        (confirm, "Confirm", {"confirm": True}),
        (confirm, "yes", None),
        (confirm, "confirm now", None),
    ],
)
def test_arguments(tried: Command, text: str, arguments: dict[str, Any] | None) -> None:
    if arguments is not None:
        assert tried.arguments(text) == arguments
        return
    with pytest.raises(BadInput) as refusal:
        tried.arguments(text)
    assert refusal.value.code == "usage"


def test_usage_lines() -> None:
    assert [tried.usage for tried in (word, rest, words, confirm)] == [
        "!try word <one> [<two>]",
        "!try rest <one> <more …>",
        "!try words <some …> <key>=<value> …",
        "!try confirm [confirm]",
    ]


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("!opinion", "!opinion", ""),
        ("!opinion show", "!opinion show", ""),
        ("!OPINION   Show x", "!opinion show", "x"),
        ("!opinion showing", "!opinion", "showing"),
        ("!opinion\nshow", "!opinion show", ""),
        ("!opinion-show", "!opinion show", ""),
        ("!opinionshow", "!opinion show", ""),
        ("!outcome follow-up: MRI.", "!outcome followup", "MRI."),
        ("! consent give care", "!consent give", "care"),
        ("!outcome followup\nMRI.", "!outcome followup", "MRI."),
    ],
)
def test_the_longest_name_wins(text: str, name: str, rest: str) -> None:
    match = find(COMMANDS, text)
    assert match is not None
    assert (match[0].name, match[1]) == (name, rest)


@pytest.mark.parametrize("text", ["!", "!opinions", "!o", "!show opinion", "!opinion.show", "!panel"])
def test_no_command(text: str) -> None:
    assert find(COMMANDS, text) is None


ANY = st.text() | st.text(alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Co", "Zl", "Zp"]))
LINES = st.builds(
    lambda name, separator, text: f"{name}{separator}{text}",
    st.sampled_from([each.name for each in COMMANDS if each.name not in ("!outcome sign", "!consent withdraw")]),
    st.sampled_from([" ", "\n", "\u00a0", "  ", ""]),
    ANY | st.lists(st.sampled_from([*OPINION.split()[1:], "concerns=", '"', ",", "=", "care"])).map(" ".join),
)


@pytest.fixture
async def busy(chat: Chat) -> Chat:
    """A case with an expert who is being asked; `event` is the thread."""
    await chat.assessing()
    await chat.here(SASKIA, "!opinion")
    return chat


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ANY | LINES)
async def test_no_text_breaks_the_conversation(busy: Chat, text: str) -> None:
    """Whatever is typed in a direct chat, a case room or a dialogue gets a sentence in every language, or silence."""
    before = len(busy.done)
    async with busy.store.transaction() as tx:
        dialogue = await tx.dialogue(busy.room, SASKIA)
    await busy.say(ANDERS, text)
    await busy.say(ANDERS, text, room=busy.room, replies_to=busy.last.event_id)
    await busy.say(SASKIA, text, room=busy.room)
    await busy.say(SASKIA, text, room=busy.room, thread=dialogue.thread if dialogue else None)
    assert all(answer.text and answer.danish for answer in busy.answers(before))
