"""Whose device is it: only an unbroken chain of signatures counts, and the homeserver's word for nothing."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ernbot.core.errors import Refused
from ernbot.demo.homeserver import Homeserver
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import Identity
from ernbot.matrix.keys import public, signed
from ernbot.matrix.machine import now
from ernbot.matrix.trust import Identity as Published
from ernbot.matrix.trust import Trust, read_identity
from ernbot.storage.store import Store
from tests.fixtures_homeserver import Account
from tests.matrix.devices import Forge, new_token, phone

IDA = "@ida:hospital.example"
EVE = "@eve:hospital.example"
FORGE = Forge.of(IDA)
STRANGER = Identity.generate(IDA)

Breaker = Callable[[dict[str, Any]], None]
"""Changes an answer in place."""


def broken(change: Breaker) -> dict[str, Any]:
    answer = copy.deepcopy(FORGE.answer())
    change(answer)
    return answer


def replace_device(**changes: Any) -> Breaker:
    def change(answer: dict[str, Any]) -> None:
        answer["device_keys"][IDA]["DEVICE"] = FORGE.device(**changes)

    return change


def replace_key(usage: str, key: Any) -> Breaker:
    def change(answer: dict[str, Any]) -> None:
        answer[f"{usage}_keys"][IDA] = key

    return change


def own_key(which: str, by: Ed25519PrivateKey = FORGE.identity.master, **changes: Any) -> dict[str, Any]:
    """One of Ida's keys, changed before it is signed."""
    key = FORGE.identity.master if which == "master" else FORGE.identity.self_signing
    return signed({**FORGE.identity.key_object(which, key), **changes}, IDA, public(by), by)


def drop_signature(key_id: str) -> Breaker:
    def change(answer: dict[str, Any]) -> None:
        del answer["device_keys"][IDA]["DEVICE"]["signatures"][IDA][f"ed25519:{key_id}"]

    return change


SIGNED = ("DEVICE", "curve", public(FORGE.device_key), True)


def test_an_unbroken_chain_makes_a_signed_device() -> None:
    assert read_identity(IDA, FORGE.answer()) == Published(FORGE.identity.fingerprint, (SIGNED,))


EXTRA = {f"ed25519:{name}": name for name in (FORGE.identity.fingerprint, STRANGER.fingerprint)}
SELF = public(FORGE.identity.self_signing)
NOT_SIGNED: dict[str, Breaker] = {
    "no master key": lambda answer: answer.pop("master_keys"),
    "no self-signing key": lambda answer: answer.pop("self_signing_keys"),
    "master key of somebody else": replace_key("master", STRANGER.key_object("master", STRANGER.master)),
    "self-signing key of somebody else": replace_key("self_signing", STRANGER.upload_body()["self_signing_key"]),
    "self-signing key without signature": replace_key(
        "self_signing", FORGE.identity.key_object("self_signing", FORGE.identity.self_signing)
    ),
    "self-signing key signed by itself": replace_key(
        "self_signing", own_key("self_signing", by=FORGE.identity.self_signing)
    ),
    "master key of another user": replace_key("master", own_key("master", user_id=EVE)),
    "self-signing key of another user": replace_key("self_signing", own_key("self_signing", user_id=EVE)),
    "master key for another use": replace_key("master", own_key("master", usage=["self_signing"])),
    "self-signing key for another use": replace_key("self_signing", own_key("self_signing", usage=["user_signing"])),
    "no use named": replace_key("self_signing", own_key("self_signing", usage=[])),
    "use is a text": replace_key("self_signing", own_key("self_signing", usage="self_signing")),
    "use is null": replace_key("master", own_key("master", usage=None)),
    "use is a number": replace_key("master", own_key("master", usage=5)),
    "several master keys": replace_key("master", own_key("master", keys=EXTRA)),
    "several self-signing keys": replace_key(
        "self_signing", own_key("self_signing", keys={**EXTRA, f"ed25519:{SELF}": SELF})
    ),
    "no key in the self-signing key": replace_key("self_signing", own_key("self_signing", keys={})),
    "key under another id": replace_key("self_signing", own_key("self_signing", keys={"ed25519:other": SELF})),
    "key of another kind": replace_key("self_signing", own_key("self_signing", keys={f"curve25519:{SELF}": SELF})),
    "key is no text": replace_key("self_signing", own_key("self_signing", keys={"ed25519:1": 1})),
    "device not signed by the self-signing key": drop_signature(SELF),
    "master key is a text": replace_key("master", "text"),
    "self-signing key is a list": replace_key("self_signing", []),
    "master keys are a list": lambda answer: answer.update(master_keys=[]),
    "self-signing keys are null": lambda answer: answer.update(self_signing_keys=None),
}


@pytest.mark.parametrize("change", NOT_SIGNED.values(), ids=NOT_SIGNED)
def test_one_broken_link_and_the_device_is_not_signed(change: Breaker) -> None:
    assert read_identity(IDA, broken(change)).devices == ((*SIGNED[:3], False),)


LEFT_OUT: dict[str, Breaker] = {
    "own signature missing": drop_signature("DEVICE"),
    "own signature by another key": lambda answer: answer["device_keys"][IDA]["DEVICE"]["signatures"][IDA].update(
        {"ed25519:DEVICE": "A" * 86}
    ),
    "changed after signing": lambda answer: answer["device_keys"][IDA]["DEVICE"]["keys"].update(
        {"curve25519:DEVICE": "eves-curve"}
    ),
    "of another user": replace_device(user_id=EVE),
    "of another device": replace_device(device_id="OTHER"),
    "under another name": lambda answer: answer["device_keys"].update(
        {IDA: {"OTHER": answer["device_keys"][IDA]["DEVICE"]}}
    ),
    "under another user": lambda answer: answer["device_keys"].update({IDA: {}, EVE: answer["device_keys"][IDA]}),
    "no keys": replace_device(keys={}),
    "keys are a list": replace_device(keys=[]),
    "only one key": replace_device(keys={"ed25519:DEVICE": public(FORGE.device_key)}),
    "a key is a number": replace_device(keys={"ed25519:DEVICE": public(FORGE.device_key), "curve25519:DEVICE": 1}),
    "keys of another device": replace_device(keys={"ed25519:X": public(FORGE.device_key), "curve25519:X": "curve"}),
    "device is a text": lambda answer: answer["device_keys"][IDA].update({"DEVICE": "text"}),
    "devices are a list": lambda answer: answer["device_keys"].update({IDA: []}),
    "device keys are a list": lambda answer: answer.update(device_keys=[]),
    "device keys are null": lambda answer: answer.update(device_keys=None),
    "nothing at all": lambda answer: answer.clear(),
}


@pytest.mark.parametrize("change", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_device_that_contradicts_itself_is_left_out(change: Breaker) -> None:
    assert read_identity(IDA, broken(change)).devices == ()


def test_one_broken_device_leaves_the_others_alone() -> None:
    answer = FORGE.answer()
    answer["device_keys"][IDA] = {"BROKEN": {}, **answer["device_keys"][IDA], "WORSE": None}
    assert read_identity(IDA, answer).devices == (SIGNED,)


def test_a_device_that_claims_the_keys_of_somebody_else_is_not_theirs() -> None:
    """Eve publishes Ida's device under her own name; she cannot sign it with Ida's device key."""
    stolen = {**FORGE.device(), "user_id": EVE}
    assert read_identity(EVE, {"device_keys": {EVE: {"DEVICE": stolen}}}).devices == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([IDA, "keys", "usage"]), inner),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from places(entry, (*path, key))


@given(st.sampled_from(list(places(FORGE.answer()))), JSON)
def test_anything_anywhere_never_raises_and_never_makes_another_device(path: tuple[Any, ...], value: Any) -> None:
    answer: Any = copy.deepcopy(FORGE.answer())
    if not path:
        answer = value if isinstance(value, dict) else {}
    else:
        place = answer
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    identity = read_identity(IDA, answer)
    assert identity.master in (None, FORGE.identity.fingerprint)
    assert set(identity.devices) <= {(*SIGNED[:3], vouched) for vouched in (True, False)}


class Answers(Gateway):
    """A homeserver that answers key queries as told, one answer after the other, the last one for ever."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.reached = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()

    async def request(self, method: str, path: str, body: Any = None, **_options: Any) -> dict[str, Any]:
        assert (method, path) == ("POST", "/_matrix/client/v3/keys/query")
        self.asked.append(list(body["device_keys"]))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.reached.set()
        await self.held.wait()
        return answer


async def changed(store: Store, trust: Trust, *user_ids: str) -> None:
    """What a sync does when the homeserver says so."""
    trust.forget(user_ids)
    async with store.transaction() as tx:
        await tx.mark_stale(user_ids)


KEYS = ("curve", public(FORGE.device_key))
NONE: dict[str, Any] = {"device_keys": {IDA: {}}}


async def test_the_owner_is_asked_for_once(sqlite_store: Store) -> None:
    gateway = Answers(FORGE.answer())
    trust = Trust(gateway, sqlite_store, now)
    for _ in range(3):
        assert (await trust.owner(IDA, *KEYS)).device_id == "DEVICE"
    assert gateway.asked == [[IDA]]


async def test_a_device_of_somebody_else_is_unknown(sqlite_store: Store) -> None:
    trust = Trust(
        Answers({**FORGE.answer(), "device_keys": {IDA: FORGE.answer()["device_keys"][IDA], EVE: {}}}),
        sqlite_store,
        now,
    )
    await trust.owner(IDA, *KEYS)
    with pytest.raises(Refused) as refused:
        await trust.owner(EVE, *KEYS)
    assert refused.value.code == "device-unknown"


@pytest.mark.parametrize("keys", [("curve", "other"), ("other", KEYS[1])])
async def test_both_keys_must_be_of_one_device(sqlite_store: Store, keys: tuple[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        await Trust(Answers(FORGE.answer()), sqlite_store, now).owner(IDA, *keys)
    assert refused.value.code == "device-unknown"


async def test_an_unsigned_device_is_named(sqlite_store: Store) -> None:
    gateway = Answers(broken(drop_signature(SELF)))
    with pytest.raises(Refused) as refused:
        await Trust(gateway, sqlite_store, now).owner(IDA, *KEYS)
    assert (refused.value.code, refused.value.fields) == ("device-unsigned", {"device": "DEVICE"})
    assert len(gateway.asked) == 2, "the homeserver was asked again before saying so"


async def test_a_device_that_was_added_or_signed_meanwhile_is_found(sqlite_store: Store) -> None:
    gateway = Answers(NONE, broken(drop_signature(SELF)), FORGE.answer())
    trust = Trust(gateway, sqlite_store, now)
    assert await trust.devices([IDA]) == []
    with pytest.raises(Refused, match="device-unsigned"):
        await trust.owner(IDA, *KEYS)
    assert (await trust.owner(IDA, *KEYS)).signed


async def test_a_change_makes_us_ask_again_for_those_who_changed(sqlite_store: Store) -> None:
    other = Forge.of(EVE)
    both = {part: {**FORGE.answer()[part], **other.answer()[part]} for part in FORGE.answer()}
    gateway = Answers(both)
    trust = Trust(gateway, sqlite_store, now)
    assert len(await trust.devices([EVE, IDA, EVE])) == 2
    await changed(sqlite_store, trust, EVE, "@nobody:hospital.example")
    await trust.devices([IDA])
    await trust.devices([IDA, EVE])
    assert gateway.asked == [[EVE, IDA], [EVE]]


async def test_a_change_during_the_question_makes_the_answer_old(sqlite_store: Store) -> None:
    """The device list changes while the answer, made before, is under way: it must not be kept."""
    gateway = Answers(NONE, FORGE.answer())
    gateway.held.clear()
    trust = Trust(gateway, sqlite_store, now)
    asking = asyncio.create_task(trust.devices([IDA]))
    await gateway.reached.wait()
    await changed(sqlite_store, trust, IDA)
    gateway.held.set()
    await asking
    assert [device.device_id for device in await trust.devices([IDA])] == ["DEVICE"]


async def test_somebody_whom_the_answer_leaves_out_is_asked_for_again(sqlite_store: Store) -> None:
    """The answer says nothing of people whose homeserver is away."""
    gateway = Answers({"failures": {"hospital.example": {}}}, FORGE.answer())
    trust = Trust(gateway, sqlite_store, now)
    assert await trust.devices([IDA]) == []
    assert len(await trust.devices([IDA])) == 1


async def test_many_at_once_ask_once(sqlite_store: Store) -> None:
    gateway = Answers(FORGE.answer())
    trust = Trust(gateway, sqlite_store, now)
    await asyncio.gather(*(trust.devices([IDA]) for _ in range(5)))
    assert gateway.asked == [[IDA]]


@pytest.mark.homeserver
async def test_a_second_device_on_the_homeserver_is_unsigned_until_its_owner_signs_it(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path
) -> None:
    ida, bot = await new_account("ida"), await new_account("bot")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as first:
        assert [device.signed for device in await ours.trust.devices([ida.user_id])] == [True]
        token = await new_token(first.gateway, ida)
        async with phone(homeserver, ida, tmp_path, signed=False, token=token) as second:
            with pytest.raises(Refused) as refused:
                await ours.trust.owner(ida.user_id, second.key, second.machine.olm.ed25519)
            assert (refused.value.code, refused.value.fields) == (
                "device-unsigned",
                {"device": second.gateway.device_id},
            )
            assert [device.signed for device in await ours.trust.devices([ida.user_id])].count(True) == 1


@pytest.mark.homeserver
async def test_the_homeserver_tells_whose_devices_changed(
    homeserver: Homeserver, new_account: Callable[[str], Awaitable[Account]], tmp_path: Path
) -> None:
    ida, bot = await new_account("ida"), await new_account("bot")
    async with phone(homeserver, bot, tmp_path) as ours, phone(homeserver, ida, tmp_path) as hers:
        room = await hers.gateway.create_room({"invite": [bot.user_id]})
        await ours.gateway.join(room)
        await ours.sync()
        assert len(await ours.trust.devices([ida.user_id])) == 1
        token = await new_token(hers.gateway, ida)
        async with phone(homeserver, ida, tmp_path, signed=False, token=token):
            changed = (await ours.sync())["device_lists"]["changed"]
            assert ida.user_id in changed
            assert len(await ours.trust.devices([ida.user_id])) == 2
