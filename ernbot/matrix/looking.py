"""One job, from dropped files to what is shown of them: fetched, looked at, and cleaned where that is wanted.

All of it happens outside of any transaction; a last one holds the whole consequence, and only while the job is still
ours. What a file says never leaves this module but as facts, names of elements and pictures.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ernbot.commands import files, questions
from ernbot.commands.context import Context
from ernbot.commands.effects import Outbox, React, TakeBack
from ernbot.commands.office import Office
from ernbot.core.errors import Refused
from ernbot.core.states import Action
from ernbot.imaging import Format, Preview, is_picture, other_slides
from ernbot.imaging.deid import Policy, left_out
from ernbot.imaging.file_names import is_plain
from ernbot.imaging.identifiers import FILE_NAME
from ernbot.imaging.model import remarked
from ernbot.imaging.source import Source
from ernbot.imaging.worker import HEAD, Previewer
from ernbot.matrix.events import attachment
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.media import put_spool, spool
from ernbot.matrix.spool import EncryptedSpool
from ernbot.storage.jobs import MAX_BYTES
from ernbot.storage.records import ImageJob, Original
from ernbot.storage.store import Store
from ernbot.storage.transaction import Transaction

MAX_ATTEMPTS = 3
DOWNLOADS = 4
"""Files of one job that are fetched at the same time."""

SIGN = "⏳"
TOGETHER = frozenset({"DICOM"})
"""Formats of which several files can be one thing."""

IDENTIFIED = frozenset({"archive-unchecked", "file-names-patient", files.OVERVIEW_ONLY})
"""Refusals of files of which a copy or an overview could be shown, without what names the patient."""


@dataclass(frozen=True)
class Part:
    """Files of one job that are looked at together, all of one format."""

    format: Format
    originals: tuple[Original, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Found:
    """What came of files: previews, a question to their sender, or a refusal.

    `copies` are what is shown in the place of the originals.
    `gone` are files that are out of the room already, `places` where in their picture something is written.
    """

    originals: tuple[Original, ...]
    previews: tuple[Preview, ...] = ()
    error: Refused | None = None
    question: questions.Question | None = None
    copies: tuple[Original, ...] = ()
    places: tuple[str, ...] = ()
    cleaned: bool = False
    gone: bool = False
    picture: bool = False


@dataclass(frozen=True)
class Copies:
    """De-identified copies of files; `missing` counts what is not in them by what is said of it."""

    files: tuple[Original, ...]
    sources: tuple[Source, ...]
    writing: int
    missing: Counter[str]


class Looking:
    """Looks at the files of jobs."""

    def __init__(
        self,
        gateway: Gateway,
        store: Store,
        office: Office,
        previewer: Previewer,
        *,
        clock: Callable[[], datetime],
        wake_sender: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._store = store
        self._office = office
        self._previewer = previewer
        self._clock = clock
        self._wake_sender = wake_sender

    async def look(self, job: ImageJob, worker: str) -> None:
        """Show or refuse the files of a job that this worker owns.

        Raises:
            MatrixError, Unreachable, StorageBusy: nothing has happened yet that cannot be done again.
        """
        async with self._store.transaction() as tx:
            if not await tx.own_job(job.id, worker):
                return
            originals = tuple(await tx.originals(job.id))
            context = await self._context(tx, job, originals)
            refused = await self._refused(context, job)
            if job.data.get("question"):
                await questions.expire(context, job)
            elif refused is not None:
                gone = bool(job.data.get("gone"))
                await self._end(tx, job, [Found(originals, error=refused, gone=gone)])
            else:
                secret = await tx.secret_of_case(job.case_id)
        if refused is None and not job.data.get("question"):
            async with AsyncExitStack() as stack:
                found = await _Search(self, job, worker, Policy(secret), stack).run(originals)
            async with self._store.transaction() as tx:
                if await tx.own_job(job.id, worker):
                    await self._end(tx, job, found)
        self._wake_sender()

    async def _context(self, tx: Transaction, job: ImageJob, originals: Sequence[Original]) -> Context:
        """The sender was checked when the files came: what follows from them is nobody's command any more."""
        place = await tx.place_of_room(job.room_id)
        event_id = originals[0].event_id
        return Context(tx, self._office, job.sender, "", job.room_id, event_id, self._clock(), place=place)

    async def _refused(self, context: Context, job: ImageJob) -> Refused | None:
        if job.attempts >= MAX_ATTEMPTS:
            return Refused("file-failed")
        try:
            async with context.tx.savepoint():
                await context.case(Action.ATTACH, said=False)
        except Refused as error:
            return error
        return None

    async def _end(self, tx: Transaction, job: ImageJob, found: Sequence[Found]) -> None:
        """Everything that follows from a job, and the job is no more."""
        for each in _merged(found):
            context = await self._context(tx, job, each.originals)
            error = each.error
            if error is None or each.question is not None:
                try:
                    async with tx.savepoint():
                        await self._go_on(context, job, each)
                    continue
                except Refused as changed:  # the case went on while we looked at the files
                    error = changed
            await files.refuse(context, error, each.originals, picture=each.picture, redacted=each.gone)
        now = await tx.job(job.id)
        if now is not None and now.data.get("shown"):
            await Outbox(tx, self._clock()).to_case(job.case_id, TakeBack(files.job_tag(job.id)))
        await tx.drop_job(job.id)

    async def _go_on(self, context: Context, job: ImageJob, found: Found) -> None:
        if found.question is None:
            await files.accept(context, found.copies or found.originals, found.previews, copies=found.gone)
            return
        await context.case(Action.ATTACH, said=False)
        await questions.ask(
            context,
            job,
            found.originals,
            found.question,
            error=found.error,
            places=found.places,
            clean=found.cleaned,
        )

    async def take_out(
        self, job: ImageJob, worker: str, originals: Sequence[Original], *, follows: Refused | None = None
    ) -> None:
        """Redact files at once, before anything else is done about them.

        Where a copy or an overview follows without a question, `follows` is why: their sender is told, once.
        """
        async with self._store.transaction() as tx:
            now = await tx.job(job.id) if await tx.own_job(job.id, worker) else None
            if now is not None:
                context = await self._context(tx, job, originals)
                await files.take_out(context, originals)
                event_id, told = originals[0].event_id, now.data.get("told", [])
                if follows is not None and event_id not in told:
                    await tx.note_job(now, {**now.data, "told": [*told, event_id]})
                    await files.tell_what_follows(context, originals, follows)
        self._wake_sender()

    async def show_progress(self, job: ImageJob, worker: str) -> None:
        """Put a sign on the first file, or on the answer that it waited for, which goes when the job ends.

        A file that is out of the room could show none: its sender has been told what follows.
        """
        async with self._store.transaction() as tx:
            if job.data.get("question") or not await tx.own_job(job.id, worker):
                return
            now = await tx.job(job.id)
            first, *_ = await tx.originals(job.id)
            if now is None or now.data.get("shown") or first.event_id in now.data.get("told", []):
                return
            await tx.note_job(now, {**now.data, "shown": True})
            sign = React(now.data.get("answer", first.event_id), SIGN)
            await Outbox(tx, self._clock()).to_case(job.case_id, sign, tag=files.job_tag(job.id))
        self._wake_sender()

    # --- what a search needs

    @property
    def previewer(self) -> Previewer:
        return self._previewer

    @property
    def identified(self) -> str:
        return self._office.identified

    async def open(self, original: Original, stack: AsyncExitStack) -> Source:
        """An attachment, which the stack puts away.

        Raises:
            Refused: see `media.spool`.
        """
        file = attachment(original.content)
        if file is None:
            raise Refused("file-unreadable")
        return stack.enter_context(await spool(self._gateway, file, limit=self._office.max_megabytes * 2**20))

    async def upload(self, copy: EncryptedSpool, name: str, mimetype: str) -> dict[str, Any]:
        """The content of a message with a file of ours."""
        file = await put_spool(self._gateway, copy)
        info = {"mimetype": mimetype, "size": copy.size}
        return {"msgtype": "m.file", "body": name, "filename": name, "file": file, "info": info}

    async def references(self, job: ImageJob, uids: set[str], stack: AsyncExitStack) -> list[Source]:
        """Files of the same case that have one of these identifiers."""
        async with self._store.transaction() as tx:
            stored = await tx.files(job.case_id)
        leaders = {file.group for file in stored if uids & set(file.uids)}
        found = []
        for original in (each for file in stored if file.id in leaders for each in file.originals):
            try:
                found.append(await self.open(original, stack))
            except Refused:  # it is gone: what refers to it is shown alone
                continue
        return found


class _Search:
    """The files of one job while they are looked at; `stack` holds what has to be put away afterwards."""

    def __init__(self, looking: Looking, job: ImageJob, worker: str, policy: Policy, stack: AsyncExitStack) -> None:
        self._looking = looking
        self._job = job
        self._worker = worker
        self._policy = policy
        self._stack = stack
        self._previewer = looking.previewer
        self._slots = asyncio.Semaphore(DOWNLOADS)
        self._bytes_left = MAX_BYTES
        self._looked = bool(job.data.get("looked"))
        self._gone = bool(job.data.get("gone"))

    async def run(self, originals: Sequence[Original]) -> list[Found]:
        opened = await asyncio.gather(*(self._open(original) for original in originals))
        found = [each for each in opened if isinstance(each, Found)]
        for part in _parts([each for each in opened if isinstance(each, Part)]):
            found += await self._look_at_all(part)
        return found

    async def _open(self, original: Original) -> Part | Found:
        """A file with its format, or why it is not even looked at."""
        file = attachment(original.content)
        mimetype, head = file.mimetype if file is not None else None, b""
        try:
            async with self._slots:
                if self._bytes_left <= 0:  # clients stated less than there was
                    raise Refused("file-too-complex")
                source = await self._looking.open(original, self._stack)
                self._bytes_left -= source.size
            head = await source.read_at(0, min(HEAD, source.size))
            other_slides.refuse(head, files.ending(original.content))
            format_ = await self._previewer.admit(source, mimetype)
        except Refused as error:
            return Found((original,), error=error, gone=self._gone, picture=is_picture(head, mimetype))
        return Part(format_, (original,), (source,))

    async def _look_at_all(self, part: Part) -> list[Found]:
        """Where something is wrong with files that belong together, each is looked at alone to tell which ones."""
        together = await self._look_at(part)
        if together.error is None or together.gone or len(part.originals) == 1:
            return [together]
        found, good = [], []
        for original, source in zip(part.originals, part.sources, strict=True):
            alone = Part(part.format, (original,), (source,))
            result = await self._look_at(alone)
            if result.error is None and result.question is None:
                good.append(alone)
            else:
                found.append(result)
        if not found:
            return [together]
        return found + [await self._look_at(each) for each in _parts(good)]

    async def _look_at(self, part: Part, *, clean: bool | None = None) -> Found:
        clean = bool(self._job.data.get("clean")) if clean is None else clean
        found = Found(part.originals, cleaned=clean, gone=self._gone or clean)
        sources, writing, missing = part.sources, 0, Counter[str]()
        try:
            if clean and (copies := await self._copies(part)):
                found = replace(found, copies=copies.files)
                sources, writing, missing = copies.sources, copies.writing, copies.missing
            previews = remarked(await self._previews(sources), missing)
            if not clean and any(preview.is_overview_only for preview in previews):
                raise Refused(files.OVERVIEW_ONLY)
            if not clean and _is_named(part):
                raise Refused("file-names-patient", kinds=FILE_NAME)
        except Refused as error:
            if error.code in IDENTIFIED and not clean:
                return await self._identified(part, error)
            picture = part.format.name not in TOGETHER
            return replace(found, error=error, picture=picture)
        writing += sum(preview.writing for preview in previews)
        if writing and not self._looked:
            await self._take_out(found)
            places = previews[0].places if len(previews) == 1 else ()
            return replace(found, question="writing", gone=True, copies=(), places=places)
        return replace(found, previews=tuple(previews))

    async def _identified(self, part: Part, error: Refused) -> Found:
        """Files that name the patient are out of the room before anything else is done about them."""
        found = Found(part.originals, error=error, gone=True)
        cleans = self._looking.identified == "clean" and part.format.cleaner is not None
        if not self._gone:
            await self._take_out(replace(found, gone=False), follows=error if cleans else None)
        if self._looking.identified == "refuse" or part.format.cleaner is None:
            return found
        return await self._look_at(part, clean=True) if cleans else replace(found, question="names")

    async def _take_out(self, found: Found, *, follows: Refused | None = None) -> None:
        if not found.gone:
            await self._looking.take_out(self._job, self._worker, found.originals, follows=follows)

    async def _previews(self, sources: Sequence[Source]) -> list[Preview]:
        """Drawn over other files of the case where the files refer to these."""
        previews = await self._previewer.previews(sources)
        known = {uid for preview in previews for uid in preview.uids}
        wanted = {uid for preview in previews for uid in preview.refers} - known
        references = await self._looking.references(self._job, wanted, self._stack) if wanted else []
        return await self._previewer.previews(sources, references=references) if references else previews

    async def _copies(self, part: Part) -> Copies | None:
        """De-identified copies, see `_cleaned`; None where there can be an overview only."""
        try:
            return await self._cleaned(part)
        except Refused as error:
            if error.code != files.OVERVIEW_ONLY:
                raise
            return None

    async def _cleaned(self, part: Part) -> Copies:
        """De-identified copies, uploaded. One file of many that cannot be cleaned is left out.

        Raises:
            Refused: none could be cleaned.
        """
        files_, sources, writing, missing = list[Original](), list[Source](), 0, Counter[str]()
        refused: list[Refused] = []
        for number, (original, source) in enumerate(zip(part.originals, part.sources, strict=True), start=1):
            copy = self._stack.enter_context(EncryptedSpool.fresh())
            try:
                report = await self._previewer.clean(source, policy=self._policy, sink=copy.write)
            except Refused as error:
                refused.append(error)
                missing.update(filter(None, [left_out(error)]))
                continue
            writing += report.writing
            missing.update(report.left_out)
            format_ = await self._previewer.admit(copy)  # some are drawn anew, in another format
            content = await self._looking.upload(copy, f"copy-{number}{format_.ending}", format_.mimetype)
            files_.append(Original(original.event_id, content))
            sources.append(copy)
        if not files_:
            raise refused[0]
        return Copies(tuple(files_), tuple(sources), writing, missing)


def _is_named(part: Part) -> bool:
    """Whether one of these files is called what could be a name, and a copy can be called otherwise."""
    contents = [original.content for original in part.originals if part.format.cleaner is not None]
    names = [content.get("filename") or content.get("body") for content in contents]
    return any(isinstance(name, str) and not is_plain(name) for name in names)


def _parts(files_: Sequence[Part]) -> list[Part]:
    """Files that are looked at together, in the order in which they came."""
    grouped: dict[str, list[Part]] = {}
    for number, each in enumerate(files_):
        name = each.format.name
        grouped.setdefault(name if name in TOGETHER else f"{name} {number}", []).append(each)
    return [
        Part(group[0].format, tuple(p.originals[0] for p in group), tuple(p.sources[0] for p in group))
        for group in grouped.values()
    ]


def _merged(found: Sequence[Found]) -> list[Found]:
    """Files that are refused for the same reason are refused in one sentence."""
    merged: dict[object, Found] = {}
    for number, each in enumerate(found):
        plain = each.error is not None and each.question is None
        key = (each.error.code, str(each.error.fields), each.gone, each.picture) if plain and each.error else number
        known = merged.get(key)
        merged[key] = replace(known, originals=known.originals + each.originals) if known is not None else each
    return list(merged.values())
