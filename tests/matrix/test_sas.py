"""A verification by emoji: both roles against a client that shares no line with ours, and every way to go wrong."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vodozemac import Sas

from ernbot.locales import LANGUAGES, catalogue
from ernbot.matrix.emoji import EMOJI, comparison
from ernbot.matrix.render import render
from ernbot.matrix.sas import (
    HESITATION,
    LIMIT,
    NAMESPACE,
    REASONS,
    Flow,
    Mismatch,
    Outgoing,
    Party,
    State,
    cancellation,
    read_request,
)
from tests.matrix.comparer import MESSAGE, Client, canonical, hashed

START = datetime(2026, 3, 31, 8, 0, tzinfo=UTC)
BOT = Party("@ernbot:hospital.example", "BOTDEVICE", "bot-device-key", "bot-master-key")
IDA = Party("@ida:hospital.example", "PHONE", "phone-key", "ida-master-key")
AAGE = Party("@aage:hospital.example", "PHONE", "phone-key", "aage-master-key")
PLACES = [("$request", True), ("transaction", False)]


def pair(
    theirs: Party = IDA, transaction: str = "$request", *, in_room: bool = True, at: datetime = START
) -> tuple[Flow, Client]:
    return Flow(BOT, theirs, transaction, in_room=in_room, at=at), Client(theirs, BOT, transaction, in_room=in_room)


def give(flow: Flow, message: Outgoing, at: datetime = START) -> list[Outgoing]:
    # What travels is JSON: nothing is shared between the two sides.
    return flow.receive(message[0], json.loads(json.dumps(message[1])), at)


def only(messages: list[Outgoing], name: str) -> MESSAGE:
    assert [kind for kind, _ in messages] == [f"m.key.verification.{name}"]
    return messages[0][1]


def to_comparing(flow: Flow, client: Client) -> MESSAGE:
    """Up to the emoji, started by the client; the bot's proof."""
    accept = only(give(flow, client.begin()), "accept")
    (key_type, key), (mac_type, mac) = give(flow, client.key())
    assert (key_type, mac_type) == (NAMESPACE + "key", NAMESPACE + "mac")
    assert accept["commitment"] == hashed(key["key"] + canonical(client.start))
    client.establish(key["key"])
    return mac


def assert_state(flow: Flow, state: State) -> None:
    assert flow.state is state


def assert_cancelled(flow: Flow, messages: list[Outgoing], code: str) -> None:
    content = only(messages, "cancel")
    assert content["code"] == code
    assert content["reason"] == REASONS[code]
    assert_state(flow, State.CANCELLED)
    assert flow.ended
    assert flow.cancelled == code


@pytest.mark.parametrize(("transaction", "in_room"), PLACES)
def test_the_client_starts_and_both_sides_see_the_same(transaction: str, in_room: bool) -> None:
    flow, client = pair(transaction=transaction, in_room=in_room)
    ready = only(flow.ready(), "ready")
    assert ready == {"from_device": "BOTDEVICE", "methods": ["m.sas.v1"], **client.tie}

    mac = to_comparing(flow, client)
    assert_state(flow, State.COMPARING)
    assert list(flow.emoji) == client.emoji
    assert flow.decimals == client.decimals
    client.check(mac)

    assert give(flow, client.mac()) == []
    assert_state(flow, State.PROVEN)
    assert only(flow.finish(), "done") == client.tie
    assert_state(flow, State.DONE)
    assert give(flow, client.say("done")) == []


@pytest.mark.parametrize(("transaction", "in_room"), PLACES)
def test_the_bot_starts_when_the_client_does_not(transaction: str, in_room: bool) -> None:
    flow, client = pair(transaction=transaction, in_room=in_room)
    assert flow.tick(START + HESITATION / 2) == []
    start = only(flow.tick(START + HESITATION), "start")
    assert flow.tick(START + HESITATION) == []
    key = only(give(flow, client.accept(start)), "key")
    mac = only(give(flow, client.key()), "mac")
    client.establish(key["key"])
    assert list(flow.emoji) == client.emoji
    client.check(mac)
    give(flow, client.mac())
    assert_state(flow, State.PROVEN)


def test_when_both_start_the_smaller_user_id_did() -> None:
    flow, client = pair(AAGE)  # @aage < @ernbot
    flow.start()
    accept = only(give(flow, client.begin()), "accept")
    key, mac = give(flow, client.key())
    assert accept["commitment"] == hashed(key[1]["key"] + canonical(client.start))
    client.establish(key[1]["key"])
    client.check(mac[1])
    assert list(flow.emoji) == client.emoji

    flow, client = pair(IDA)  # @ernbot < @ida
    start = only(flow.start(), "start")
    assert give(flow, client.begin()) == []
    our_key = only(give(flow, client.accept(start)), "key")
    our_mac = only(give(flow, client.key()), "mac")
    client.establish(our_key["key"])
    client.check(our_mac)
    assert list(flow.emoji) == client.emoji


def test_between_devices_of_one_user_the_smaller_device_id_did() -> None:
    for device, theirs_count in (("A", True), ("Z", False)):
        flow, client = pair(Party(BOT.user_id, device, "key", BOT.master_key))
        flow.start()
        assert bool(give(flow, client.begin())) is theirs_count


@pytest.mark.parametrize(("both_start", "code"), [(False, "m.unknown_method"), (True, "m.unexpected_message")])
def test_a_start_by_another_method_ends_it(both_start: bool, code: str) -> None:
    flow, client = pair()
    if both_start:
        flow.start()
    answer = give(flow, client.say("start", from_device="PHONE", method="m.reciprocate.v1", secret="x"))
    assert_cancelled(flow, answer, code)


def test_our_two_roles_fit_each_other() -> None:
    a = Flow(BOT, IDA, "$request", in_room=True, at=START)
    b = Flow(IDA, BOT, "$request", in_room=True, at=START)
    waiting = {id(b): a.start(), id(a): list[Outgoing]()}
    for _ in range(5):
        for to, back in ((a, b), (b, a)):
            for message in waiting[id(to)]:
                waiting[id(back)] = [*waiting.get(id(back), []), *give(to, message)]
            waiting[id(to)] = []
    assert_state(a, State.PROVEN)
    assert_state(b, State.PROVEN)
    assert a.emoji == b.emoji
    assert len(a.emoji) == 7
    assert a.decimals == b.decimals


def test_a_client_without_emoji_gets_numbers() -> None:
    flow, client = pair()
    _, start = client.begin()
    start["short_authentication_string"] = ["decimal", "org.example.song"]
    assert only(give(flow, ("m.key.verification.start", start)), "accept")["short_authentication_string"] == ["decimal"]
    key, _ = give(flow, client.key())
    client.establish(key[1]["key"])
    assert flow.emoji == ()
    assert flow.decimals == client.decimals


def test_a_proof_may_cover_more_keys_than_we_know() -> None:
    flow, client = pair()
    to_comparing(flow, client)
    keys = {f"ed25519:{key_id}": key for key_id, key in client.names(IDA)}
    give(flow, client.mac(**keys, **{"ed25519:another": "key", "org.example:x": "key"}))
    assert_state(flow, State.PROVEN)


@pytest.mark.parametrize("left_out", ["PHONE", "ida-master-key"])
def test_a_proof_covers_the_device_and_the_master_key(left_out: str) -> None:
    flow, client = pair()
    to_comparing(flow, client)
    keys = {f"ed25519:{key_id}": key for key_id, key in client.names(IDA) if key_id != left_out}
    assert_cancelled(flow, give(flow, client.mac(**keys)), "m.key_mismatch")


@pytest.mark.parametrize("swapped", ["PHONE", "ida-master-key"])
def test_a_proof_of_another_key_is_none(swapped: str) -> None:
    flow, client = pair()
    to_comparing(flow, client)
    keys = {f"ed25519:{key_id}": "evil" if key_id == swapped else key for key_id, key in client.names(IDA)}
    assert_cancelled(flow, give(flow, client.mac(**keys)), "m.key_mismatch")


def test_a_device_named_like_the_master_key_is_refused() -> None:
    with pytest.raises(Mismatch, match=r"m\.key_mismatch"):
        Flow(BOT, Party("@ida:hospital.example", "master", "key", "master"), "$request", in_room=True, at=START)


# --- tampering, step by step

Tamper = Callable[[MESSAGE], None]


def put(field: str, value: Any) -> Tamper:
    def change(content: MESSAGE) -> None:
        content[field] = value

    return change


def drop(field: str) -> Tamper:
    def change(content: MESSAGE) -> None:
        del content[field]

    return change


def first_mac(value: Any) -> Tamper:
    def change(content: MESSAGE) -> None:
        content["mac"][next(iter(content["mac"]))] = value

    return change


NONSENSE: list[Any] = [None, 1, 1.5, True, "", "x", [], [1], {}, {"a": 1}, "\ud800"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (put("from_device", "TABLET"), "m.user_mismatch"),
        (put("key_agreement_protocols", ["curve25519"]), "m.unknown_method"),
        (put("hashes", ["md5"]), "m.unknown_method"),
        (put("message_authentication_codes", ["hkdf-hmac-sha256"]), "m.unknown_method"),
        (put("short_authentication_string", ["song"]), "m.unknown_method"),
        (put("short_authentication_string", []), "m.unknown_method"),
        (put("hashes", "sha256"), "m.invalid_message"),
        (put("hashes", ["sha256", 1]), "m.invalid_message"),
        (put("extra", "\ud800"), "m.invalid_message"),
        (drop("method"), "m.invalid_message"),
        (drop("from_device"), "m.invalid_message"),
        (drop("hashes"), "m.invalid_message"),
    ],
)
def test_a_start_that_does_not_fit_ends_it(change: Tamper, code: str) -> None:
    for both_start in (False, True):
        flow, client = pair(AAGE)
        if both_start:
            flow.start()
        _, content = client.begin()
        change(content)
        assert_cancelled(flow, flow.receive(NAMESPACE + "start", content, START), code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (put("key_agreement_protocol", "curve25519"), "m.unknown_method"),
        (put("hash", "md5"), "m.unknown_method"),
        (put("message_authentication_code", "hkdf-hmac-sha256"), "m.unknown_method"),
        (put("short_authentication_string", ["song"]), "m.unknown_method"),
        (put("short_authentication_string", "emoji"), "m.invalid_message"),
        (put("hash", None), "m.invalid_message"),
        (drop("commitment"), "m.invalid_message"),
        (put("commitment", ["x"]), "m.invalid_message"),
    ],
)
def test_an_accept_that_does_not_fit_ends_it(change: Tamper, code: str) -> None:
    flow, client = pair()
    _, content = client.accept(only(flow.start(), "start"))
    change(content)
    assert_cancelled(flow, flow.receive(NAMESPACE + "accept", content, START), code)


@pytest.mark.parametrize("commitment", ["", "x", "é", hashed("another key")])
def test_a_key_that_was_not_promised_ends_it(commitment: str) -> None:
    flow, client = pair()
    _, accept = client.accept(only(flow.start(), "start"))
    accept["commitment"] = commitment
    only(give(flow, (NAMESPACE + "accept", accept)), "key")
    assert_cancelled(flow, give(flow, client.key()), "m.mismatched_commitment")


def test_the_promise_covers_the_whole_start() -> None:
    flow, client = pair()
    start = copy.deepcopy(only(flow.start(), "start"))
    start["hashes"] = ["sha256", "md5"]  # changed on the way
    give(flow, client.accept(start))
    assert_cancelled(flow, give(flow, client.key()), "m.mismatched_commitment")


def test_the_bots_promise_covers_what_it_does_not_understand() -> None:
    flow, client = pair()
    client.tie |= {"org.example.extra": {"ø": [1, None]}, "signatures": {}, "unsigned": {"age": 1}}
    to_comparing(flow, client)


WEAK = [base64.b64encode(bytes([first]) + bytes(31)).decode() for first in (0, 1)]


@pytest.mark.parametrize("key", [*NONSENSE, *WEAK, "A" * 1000])
def test_a_key_that_is_none_ends_it(key: Any) -> None:
    flow, client = pair()
    give(flow, client.begin())
    assert_cancelled(flow, flow.receive(NAMESPACE + "key", {"key": key}, START), "m.invalid_message")


def test_a_key_swapped_on_the_way_shows_other_emoji_and_breaks_the_proof() -> None:
    flow, client = pair()
    give(flow, client.begin())
    key, _ = give(flow, ("m.key.verification.key", {**client.tie, "key": Sas().public_key.to_base64()}))
    client.establish(key[1]["key"])
    assert (list(flow.emoji), flow.decimals) != (client.emoji, client.decimals)
    assert_cancelled(flow, give(flow, client.mac()), "m.key_mismatch")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (first_mac(""), "m.key_mismatch"),
        (first_mac("x"), "m.key_mismatch"),
        (first_mac("é"), "m.key_mismatch"),
        (first_mac("A" * 43), "m.key_mismatch"),
        (put("keys", "A" * 43), "m.key_mismatch"),
        (put("mac", {}), "m.key_mismatch"),
        (lambda content: content["mac"].pop("ed25519:PHONE"), "m.key_mismatch"),
        (lambda content: content["mac"].update({"ed25519:more": "A" * 43}), "m.key_mismatch"),
        (first_mac(None), "m.invalid_message"),
        (first_mac({}), "m.invalid_message"),
        (put("mac", None), "m.invalid_message"),
        (put("mac", []), "m.invalid_message"),
        (put("keys", 1), "m.invalid_message"),
        (drop("keys"), "m.invalid_message"),
        (drop("mac"), "m.invalid_message"),
    ],
)
def test_a_tampered_proof_ends_it(change: Tamper, code: str) -> None:
    flow, client = pair()
    to_comparing(flow, client)
    _, content = client.mac()
    change(content)
    assert_cancelled(flow, flow.receive(NAMESPACE + "mac", content, START), code)


@pytest.mark.parametrize(("field", "value"), [("transaction", "$other"), ("me", AAGE), ("me", BOT)])
def test_a_proof_for_another_verification_is_none(field: str, value: Any) -> None:
    flow, client = pair()
    to_comparing(flow, client)
    setattr(client, field, value)
    keys = {f"ed25519:{key_id}": key for key_id, key in client.names(IDA)}
    assert_cancelled(flow, give(flow, client.mac(**keys)), "m.key_mismatch")


def test_the_bots_own_proof_sent_back_is_none() -> None:
    flow, client = pair()
    mac = to_comparing(flow, client)
    assert_cancelled(flow, give(flow, (NAMESPACE + "mac", mac)), "m.key_mismatch")


# --- out of turn, late, cancelled


def in_state(state: State) -> tuple[Flow, Client]:
    flow, client = pair()
    if state in (State.STARTED, State.KEY_SENT):
        start = only(flow.start(), "start")
        if state is State.KEY_SENT:
            give(flow, client.accept(start))
    elif state is State.ACCEPTED:
        give(flow, client.begin())
    elif state is not State.READY:
        to_comparing(flow, client)
        if state is not State.COMPARING:
            give(flow, client.mac())
    assert_state(flow, state)
    return flow, client


WAITING = [State.READY, State.STARTED, State.KEY_SENT, State.ACCEPTED, State.COMPARING, State.PROVEN]
IN_TURN = {
    (State.READY, "start"),
    (State.STARTED, "start"),
    (State.STARTED, "accept"),
    (State.KEY_SENT, "key"),
    (State.ACCEPTED, "key"),
    (State.COMPARING, "mac"),
}
NAMES = ["request", "ready", "start", "accept", "key", "mac", "done", "unheard-of"]


@pytest.mark.parametrize(("state", "name"), [(s, n) for s in WAITING for n in NAMES if (s, n) not in IN_TURN])
def test_what_comes_out_of_turn_ends_it(state: State, name: str) -> None:
    flow, client = in_state(state)
    assert_cancelled(flow, give(flow, client.say(name)), "m.unexpected_message")


@pytest.mark.parametrize("state", WAITING)
@pytest.mark.parametrize("code", ["m.user", "m.mismatched_sas", "m.timeout"])
def test_the_other_side_may_cancel_at_any_time(state: State, code: str) -> None:
    flow, client = in_state(state)
    assert give(flow, client.say("cancel", code=code, reason="no")) == []
    assert_state(flow, State.CANCELLED)
    assert flow.cancelled == code


@pytest.mark.parametrize("code", [*NONSENSE, "org.example.whim"])
def test_a_cancellation_for_an_unknown_reason_is_one(code: Any) -> None:
    flow, client = in_state(State.READY)
    if code == "\ud800":
        flow.receive(NAMESPACE + "cancel", {"code": code}, START)
    else:
        give(flow, client.say("cancel", code=code))
    assert_state(flow, State.CANCELLED)
    assert flow.cancelled in REASONS


@pytest.mark.parametrize("state", WAITING)
def test_it_ends_after_ten_minutes(state: State) -> None:
    late = START + LIMIT + timedelta(seconds=1)
    flow, _ = in_state(state)
    assert flow.tick(START + LIMIT) == [] or state is State.READY
    assert_cancelled(flow, flow.tick(late), "m.timeout")
    assert flow.tick(late) == []
    flow, client = in_state(state)
    assert_cancelled(flow, give(flow, client.say("key", key="x"), late), "m.timeout")


def test_what_has_ended_answers_nothing() -> None:
    flow, client = in_state(State.COMPARING)
    flow.cancel("m.user")
    for message in (client.mac(), client.begin(), client.say("cancel", code="m.user"), client.say("done")):
        assert give(flow, message) == []
    assert_state(flow, State.CANCELLED)


@pytest.mark.parametrize(("transaction", "in_room"), PLACES)
def test_a_cancellation_names_what_it_ends(transaction: str, in_room: bool) -> None:
    kind, content = cancellation(transaction, "m.unknown_transaction", in_room=in_room)
    assert kind == "m.key.verification.cancel"
    assert content.pop("reason")
    tie = {"m.relates_to": {"rel_type": "m.reference", "event_id": transaction}}
    assert content == {"code": "m.unknown_transaction", **(tie if in_room else {"transaction_id": transaction})}


def test_a_request_says_who_asks_and_how() -> None:
    asked = read_request({"from_device": "PHONE", "methods": ["m.sas.v1", "m.qr_code.show.v1"], "more": 1})
    assert asked.device_id == "PHONE"
    assert asked.methods == ("m.sas.v1", "m.qr_code.show.v1")


@pytest.mark.parametrize("value", [None, 1, {}, ["PHONE"]])
def test_a_request_without_a_device_is_refused(value: Any) -> None:
    with pytest.raises(Mismatch, match=r"m\.invalid_message"):
        read_request({"from_device": value, "methods": ["m.sas.v1"]})


@pytest.mark.parametrize("value", [None, 1, {}, "m.sas.v1", [None]])
def test_a_request_without_methods_is_refused(value: Any) -> None:
    with pytest.raises(Mismatch, match=r"m\.invalid_message"):
        read_request({"from_device": "PHONE", "methods": value})


# --- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        *("from_device", "method", "methods", "key_agreement_protocols", "hashes", "message_authentication_codes"),
        *("short_authentication_string", "key_agreement_protocol", "hash", "message_authentication_code"),
        *("commitment", "key", "mac", "keys", "code", "m.relates_to", "transaction_id"),
    ]
)
ARBITRARY = st.dictionaries(FIELDS | st.text(), JSON, max_size=6)


@given(state=st.sampled_from(WAITING), name=st.sampled_from(NAMES), changes=ARBITRARY)
def test_no_message_raises_and_none_forges_a_proof(state: State, name: str, changes: MESSAGE) -> None:
    flow, client = in_state(state)
    genuine: dict[str, Callable[[], Outgoing]] = {"start": client.begin, "key": client.key}
    content = genuine.get(name, lambda: client.say(name))()[1] | changes
    answer = flow.receive(NAMESPACE + name, content, START)
    assert flow.ended or flow.state is not State.PROVEN or state is State.PROVEN
    assert len(answer) <= 2
    json.dumps(answer)


@given(content=ARBITRARY)
def test_any_request_is_read_or_refused(content: MESSAGE) -> None:
    with contextlib.suppress(Mismatch):
        assert isinstance(read_request(content).device_id, str)


# --- the table


def test_there_are_sixty_four_emoji_with_a_name_in_every_language() -> None:
    assert len(EMOJI) == len(set(EMOJI)) == 64
    words = [entry.partition(" ")[2] for entry in EMOJI]
    assert all(not entry[0].isascii() for entry in EMOJI)
    for language in LANGUAGES:
        names = [catalogue(language).text(f"emoji-{word}") for word in words]
        assert len(set(names)) == 64, language
    assert EMOJI[0].startswith("🐶")
    assert EMOJI[63].startswith("📌")


def test_numbers_are_shown_as_they_are() -> None:
    assert "- 1234 – 8191 – 9191" in render(comparison((), (1234, 8191, 9191)), "en").body
    assert "- 🐶 Hund" in render(comparison((0,) * 7, (1, 2, 3)), "da").body
