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
action-invite = ændre panelet
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
refused-no-opinions = Ingen har afgivet en vurdering endnu, så der er intet at samle.
refused-question-length = Et spørgsmål er på 1 til { $maximum } tegn.
refused-consent-future = { $signed } ligger i fremtiden. Hvornår blev samtykkeerklæringen underskrevet?
refused-consent-expired = En samtykkeerklæring underskrevet { $signed } er mere end { $years } år gammel. Samtykket skal fornyes.
refused-consent-form = En version af erklæringen er på op til 32 bogstaver, tal, punktummer og bindestreger, for eksempel `2.1`.
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

## Bekræftelse med emoji

verification-compare = Sammenlign med din skærm. Jeg ser i denne rækkefølge:
verification-emoji = { $symbol } { $name }
verification-numbers = { $first } – { $second } – { $third }
verification-decide = Viser din skærm det samme i samme rækkefølge, så tryk på **De er ens**. Ellers tryk på **De er ikke ens**, og sig det til din helpdesk.
verification-done = Færdig: Din klient ved nu med sikkerhed, at det er mig, og jeg har underskrevet din identitet.
verification-mismatch = Emojierne var ikke ens. Nogen kan være kommet imellem os: Skriv ikke mere her, og sig det til din helpdesk.
verification-keys-differ = Bekræftelsen mislykkedes: Din klient beviste andre nøgler end dem, jeg kender fra dig. Prøv en gang til, og sig det til din helpdesk, hvis det mislykkes igen.
refused-verify-identity-changed = Jeg kan ikke bekræfte dig, fordi din identitet har ændret sig, siden jeg så den første gang. Bed først en koordinator om at bekræfte den nye.
verification-too-late = Bekræftelsen varede mere end { $minutes } minutter og blev opgivet. Du kan begynde igen når som helst.
verification-cancelled = Bekræftelsen blev opgivet, og intet er ændret. Du kan begynde igen når som helst.
refused-verify-not-direct = Jeg kan kun bekræftes i vores direkte chat. Åbn den, og tryk på **Bekræft** dér.

emoji-dog = Hund
emoji-cat = Kat
emoji-lion = Løve
emoji-horse = Hest
emoji-unicorn = Enhjørning
emoji-pig = Gris
emoji-elephant = Elefant
emoji-rabbit = Kanin
emoji-panda = Panda
emoji-rooster = Hane
emoji-penguin = Pingvin
emoji-turtle = Skildpadde
emoji-fish = Fisk
emoji-octopus = Blæksprutte
emoji-butterfly = Sommerfugl
emoji-flower = Blomst
emoji-tree = Træ
emoji-cactus = Kaktus
emoji-mushroom = Svamp
emoji-globe = Globus
emoji-moon = Måne
emoji-cloud = Sky
emoji-fire = Ild
emoji-banana = Banan
emoji-apple = Æble
emoji-strawberry = Jordbær
emoji-corn = Majs
emoji-pizza = Pizza
emoji-cake = Kage
emoji-heart = Hjerte
emoji-smiley = Smiley
emoji-robot = Robot
emoji-hat = Hat
emoji-glasses = Briller
emoji-spanner = Skruenøgle
emoji-santa = Julemand
emoji-thumbs-up = Tommelfinger op
emoji-umbrella = Paraply
emoji-hourglass = Timeglas
emoji-clock = Ur
emoji-gift = Gave
emoji-light-bulb = Pære
emoji-book = Bog
emoji-pencil = Blyant
emoji-paperclip = Papirclips
emoji-scissors = Saks
emoji-lock = Lås
emoji-key = Nøgle
emoji-hammer = Hammer
emoji-telephone = Telefon
emoji-flag = Flag
emoji-train = Tog
emoji-bicycle = Cykel
emoji-aeroplane = Fly
emoji-rocket = Raket
emoji-trophy = Pokal
emoji-ball = Bold
emoji-guitar = Guitar
emoji-trumpet = Trompet
emoji-bell = Klokke
emoji-anchor = Anker
emoji-headphones = Hovedtelefoner
emoji-folder = Mappe
emoji-pin = Tegnestift
