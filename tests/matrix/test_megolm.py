"""Room events: everything that a hostile member can send to break who reads them, or to be taken for somebody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import vodozemac
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ernbot.core.errors import Refused
from ernbot.matrix.errors import Undecryptable
from ernbot.matrix.events import MAX_NESTING
from ernbot.matrix.olm import MEGOLM
from tests.matrix.devices import NewPhone, Phone
from tests.matrix.forging import crafted, nested, own_session, payload, whispered

pytestmark = pytest.mark.homeserver

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MANY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def shared(bot: Phone, ida: Phone, room: str) -> str:
    """A room in which the bot has Ida's key."""
    await ida.encrypt(room, bot)
    await bot.sync()
    return room


def message(room: str, **changes: Any) -> bytes:
    plaintext = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": "x"}}
    return json.dumps({**plaintext, **changes}).encode()


HOSTILE: dict[str, tuple[Callable[[str], bytes], str]] = {
    "not UTF-8": (lambda room: b"\xff\xfe", "broken"),
    "not JSON": (lambda room: b"{", "broken"),
    "empty": (lambda room: b"", "broken"),
    "a list": (lambda room: b"[]", "broken"),
    "a number": (lambda room: b"5", "broken"),
    "a text": (lambda room: b'"room_id"', "broken"),
    "null": (lambda room: b"null", "broken"),
    "very deep": (lambda room: b"[" * 20_000 + b"]" * 20_000, "broken"),
    "deep": (lambda room: message(room, content={"body": nested(900)}), "broken"),
    "too deep": (lambda room: message(room, content={"body": nested(MAX_NESTING)}), "broken"),
    "a huge number": (lambda room: message(room).replace(b'"x"', b"9" * 5000), "broken"),
    "no Unicode": (lambda room: message(room, content={"msgtype": "m.text", "body": "\ud800"}), "broken"),
    "no Unicode in a key": (lambda room: message(room, content={"\udfff": 1}), "broken"),
    "no Unicode in the type": (lambda room: message(room, type="\ud800"), "broken"),
    "no type": (lambda room: message(room).replace(b'"type"', b'"kind"'), "broken"),
    "type is a list": (lambda room: message(room, type=[]), "broken"),
    "no content": (lambda room: message(room).replace(b'"content"', b'"contents"'), "broken"),
    "content is null": (lambda room: message(room, content=None), "broken"),
    "content is a list": (lambda room: message(room, content=[]), "broken"),
    "no room": (lambda room: message(room).replace(b'"room_id"', b'"room"'), "forged"),
    "another room": (lambda room: message("!other:ern.localhost"), "forged"),
    "room is null": (lambda room: message(room, room_id=None), "forged"),
    "a state key": (lambda room: message(room, type="m.room.member", state_key="@eve:ern.localhost"), "forged"),
    "an empty state key": (lambda room: message(room, type="m.room.power_levels", state_key=""), "forged"),
    "a state key that is null": (lambda room: message(room, state_key=None), "forged"),
}


@pytest.mark.parametrize(("plaintext", "why"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_plaintext_is_refused(
    bot: Phone, ida: Phone, shared: str, plaintext: Callable[[str], bytes], why: str
) -> None:
    assert await bot.reads(shared, ida.event(await crafted(ida, shared, plaintext(shared)))) == why
    assert await bot.reads(shared, ida.event(await crafted(ida, shared, message(shared)))) == "ok", (
        "the next one is read"
    )


async def test_a_state_key_around_the_ciphertext_is_refused(bot: Phone, ida: Phone, shared: str) -> None:
    for key in ("", "@eve:ern.localhost", None):
        assert await bot.reads(shared, ida.event(await ida.encrypt(shared, bot), state_key=key)) == "forged"


@pytest.mark.parametrize("field", ["sender_key", "device_id", "session_id", "ciphertext", "algorithm"])
@pytest.mark.parametrize("value", [..., None, 5, [], {}, "", "***", "\ud800"])
async def test_a_damaged_envelope_is_refused(bot: Phone, ida: Phone, shared: str, field: str, value: Any) -> None:
    content = await ida.encrypt(shared, bot)
    if value is ...:
        del content[field]
    else:
        content[field] = value
    expected: tuple[str, ...] = ("broken", "no-key")
    if field in ("sender_key", "device_id") and value != "\ud800":
        expected = ("ok",)  # the session says whose device it is, not these
    assert await bot.reads(shared, ida.event(content)) in expected


@pytest.mark.parametrize("field", ["event_id", "sender", "content"])
@pytest.mark.parametrize("value", [..., None, -5, [], {}])
async def test_a_damaged_event_is_refused(bot: Phone, ida: Phone, shared: str, field: str, value: Any) -> None:
    event = ida.event(await ida.encrypt(shared, bot))
    if value is ...:
        del event[field]
    else:
        event[field] = value
    assert await bot.reads(shared, event) in ("broken", "forged")


async def test_a_replay_is_refused_and_the_same_event_is_not_one(bot: Phone, ida: Phone, shared: str) -> None:
    event = ida.event(await ida.encrypt(shared, bot), event_id="$once")
    assert [await bot.reads(shared, event) for _ in range(2)] == ["ok", "ok"]
    assert await bot.reads(shared, {**event, "event_id": "$again"}) == "replay"


async def test_an_event_of_another_room_has_no_key_here(bot: Phone, ida: Phone, shared: str) -> None:
    event = ida.event(await ida.encrypt(shared, bot))
    assert await bot.reads("!other:ern.localhost", event) == "no-key"
    assert await bot.reads(shared, event) == "ok"


async def test_the_words_of_one_are_not_those_of_another(
    bot: Phone, ida: Phone, new_phone: NewPhone, shared: str
) -> None:
    """Mallory sends Ida's ciphertext as her own: there is no key of hers for it."""
    mallory = await new_phone("mallory")
    event = ida.event(await ida.encrypt(shared, bot))
    assert await bot.reads(shared, event | {"sender": mallory.user_id}) == "no-key"
    decrypted = await bot.decrypt(shared, event)
    with pytest.raises(Refused) as refused:
        await bot.trust.owner(mallory.user_id, decrypted.curve25519, decrypted.ed25519)
    assert refused.value.code == "device-unknown"
    assert (await bot.trust.owner(ida.user_id, decrypted.curve25519, decrypted.ed25519)).signed


async def test_claimed_keys_of_somebody_else_are_nobodys(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    """Mallory sends her own room key and says that it is signed with Ida's key."""
    mallory = await new_phone("mallory")
    await mallory.encrypt(room, bot)
    await bot.sync()
    key = mallory.machine.megolm.key_message("!claimed", await own_session(mallory, room))
    said = payload(mallory, bot, "m.room_key", key, keys={"ed25519": ida.machine.olm.ed25519})
    await bot.take(await whispered(mallory, bot.key, said))
    content = await crafted(mallory, room, message("!claimed"))
    decrypted = await bot.decrypt("!claimed", mallory.event(content))
    for user_id in (ida.user_id, mallory.user_id):
        with pytest.raises(Refused, match="device-unknown"):
            await bot.trust.owner(user_id, decrypted.curve25519, decrypted.ed25519)


async def test_an_exported_session_of_somebody_is_not_taken_for_theirs(
    bot: Phone, ida: Phone, new_phone: NewPhone, room: str
) -> None:
    """What somebody else forwards proves nothing about who wrote it."""
    mallory = await new_phone("mallory")
    await mallory.encrypt(f"{room}-other", bot)
    await bot.sync()
    event = ida.event(await ida.encrypt(room, mallory))
    exported = vodozemac.InboundGroupSession((await own_session(ida, room)).session_key).export_at(1)
    assert exported is not None
    key = {
        "algorithm": MEGOLM,
        "room_id": room,
        "session_id": event["content"]["session_id"],
        "session_key": exported.to_base64(),
        "sender_key": ida.key,
        "sender_claimed_ed25519_key": ida.machine.olm.ed25519,
        "forwarding_curve25519_key_chain": [],
    }
    for chain in ([], [mallory.key]):
        said = payload(mallory, bot, "m.forwarded_room_key", {**key, "forwarding_curve25519_key_chain": chain})
        assert (await bot.take(await whispered(mallory, bot.key, said))).failures == 1
        assert await bot.reads(room, event) == "no-key"


@MANY
@given(st.dictionaries(st.sampled_from(["type", "event_id", "sender", "content", "unsigned", "room_id"]), JSON), JSON)
async def test_any_event_is_decrypted_or_refused(bot: Phone, changes: dict[str, Any], content: Any) -> None:
    event = bot.event({"algorithm": MEGOLM, "sender_key": "x", "session_id": "x", "device_id": "x", "ciphertext": "x"})
    for damaged in ({**event, **changes}, {**event, "content": content}, changes):
        with pytest.raises(Undecryptable):
            await bot.decrypt("!r", damaged)


@MANY
@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_any_plaintext_is_read_or_refused(bot: Phone, ida: Phone, shared: str, plaintext: bytes) -> None:
    event = ida.event(await crafted(ida, shared, plaintext))
    with pytest.raises(Undecryptable):
        await bot.decrypt(shared, event)
