"""A way to the homeserver on which large attachments come slowly: for tests that need a file to take its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

LARGE = 32 * 2**20
_PIECE = 2**16
_PASSED_ON = ("Authorization", "Content-Type", "Content-Length")


class SlowMedia:
    """Passes everything on. The body of a large attachment begins, and then waits until `go` is set."""

    def __init__(self, homeserver: str) -> None:
        self.url = ""
        self.go = asyncio.Event()
        self.asked = 0
        self._homeserver = homeserver

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SlowMedia]:
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as self._session:
            app = web.Application(client_max_size=2**30)
            app.router.add_route("*", "/{path:.*}", self._pass_on)
            runner = web.AppRunner(app, shutdown_timeout=0)
            await runner.setup()
            try:
                site = web.TCPSite(runner, "127.0.0.1", 0)
                await site.start()
                host, port = runner.addresses[0][:2]
                self.url = f"http://{host}:{port}"
                yield self
            finally:
                await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        address = URL(self._homeserver + request.raw_path, encoded=True)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        body = request.content.iter_chunked(_PIECE) if request.body_exists else None
        async with self._session.request(request.method, address, data=body, headers=headers) as answer:
            passed = web.StreamResponse(status=answer.status)
            for name in ("Content-Type", "Content-Length", "Content-Encoding"):
                if name in answer.headers:
                    passed.headers[name] = answer.headers[name]
            await passed.prepare(request)
            is_large = "/media/download/" in request.path and int(answer.headers.get("Content-Length", 0)) > LARGE
            async for piece in answer.content.iter_chunked(_PIECE):
                await passed.write(piece)
                if is_large:
                    self.asked += 1
                    is_large = False
                    await self.go.wait()
            return passed
