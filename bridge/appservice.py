"""The endpoints that the homeserver calls (Matrix application service API).

A homeserver stops sending everything else until a transaction is answered with 200, so that is the answer
whatever the events contain; only what is no transaction at all, or cannot be recorded, is refused. Events are
recorded before the answer and never looked into: case rooms are ciphertext, and nothing here may decrypt.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from bridge.ledger import LONGEST, Ledger, envelope

log = logging.getLogger(__name__)

LARGEST = 32 * 1024 * 1024  # bytes; Synapse sends at most 100 events of 64 KiB and as many of two other kinds

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(hs_token: str, ledger: Ledger) -> web.Application:
    """The bridge as a web application; `hs_token` is the one of the registration."""
    service = _Appservice(hs_token, ledger)
    app = web.Application(client_max_size=LARGEST, middlewares=[_json_errors, service.authorised])
    app.router.add_put("/_matrix/app/v1/transactions/{txn_id}", service.transaction)
    app.router.add_get("/_matrix/app/v1/users/{user_id}", service.unknown)
    app.router.add_get("/_matrix/app/v1/rooms/{alias}", service.unknown)
    app.router.add_post("/_matrix/app/v1/ping", service.ping)
    app.router.add_get("/health", service.health)
    return app


class _Appservice:
    def __init__(self, hs_token: str, ledger: Ledger) -> None:
        self._expected = f"Bearer {hs_token}".encode()
        self._ledger = ledger

    @web.middleware
    async def authorised(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization")
        if request.path != "/health":
            if given is None:
                return _error(401, "M_MISSING_TOKEN", "No Authorization header was given.")
            if not hmac.compare_digest(given.encode(errors="surrogateescape"), self._expected):
                return _error(403, "M_FORBIDDEN", "This is not the token of the registration.")
        return await handler(request)

    async def transaction(self, request: web.Request) -> web.Response:
        """PUT /transactions/{txnId}: record the envelopes once, then answer."""
        txn_id = request.match_info["txn_id"]
        if "\0" in txn_id or len(txn_id) > LONGEST:
            return _error(400, "M_INVALID_PARAM", "This is no transaction id.")
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return _error(400, "M_NOT_JSON", "The transaction is not valid JSON.")
        events = body.get("events") if isinstance(body, dict) else None
        if not isinstance(events, list):
            return _error(400, "M_BAD_JSON", "The transaction has no list of events.")
        envelopes = [found for event in events if (found := envelope(event))]
        new = await self._ledger.accept(txn_id, envelopes, datetime.now(UTC))
        log.info("transaction %s: %d events, %d of them new", txn_id, len(events), len(new))
        return web.json_response({})

    async def unknown(self, _request: web.Request) -> web.Response:
        """Whether a user or alias exists: what exists was made by `apply`, nothing is made on demand."""
        return _error(404, "M_NOT_FOUND", "Only `bridge apply` makes accounts and rooms.")

    async def ping(self, _request: web.Request) -> web.Response:
        return web.json_response({})

    async def health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})


@web.middleware
async def _json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as a Matrix error body; an unforeseen one is logged by its kind, never by its content."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return _error(413, "M_TOO_LARGE", f"A transaction has at most {LARGEST} bytes.")
    except web.HTTPException as error:
        return _error(error.status, "M_UNRECOGNIZED", "There is no such endpoint.")
    except Exception as failure:
        log.error("%s %s failed: %s", request.method, request.path, type(failure).__name__)
        return _error(503, "M_UNKNOWN", "The transaction could not be recorded; send it again.")


def _error(status: int, errcode: str, error: str) -> web.Response:
    return web.json_response({"errcode": errcode, "error": error}, status=status)
