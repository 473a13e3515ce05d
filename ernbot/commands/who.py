"""`!who …`: whom to ask about a disease, and why. The lines are also those of `!panel suggest` and of a replacement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale

from ernbot.commands.context import Context
from ernbot.commands.registry import Rest, command
from ernbot.commands.reply import Heading, Item, Labels, Line, Part, Reply, Text, Value
from ernbot.core.directory import CentreKind, Coverage, Directory, Network, Role, coverage
from ernbot.core.errors import BadInput, Refused
from ernbot.core.ranking import Field, Index, Suggestion, Wish, folded

SHOWN = 5
"""People in one answer: what is read at a glance."""

MAX_ECHO = 60
"""Characters of what was typed that are repeated."""


@dataclass(frozen=True)
class Search:
    """What somebody looks for: competences, and a country and a language if named."""

    fields: tuple[Field, ...]
    country: str | None = None
    language: str | None = None


@lru_cache
def _named(languages: tuple[str, ...], what: str) -> Mapping[str, str]:
    """The codes of countries (ISO 3166-1) or languages (ISO 639) by their names in our languages."""
    found = {}
    for language in languages:
        locale = Locale(language)
        for code, name in (locale.territories if what == "countries" else locale.languages).items():
            if len(code) == 2:
                found[folded(name)] = code
    return found


@lru_cache
def labelled(languages: tuple[str, ...], what: str, code: str) -> Labels:
    """A country or language by its name in each of our languages; the code where it has none."""
    names = {}
    for language in languages:
        locale = Locale(language)
        known = locale.territories if what == "countries" else locale.languages
        names[language] = known.get(code.partition("-")[0], code)
    return Labels(names)


def parse(text: str, index: Index, directory: Directory, languages: tuple[str, ...]) -> Search:
    """What a line means: a competence or disease, behind it if wanted a country and a language, by name or code.

    Raises:
        BadInput: `who-unknown` when nobody's competence has such a name, with those there are.
    """
    words = text.split()
    country: str | None = None
    language: str | None = None
    if not index.knows(text):
        for size in (2, 1, 2, 1):
            word = " ".join(words[-size:])
            if len(words) <= size:
                continue
            if country is None and (found := country_code(word, languages)) is not None:
                country, words = found, words[:-size]
            elif language is None and (found := language_code(word, languages)) is not None:
                language, words = found, words[:-size]
    wanted = " ".join(words)
    fields = index.find(wanted)
    if not fields:
        known = dict.fromkeys(c.id for network in directory.networks for c in network.competences)
        raise BadInput("who-unknown", word=wanted[:MAX_ECHO], competences=", ".join(list(known)[:40]))
    return Search(fields, country, language)


def country_code(word: str, languages: tuple[str, ...]) -> str | None:
    """The code of a country by its name in one of our languages, or by its code in capitals."""
    if len(word) == 2:
        return word if word.isupper() and word.isascii() and word in _named(languages, "countries").values() else None
    return _named(languages, "countries").get(folded(word))


def language_code(word: str, languages: tuple[str, ...]) -> str | None:
    if len(word) == 2:
        return word if word.islower() and word in _named(languages, "languages").values() else None
    return _named(languages, "languages").get(folded(word))


def lines(suggestions: Iterable[Suggestion], ctx: Context, home: str | None) -> list[Part]:
    """One numbered line for each person, with what speaks for them and what against."""
    return [_line(number, each, ctx, home) for number, each in enumerate(suggestions, start=1)]


def _line(number: int, each: Suggestion, ctx: Context, home: str | None) -> Line:
    place: dict[str, Value] = {"centre": each.centre.name, "country": each.centre.country}
    said = [Text("who-person", {"number": str(number), "name": each.person.name, **place})]
    if each.reference:
        said.append(Text("who-reference"))
    elif each.centre.kind is CentreKind.EXCELLENCE:
        said.append(Text("who-excellence"))
    else:
        said.append(Text("who-competence", {"competence": Labels(each.network.competence(each.competence).labels)}))
    if each.network.id != home:
        said.append(Text("who-network", {"network": each.network.name}))
    spoken = [language for language in each.shared if language != "en"]
    if spoken:
        said.append(Text("who-speaks", {"language": labelled(ctx.office.languages, "languages", spoken[0])}))
    said.append(Text("who-load", {"count": each.load}))
    if not each.person.available:
        said.append(Text("who-not-now"))
    elif each.away_until is not None:
        said.append(Text("who-away", {"date": each.away_until}))
    return Line(tuple(said))


def languages_of(ctx: Context) -> tuple[str, ...]:
    """The languages that whoever asks speaks."""
    spoken = (language for _, person in ctx.office.directory.memberships(ctx.actor) for language in person.languages)
    return tuple(dict.fromkeys(("en", *spoken)))


@command("who", where="anywhere", changes="nothing")
async def who(ctx: Context, what: Rest) -> Reply:
    """Say whom to ask about a competence or a disease, and why."""
    office = ctx.office
    search = parse(what, office.index, office.directory, office.languages)
    home = next((network.id for network, _ in office.directory.memberships(ctx.actor)), None)
    wish = Wish(
        ctx.now.date(),
        home,
        without=(ctx.actor,),
        country=search.country,
        speaking=search.language,
        languages=languages_of(ctx),
        load=await ctx.tx.open_cases(),
    )
    found = office.index.suggest(search.fields, wish, SHOWN)
    title: list[Part] = [Heading("who-title", {"competence": _title(search.fields)})]
    if not found:
        return Reply((*title, Text("who-nobody")))
    return Reply((*title, *lines(found, ctx, home), *_references(search.fields), Text("who-next")))


def _title(fields: Sequence[Field]) -> Labels:
    return Labels(fields[0].competence.labels)


def _references(fields: Iterable[Field]) -> list[Part]:
    """The reference centres, which one may also call."""
    named = {
        f"{centre.name} ({centre.country})": None
        for field in fields
        for centre in field.network.centres
        if centre.is_reference(field.competence.id)
    }
    return [Text("who-references", {"centres": ", ".join(list(named)[:SHOWN])})] if named else []


@command("directory report", where="direct", coordinator=True, changes="nothing")
async def report(ctx: Context) -> Reply:
    """List the competences with no or only one reference centre."""
    listed = ctx.office.directory.memberships(ctx.actor)
    mine = [network for network, person in listed if person.role is Role.COORDINATOR]
    if not mine:
        raise Refused("coordinator-only")
    parts: list[Part] = []
    for network in mine:
        parts += _thin(network)
    return Reply(tuple(parts))


def _thin(network: Network) -> Iterable[Part]:
    covered = coverage(network)
    thin = [each for each in covered if each.thin]
    fields: dict[str, Value] = {"network": network.name, "count": len(thin), "total": len(covered)}
    yield Heading("directory-report-title", {"network": network.name})
    yield Text("directory-report", fields)
    yield from (Item(_covered(each)) for each in thin)


def _covered(each: Coverage) -> Text:
    fields: dict[str, Value] = {
        "competence": Labels(each.competence.labels),
        "experts": each.experts,
        "countries": ", ".join(each.countries) or "–",
    }
    if not each.references:
        return Text("directory-report-none", fields)
    return Text("directory-report-one", {**fields, "centre": each.references[0].name})
