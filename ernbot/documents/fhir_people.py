"""The people of an outcome in FHIR: the patient by nickname, the panel with its centres, the team.

Nothing identifies the patient but the nickname. Clinicians are there with what the network's directory says of them in
public; whoever it no longer lists has only an id.
"""

from __future__ import annotations

from ernbot.documents.dossier import Dossier, Member
from ernbot.documents.fhir_values import TERMINOLOGY, URI, Collection, Resource, coding, concept
from ernbot.documents.paper import clean


class People:
    """References to everybody in the document; adds who is asked for."""

    def __init__(self, dossier: Dossier, collection: Collection) -> None:
        self._dossier = dossier
        self._collection = collection
        self._known: dict[str, Resource] = {}
        name = clean(dossier.network.name)
        self.network = collection.add("Organization", "network", {"name": name}, display=name)
        self.patient = self._patient()

    def _patient(self) -> Resource:
        dossier = self._dossier
        if not dossier.about_patient:
            return {"display": dossier.text("document-no-patient")}
        nickname = clean(dossier.nickname)
        kind = concept(
            dossier.text("document-nickname"), coding(f"{TERMINOLOGY}v2-0203", "ANON", "Anonymous identifier")
        )
        identifier = {"use": "secondary", "type": kind, "value": nickname, "assigner": self.network}
        return self._collection.add("Patient", "patient", {"identifier": [identifier]}, display=nickname)

    def person(self, user_id: str) -> Resource:
        """A reference to somebody in the part that they have in the network."""
        if user_id not in self._known:
            self._known[user_id] = self._role(user_id)
        return self._known[user_id]

    def _role(self, user_id: str) -> Resource:
        name = clean(self._dossier.name(user_id))
        identifier = {"system": URI, "value": f"matrix:u/{user_id.removeprefix('@')}"}
        content: Resource = {"identifier": [identifier], "name": [{"text": name}]}
        practitioner = self._collection.add("Practitioner", user_id, content, display=name)
        role: Resource = {"practitioner": practitioner}
        listed = self._dossier.network.person(user_id)
        other = self._dossier.others.get(user_id)
        if listed is not None:
            role["organization"] = self._centre(listed.centre)
        elif other is not None:
            role["organization"] = self._hospital(other)
        return self._collection.add("PractitionerRole", user_id, role, display=name)

    def _centre(self, centre_id: str) -> Resource:
        centre = self._dossier.network.centre(centre_id)
        content = {
            "identifier": [{"value": centre.id, "assigner": self.network}],
            "name": clean(centre.name),
            "address": [{"country": centre.country}],
            "partOf": self.network,
        }
        return self._collection.add("Organization", f"centre {centre.id}", content, display=clean(centre.name))

    def _hospital(self, other: Member) -> Resource:
        """The hospital of a guest, or of another network, of which there is no more than its name."""
        name = clean(other.hospital)
        content = {"name": name, "address": [{"country": other.country}]}
        return self._collection.add("Organization", f"hospital {other.country} {name}", content, display=name)

    def team(self) -> Resource:
        """The panel, its lead first."""
        dossier = self._dossier
        lead, expert = concept(dossier.text("document-lead")), concept(dossier.text("document-expert"))
        participants = [
            {"role": [lead if member == dossier.lead else expert], "member": self.person(member)}
            for member in dossier.outcome.panel
        ]
        content = {
            "status": "active",
            "name": dossier.text("document-panel"),
            "subject": self.patient,
            "participant": participants,
            "managingOrganization": [self.network],
        }
        return self._collection.add("CareTeam", "panel", content, display=dossier.text("document-panel"))
