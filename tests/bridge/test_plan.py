"""The plan says exactly what differs, and nothing when nothing does."""

from dataclasses import replace

from bridge.plan import (
    Actual,
    Desired,
    ExemptBot,
    FileRoom,
    FoundAccount,
    FoundRoom,
    Invite,
    MakeAccount,
    MakeBot,
    MakeRoom,
    NameAccount,
    NameRoom,
    Remove,
    SignInBot,
    desired,
    plan,
)
from ernbot.core.directory import Centre, CentreKind, Directory, Network, Person
from ernbot.demo.homeserver import CONFIG
from ernbot.network_files import load_directory

BOT, ADA, BEN = "@ernbot:s", "@ada:s", "@ben:s"
SPACE, LOBBY, HELPDESK = "#net:s", "#net-lobby:s", "#net-helpdesk:s"
NOTHING = Actual({}, {}, bot_exempt=False, bot_signed_in=False)


def wanted(*people: str) -> Desired:
    centre = Centre("c", "Centre", "DK", CentreKind.MEMBER)
    persons = tuple(Person(user, user[1:].partition(":")[0].title(), "c") for user in people)
    return desired(Directory((Network("net", "Net", "form", (), (centre,), persons),)), BOT, "Case rooms")


def as_wanted(want: Desired) -> Actual:
    """A homeserver on which all of it is there."""
    ids = frozenset(f"!{n}" for n in range(len(want.rooms)))
    rooms = {
        room.alias: FoundRoom(f"!{n}", room.name, ids, room.members | {BOT}, frozenset())
        for n, room in enumerate(want.rooms)
    }
    accounts = {user: FoundAccount(name, True) for user, name in want.accounts.items()}
    return Actual(accounts, rooms, bot_exempt=True, bot_signed_in=True)


def test_an_empty_homeserver_gets_everything_in_an_order_that_works() -> None:
    want = wanted(ADA)
    space, lobby, helpdesk = want.rooms
    assert plan(want, NOTHING) == [
        MakeBot(BOT),
        ExemptBot(BOT),
        SignInBot(BOT),
        NameAccount(BOT, "Case rooms"),
        MakeAccount(ADA, "Ada"),
        MakeRoom(space),
        Invite(SPACE, ADA),
        MakeRoom(lobby),
        FileRoom(SPACE, LOBBY),
        Invite(LOBBY, ADA),
        MakeRoom(helpdesk),
        FileRoom(SPACE, HELPDESK),
        Invite(HELPDESK, ADA),
    ]


def test_nothing_differs_nothing_changes() -> None:
    want = wanted(ADA, BEN)
    assert plan(want, as_wanted(want)) == []


def test_the_networks_that_come_with_the_system_are_planned_once() -> None:
    want = desired(load_directory(CONFIG / "networks", "s"), BOT, "Case rooms")
    changes = plan(want, NOTHING)
    assert len([change for change in changes if isinstance(change, MakeRoom)]) == 6
    assert len({str(change) for change in changes}) == len(changes)
    assert plan(want, as_wanted(want)) == []


def test_who_leaves_the_directory_is_removed_from_every_room_of_the_network() -> None:
    before = as_wanted(wanted(ADA, BEN))
    assert plan(wanted(ADA), before) == [Remove(alias, BEN) for alias in (SPACE, LOBBY, HELPDESK)]


def test_names_follow_the_directory() -> None:
    want = wanted(ADA)
    actual = as_wanted(want)
    stale = replace(
        actual,
        accounts={**actual.accounts, ADA: FoundAccount("A.", True)},
        rooms={**actual.rooms, LOBBY: replace(actual.rooms[LOBBY], name="old")},
    )
    assert plan(want, stale) == [NameAccount(ADA, "Ada"), NameRoom(LOBBY, "Net lobby")]


def test_who_left_or_was_deactivated_is_left_in_peace() -> None:
    want = wanted(ADA, BEN)
    actual = as_wanted(want)
    lobby = replace(actual.rooms[LOBBY], present=frozenset({BOT, BEN}), left=frozenset({ADA}))
    helpdesk = replace(actual.rooms[HELPDESK], present=frozenset({BOT, ADA}))
    accounts = {**actual.accounts, BEN: FoundAccount("", False)}
    assert (
        plan(want, replace(actual, accounts=accounts, rooms={**actual.rooms, LOBBY: lobby, HELPDESK: helpdesk})) == []
    )


def test_a_room_taken_out_of_its_space_is_filed_again() -> None:
    want = wanted(ADA)
    actual = as_wanted(want)
    emptied = replace(actual.rooms[SPACE], children=frozenset({"!1"}))
    assert plan(want, replace(actual, rooms={**actual.rooms, SPACE: emptied})) == [FileRoom(SPACE, HELPDESK)]
