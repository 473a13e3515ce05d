"""The endpoints that the homeserver calls, against everything that it, or somebody in its name, may send."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.appservice import LARGEST, application
from bridge.ledger import Ledger
from ernbot.storage.database import connected, make_engine
from ernbot.storage.migrations import migrate
from ernbot.storage.tables import appservice_events, appservice_transactions

TOKEN = {"Authorization": "Bearer right"}
Service = TestClient[Any, Any]


@pytest_asyncio.fixture(loop_scope="session")
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'bridge.db'}")
    async with connected(engine) as connection:
        await migrate(connection)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture(loop_scope="session")
async def service(engine: AsyncEngine) -> AsyncIterator[Service]:
    async with serve(engine) as client:
        yield client


def serve(engine: AsyncEngine) -> Service:
    """A bridge that has just started."""
    return TestClient(TestServer(application("right", Ledger(engine, appservice_transactions, appservice_events))))


def event(event_id: str, /, **changes: object) -> dict[str, object]:
    return {
        "event_id": event_id,
        "room_id": "!r",
        "type": "m.room.encrypted",
        "sender": "@ada:s",
        "origin_server_ts": 1_700_000_000_000,
        "content": {"ciphertext": "secret words"},
        **changes,
    }


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def put(service: Service, txn: str, *events: object, **more: object) -> int:
    body = json.dumps({"events": list(events), **more})
    async with service.put(f"/_matrix/app/v1/transactions/{txn}", data=body, headers=TOKEN) as response:
        return response.status


async def recorded(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return sorted(await connection.scalars(select(appservice_events.c.event_id)))


async def test_transactions_and_events_count_once_also_after_a_restart(engine: AsyncEngine) -> None:
    async with serve(engine) as first:
        assert await put(first, "1", event("$a"), event("$b"), event("$a")) == 200
        assert await put(first, "1", event("$x")) == 200
    async with serve(engine) as second:
        assert await put(second, "1", event("$y")) == 200
        assert await put(second, "2", event("$b"), event("$c")) == 200
    assert await recorded(engine) == ["$a", "$b", "$c"]


async def test_the_same_transaction_at_once_counts_once(service: Service, engine: AsyncEngine) -> None:
    answers = await asyncio.gather(*(put(service, "1", event("$a"), event("$b")) for _ in range(8)))
    assert set(answers) == {200}
    assert await recorded(engine) == ["$a", "$b"]


async def test_only_envelopes_are_kept(service: Service, engine: AsyncEngine, tmp_path: Path) -> None:
    assert await put(service, "1", event("$a", content={"body": "trigonocephaly"})) == 200
    async with engine.connect() as connection:
        row = (await connection.execute(select(appservice_events))).one()
    assert (row.room_id, row.type, row.sender) == ("!r", "m.room.encrypted", "@ada:s")
    assert row.handled_at is not None
    assert b"trigonocephaly" not in everything_in(tmp_path)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "text",
        [],
        {},
        event("$a", event_id=7),
        event("$" + "x" * 300),
        event("$a\0"),
        event("$a", sender="\ud800"),
        event("$a", type=None),
        event("$a", room_id={"a": 1}),
        event("$a", origin_server_ts=2**70),
        event("$a", origin_server_ts="now"),
        event("$a", origin_server_ts=-1),
    ],
)
async def test_an_impossible_event_never_holds_up_the_others(
    service: Service, engine: AsyncEngine, bad: object
) -> None:
    assert await put(service, "1", bad, event("$good")) == 200
    assert await recorded(engine) == ["$good"]


async def test_other_kinds_of_content_are_no_concern(service: Service) -> None:
    assert await put(service, "1", ephemeral=7, **{"de.sorunome.msc2409.to_device": None}) == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 200_000, b"[]", b"7", b"{}", b'{"events": {}}'])
async def test_what_is_no_transaction_gets_a_clear_error(service: Service, body: bytes) -> None:
    async with service.put("/_matrix/app/v1/transactions/1", data=body, headers=TOKEN) as response:
        assert response.status == 400
        assert (await response.json())["errcode"] in ("M_NOT_JSON", "M_BAD_JSON")
    assert await put(service, "1", event("$a")) == 200


async def test_an_oversized_transaction_is_refused(service: Service) -> None:
    body = io.BytesIO(b" " * (LARGEST + 1))
    async with service.put("/_matrix/app/v1/transactions/1", data=body, headers=TOKEN) as response:
        assert (response.status, (await response.json())["errcode"]) == (413, "M_TOO_LARGE")


@pytest.mark.parametrize("txn", ["%00", "x" * 300])
async def test_an_impossible_transaction_id_is_refused(service: Service, txn: str) -> None:
    assert await put(service, txn, event("$a")) == 400


@pytest.mark.parametrize(
    ("headers", "status", "errcode"),
    [
        ({}, 401, "M_MISSING_TOKEN"),
        ({"Authorization": "Bearer wrong"}, 403, "M_FORBIDDEN"),
        ({"Authorization": "right"}, 403, "M_FORBIDDEN"),
        ({"Authorization": "Bearer"}, 403, "M_FORBIDDEN"),
        ({"Authorization": "Bearer r\u00efght"}, 403, "M_FORBIDDEN"),
    ],
)
@pytest.mark.parametrize("where", ["transactions/1", "users/@a:s", "rooms/%23a:s", "ping", "nonsense"])
async def test_without_the_right_token_nothing_is_told(
    service: Service, engine: AsyncEngine, where: str, headers: dict[str, str], status: int, errcode: str
) -> None:
    url = f"/_matrix/app/v1/{where}?access_token=right"
    async with service.put(url, json={"events": [event("$a")]}, headers=headers) as response:
        assert (response.status, (await response.json())["errcode"]) == (status, errcode)
    assert await recorded(engine) == []


async def test_queries_ping_and_unknown_endpoints(service: Service) -> None:
    answers = {}
    for method, where in [
        ("GET", "users/@_ern_x:s"),
        ("GET", "rooms/%23case-x:s"),
        ("POST", "ping"),
        ("GET", "thirdparty/location"),
        ("POST", "transactions/1"),
    ]:
        async with service.request(method, f"/_matrix/app/v1/{where}", headers=TOKEN) as response:
            answers[where] = (response.status, (await response.json()).get("errcode"))
    assert list(answers.values()) == [
        (404, "M_NOT_FOUND"),
        (404, "M_NOT_FOUND"),
        (200, None),
        (404, "M_UNRECOGNIZED"),
        (405, "M_UNRECOGNIZED"),
    ]


async def test_what_cannot_be_recorded_is_asked_for_again(
    service: Service, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(engine) as connection:
        await connection.run_sync(appservice_events.drop)
    assert await put(service, "1", event("$a", content={"body": "trigonocephaly"}, sender="@secret:s")) == 503
    assert "secret" not in caplog.text
    async with connected(engine) as connection:
        await connection.run_sync(appservice_events.create)
    assert await put(service, "1", event("$a")) == 200
    async with engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(appservice_transactions)) == 1
