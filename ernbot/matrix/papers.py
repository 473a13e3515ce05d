"""Documents on their way into a case room: made, sealed, encrypted, and sent as a file.

What a document says is a matter of `ernbot.documents`. Consent and standing are asked for once more at the moment of
making it: what was allowed when it was asked for may be withdrawn by the time its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ernbot.commands.effects import SendDelphiReport, SendOutcome
from ernbot.commands.office import Office
from ernbot.core.case import Case
from ernbot.core.directory import Network
from ernbot.core.errors import Refused
from ernbot.core.outcome import Outcome
from ernbot.core.states import About, Action
from ernbot.documents import delphi_report, outcome_fhir, outcome_html, outcome_pdf
from ernbot.documents.dossier import Dossier, Member
from ernbot.documents.press import press_apart
from ernbot.documents.seal import seal
from ernbot.locales import catalogue
from ernbot.matrix.gateway import Gateway
from ernbot.matrix.media import put
from ernbot.matrix.showing import Desk
from ernbot.storage.records import OutboxItem
from ernbot.storage.store import Store

KINDS = {
    "pdf": ("pdf", "application/pdf"),
    "html": ("html", "text/html"),
    "fhir": ("fhir.json", "application/fhir+json"),
}
"""How the name of each kind of document ends, and its media type."""


@dataclass(frozen=True)
class Paper:
    """A document as a file."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Papers:
    """Carries out what sends a document, and marks it done."""

    desk: Desk
    gateway: Gateway
    store: Store
    office: Office
    clock: Callable[[], datetime]

    async def deliver(self, item: OutboxItem, effect: SendOutcome | SendDelphiReport) -> None:
        """Send the document; nothing is sent where the reader may not have it any more."""
        room_id = await self.desk.room_of(item)
        at = self.clock()
        action = Action.READ_OUTCOME if isinstance(effect, SendOutcome) else Action.READ_OPINIONS
        case = await self._case(room_id, effect.reader, action, at)
        if case is None:
            await self.desk.done(item)
            return
        if isinstance(effect, SendOutcome):
            paper = await self._outcome(effect, case, at)
        else:
            paper = await self._delphi_report(effect)
        await self.desk.done(item, await self.desk.send(room_id, await self._file(paper), item.id))

    async def _case(self, room_id: str, reader: str, action: Action, at: datetime) -> Case | None:
        """The case, if its reader may read this of it now."""
        async with self.store.transaction() as tx:
            try:
                return await tx.case_in(room_id, reader, action, self.office.directory, at)
            except Refused:
                return None

    async def _outcome(self, effect: SendOutcome, case: Case, at: datetime) -> Paper:
        dossier = await self._dossier(effect, case, at)
        ending, media_type = KINDS[effect.format]
        name = f"{dossier.text('document-file', nickname=effect.nickname)}.{ending}"
        return Paper(name, media_type, self._sealed(dossier, await self._made(effect, dossier)))

    async def _delphi_report(self, effect: SendDelphiReport) -> Paper:
        language = await self.desk.language(effect.reader)
        text = catalogue(language).text
        network = self.office.directory.network(effect.network)
        assert network is not None
        study, nickname = effect.study, effect.nickname
        report = delphi_report.report(study, effect.conflicts, nickname=nickname, network=network, text=text)
        name = text("delphi-report-file", nickname=nickname, form=effect.form)
        if effect.form == "md":
            return Paper(name, "text/markdown", delphi_report.markdown(report).encode())
        page = delphi_report.page(report, language=language, network=network.name, created=study.last_closed_at)
        return Paper(name, "application/pdf", await press_apart(page))

    async def _dossier(self, effect: SendOutcome, case: Case, at: datetime) -> Dossier:
        language = catalogue(await self.desk.language(effect.reader)).language
        network = self.office.network(case)
        record = None
        if self.office.notary is not None and _provable(effect.outcome):
            record = self.office.notary.record(effect.outcome, nickname=effect.nickname, network=network.name).decode()
        return Dossier(
            effect.outcome,
            case_id=case.id,
            nickname=effect.nickname,
            network=network,
            forms=self.office.forms,
            text=catalogue(language).text,
            language=language,
            at=at,
            consent=case.consent,
            record=record,
            about_patient=case.about is About.PATIENT,
            others=self._others(case, network),
        )

    def _others(self, case: Case, network: Network) -> dict[str, Member]:
        """The guests of a case, whether they are still there or not, and people whom only another network lists."""
        guests = [(each.user_id, each.guest) for each in case.invitations if each.guest is not None]
        found = {user: Member(guest.name, guest.hospital, guest.country) for user, guest in guests}
        for user in (*case.admitted, *(each.user_id for each in case.invitations)):
            if network.person(user) is None:
                for other, person in self.office.directory.memberships(user):
                    centre = other.centre(person.centre)
                    found.setdefault(user, Member(person.name, centre.name, centre.country))
        return found

    async def _made(self, effect: SendOutcome, dossier: Dossier) -> bytes:
        match effect.format:
            case "pdf":
                return await press_apart(outcome_pdf.content(dossier))
            case "html":
                return outcome_html.render(dossier)
            case "fhir":
                return outcome_fhir.render(dossier)

    def _sealed(self, dossier: Dossier, document: bytes) -> bytes:
        """The document with the seal of the bot, where it has a record."""
        if self.office.notary is None or dossier.record is None:
            return document
        record, at = dossier.record.encode("ascii"), dossier.created
        return seal(document, self.office.notary.words(document, record, at=at, by=self.office.bot))

    async def _file(self, paper: Paper) -> dict[str, Any]:
        return {
            "msgtype": "m.file",
            "body": paper.name,
            "filename": paper.name,
            "file": await put(self.gateway, paper.content),
            "info": {"mimetype": paper.media_type, "size": len(paper.content)},
        }


def _provable(outcome: Outcome) -> bool:
    """Whether everybody has signed and the bot has countersigned; a draft, and an outcome of old, prove nothing."""
    signatures = outcome.signatures
    return bool(signatures) and not outcome.unsigned and all(signature.countersignature for signature in signatures)
