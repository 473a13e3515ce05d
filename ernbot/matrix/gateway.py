"""Requests to the homeserver: one method per endpoint, plain values in and out.

Errors of the specification become `MatrixError`, silence becomes `Unreachable`. Nothing here retries: whoever calls
knows whether and when to try again.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from nio import AsyncClient, AsyncClientConfig

from ernbot.matrix.errors import MatrixError, Unreachable
from ernbot.matrix.events import as_dict, as_list
from ernbot.matrix.parsing import parse

TIMEOUT = 60.0
"""Seconds that any request may take; a sync may take its long poll more."""

TRANSFER = 3600.0
"""Seconds that an attachment may take: a slide of a gigabyte at three megabits a second."""

MAX_WAIT = 600.0
"""Seconds that a homeserver can make us wait before the next try."""

_CLIENT = "/_matrix/client/v3"
_CHUNK = 64 * 1024


class Gateway:
    """One account on one device. Owns nio's client, which owns the connection and nothing else."""

    def __init__(self, url: str, user_id: str, device_id: str, token: str) -> None:
        # Encryption is ours: nio's would keep a store of its own, apart from the database.
        self.nio = AsyncClient(url, user_id, device_id, config=AsyncClientConfig(encryption_enabled=False))
        self.nio.access_token = token
        self.user_id = user_id
        self.device_id = device_id
        self._closed = False

    @property
    def server_name(self) -> str:
        return self.user_id.partition(":")[2]

    async def close(self) -> None:
        """For good: nio alone would open a new connection for whoever comes late, and nobody would close that."""
        self._closed = True
        await self.nio.close()

    async def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109
    ) -> dict[str, Any]:
        """One request that is answered with a JSON object.

        Raises:
            MatrixError: the homeserver refused, or answered something else. Unreachable: it gave no answer of its own.
        """
        answer = await self._ask(method, path, body, query=query, timeout=timeout)
        if not isinstance(answer, dict):
            raise MatrixError(500, "M_BAD_JSON")
        return answer

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109
    ) -> Any:
        full = path + ("?" + urlencode(query) if query else "")
        data = None if body is None else json.dumps(body)
        try:
            response = await self._send(method, full, data, self._headers("application/json"), timeout=timeout)
            async with response:
                return await _json(response)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def _send(self, *what: Any, **how: Any) -> aiohttp.ClientResponse:
        if self._closed:
            raise Unreachable("closed")
        response: aiohttp.ClientResponse = await self.nio.send(*what, **how)
        return response

    def _headers(self, content_type: str) -> dict[str, str]:
        return {"Content-Type": content_type, "Authorization": f"Bearer {self.nio.access_token}"}

    async def sync(self, since: str | None, *, timeout_ms: int) -> dict[str, Any]:
        """One `/sync`; presence and receipts are left out, on the first one also the members who are silent."""
        query = {
            "filter": _FILTER if since is not None else _FIRST_FILTER,
            "timeout": str(timeout_ms),
            "set_presence": "offline",
        }
        if since is not None:
            query["since"] = since
        # The first answer holds every room, and a homeserver with thousands of them takes minutes to put it together.
        patience = 30 if since is not None else 600
        return await self.request("GET", f"{_CLIENT}/sync", query=query, timeout=timeout_ms / 1000 + patience)

    async def messages(self, room_id: str, start: str, end: str) -> dict[str, Any]:
        """A page of what happened in a room from one token to another, the oldest first."""
        query = {"dir": "f", "from": start, "to": end, "limit": "100"}
        return await self.request("GET", f"{_room(room_id)}/messages", query=query)

    async def state(self, room_id: str) -> list[dict[str, Any]]:
        """All current state events of a room."""
        answer = as_list(await self._ask("GET", f"{_room(room_id)}/state"))
        return [event for event in answer if isinstance(event, dict)]

    async def create_room(self, body: Mapping[str, Any]) -> str:
        return str((await self.request("POST", f"{_CLIENT}/createRoom", body))["room_id"])

    async def joined_rooms(self) -> list[str]:
        return list((await self.request("GET", f"{_CLIENT}/joined_rooms"))["joined_rooms"])

    async def resolve_alias(self, alias: str) -> str:
        return str((await self.request("GET", f"{_CLIENT}/directory/room/{quote(alias, safe='')}"))["room_id"])

    async def put_state(self, room_id: str, type: str, content: Mapping[str, Any], state_key: str = "") -> None:
        path = f"{_room(room_id)}/state/{quote(type, safe='')}/{quote(state_key, safe='')}"
        await self.request("PUT", path, content)

    async def send(self, room_id: str, type: str, content: Mapping[str, Any], txn_id: str) -> str:
        """Send an event as it is; the same transaction id sends it once."""
        path = f"{_room(room_id)}/send/{quote(type, safe='')}/{quote(txn_id, safe='')}"
        return str((await self.request("PUT", path, content))["event_id"])

    async def redact(self, room_id: str, event_id: str, txn_id: str) -> None:
        path = f"{_room(room_id)}/redact/{quote(event_id, safe='')}/{quote(txn_id, safe='')}"
        await self.request("PUT", path, {})

    async def invite(self, room_id: str, user_id: str) -> None:
        await self.request("POST", f"{_room(room_id)}/invite", {"user_id": user_id})

    async def kick(self, room_id: str, user_id: str) -> None:
        await self.request("POST", f"{_room(room_id)}/kick", {"user_id": user_id})

    async def join(self, room_id: str) -> None:
        await self.request("POST", f"{_room(room_id)}/join", {})

    async def leave(self, room_id: str) -> None:
        await self.request("POST", f"{_room(room_id)}/leave", {})

    async def account_data(self, type: str) -> dict[str, Any] | None:
        """What is kept for our account under this type; None when nothing is."""
        try:
            answer: Any = await self.request("GET", self._account_data(type))
        except MatrixError as error:
            if error.status == 404:
                return None
            raise
        return answer if isinstance(answer, dict) else None

    async def put_account_data(self, type: str, content: Mapping[str, Any]) -> None:
        await self.request("PUT", self._account_data(type), content)

    def _account_data(self, type: str) -> str:
        return f"{_CLIENT}/user/{quote(self.user_id, safe='')}/account_data/{quote(type, safe='')}"

    async def upload(self, pieces: AsyncIterable[bytes], size: int) -> str:
        """Upload ciphertext, `size` bytes in all; its content address (mxc)."""
        path = "/_matrix/media/v3/upload"
        headers = {**self._headers("application/octet-stream"), "Content-Length": str(size)}
        try:
            response = await self._send("POST", path, pieces, headers, timeout=TRANSFER)
            async with response:
                return str((await _json(response))["content_uri"])
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def download(self, mxc: str) -> AsyncGenerator[bytes, None]:
        """The bytes behind a content address, as they arrive; close it when you stop early."""
        server, _, media = mxc.removeprefix("mxc://").partition("/")
        path = f"/_matrix/client/v1/media/download/{quote(server, safe='')}/{quote(media, safe='')}"
        try:
            response = await self._send("GET", path, None, self._headers("application/json"), timeout=TRANSFER)
            async with response:
                if response.status != 200:
                    await _json(response)
                async for chunk in response.content.iter_chunked(_CHUNK):
                    yield chunk
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(type(error).__name__) from None


def _filter(*, lazily: bool) -> str:
    room = {
        "state": {"lazy_load_members": lazily},
        "timeline": {"limit": 100},
        "ephemeral": {"types": []},
        "account_data": {"types": []},
    }
    wanted = {"presence": {"types": []}, "account_data": {"types": []}, "room": room}
    return json.dumps(wanted, separators=(",", ":"))


_FIRST_FILTER = _filter(lazily=True)
# A member that is loaded lazily counts as newly come: Synapse says that their devices changed whenever they speak in
# another room than last time, and we would ask for their keys each time.
_FILTER = _filter(lazily=False)


def _room(room_id: str) -> str:
    return f"{_CLIENT}/rooms/{quote(room_id, safe='')}"


async def _json(response: aiohttp.ClientResponse) -> Any:
    """The answer, whatever JSON it is.

    Raises:
        MatrixError: the homeserver refused, or answered no JSON.
    """
    try:
        answer: Any = parse(await response.read())
    except ValueError:
        raise MatrixError(max(response.status, 500), "M_NOT_JSON") from None
    if response.status < 400:
        return answer
    fields = as_dict(answer)
    raise MatrixError(response.status, str(fields.get("errcode", "M_UNKNOWN")), _seconds(fields.get("retry_after_ms")))


def _seconds(milliseconds: object) -> float | None:
    """How long we are asked to wait, within reason; None when that is no sensible number."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float) or not milliseconds > 0:
        return None
    return min(milliseconds, MAX_WAIT * 1000) / 1000
