"""The queue on PostgreSQL: procrastinate, which every machine that reaches the database can take jobs from.

A job that is due is put into it in the transaction that says so, and NOTIFY wakes who is free. Workers say every few
seconds that they live; the jobs of one that fell silent go back. Procrastinate may give a job out twice when a machine
stood still and came back: finishing it is ours to fence, see `JobRows.own_job`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
from procrastinate import App, BaseRetryStrategy, JobContext, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.utils import utcnow
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from ernbot.storage.database import BUSY_SECONDS, connected
from ernbot.storage.errors import StorageBusy, StorageError
from ernbot.storage.queue import IDLE, LANES, LARGE_LANES, PAUSE, Again, Work
from ernbot.storage.queue_schema import prepare
from ernbot.storage.queued_jobs import LARGE_QUEUE, SMALL_QUEUE, TASK
from ernbot.storage.store import Store

log = logging.getLogger(__name__)

HEARTBEAT = 10.0
SILENT = 30.0
"""Seconds after which the jobs of a worker that says nothing go to others."""

CHECKED = "* * * * * */10"
"""When somebody looks for such workers: every ten seconds; the sixth field are the seconds."""

CONNECTIONS = LANES

_OWN_OPTIONS = frozenset(
    {
        *("async_fallback", "command_timeout", "direct_tls", "max_cacheable_statement_size"),
        *("max_cached_statement_lifetime", "prepared_statement_cache_size", "prepared_statement_name_func"),
        *("statement_cache_size", "timeout"),
    }
)
"""Options of asyncpg's in the address of a database that mean nothing to libpq."""

_LIBPQ_NAMES = {"database": "dbname", "ssl": "sslmode"}


class SharedQueue:
    """See `queue.Queue`."""

    def __init__(self, store: Store, *, worker: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._worker = worker
        self._clock = clock
        self._awake = asyncio.Event()
        self._unwritten = asyncio.Event()

    def wake(self) -> None:
        self._awake.set()

    async def run(self, work: Work) -> None:
        is_new = True
        while True:
            try:
                async with connected(self._store.engine) as connection:
                    schema = await prepare(connection)
                if is_new:
                    async with self._store.transaction() as tx:
                        await tx.reclaim_jobs(self._worker, schema)
                is_new = False
                await self._serve(schema, work)
            except (ConnectorException, psycopg.Error, StorageBusy) as error:
                log.warning("the queue of files waits for the database (%s)", type(error).__name__)
            await asyncio.sleep(IDLE)

    async def _serve(self, schema: str, work: Work) -> None:
        """Work until the database is lost, or something could not be written down in it."""
        app = self._app(schema, work)
        self._unwritten.clear()
        async with app.open_async():
            tasks = [
                asyncio.create_task(self._queue_jobs(schema)),
                asyncio.create_task(self._unwritten.wait()),
                asyncio.create_task(_take(app, [LARGE_QUEUE, SMALL_QUEUE], LARGE_LANES)),
                asyncio.create_task(_take(app, [SMALL_QUEUE], LANES - LARGE_LANES)),
            ]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def _app(self, schema: str, work: Work) -> App:
        app = App(
            connector=PsycopgConnector(
                conninfo=address(self._store.engine.url, schema),
                min_size=1,
                max_size=CONNECTIONS,
                timeout=BUSY_SECONDS,
            )
        )

        @app.task(name=TASK, retry=_Retries())
        async def look(job_id: str) -> None:
            self._watch()
            await self._look(job_id, work)

        @app.periodic(cron=CHECKED)
        @app.task(name="take-over", queue=SMALL_QUEUE, queueing_lock="take-over", priority=1, pass_context=True)
        async def take_over(context: JobContext, timestamp: int) -> None:
            self._watch()
            await self._take_over(context.app, schema)

        return app

    async def _queue_jobs(self, schema: str) -> None:
        """Put jobs into the queue as they become due."""
        while True:
            self._awake.clear()
            pause = IDLE
            with contextlib.suppress(StorageBusy):
                async with self._store.transaction() as tx:
                    now = self._clock()
                    await tx.queue_jobs(now, schema)
                    due_at = await tx.next_unqueued_at()
                if due_at is not None:
                    pause = min(max((due_at - now).total_seconds(), 0), IDLE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._awake.wait()

    async def _look(self, job_id: str, work: Work) -> None:
        async with self._store.transaction() as tx:
            job = await tx.begin_job(job_id, self._worker)
        if job is None:
            return
        try:
            await work(job)
        except (Again, asyncio.CancelledError) as error:
            with contextlib.suppress(StorageBusy):
                async with self._store.transaction() as tx:
                    await tx.requeue_job(job_id, self._worker, counts=isinstance(error, Again) and error.counts)
            raise

    def _watch(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(self._written)

    def _written(self, ended: asyncio.Task[None]) -> None:
        """How a job ended stands in the queue, unless the database was away just then: then it is in nobody's hands.

        A worker that begins anew leaves such jobs behind, as those of one that fell silent.
        """
        if not ended.cancelled() and ended.exception() is not None:
            self._unwritten.set()

    async def _take_over(self, app: App, schema: str) -> None:
        """Give back the jobs of workers that fell silent, and what the queue has lost."""
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENT):
            with contextlib.suppress(ConnectorException):  # somebody else was faster
                if job.task_name == TASK:
                    await app.job_manager.retry_job(job)
                else:
                    await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
        async with self._store.transaction() as tx:
            await tx.find_lost_jobs(self._clock(), schema)


class _Retries(BaseRetryStrategy):
    """Everything is tried again; how often, the job itself counts. What was merely interrupted is due at once."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        pause = 0.0 if isinstance(exception, asyncio.CancelledError) else PAUSE
        return RetryDecision(retry_at=utcnow() + timedelta(seconds=pause))


async def _take(app: App, queues: list[str], lanes: int) -> None:
    await app.run_worker_async(
        queues=queues,
        concurrency=lanes,
        fetch_job_polling_interval=IDLE,
        shutdown_graceful_timeout=0,
        delete_jobs="always",
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT,
        stalled_worker_timeout=SILENT,
    )


def address(url: URL, schema: str) -> str:
    """The address of the database as libpq reads it, with the queue's schema to look in.

    Raises:
        StorageError: an option in it is unknown there.
    """
    _, given = url.get_dialect()().create_connect_args(url)
    fields: dict[str, Any] = {
        _LIBPQ_NAMES.get(name, name): ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in given.items()
        if name not in _OWN_OPTIONS
    }
    fields |= {"connect_timeout": BUSY_SECONDS, "application_name": "ernbot queue"}
    quoted = schema.replace("\\", "\\\\").replace(" ", "\\ ")
    try:
        return make_conninfo(**fields, options=f'-c search_path="{quoted}"')
    except psycopg.ProgrammingError as error:
        raise StorageError(f"storage.database: {str(error).strip()}.") from None
