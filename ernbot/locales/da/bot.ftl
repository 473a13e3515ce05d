### Bottens sætninger. `kode` i accent grave og **fremhævet** er den eneste opmærkning.

## Vores egne ord

state-draft = afventer samtykke
state-open = åben
state-assessing = hos eksperterne
state-drafting = konklusionen skrives
state-closed = afsluttet
state-withdrawn = trukket tilbage

action-create = oprette en sag
action-read = læse sagen
action-give-consent = registrere samtykke
action-withdraw-consent = trække samtykke tilbage
action-attach = tilføje en fil
action-invite = invitere eksperter
action-give-opinion = afgive en vurdering
action-read-opinions = læse vurderingerne
action-draft-outcome = lave et udkast til konklusionen
action-write-outcome = skrive konklusionen
action-read-outcome = læse konklusionen
action-vote = stemme om konklusionen
action-sign = underskrive konklusionen

purpose-care = behandling
purpose-registry = register
purpose-contact = kontakt om forskning
purpose-images = identificerbare billeder

signer-patient = patient
signer-parent = forælder
signer-guardian = værge

## Afslag: hvad der gik galt, og hvad man så gør

refused-no-case = Her er ingen sag, som du deltager i.
refused-not-yours = Din rolle i sagen giver dig ikke mulighed for at { $action }.
refused-withdrawn = Samtykket er trukket tilbage. Intet i sagen behandles længere.
refused-consent-needed = Det kræver først patientens samtykke til behandling. Registrér det med `!consent give`.
refused-wrong-state = Du kan ikke { $action } nu. Sagens status: { $state }.
refused-network-unknown = Du hører ikke til et netværk med det navn. Dine: `{ $networks }`
refused-not-a-clinician = Kun klinikere, der ser patienter, kan oprette en sag i { $network }.
refused-expert-unknown = { $user } står ikke på listen hos { $network }. Bed netværkets helpdesk om at tilføje vedkommende først.
refused-expert-no-patients = { $user } ({ $centre }) ser ikke patienter og kan ikke inviteres til en sag.
refused-expert-is-lead = Du leder allerede panelet og behøver ingen invitation.
refused-outcome-none = Der er endnu ikke noget udkast til en konklusion. Begynd med `!outcome draft`.
refused-outcome-empty = Konklusionen har endnu ingen anbefaling. Skriv den med `!outcome recommend`.
refused-outcome-stale = Vurderingerne eller panelet har ændret sig, siden konklusionen blev samlet. Saml den igen med `!outcome draft`: Dine tekster bliver stående, og panelet stemmer på ny.
refused-outcome-text = En tekst i konklusionen er på 1 til { $maximum } tegn.
refused-dissent-reason = Skriv, hvorfor du er uenig: Begrundelsen bliver en del af konklusionen.
refused-no-opinions = Ingen har afgivet en vurdering endnu, så der er intet at samle.
refused-question-length = Et spørgsmål er på 1 til { $maximum } tegn.
refused-consent-future = { $signed } ligger i fremtiden. Hvornår blev samtykkeerklæringen underskrevet?
refused-consent-expired = En samtykkeerklæring underskrevet { $signed } er mere end { $years } år gammel. Samtykket skal fornyes.
refused-consent-form = En formularversion er på op til 32 bogstaver, tal, punktummer og bindestreger, for eksempel `2.1`.
refused-consent-language = Et sprog er en kode som `en` eller `da`.
refused-consent-not-given = Der er intet samtykke at trække tilbage: { $purpose }.
refused-answer-choice = **{ $field }** skal være én af: { $options }.
refused-answer-choices = **{ $field }** skal være en eller flere, adskilt af komma, af: { $options }.
refused-answer-scale = **{ $field }** skal være et helt tal fra { $minimum } til { $maximum }.
refused-answer-quantity = **{ $field }** skal være et tal: { $range }.
refused-answer-code = **{ $field }** skal være en kode: { $systems }.
refused-answer-text = **{ $field }** skal være en tekst på 1 til { $maximum } tegn.
refused-answer-unknown = Skemaet har intet felt { $field }. Felterne er: { $fields }.
refused-answer-missing = Mangler stadig: { $field }.
