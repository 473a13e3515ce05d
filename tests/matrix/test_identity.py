"""The bot's own identity: made once, published as the homeserver wants it, never replaced silently."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import vodozemac

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import bot
from ernbot.matrix.errors import IdentityLost, MatrixError, RecoveryRefused, Unreachable
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.identity import SECRET, Identity, ensure_identity
from ernbot.matrix.olm import Olm
from ernbot.matrix.trust import Identity as Published
from ernbot.matrix.trust import read_identity
from ernbot.storage.store import Store
from tests.fixtures_homeserver import Account
from tests.matrix.devices import Forge, Phone, log_in, new_token, phone, started, switched_on

BOT = "@bot:hospital.example"
KEYS = "/_matrix/client/v3/keys"


class Cut(Exception):
    """Where a test ends the program."""


def independently_signed(value: dict[str, Any], user_id: str, key: str) -> None:
    """Raise when vodozemac does not find a signature by this key, over JSON that we do not make."""
    bare = {name: entry for name, entry in value.items() if name not in ("signatures", "unsigned")}
    message = json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    signature = vodozemac.Ed25519Signature.from_base64(value["signatures"][user_id][f"ed25519:{key}"])
    vodozemac.Ed25519PublicKey.from_base64(key).verify_signature(message, signature)


def test_the_upload_is_what_the_specification_asks_for() -> None:
    identity = Identity.generate(BOT)
    body = identity.upload_body()
    assert set(body) == {"master_key", "self_signing_key", "user_signing_key"}
    for usage in ("master", "self_signing", "user_signing"):
        part = body[f"{usage}_key"]
        ((key_id, key),) = part["keys"].items()
        assert (part["user_id"], part["usage"], key_id) == (BOT, [usage], f"ed25519:{key}")
        assert len(key) == 43, "32 bytes in base64 without padding"
        if usage != "master":
            independently_signed(part, BOT, identity.fingerprint)
    assert len({json.dumps(part["keys"]) for part in body.values()}) == 3


def test_the_seeds_bring_the_same_identity_back() -> None:
    identity = Identity.generate(BOT)
    again = Identity.from_bytes(BOT, identity.to_bytes())
    assert again.upload_body() == identity.upload_body()
    assert again.fingerprint != Identity.generate(BOT).fingerprint


# --- on the homeserver


@pytest.fixture
async def account(new_account: Callable[[str], Awaitable[Account]]) -> Account:
    return await new_account("bot")


@pytest_asyncio.fixture(loop_scope="session")
async def ours(homeserver: Homeserver, account: Account, tmp_path: Path) -> AsyncIterator[Phone]:
    """The bot's device, with published keys that nobody signed yet."""
    async with phone(homeserver, account, tmp_path, signed=False) as device:
        yield device


@pytest.fixture
def gateway(ours: Phone) -> Gateway:
    return ours.gateway


@pytest.fixture
def olm(ours: Phone) -> Olm:
    return ours.machine.olm


async def published(gateway: Gateway) -> dict[str, Any]:
    return await gateway.request("POST", f"{KEYS}/query", {"device_keys": {gateway.user_id: []}})


async def signed_devices(gateway: Gateway) -> dict[str, bool]:
    """Our devices, and whether our identity signed them."""
    identity = read_identity(gateway.user_id, await published(gateway))
    return {device_id: signed for device_id, _, _, signed in identity.devices}


@pytest.fixture
def requests(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the homeserver after its keys were queried."""
    asked: list[str] = []
    request = gateway.request

    async def noted(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        asked.append(path.removeprefix(KEYS))
        return await request(method, path, *args, **options)

    monkeypatch.setattr(gateway, "request", noted)
    return asked


@pytest.fixture
def identity(gateway: Gateway) -> Identity:
    return Identity.generate(gateway.user_id)


@pytest.mark.homeserver
async def test_what_is_published_is_an_identity_that_signs_the_device(
    gateway: Gateway, olm: Olm, identity: Identity
) -> None:
    await ensure_identity(gateway, olm, identity)
    answer = await published(gateway)
    assert read_identity(gateway.user_id, answer) == Published(
        identity.fingerprint, ((gateway.device_id, olm.curve25519, olm.ed25519, True),)
    )
    (self_signing,) = answer["self_signing_keys"][gateway.user_id]["keys"].values()
    independently_signed(answer["self_signing_keys"][gateway.user_id], gateway.user_id, identity.fingerprint)
    independently_signed(answer["device_keys"][gateway.user_id][gateway.device_id], gateway.user_id, self_signing)


@pytest.mark.homeserver
async def test_the_second_time_changes_nothing(
    gateway: Gateway, olm: Olm, identity: Identity, requests: list[str]
) -> None:
    await ensure_identity(gateway, olm, identity)
    before = await published(gateway)
    requests.clear()
    await ensure_identity(gateway, olm, identity)
    assert requests == ["/query"]
    assert await published(gateway) == before


@pytest.mark.homeserver
async def test_another_identity_is_never_replaced(
    gateway: Gateway, olm: Olm, identity: Identity, requests: list[str]
) -> None:
    await ensure_identity(gateway, olm, identity)
    before = await published(gateway)
    requests.clear()
    with pytest.raises(IdentityLost, match=r"identity of @bot-.* Restore the database .* warn\.$"):
        await ensure_identity(gateway, olm, Identity.generate(gateway.user_id))
    assert requests == ["/query"]
    assert await published(gateway) == before


@pytest.mark.homeserver
@pytest.mark.parametrize("step", ["/device_signing/upload", "/signatures/upload"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_around_a_request_is_made_good_by_the_next_start(
    gateway: Gateway, olm: Olm, identity: Identity, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    request = gateway.request

    async def dying(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        if path == KEYS + step:
            if when == "after":
                await request(method, path, *args, **options)
            raise Cut
        return await request(method, path, *args, **options)

    monkeypatch.setattr(gateway, "request", dying)
    with pytest.raises(Cut):
        await ensure_identity(gateway, olm, identity)
    monkeypatch.undo()
    await ensure_identity(gateway, olm, identity)
    assert await signed_devices(gateway) == {gateway.device_id: True}


@pytest.mark.homeserver
async def test_a_second_device_is_signed_by_the_same_identity(
    gateway: Gateway, olm: Olm, identity: Identity, homeserver: Homeserver, account: Account, tmp_path: Path
) -> None:
    await ensure_identity(gateway, olm, identity)
    token = await new_token(gateway, account, "SECOND")
    async with phone(homeserver, account, tmp_path, signed=False, token=token) as other:
        await ensure_identity(other.gateway, other.machine.olm, identity)
    assert await signed_devices(gateway) == {gateway.device_id: True, "SECOND": True}


@pytest.mark.homeserver
async def test_an_unpublished_device_is_said_so(homeserver: Homeserver, account: Account, tmp_path: Path) -> None:
    async with switched_on(await log_in(homeserver, account), tmp_path) as device:
        what = f"does not know the device {device.gateway.device_id} of {account.user_id}"
        with pytest.raises(IdentityLost, match=what):
            await ensure_identity(device.gateway, device.machine.olm, Identity.generate(account.user_id))


@pytest.mark.homeserver
@pytest.mark.parametrize("device", ["another", "changed", "text"])
async def test_a_device_that_is_not_ours_is_never_signed(
    gateway: Gateway, olm: Olm, identity: Identity, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """A homeserver that shows another device under our name must not get our signature for it."""
    asked: list[str] = []
    honest = gateway.request

    async def dishonest(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        asked.append(path.removeprefix(KEYS))
        answer = copy.deepcopy(await honest(method, path, *args, **options))
        if path.endswith("/query"):
            ours = answer["device_keys"][gateway.user_id]
            if device == "another":
                ours[gateway.device_id] = Forge.of(gateway.user_id, gateway.device_id).device()
            elif device == "changed":
                ours[gateway.device_id]["keys"][f"curve25519:{gateway.device_id}"] = "A" * 43
            else:
                ours[gateway.device_id] = "text"
        return answer

    monkeypatch.setattr(gateway, "request", dishonest)
    with pytest.raises(IdentityLost, match="by other keys than those in this database"):
        await ensure_identity(gateway, olm, identity)
    assert "/signatures/upload" not in asked


@pytest.mark.homeserver
async def test_a_refusal_of_the_homeserver_is_passed_on(gateway: Gateway, olm: Olm, identity: Identity) -> None:
    gateway.nio.access_token = "wrong"
    with pytest.raises(MatrixError) as refused:
        await ensure_identity(gateway, olm, identity)
    assert (refused.value.status, refused.value.errcode) == (401, "M_UNKNOWN_TOKEN")


# --- coming up


async def keep(store: Store, identity: Identity) -> None:
    async with store.transaction() as tx:
        await tx.set_secret(SECRET, identity.to_bytes())


@pytest.mark.homeserver
async def test_the_bot_comes_up_and_comes_up_again(ours: Phone, gateway: Gateway, identity: Identity) -> None:
    await keep(ours.store, identity)
    await bot._come_up(gateway, ours.machine, ours.store)
    before = await published(gateway)
    await bot._come_up(gateway, ours.machine, ours.store)
    assert await published(gateway) == before
    fingerprint = identity.fingerprint
    assert before["master_keys"][gateway.user_id]["keys"] == {f"ed25519:{fingerprint}": fingerprint}


@pytest.mark.homeserver
async def test_a_lost_database_publishes_nothing(
    ours: Phone, identity: Identity, homeserver: Homeserver, account: Account, sqlite_store: Store
) -> None:
    """Neither with the seeds kept elsewhere nor without them."""
    await keep(ours.store, identity)
    await bot._come_up(ours.gateway, ours.machine, ours.store)
    before = await published(ours.gateway)
    without = await started(await log_in(homeserver, account), sqlite_store)
    try:
        with pytest.raises(RecoveryRefused, match="run `ernbot identity create` to make one"):
            await bot._come_up(without.gateway, without.machine, sqlite_store)
        await keep(sqlite_store, identity)
        with pytest.raises(IdentityLost, match="Restore the database"):
            await bot._come_up(without.gateway, without.machine, sqlite_store)
    finally:
        await without.gateway.close()
    assert await published(ours.gateway) == before


@pytest.mark.homeserver
async def test_coming_up_waits_for_a_homeserver_that_is_away(
    ours: Phone, gateway: Gateway, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keep(ours.store, identity)
    monkeypatch.setattr(bot, "MAX_PAUSE", 0.01)
    faults: list[Exception] = [Unreachable("gone"), MatrixError(502, "M_UNKNOWN"), MatrixError(429, "M_LIMIT_EXCEEDED")]
    request, sleep = gateway.request, asyncio.sleep

    async def away(method: str, path: str, *args: Any, **options: Any) -> dict[str, Any]:
        if faults:
            raise faults.pop()
        return await request(method, path, *args, **options)

    async def shorter(seconds: float) -> None:
        await sleep(min(seconds, 0.01))

    monkeypatch.setattr(gateway, "request", away)
    monkeypatch.setattr(asyncio, "sleep", shorter)
    await bot._come_up(gateway, ours.machine, ours.store)
    assert faults == []


@pytest.mark.homeserver
async def test_coming_up_without_a_valid_token_ends(ours: Phone, gateway: Gateway, identity: Identity) -> None:
    await keep(ours.store, identity)
    gateway.nio.access_token = "wrong"
    with pytest.raises(MatrixError, match="401 M_UNKNOWN_TOKEN"):
        await bot._come_up(gateway, ours.machine, ours.store)
