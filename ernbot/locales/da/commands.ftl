### Hvad kommandoerne siger. `kode` i accent grave og **fremhævet** er den eneste opmærkning.

## Vejen ind

greeting = Hej { $name }. Her bringer du en sjælden sag til eksperterne i dit netværk. Det kan du gøre her:
greeting-networks = Dine netværk:
greeting-secrecy = Skriv aldrig her, hvem en patient er: intet navn, ingen fødselsdato, intet personnummer.
greeting-without-cases = Hej { $name }. Sager oprettes af klinikere, der ser patienter, så du kan ikke oprette en her. Det kan du gøre her:
greeting-unknown = Hej. Intet netværk har dig på sin liste endnu, så der er ikke noget, du kan gøre her. Bed dit netværks helpdesk om adgang.
network-name = { $name }
help-title = Det kan du gøre her
help-more = Helpdesken i dit netværk hjælper dig personligt.
help-doubted = Jeg er endnu ikke sikker nok på, at det er dig, så noget mangler her. `!identity` i din direkte chat med mig siger, hvad du skal gøre.
help-now = `!help` viser, hvad du kan gøre nu.
help-help = vis, hvad du kan gøre her
help-language = vælg det sprog, jeg taler til dig: `en` eller `da`
help-identity = vis de fingeraftryk, som du og jeg kender hinanden på
help-identity-confirm = bekræft som koordinator andres nye krypteringsidentitet, når du har talt med dem
help-case-show = vis denne sags kort
help-consent = registrér patientens samtykke, spørgsmål for spørgsmål
help-consent-give = registrér det på én linje: `!consent give care,images form=2.1 lang=da signer=parent signed=2026-03-31`
help-consent-withdraw = træk et samtykke tilbage (`care`, `registry`, `contact`, `images`); uden `care` opløses panelet med det samme
help-panel-invite = hent eksperter ind, ved navn eller kompetence, én eller flere
help-panel-show = vis, hvem der er spurgt
help-opinion = afgiv eller ret din vurdering: på én linje, eller alene, spørgsmål for spørgsmål
help-opinion-show = vis hver eksperts seneste vurdering
help-cancel = afbryd de åbne spørgsmål
language-set = Fra nu af taler jeg dansk til dig.
usage = Skriv det sådan: `{ $usage }`
not-a-command = Jeg svarer på kommandoer. `!help` viser, hvad du kan gøre her.

## Sager og deres kort

case-created = Din sag **{ $nickname }** har fået sit eget rum, og du er inviteret. Fortsæt dér: først med samtykket, `!consent`.
card-title = { $nickname }
card-question = **Spørgsmål**
card-network = Netværk
card-state = Status
card-requester = Rekvirent og leder
card-consent = Samtykke: { $purpose }
card-consent-none = ikke registreret
card-consent-given = givet { $date } af { $signer }, erklæring { $version }
card-consent-expired = givet { $date } af { $signer }, erklæring { $version }: skal fornyes
card-consent-withdrawn = trukket tilbage { $date }
card-expert = { $name }
card-must-act = Hvem skal handle
card-next = Næste skridt
card-nobody = ingen
panelist-asked = spurgt
panelist-answered = har afgivet vurdering

## Samtykke

consent-recorded = Registreret. Papiret bliver hos dig på hospitalet.
consent-care-covered = Behandling er dækket: Du kan lægge filer her og hente eksperter ind med `!panel invite`.
consent-care-missing = Behandling er endnu ikke dækket, så ingen andre kan komme ind.
consent-case-goes-on = Selve sagen fortsætter.
consent-withdrawn = Samtykket til { $purpose } er trukket tilbage fra nu af.
withdrawal-done =
    Samtykket til behandling er trukket tilbage for **{ $nickname }**. { $count ->
        [0] Der var ingen andre i rummet, og det er lukket.
        [one] Én ekspert er fjernet, og rummet er lukket.
       *[other] { $count } eksperter er fjernet, og rummet er lukket.
    }
withdrawal-removed = Fjernet
withdrawal-stopped = Intet i sagen behandles længere, og det, der var på vej, er standset.
withdrawal-not-recalled = Det, medlemmerne allerede har læst eller gemt på deres enheder, kan ikke kaldes tilbage.
withdrawal-tell-patient = Fortæl venligst patienten det.
withdrawal-notice = Jeg fortæller dig det som koordinator for { $network }. Du behøver ikke gøre noget.
withdrawal-photographs =
    { $count ->
        [0] Der var ingen fotografier i rummet.
        [one] Jeg har taget ét fotografi ud af rummet. Det, medlemmerne allerede har set eller gemt, kan ikke kaldes tilbage.
       *[other] Jeg har taget { $count } fotografier ud af rummet. Det, medlemmerne allerede har set eller gemt, kan ikke kaldes tilbage.
    }
ask-consent-purposes = **Hvad har patienten givet samtykke til?**
ask-consent-form = **Hvilken version af samtykkeerklæringen er underskrevet, som der står på den?**
ask-consent-lang = **På hvilket sprog er erklæringen?** For eksempel `en` eller `da`.
ask-consent-signer = **Hvem har underskrevet den?**
ask-consent-signed = **Hvilken dag blev den underskrevet?** For eksempel `2026-03-31`.
answer-consent-purposes = Samtykke til
answer-consent-form = Erklæringens version
answer-consent-lang = Erklæringens sprog
answer-consent-signer = Underskrevet af
answer-consent-signed = Underskrevet den

## Spørgsmål et for et

dialogue-opening = { $count } spørgsmål. Svar her i tråden eller som svar på beskeden; nummererede reaktioner virker også. `!cancel` afbryder. På én linje: `{ $usage }`.
dialogue-opening-direct = { $count } spørgsmål. Skriv bare dine svar her; nummererede reaktioner virker også. `!cancel` afbryder. På én linje: `{ $usage }`.
dialogue-opening-sealed = { $count } spørgsmål. Skriv bare dine svar her; reaktioner tæller ikke, for de er ikke krypteret. `!cancel` afbryder. På én linje: `{ $usage }`.
dialogue-question = **{ $question }**
dialogue-option = { $label }
dialogue-hint-choices = Der må gerne være flere: `1, 2`.
dialogue-hint-scale = Et helt tal fra { $minimum } til { $maximum }.
dialogue-hint-quantity = Et tal: { $range }
dialogue-hint-code = En kode: { $systems }
dialogue-hint-optional = `-` udelader dette, `færdig` hele resten.
dialogue-confirm = Er det rigtigt? Skriv **ja** for at registrere det: En reaktion er ikke nok, fordi den ikke er krypteret. Vil du ændre noget, så svar på beskeden med det spørgsmål. `!cancel` smider det hele væk.
dialogue-changed = Ændret:
cancel-done = Intet blev registreret.
cancel-nothing = Der er intet at annullere.
draft-gone-withdrawn = **{ $nickname }** er trukket tilbage, så det, du var begyndt at udfylde til sagen, er væk. Du skal ikke gøre mere.
draft-gone-archived = **{ $nickname }** er arkiveret, så det, du var begyndt at udfylde til sagen, er væk. Du skal ikke gøre mere.
draft-gone-erased = **{ $nickname }** er slettet, så det, du var begyndt at udfylde til sagen, er væk. Du skal ikke gøre mere.

## Filer

file-size = { $width } × { $height }
file-frames = { $frames ->
        [one] ét billede
       *[other] { $frames } billeder
    }
file-lossy = Komprimeret med tab.
file-not-for-diagnosis = Til drøftelse, ikke til primær diagnostik.
file-viewer = Fuld visning: { $url }
file-film = { $kind } som film.
file-announced = { $kind }, eksempelvisning følger.
file-film-announced = { $kind }, film følger.
file-removed = { $count ->
        [one] Jeg har taget filen ud af rummet.
       *[other] Jeg har taget de { $count } filer ud af rummet.
    }
file-kept = { $count ->
        [one] Selve filen bliver i rummet.
       *[other] Selve de { $count } filer bliver i rummet.
    }
file-names = { $count ->
        [one] Filen afslører, hvem patienten er: { $kinds }.
       *[other] Disse { $count } filer afslører, hvem patienten er: { $kinds }.
    }
file-unchecked = { $count ->
        [one] Én fil i arkivet kan ikke gennemsøges for navne, så arkivet må ikke blive her.
       *[other] { $count } filer i arkivet kan ikke gennemsøges for navne, så arkivet må ikke blive her.
    }
file-copy-rest = En kopi med de øvrige filer følger.
file-copy-instead = { $count ->
        [one] En kopi uden disse oplysninger følger.
       *[other] Kopier uden disse oplysninger følger.
    }
file-label = { $count ->
        [one] Helglasskanningen indeholder et billede af sin etiket, som jeg ikke kan fjerne. Eksportér den som SVS eller DICOM, hvis man skal kunne zoome ind.
       *[other] De { $count } helglasskanninger indeholder billeder af deres etiketter, som jeg ikke kan fjerne. Eksportér dem som SVS eller DICOM, hvis man skal kunne zoome ind.
    }
file-overview-instead = { $count ->
        [one] Et overblik uden etiketten følger.
       *[other] Overblik uden etiketterne følger.
    }
file-ask-overview = { $count ->
        [one] Skal jeg lægge et overblik ud uden etiketten? Svar **ja** eller **nej**. Efter et døgn glemmer jeg spørgsmålet.
       *[other] Skal jeg lægge overblik ud uden etiketterne? Svar **ja** eller **nej**. Efter et døgn glemmer jeg spørgsmålet.
    }
file-ask-copy = Skal jeg lægge en kopi ud uden disse oplysninger? Svar **ja** eller **nej**. Efter et døgn glemmer jeg spørgsmålet.
file-writing = { $count ->
        [one] Jeg ser skrift i filen, eller også kunne jeg ikke se det hele igennem.
       *[other] Jeg ser skrift i disse { $count } filer, eller også kunne jeg ikke se det hele igennem.
    }
file-writing-where = Her ser jeg det i billedet:
file-ask-writing = Se på din egen skærm: Står patientens navn der? Svar **nej**, så lægger jeg det ud; svar **ja**, så gør jeg ikke. Efter et døgn glemmer jeg spørgsmålet.
file-question-not-yours = Kun { $name }, som sendte filen, kan svare på det.
file-question-yes-or-no = Svar **ja** eller **nej**.
file-question-expired = { $count ->
        [one] Ingen svarede på mit spørgsmål om en fil, så jeg har ikke lagt den ud. Læg den her igen, hvis der stadig er brug for den.
       *[other] Ingen svarede på mit spørgsmål om { $count } filer, så jeg har ikke lagt dem ud. Læg dem her igen, hvis der stadig er brug for dem.
    }
file-dropped = { $count ->
        [one] Filen bliver ikke lagt ud.
       *[other] De { $count } filer bliver ikke lagt ud.
    }
file-copy-follows = { $count ->
        [one] Filen følger om et øjeblik.
       *[other] De { $count } filer følger om et øjeblik.
    }

## Panelet

panel-invited = Inviteret:
panel-person = { $name }, { $centre } ({ $country })
panel-already = De er allerede inviteret. De, der ikke er her, får invitationen igen.
panel-after-draft = Konklusionen blev udarbejdet uden dem: Saml den igen med `!outcome draft`, før du underskriver.
panel-title = Panelet
panel-empty = Ingen er inviteret endnu. Brug `!panel invite`.
panel-not-reached = { $name } kunne ikke inviteres: Hjemmeserveren kender ikke kontoen. Sig det venligst til helpdesken.

## Vurderinger

opinion-recorded = Din vurdering er registreret. Afgiv den igen med `!opinion` for at rette den; alle versioner gemmes.
opinion-revised = Din vurdering er registreret som version { $version }. Tidligere versioner er gemt.
opinion-after-draft = Konklusionen blev samlet før: Lederen samler den igen med `!outcome draft`.
opinion-by = { $name }, version { $version }, { $date }

## Identiteter

identity-bot = Mit fingeraftryk
identity-yours = Dit fingeraftryk
identity-unchanged = Dit er det, som jeg har kendt, siden jeg først så det, eller siden det blev bekræftet.
identity-verified = Du og jeg har sammenlignet emoji.
identity-coordinators = Koordinatorer i dine netværk
identity-until-confirmed = Indtil en koordinator i netværket har bekræftet den nye identitet, tager jeg ikke imod samtykke, stemmer eller underskrifter, der kommer med den.
identity-changed-notice = Krypteringsidentiteten for **{ $name }** ændrede sig { $date }. Det sker med en ny enhed uden gendannelsesnøgle, men også når en anden har overtaget en konto. Spørg { $name } personligt, før du stoler på det, der skrives i det navn.
identity-changed-yours = Din krypteringsidentitet ændrede sig { $date }. Har du selv nulstillet den, så ring til en koordinator i dit netværk, og læs begyndelsen af dit nye fingeraftryk op: `{ $start }`. Vedkommende bekræfter det ved at skrive `!identity confirm { $user } { $start }` til mig. Var det ikke dig, er en anden inde på din konto: Sig det straks til helpdesken.
identity-changed-coordinator = Krypteringsidentiteten for **{ $name }** ændrede sig { $date }. Ring til { $name } på et nummer, du kender. Var det vedkommende selv, så lad begyndelsen af det nye fingeraftryk læse op for dig, som `!identity` viser, og skriv det til mig efter `!identity confirm { $user }`. Var det ikke, så sig det straks til administratoren.
identity-confirmed = Bekræftet. Jeg regner fra nu af den nye krypteringsidentitet for **{ $name }** som rigtig.
identity-confirmed-notice = Den nye krypteringsidentitet for **{ $name }** er bekræftet af { $by }.
identity-confirmed-yours = Din nye krypteringsidentitet er bekræftet af { $by }. Du kan fortsætte som før.
confirmed-by-administrator = administratoren

## Hvad botten siger om rum og enheder

room-not-encrypted = Jeg arbejder kun i krypterede rum. Slå kryptering til i chattens indstillinger, eller start en ny krypteret chat med mig.
no-verified-device = Hej. Jeg taler kun med enheder, som du selv har bekræftet, og ingen af dine er det: sæt bekræftelse (gendannelsesnøgle) op i din klients sikkerhedsindstillinger, og skriv så `!help` her.
unexpected = Noget gik galt (ref. { $ref }). Intet blev ændret. Prøv igen, eller giv helpdesken referencen.
unreadable = Jeg kunne ikke læse din besked, fordi din enhed ikke har sendt mig dens nøgle. Send den igen; hjælper det ikke, så log ud og ind igen.
unreadable-withheld = Jeg kunne ikke læse din besked: din app giver ikke min enhed dens nøgle. Bekræft mig, eller tillad beskeder til enheder, som du ikke har bekræftet, og send den igen.
late = Din besked kunne først læses nu, fordi dens nøgle kom sent. Jeg har ikke gjort noget ved den: den er gammel, eller du har skrevet siden. Send den igen, hvis den stadig gælder.

## Afslag i samtalen

refused-person-unknown = Intet netværk har dig på sin liste. Bed dit netværks helpdesk om adgang.
refused-not-in-a-case-room = Det virker kun i en sags rum. `!case new` opretter en sag, i din direkte chat med mig.
refused-not-in-a-direct-chat = Det virker kun i din direkte chat med mig, ikke i et sagsrum.
refused-command-unknown = Jeg kender ikke `{ $command }`. Mente du `{ $nearest }`?
refused-command-incomplete = `{ $command }` mangler et ord: { $words }.
refused-answer-required = **{ $field }** kan ikke udelades.
refused-answer-twice = `{ $field }` står der to gange. Angiv det én gang.
refused-date = “{ $text }” er ikke en dato. Skriv den som `2026-03-31` eller med dagen først som `31.3.2026`.
refused-dialogue-yes = Svar **ja** for at registrere det, eller `{ $prefix }cancel` for at smide det væk.
refused-opinion-line = Jeg kan ikke se, hvilket spørgsmål hvert ord svarer på. På én linje: `{ $usage }`. Eller skriv kun `!opinion`, så spørger jeg.
refused-expert-or-competence = “{ $word }” er hverken en person eller en kompetence i dette netværk. Dets kompetencer: { $competences }
refused-person-meant = “{ $word }” er ikke et helt navn. Mente du { $names }? Skriv hele navnet eller brugernavnet.
refused-competence-empty = Alle eksperter i { $competence } er allerede inviteret, eller netværket har ingen.
refused-images-consent = Et fotografi, en overflade eller en skanning af hovedet kan vise, hvem patienten er. Registrér først samtykke til identificerbare billeder: `!consent give images …`
refused-language-unknown = Jeg taler: { $languages }
refused-device-unsigned = Jeg kan ikke tage imod dette fra din enhed { $device }: Du har ikke bekræftet den. Bekræft den i din klient (Indstillinger → Sessioner) med en anden enhed eller din gendannelsesnøgle, og send så beskeden igen.
refused-device-unknown = Jeg kan ikke se, hvilken af dine enheder der har sendt dette. Send det igen fra en bekræftet enhed.
refused-identity-changed = Din krypteringsidentitet ændrede sig { $date }, og ingen har endnu bekræftet, at det var dig. Ring til en koordinator i dit netværk: Vedkommende bekræfter det ved at skrive `!identity confirm { $user } { $start }` til mig.
refused-identity-unverified = Du og jeg skal først sammenligne emoji. Åbn min profil i din direkte chat med mig, og tryk **Bekræft**.
refused-identity-not-coordinator = Kun en koordinator i et netværk kan bekræfte andres identitet.
refused-identity-person = Intet netværk, som du koordinerer, har { $person } på sin liste.
refused-identity-own = Ingen bekræfter sin egen identitet. Spørg en anden koordinator i dit netværk eller administratoren.
refused-identity-unknown = Jeg har endnu ikke set nogen krypteringsidentitet for { $name }, så der er intet at bekræfte.
refused-identity-unchanged = Krypteringsidentiteten for { $name } har ikke ændret sig, så der er intet at bekræfte.
refused-identity-none = { $name } har ingen krypteringsidentitet nu. Vedkommende skal først oprette en i sin klients sikkerhedsindstillinger.
refused-identity-fingerprint = Det nye fingeraftryk for { $name } begynder ikke sådan. Lad vedkommende læse de første { $count } tegn op for dig: `!identity` viser det. Har vedkommende ikke selv nulstillet sin identitet, så bekræft intet, og sig det til administratoren.
refused-key-unproven = Jeg kunne læse dette, men nøglen kommer fra en sikkerhedskopi og beviser ikke, at det er fra dig. Send det igen.
refused-not-direct = Der er andre i rummet, og det er ikke en sag, så her tager jeg ikke imod kommandoer. Skriv til mig alene i en krypteret chat.

## Afslag om filer

refused-file-empty = Filen er tom. Eksportér den igen, og læg den her én gang til.
refused-file-too-large = Filen er større end { $limit_mb } MB. Eksportér færre eller mindre billeder.
refused-file-unknown = Jeg viser DICOM-filer, vævssnit, fotografier, PDF-dokumenter og STL-modeller. Denne fil kender jeg ikke, så der er ingen eksempelvisning.
refused-file-lies = Filen kalder sig { $claimed }, men er { $found }. Eksportér den igen.
refused-file-names-patient = Filen afslører, hvem patienten er: { $kinds }. Eksportér den anonymiseret, eller lad `ernbot deidentify` lave en kopi, og læg den her igen.
refused-file-unsupported = { $syntax ->
        [TIFF] Billedpunkterne i denne helglasskanning er pakket på en måde, som jeg ikke kan læse. Eksportér den som SVS eller DICOM, og læg den her igen.
       *[other] Billederne i filen er pakket på en måde, som jeg ikke kan læse: { $syntax }. Eksportér den ukomprimeret eller som JPEG 2000.
    }
refused-file-slide-export = { $maker ->
        [unknown] Jeg kender ikke skanneren bag denne helglasskanning, så jeg kan hverken vise den eller fjerne billedet af etiketten.
       *[other] Dette er en helglasskanning fra { $maker }. Jeg kan hverken vise den eller fjerne billedet af etiketten.
    } Eksportér den som SVS eller DICOM uden etiketten, og læg den her igen.
refused-file-overview-only = Helglasskanningen indeholder et billede af sin etiket, som jeg ikke kan fjerne. Eksportér den som SVS eller DICOM uden etiketten, og læg den her igen.
refused-file-slide-part = { $maker ->
        [MIRAX] Dette er kun en del af en helglasskanning fra MIRAX. Pak .mrxs-filen og hele mappen ved siden af i én zip-fil, og læg den her. Eller eksportér skanningen som SVS eller DICOM uden etiketten.
       *[other] Dette er kun en del af en helglasskanning fra Hamamatsu. Pak .vms- eller .vmu-filen og alle filer ved siden af i én zip-fil, og læg den her. Eller eksportér skanningen som SVS eller DICOM uden etiketten.
    }
refused-archive-slide-alone = Dette arkiv indeholder en helglasskanning og noget andet. Send hver skanning i sin egen zip-fil uden andet i den.
refused-archive-inside = Arkivet indeholder kun andre arkiver, og dem åbner jeg ikke. Pak dem ud, og send billederne i ét arkiv.
refused-archive-locked = Arkivet er låst med en adgangskode. Rummet er krypteret: send det uden adgangskode.
refused-archive-unchecked = { $count ->
        [one] Én fil i arkivet kan ikke gennemsøges for navne: den er beskadiget, selv et arkiv eller af en type, som jeg ikke kender. Send billederne uden den.
       *[other] { $count } filer i arkivet kan ikke gennemsøges for navne: de er beskadigede, selv arkiver eller af en type, som jeg ikke kender. Send billederne uden dem.
    }
refused-archive-unsafe = Arkivet kan skjule eller overskrive filer, når det pakkes ud. Lav et nyt af mappen med billederne.
refused-file-too-complex = Det ville kræve for meget tid eller hukommelse at vise filen. Eksportér færre eller mindre billeder.
refused-file-broken = Filen er beskadiget eller ufuldstændig. Eksportér den igen, og læg den her én gang til.
refused-file-unreadable = Jeg kunne ikke åbne den vedhæftede fil: den er væk, eller dens nøgler passer ikke. Send den venligst igen.
refused-deid-incomplete = Noget, som jeg har fjernet fra filen, står stadig et andet sted i den: { $kinds }. Derfor holder jeg hele filen tilbage. Eksportér den anonymiseret.
refused-deid-document = Filen indeholder et dokument, og navne kan stå overalt i det. Fjern dem i hånden, og læg den her igen.
refused-deid-directory = Dette er kun indekset over en cd eller mappe med scanninger. Læg selve scanningerne her.
refused-file-failed = Jeg har tre gange forsøgt at se på dette uden held. Eksportér det igen, eller læg færre filer her ad gangen.
