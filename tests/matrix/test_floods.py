"""Too much of anything, and too deep: what a stranger or a homeserver can send has a bound, and costs nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import vodozemac
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from ernbot.demo.homeserver import Homeserver
from ernbot.matrix import machine as machine_module
from ernbot.matrix.errors import MatrixError
from ernbot.matrix.gateway import MAX_WAIT, Gateway
from ernbot.matrix.olm import MEGOLM
from ernbot.matrix.trust import MAX_DEVICES, read_identity
from ernbot.storage import crypto
from ernbot.storage.records import OlmSession
from ernbot.storage.store import Store
from ernbot.storage.tables import olm_sessions, room_keys, withheld_keys
from tests.matrix.devices import ENCRYPTED, Forge, NewAccount, Phone, come_up, log_in, started
from tests.matrix.forging import payload, whispered
from tests.matrix.test_sync import NOW, Receiver, joined, plain

pytestmark = pytest.mark.homeserver

MALLORY = "@mallory:elsewhere.example"


@pytest_asyncio.fixture(loop_scope="session")
async def receiver(homeserver: Homeserver, new_account: NewAccount, store: Store) -> AsyncIterator[Receiver]:
    """A device of its own on each kind of database."""
    gateway = await log_in(homeserver, await new_account("bot"))
    try:
        device = await started(gateway, store)
        await come_up(device)
        yield Receiver(device)
    finally:
        await gateway.close()


async def count(store: Store, table: Any) -> int:
    async with store.engine.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


def withheld(number: int, **changes: Any) -> dict[str, Any]:
    content = {"room_id": "!r", "session_id": f"s{number}", "code": "m.unverified", **changes}
    return {"type": "m.room_key.withheld", "sender": MALLORY, "content": content}


# --- what is kept


async def test_withheld_keys_of_one_person_are_bounded(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "MAX_WITHHELD", 5)
    await receiver.device.take(*(withheld(number) for number in range(12)))
    assert 0 < await count(receiver.store, withheld_keys) <= 5


async def test_unused_room_keys_of_one_person_are_bounded(
    receiver: Receiver, ida: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crypto, "MAX_UNUSED_KEYS", 3)
    ours = receiver.device
    used = ida.event(await ida.encrypt("!used", ours))
    await ours.receive(await ours.pull())
    assert await ours.reads("!used", used) == "ok"
    for _ in range(6):
        group = vodozemac.GroupSession()
        key = {"session_id": group.session_id, "session_key": group.session_key.to_base64()}
        content = {"algorithm": MEGOLM, "room_id": "!unused", **key}
        await ours.take(await whispered(ida, ours.key, payload(ida, ours, "m.room_key", content)))
    # The one that opened something does not count.
    assert await count(receiver.store, room_keys) == 3 + 1
    assert await ours.reads("!used", ida.event(await ida.encrypt("!used", ours))) == "ok"


async def test_channels_are_bounded_and_the_least_used_go(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "MAX_CHANNELS", 4)
    for number in range(10):
        async with store.transaction() as tx:
            await tx.save_olm_session(OlmSession(f"key{number}", "s", b"pickle"), NOW.replace(second=number))
            await tx.forget_old_olm_sessions(f"key{number}")
    async with store.transaction() as tx:
        assert set(await tx.olm_sessions([f"key{number}" for number in range(10)])) == {f"key{n}" for n in (6, 7, 8, 9)}
    assert await count(store, olm_sessions) == 4


async def test_broken_channels_are_seen_to_a_hundred_at_a_time(bot: Phone) -> None:
    channels = ({"code": "m.no_olm", "sender_key": f"key{number}"} for number in range(1_000))
    await bot.take(*({"type": "m.room_key.withheld", "sender": MALLORY, "content": content} for content in channels))
    assert len(bot.machine._wedged) == machine_module.MAX_WEDGED


@pytest.mark.parametrize("character", ["x", "ä", "𠜎"])
async def test_long_names_stop_nothing(receiver: Receiver, character: str) -> None:
    """PostgreSQL takes no more than some 2,700 bytes into an index."""
    name = "".join(chr(ord(character) + number % 20) for number in range(255))
    event = withheld(1, room_id=name, session_id=name[::-1]) | {"sender": name}
    response = joined(plain("$good"), plain("$good2", sender=name), room="!r") | {"to_device": {"events": [event]}}
    response["rooms"]["join"][name] = response["rooms"]["join"]["!r"]
    assert "$good" in [item.event_id for item in await receiver.receive(response)]


async def test_very_many_changed_devices_stop_nothing(receiver: Receiver) -> None:
    """More than a statement may have parameters."""
    changed = [f"@user-{number}:elsewhere.example" for number in range(40_000)]
    response = joined(plain("$good")) | {"device_lists": {"changed": changed, "left": changed}}
    assert [item.event_id for item in await receiver.receive(response)] == ["$good"]


def test_very_many_devices_of_one_person_are_not_looked_at() -> None:
    forge = Forge.of("@ida:ern.localhost")
    answer = forge.answer()
    devices = answer["device_keys"][forge.user_id]
    devices |= {f"D{number}": {"user_id": forge.user_id, "device_id": f"D{number}"} for number in range(100_000)}
    assert len(read_identity(forge.user_id, answer).devices) <= MAX_DEVICES


# --- what the homeserver says


class Answers:
    """A homeserver that says what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b"{}"

    async def answer(self, _request: web.Request) -> web.Response:
        return web.Response(status=self.status, body=self.body, content_type="application/json")


@pytest.fixture
async def answers() -> AsyncIterator[tuple[Answers, Gateway]]:
    answers, app = Answers(), web.Application()
    app.router.add_route("*", "/{path:.*}", answers.answer)
    async with TestServer(app) as server:
        gateway = Gateway(f"http://{server.host}:{server.port}", "@bot:ern.localhost", "DEVICE", "token")
        yield answers, gateway
        await gateway.close()


WAITS: dict[str, float | None] = {
    "2000": 2.0,
    "0.5": 0.0005,
    "0": None,
    "-1": None,
    "true": None,
    '"2000"': None,
    "null": None,
    "[]": None,
    "NaN": None,
    "-Infinity": None,
    "Infinity": MAX_WAIT,
    "1e300": MAX_WAIT,
    "1e999": MAX_WAIT,
    "9" * 400: MAX_WAIT,
    "9" * 5000: None,
}


@pytest.mark.parametrize(("wait", "seconds"), WAITS.items(), ids=[wait[:9] for wait in WAITS])
async def test_how_long_we_are_told_to_wait(answers: tuple[Answers, Gateway], wait: str, seconds: float | None) -> None:
    answer, gateway = answers
    answer.status, answer.body = 429, f'{{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": {wait}}}'.encode()
    with pytest.raises(MatrixError, match="429 M_LIMIT_EXCEEDED") as limited:
        await gateway.request("GET", "/")
    assert limited.value.retry_after == seconds


@pytest.mark.parametrize("status", [200, 404, 429, 502])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"5", b"null", b'"text"', b"\xff", b"[" * 100_000])
async def test_an_answer_that_is_no_object_is_refused(
    answers: tuple[Answers, Gateway], status: int, body: bytes
) -> None:
    answer, gateway = answers
    answer.status, answer.body = status, body
    with pytest.raises(MatrixError):
        await gateway.request("GET", "/")


@pytest.mark.parametrize("levels", [10, 900, 950, 1000, 5000, 100_000])
async def test_a_deep_answer_is_read_but_for_what_is_deep(answers: tuple[Answers, Gateway], levels: int) -> None:
    answer, gateway = answers
    answer.body = b'{"deep": ' + b"[" * levels + b"]" * levels + b', "next_batch": "s1"}'
    assert (await gateway.sync(None, timeout_ms=0))["next_batch"] == "s1"


async def test_keys_that_the_homeserver_refuses_do_not_hold_up_the_sync(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_arguments: object, **_options: object) -> dict[str, Any]:
        raise MatrixError(400, "M_UNKNOWN")

    monkeypatch.setattr(receiver.device.gateway, "request", refuse)
    response = joined(plain("$a"), token="s7") | {"device_one_time_keys_count": {"signed_curve25519": 0}}
    assert await receiver.sync.receive(response, "s1") == "s7"
    assert await receiver.token() == "s7"


# --- what the real homeserver lets through


async def test_whatever_depth_the_homeserver_delivers_stops_nothing(bot: Phone, ida: Phone) -> None:
    """A member nests as deep as the homeserver accepts; the event after it still arrives."""
    room = await ida.gateway.create_room({"invite": [bot.user_id], "initial_state": [ENCRYPTED]})
    await bot.gateway.join(room)
    await bot.pull()
    accepted: dict[str, list[int]] = {"message": [], "to-device": []}
    for levels in (*range(100, 900, 100), *range(900, 1000, 20), 2_000, 10_000):
        deep = '{"algorithm": "x", "deep": ' + "[" * levels + "]" * levels + "}"
        to_device = f'{{"messages": {{"{bot.user_id}": {{"{bot.gateway.device_id}": {deep}}}}}}}'
        for kind, path, body in (
            ("message", f"rooms/{room}/send/m.room.encrypted/deep-{levels}", deep),
            ("to-device", f"sendToDevice/m.room.encrypted/{room}-{levels}", to_device),
        ):
            headers = ida.gateway._headers("application/json")
            async with await ida.gateway.nio.send("PUT", f"/_matrix/client/v3/{path}", body, headers) as reply:
                accepted[kind] += [levels] if reply.status == 200 else []
    event_id = await ida.gateway.send(room, "m.room.encrypted", await ida.encrypt(room, bot), "after")
    response = await bot.pull()
    events = response["rooms"]["join"][room]["timeline"]["events"]
    assert events[-1]["event_id"] == event_id
    assert await bot.receive(response)
    assert await bot.reads(room, events[-1]) == "ok"
    await ida.gateway.leave(room)
    # Synapse bounds the depth of events in rooms, and that of to-device messages by nothing but its own stack.
    assert max(accepted["to-device"]) > 800 > max(accepted["message"])
