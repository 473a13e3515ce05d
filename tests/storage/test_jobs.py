"""Files that wait to be looked at: collected, taken once, given back, taken over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ernbot.storage import jobs
from ernbot.storage.errors import Shredded
from ernbot.storage.figures import figures
from ernbot.storage.records import ImageJob, Original
from ernbot.storage.store import Store

from .samples import EXPERT, NOW, REQUESTER, draft, image_job, original

QUIET = timedelta(seconds=2)
LEASE = timedelta(seconds=90)
ANY = 2**40


@pytest.fixture
async def opened(store: Store) -> Store:
    """A store with one case."""
    async with store.transaction() as tx:
        await tx.add_case(draft())
    return store


async def drop(store: Store, event_id: str, at: datetime = NOW, *, sender: str = REQUESTER, size: int = 10) -> None:
    """Drop one file, as a job that would be named after it."""
    async with store.transaction() as tx:
        job = replace(image_job(f"job-of-{event_id}"), sender=sender, at=at, due_at=at)
        await tx.collect(job, original(event_id), quiet=QUIET, size=size)


async def take(store: Store, at: datetime, *, worker: str = "bot", largest: int = ANY) -> ImageJob | None:
    async with store.transaction() as tx:
        return await tx.take_job(worker, at, LEASE, largest=largest)


async def events(store: Store, job: ImageJob) -> list[str]:
    async with store.transaction() as tx:
        return [each.event_id for each in await tx.originals(job.id)]


async def test_files_that_follow_each_other_closely_are_one_job(opened: Store) -> None:
    for second in range(5):
        await drop(opened, f"${second}", NOW + timedelta(seconds=second))
    assert await take(opened, NOW + timedelta(seconds=5)) is None, "another file may follow"
    job = await take(opened, NOW + timedelta(seconds=6))
    assert job is not None
    assert (job.files, job.size, job.at, job.data) == (5, 50, NOW, {"kinds": "foundinthefile"})
    assert await events(opened, job) == ["$0", "$1", "$2", "$3", "$4"]


async def test_an_event_is_in_one_job_once(opened: Store) -> None:
    await drop(opened, "$1")
    await drop(opened, "$1", NOW + timedelta(seconds=1))
    job = await take(opened, NOW + QUIET)
    assert job is not None
    assert job.files == 1


async def test_two_people_have_two_jobs(opened: Store) -> None:
    await drop(opened, "$1")
    await drop(opened, "$2", sender=EXPERT)
    taken = [await take(opened, NOW + QUIET) for _ in range(3)]
    assert [job and job.sender for job in taken] == [REQUESTER, EXPERT, None]


async def test_who_never_stops_dropping_is_answered_after_a_minute(opened: Store) -> None:
    for second in range(0, 62, 2):
        await drop(opened, f"${second}", NOW + timedelta(seconds=second - second / 100))
    job = await take(opened, NOW + timedelta(seconds=60))
    assert job is not None
    assert job.files == 31
    await drop(opened, "$late", NOW + timedelta(seconds=61))
    late = await take(opened, NOW + timedelta(seconds=63))
    assert late is not None
    assert await events(opened, late) == ["$late"]


async def test_a_full_job_is_followed_by_another(opened: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_FILES", 2)
    for number in range(3):
        await drop(opened, f"${number}")
    taken = [await take(opened, NOW + QUIET) for _ in range(3)]
    assert sorted(job.files for job in taken if job) == [1, 2]


async def test_what_is_too_much_for_the_disk_becomes_several_jobs(opened: Store) -> None:
    for number in range(3):
        await drop(opened, f"${number}", size=jobs.MAX_BYTES // 2)
    await drop(opened, "$alone", sender=EXPERT, size=2 * jobs.MAX_BYTES)
    taken = [await take(opened, NOW + QUIET, largest=2**62) for _ in range(4)]
    assert sorted(job.files for job in taken if job) == [1, 1, 2]


async def test_a_job_is_taken_once_until_its_time_is_over(opened: Store) -> None:
    await drop(opened, "$1")
    at = NOW + QUIET
    job = await take(opened, at, worker="first")
    assert job is not None
    assert await take(opened, at, worker="second") is None
    async with opened.transaction() as tx:
        await tx.keep_job(job.id, "first", at + 2 * LEASE)
    assert await take(opened, at + LEASE, worker="second") is None
    again = await take(opened, at + 2 * LEASE, worker="second")
    assert again is not None
    assert (again.id, again.attempts) == (job.id, 1)
    async with opened.transaction() as tx:
        assert not await tx.own_job(job.id, "first"), "whoever was overtaken finishes nothing"
        assert await tx.own_job(job.id, "second")


async def test_of_many_workers_one_gets_the_job(opened: Store) -> None:
    await drop(opened, "$1")
    await drop(opened, "$2", sender=EXPERT)
    taken = await asyncio.gather(*(take(opened, NOW + QUIET, worker=f"worker-{number}") for number in range(10)))
    assert sorted(job.sender for job in taken if job) == [REQUESTER, EXPERT]


async def test_files_that_come_while_a_job_is_taken_are_not_lost(opened: Store) -> None:
    """Whoever comes too late begins another job; nothing is in two or in none."""
    await drop(opened, "$0")
    at = NOW + QUIET
    first, *_ = await asyncio.gather(take(opened, at), *(drop(opened, f"${number}", at) for number in range(1, 6)))
    found = [] if first is None else await events(opened, first)
    while job := await take(opened, at + timedelta(seconds=30)):
        found += await events(opened, job)
    assert sorted(found) == [f"${number}" for number in range(6)]


async def test_a_new_file_does_not_join_a_job_at_work(opened: Store) -> None:
    await drop(opened, "$1")
    first = await take(opened, NOW + QUIET)
    await drop(opened, "$2", NOW + QUIET)
    second = await take(opened, NOW + 2 * QUIET)
    assert first is not None
    assert second is not None
    assert first.id != second.id


async def test_after_a_restart_jobs_are_due_again(opened: Store) -> None:
    await drop(opened, "$1")
    assert await take(opened, NOW + QUIET) is not None
    async with opened.transaction() as tx:
        await tx.release_jobs("another", NOW + QUIET)
    assert await take(opened, NOW + QUIET) is None
    async with opened.transaction() as tx:
        await tx.release_jobs("bot", NOW + QUIET)
    job = await take(opened, NOW + QUIET)
    assert job is not None
    assert job.attempts == 1


async def test_a_job_that_is_given_back_may_forget_the_attempt(opened: Store) -> None:
    await drop(opened, "$1")
    at = NOW + QUIET
    for counts, attempts in ((False, 0), (True, 0), (False, 1)):
        job = await take(opened, at)
        assert job is not None
        assert job.attempts == attempts
        async with opened.transaction() as tx:
            await tx.postpone_job(job.id, at, counts=counts)


async def test_large_jobs_can_be_left_to_others(opened: Store) -> None:
    await drop(opened, "$large", size=1000)
    await drop(opened, "$small", sender=EXPERT, size=1)
    job = await take(opened, NOW + QUIET, largest=999)
    assert job is not None
    assert job.sender == EXPERT
    assert await take(opened, NOW + QUIET, largest=999) is None
    assert await take(opened, NOW + QUIET) is not None


async def test_a_question_keeps_its_files_until_it_is_answered(opened: Store) -> None:
    await drop(opened, "$1")
    await drop(opened, "$2")
    job = await take(opened, NOW + QUIET)
    assert job is not None
    day = NOW + timedelta(days=1)
    asked = ImageJob("asked", "c-1", job.room_id, job.sender, "asked", job.at, day, files=1, data={"question": "names"})
    async with opened.transaction() as tx:
        await tx.keep_asked(asked, [Original("$2", {"file": 2})])
        await tx.drop_job(job.id)
    async with opened.transaction() as tx:
        assert await tx.asked_jobs(job.room_id, REQUESTER) == [asked]
        assert await tx.asked_jobs(job.room_id, EXPERT) == []
        assert await tx.originals("asked") == [Original("$2", {"file": 2})]
        assert await tx.next_job_at() == day
        await tx.resume_job(asked, {"clean": True}, NOW)
    again = await take(opened, NOW)
    assert again is not None
    assert (again.id, again.state, again.data) == ("asked", "waiting", {"clean": True})


async def test_nothing_is_left_of_a_dropped_case(opened: Store) -> None:
    await drop(opened, "$1")
    async with opened.transaction() as tx:
        await tx.drop_jobs("c-1")
        assert await tx.next_job_at() is None
    await drop(opened, "$1")
    async with opened.transaction() as tx:
        await tx.shred("case:c-1")
        assert await tx.next_job_at() is None


async def test_the_secret_of_a_case_goes_with_its_key(opened: Store) -> None:
    async with opened.transaction() as tx:
        await tx.add_case(draft("c-2"))
        secret = await tx.secret_of_case("c-1")
        assert len(secret) == 32
        assert secret != await tx.secret_of_case("c-2")
    async with opened.transaction() as tx:
        assert await tx.secret_of_case("c-1") == secret
        await tx.shred("case:c-1")
    async with opened.transaction() as tx:
        with pytest.raises(Shredded):
            await tx.secret_of_case("c-1")


async def test_waiting_jobs_and_open_questions_are_counted(opened: Store) -> None:
    await drop(opened, "$1")
    async with opened.transaction() as tx:
        await tx.keep_asked(replace(image_job("asked"), state="asked"), [original("$2")])
    found = {figure.name: figure.value for figure in await figures(opened, NOW + timedelta(seconds=7))}
    assert (found["image_jobs_waiting"], found["image_jobs_asked"], found["image_jobs_oldest_seconds"]) == (1, 1, 7)
