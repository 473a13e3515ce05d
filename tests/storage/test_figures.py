"""What an administrator watches, on both databases, and in the form that Prometheus reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ernbot.storage.figures import exposition, figures
from ernbot.storage.store import Store

from .samples import NOW, received, to_send


async def values(store: Store, seconds: float) -> dict[str, float]:
    return {figure.name: figure.value for figure in await figures(store, NOW + timedelta(seconds=seconds))}


async def test_nothing_waits_in_a_new_database(store: Store) -> None:
    assert set((await values(store, 0)).values()) == {0}


async def test_what_waits_is_counted_with_its_age(store: Store) -> None:
    late = replace(received("$late"), at=NOW, session_id="s")
    async with store.transaction() as tx:
        await tx.receive(replace(received("$1"), at=NOW + timedelta(seconds=30)))
        await tx.receive(late)
        await tx.receive(replace(received("$told"), at=NOW + timedelta(seconds=10), session_id="s"))
        await tx.postpone("$told", NOW, attempts=2)
        await tx.receive(replace(received("$done"), session_id="s"))
        await tx.handled("$done")
        await tx.send(replace(to_send(), at=NOW + timedelta(seconds=20)))
    found = await values(store, 60)
    assert found["inbox_waiting"] == 3
    assert (found["undecryptable_waiting"], found["undecryptable_told"], found["undecryptable_total"]) == (2, 1, 3)
    assert (found["inbox_oldest_seconds"], found["undecryptable_oldest_seconds"]) == (60, 60)
    assert (found["outbox_waiting"], found["outbox_oldest_seconds"]) == (1, 40)


async def test_the_form_of_prometheus(store: Store) -> None:
    lines = exposition(await figures(store, NOW)).splitlines()
    assert lines[0].startswith("# HELP ernbot_inbox_waiting ")
    assert lines[1:3] == ["# TYPE ernbot_inbox_waiting gauge", "ernbot_inbox_waiting 0"]
    assert len(lines) % 3 == 0
