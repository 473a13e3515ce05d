"""The few HTTP calls by which the bridge speaks to its homeserver, with one way to fail.

It knows no end-to-end encryption and must never be given message content to send.
"""

import asyncio
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp

from bridge.errors import Rejected, Unreachable

PATIENCE = 5  # times that a rate limit is waited out; provisioning is not urgent, but it must end
TIMEOUT = aiohttp.ClientTimeout(total=60)

T = TypeVar("T", int, str)


class Client:
    """One homeserver seen with one token, on a session that the caller opens and closes."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def call(self, method: str, path: str, body: object = None, *, as_user: str | None = None) -> Any:
        """Send `body` as JSON and return the JSON answer; `as_user` masquerades (application service tokens only).

        Raises `Rejected` for an error of the specification, `Unreachable` when nothing sensible answers.
        """
        for _ in range(PATIENCE):
            status, answer = await self._once(method, path, body, as_user)
            if status != 429:
                break
            await asyncio.sleep(min(_field(answer, "retry_after_ms", 1000) / 1000, 30))
        if status >= 400:
            errcode, error = _field(answer, "errcode", str(status)), _field(answer, "error", "")
            raise Rejected(f"{method} {path}", status, errcode, error)
        return answer

    async def call_or_none(self, method: str, path: str, *, as_user: str | None = None) -> Any:
        """As `call`, but None for what does not exist (404)."""
        try:
            return await self.call(method, path, as_user=as_user)
        except Rejected as refusal:
            if refusal.status == 404:
                return None
            raise

    async def _once(self, method: str, path: str, body: object, as_user: str | None) -> tuple[int, Any]:
        try:
            async with self._session.request(
                method,
                self._url + path,
                params={"user_id": as_user} if as_user else None,
                json=body,
                headers=self._headers,
                timeout=TIMEOUT,
            ) as response:
                answer = await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise Unreachable(self._url) from None
        return response.status, answer


def _field(answer: Any, field: str, default: T) -> T:
    """A field of an error body, which a broken proxy may have made into anything."""
    value = answer.get(field, default) if isinstance(answer, dict) else default
    return value if isinstance(value, type(default)) else default


def path(*segments: str) -> str:
    """A request path whose segments, such as user ids and aliases, are escaped."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)
