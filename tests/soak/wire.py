"""What passes between the homeserver and its clients, written down where one-time keys are concerned."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

_PASSED_ON = ("Authorization", "Content-Type")


@dataclass
class Wire:
    """A way to the homeserver, and the one-time keys of one user that went over it.

    `uploaded` and `claimed` count key ids, `published` public keys; a key that was uploaded twice or handed out twice
    could be used by two devices, of which one would never be understood. Fallback keys are left out.
    """

    url: str
    user_id: str
    token: str = ""
    uploaded: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    claimed: Counter[str] = field(default_factory=Counter)

    def note(self, path: str, authorization: str, body: bytes, answer: bytes) -> None:
        if path.endswith("/keys/upload") and authorization == f"Bearer {self.token}":
            keys: dict[str, Any] = json.loads(body).get("one_time_keys", {})
            self.uploaded.update(keys.keys())
            self.published.update(key["key"] for key in keys.values())
        elif path.endswith("/keys/claim"):
            devices = json.loads(answer).get("one_time_keys", {}).get(self.user_id, {})
            self.claimed.update(
                name for keys in devices.values() for name, key in keys.items() if not key.get("fallback")
            )


@asynccontextmanager
async def wire(upstream: str, user_id: str) -> AsyncIterator[Wire]:
    """A loopback port that leads to the homeserver while the context is open."""
    noted = Wire("", user_id)
    patient, unbounded = aiohttp.ClientTimeout(total=None), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=patient, connector=unbounded) as session:

        async def pass_on(request: web.Request) -> web.Response:
            body = await request.read()
            headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
            url = URL(upstream + request.raw_path, encoded=True)
            async with session.request(request.method, url, data=body, headers=headers) as reply:
                answer = await reply.read()
                noted.note(request.path, headers.get("Authorization", ""), body, answer)
                return web.Response(status=reply.status, body=answer, content_type=reply.content_type)

        application = web.Application(client_max_size=2**26)
        application.router.add_route("*", "/{path:.*}", pass_on)
        # Whoever is killed hangs up, and the homeserver must notice that as it would without us.
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            noted.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield noted
        finally:
            await runner.cleanup()
