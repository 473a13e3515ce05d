### En sags liv: status, tur, anmodninger, ledere. `kode` i accent grave og **fremhævet** er den eneste opmærkning.

state-signing = underskrives
state-archived = arkiveret
state-erased = slettet

action-send-to-signing = sende konklusionen til underskrift
action-back-to-drafting = afslutte sagen, mens underskrifter mangler
action-describe = beskrive sagen
action-plan = sætte fristen
action-hand-over = overdrage ledelsen
action-take-lead = overtage ledelsen
action-take-over = overtage sagen
action-forward = videresende sagen
action-triage = afgøre denne anmodning
action-answer-triage = svare visitator
action-reopen = genåbne sagen
action-archive = arkivere sagen
action-erase = slette sagen

## Kortet

card-urgent = **Haster**
card-by = Senest
card-day = { $date }
card-overdue = { $date }, som er overskredet
card-dispatchers = visitatorerne i { $network }
card-why = **Hvorfor den forelægges**
card-new = **Hvad der er nyt**
card-brought-by = Forelagt af
card-lead = Leder
card-assists = handler for { $names }
card-no-patient = Et generelt spørgsmål uden patient: ingen filer og intet samtykke.
card-consent-given-by = givet { $date } af { $signer }, erklæring { $version } (registreret af { $name } for { $clinician })
card-consent-expired-by = givet { $date } af { $signer }, erklæring { $version } (registreret af { $name } for { $clinician }): skal fornyes
acting-for = { $name } for { $clinician }

next-renew = Samtykket til behandling skal fornyes med `!consent`. Før det kan intet andet gøres.
next-consent = Registrér patientens samtykke med `!consent`. Før det kan ingen andre komme ind.
next-decide = Netværket ser på anmodningen, før eksperter bliver spurgt. Skanninger og fotografier kan lægges her imens.
next-answer = Svar på visitators spørgsmål med `!case answer …`.
next-declined = Netværket har afslået. Prøv et andet med `!case forward …`, eller arkivér sagen med `!case archive …`.
next-invite = Læg skanninger og fotografier her, sig med `!case why …`, hvorfor sagen forelægges, og hent derefter eksperter ind med `!panel invite`.
next-invite-told = Hent folk ind med `!panel invite`; `!panel suggest` foreslår hvem.
next-opinion = Hver ekspert afgiver en vurdering med `!opinion`.
next-reveal = Alle vurderinger er afgivet: Åbn dem med `!reveal`, eller spørg en anden først.
next-draft = Alle vurderinger er inde: Saml dem med `!outcome draft`.
next-gather = Vurderingerne eller panelet har ændret sig: Lederen samler konklusionen igen med `!outcome draft`.
next-recommend = Skriv anbefalingen med `!outcome recommend`.
next-vote = Panelet svarer `!outcome agree` eller `!outcome dissent`; derefter underskriver lederen med `!outcome sign`.
next-send = Alle har stemt: Underskriv med `!outcome sign`.
next-sign = Underskriv konklusionen med `!outcome sign`.
next-closed = Konklusionen er underskrevet. Den behandlende læge beslutter.
next-archived = Arkiveret. `!case reopen …` tager den op igen.
next-withdrawn = Samtykket er trukket tilbage. Intet behandles længere. `!case erase` i din direkte chat med mig sletter det, der var gemt.
next-erased = Sagen er slettet for altid.

## Afslag

refused-personal = En assistent kan ikke { $action } for en anden. Det skal { $name } selv gøre.
refused-erased = Denne sag er slettet. Intet af den er tilbage.
refused-no-patient = Dette er et generelt spørgsmål uden patient, så der er intet samtykke at registrere. Opret en sag for en patient med `!case new`.
refused-no-patient-files = Dette er et generelt spørgsmål uden patient, så her gemmes ingen filer. Opret en sag for patienten med `!case new`, og læg dem dér.
refused-request-waits = { $network } har endnu ikke taget imod anmodningen. Så snart det er sket, kan eksperter inviteres.
refused-request-decided = Anmodningen venter ikke længere på dig: { $name } var hurtigere.
refused-request-asked = Rekvirenten er blevet spurgt om noget og har ikke svaret endnu. Tag imod, afslå eller videresend, eller vent på svaret.
refused-request-not-asked = Ingen har spurgt om noget, der venter på svar.
refused-reason-length = Skriv hvorfor, på 1 til { $maximum } tegn.
refused-background-length = En tekst er på 1 til { $maximum } tegn.
refused-due = “{ $text }” er ikke en dag, jeg forstår. Skriv den som `2026-03-31`, `31.3.` eller `2 uger`.
refused-due-past = { $date } er overskredet. Vælg en kommende dag.
refused-due-far = { $date } er mere end { $days } dage ude i fremtiden. Vælg en tidligere dag.
refused-lead-already = Der er intet at gøre: Det er allerede den, der leder sagen.
refused-lead-not-offered = Ingen har tilbudt dig ledelsen, eller tilbuddet er trukket tilbage.
refused-take-over-early = { $name } leder sagen, og den har frist { $date }. Du kan overtage den { $days } dage efter.
refused-take-over-no-due = { $name } leder sagen, og der er ikke sat nogen frist. Tal med vedkommende først.
refused-case-name = Hvilken sag? Skriv dens navn, for eksempel `Amber Heron 412`, eller blot nummeret.
refused-case-unknown = Jeg kender ingen sag ved navn “{ $name }”, hvor du kan gøre det.
refused-case-ambiguous = Flere sager hedder “{ $name }”. Skriv hele navnet.
refused-person-one = Hvem mener du? Skriv navnet på én person i { $network }.
refused-assist-whom = For hvem opretter du sagen? Tilføj `for=` og navnet. Du assisterer: { $names }
refused-forward-network = Til hvilket netværk? Der er: { $networks }
refused-forward-pending = { $network } er blevet bedt om at tage sagen og har ikke besluttet sig endnu.

## Oprettelse

on-behalf = { $name } for { $clinician }:
question-created = Dit spørgsmål **{ $nickname }** er åbent. Jeg har inviteret dig til dets rum. Hent folk ind med `!panel invite`; alle i netværket kan være med, også patientrepræsentanter og forskere.
consent-request-waits = Behandling er dækket, og netværket har fået besked om din anmodning. Imens kan du lægge filer her.
help-case-new = opret en sag med ét klart spørgsmål; alene spørger kommandoen om det hele
ask-case-network = **Hvilket netværk skal sagen til?**
ask-case-question = **Hvad er dit spørgsmål?** Én klar sætning, og aldrig hvem patienten er. `!cancel` afbryder.
ask-case-why = **Hvorfor forelægger du den?** For eksempel en second opinion eller et sjældent fund.
ask-case-new = **Hvad er nyt, siden den sidst blev drøftet?**
answer-case-network = Netværk
answer-case-question = Spørgsmål
answer-case-why = Hvorfor den forelægges
answer-case-new = Hvad der er nyt
refused-dialogue-busy = Noget andet er ikke færdigt her. Gør det færdigt, eller smid det væk med `!cancel`; eller opret sagen på én linje.
help-question-new = stil et generelt spørgsmål uden patient: intet samtykke, ingen filer
help-case-why = sig, hvorfor sagen forelægges
help-case-news = sig, hvad der er nyt i den
help-case-due = sig, hvornår panelet skal svare: `2 uger`, `31.3.`, `2026-03-31` eller `ingen`
help-case-urgent = markér sagen som hastende, og sig det til dem, der skal handle; `off` tager det tilbage
help-case-answer = svar på det, en visitator spurgte dig om
case-described = Noteret. Det står på kortet.
case-due = Fristen er { $date }. Den står på kortet.
case-due-none = Sagen har ingen frist.
case-urgent = Markeret som hastende. De, der skal handle, har fået besked.
case-urgent-due = Hvornår? Sig det med `!case due …`.
case-urgent-off = Sagen haster ikke længere.
case-urgent-yours = Sagen **{ $nickname }** haster og venter på dig. Åbn dens rum.

## Ledelsen

help-case-handover = tilbyd en kollega ledelsen; du bliver i panelet
help-lead-accept = overtag den ledelse, du er blevet tilbudt
help-lead-decline = lad ledelsen blive, hvor den er
help-case-takeover = led som koordinator en sag, hvis leder er væk eller har været tavs længe efter fristen
lead-offered = { $name } er blevet bedt om at lede sagen og svarer med `!lead accept` eller `!lead decline`. Indtil da ændres intet.
lead-offered-yours = { $name } beder dig lede sagen **{ $nickname }**. Svar med `!lead accept` eller `!lead decline` i sagens rum; er du ikke inde endnu, ligger det blandt dine invitationer.
lead-taken = { $name } leder nu sagen. { $before } bliver i panelet.
lead-consent-stays = Samtykket bliver hos { $requester }, hvis hospital har erklæringen.
lead-consent-moves = Begge arbejder på samme hospital, så { $requester } tager sig af samtykket fra nu af.
lead-declined = { $name } overtager ikke ledelsen. Intet er ændret; `!case handover` spørger en anden.
takeover-gone = { $name } koordinerer netværket og leder nu sagen, fordi { $before } ikke længere står i fortegnelsen.
takeover-silent = { $name } koordinerer netværket og leder nu sagen, fordi fristen for længst er overskredet. { $before } bliver i panelet.
takeover-next = En ny frist sættes med `!case due …`.
takeover-yours = { $name } har overtaget ledelsen af din sag **{ $nickname }**, fordi fristen for længst er overskredet. Du bliver i panelet.
takeover-done = Du leder nu **{ $nickname }**. Rummet ligger blandt dine invitationer.

## Anmodninger

help-case-forward = bring sagen til et andet netværk; først siger jeg, hvem der må forlade den
help-triage = vis de anmodninger, der venter på dit netværk
help-triage-show = vis spørgsmålet i en anmodning
help-triage-accept = tag imod en anmodning
help-triage-ask = spørg først rekvirenten om noget
help-triage-forward = send en anmodning videre til et andet netværk, med begrundelse
help-triage-decline = afslå en anmodning, med begrundelse
verdict-waiting = venter
verdict-asked = afventer svar fra rekvirenten
verdict-urgent = **haster**
triage-none = Ingen anmodning venter på dig.
triage-title = Disse anmodninger venter på dig:
triage-line = **{ $nickname }**, { $network }, siden { $date }: { $state }
triage-how = `!triage show { $number }` viser spørgsmålet, `!triage accept { $number }` tager imod. Ellers `ask`, `forward` eller `decline`, nummeret, og hvad du vil sige.
triage-how-here = `!triage accept { $number }` tager imod. Ellers `ask`, `forward` eller `decline`, nummeret, og hvad du vil sige.
triage-said = { $name }, { $date }:
triage-accepted = Du har taget imod **{ $nickname }**. Rekvirenten har fået besked.
triage-asked = Dit spørgsmål står i rummet for **{ $nickname }**. Jeg siger til, når der er svar.
triage-declined = **{ $nickname }** er afslået. Rekvirenten har fået besked.
triage-forwarded = **{ $nickname }** er sendt videre til { $network }. Rekvirenten har fået besked.
request-waiting = En anmodning til { $network } venter på dig: **{ $nickname }**. `!triage show { $number }` viser spørgsmålet.
request-waiting-urgent = En **hastende** anmodning til { $network } venter på dig: **{ $nickname }**. `!triage show { $number }` viser spørgsmålet.
request-accepted = { $name } har taget imod anmodningen for { $network }. Hent eksperter ind med `!panel invite`.
request-asked = { $name } spørger for { $network }, før der tages stilling:
request-declined = { $name } har afslået anmodningen for { $network }:
request-forwarded = { $name } har sendt anmodningen videre til { $network }:
request-answered = Dit svar er givet videre.
request-is-answered = Rekvirenten har svaret på det, der blev spurgt om: **{ $nickname }**, { $network }. `!triage show { $number }` viser svaret.
request-back = { $by } har afslået **{ $nickname }**, så anmodningen venter igen på { $network }. `!triage show { $number }` viser begrundelsen.
forward-before = Gør du det, flytter sagen straks til { $network }. Samtykket gælder fortsat.
forward-before-asking = Du hører ikke til { $network }, så netværkets visitatorer afgør, om de tager sagen; de ser spørgsmålet. Intet flyttes før det, og samtykket gælder fortsat.
forward-leave = Må forlade sagen, fordi de ikke hører til dér
forward-nobody-leaves = Ingen forlader sagen.
forward-confirm = Skriv `!case forward { $network } confirm` for at gøre det.
forward-asked = { $network } er blevet spurgt. Jeg siger her, hvad de beslutter.
forward-done = Sagen hører nu til { $network }.

## Slutningen

help-case-archive = arkivér sagen; med begrundelse, når der ingen underskrevet konklusion er
help-case-reopen = tag en afsluttet sag op igen, og sig, hvad der er nyt
help-case-erase = slet en sag for altid efter en tilbagetrækning eller i arkivet
card-panel = Spurgt igen
case-archived = Arkiveret. `!case reopen …` tager den op igen, `!case erase` sletter den for altid.
case-reopened = Sagen er åben igen.
case-reopened-panel = Sagen er åben igen, og panelet bliver spurgt på ny. Tidligere vurderinger er bevaret.
erase-before = Dette sletter **{ $nickname }** for altid: Spørgsmål, samtykke, filer, vurderinger og konklusion kan aldrig læses igen af nogen, og rummet tømmes. Det, folk har gemt på deres egne enheder, bliver dér. At der var en sag, og hvem der gjorde hvad hvornår, bliver stående i revisionssporet.
erase-confirm = Skriv `!case erase { $nickname } confirm` for at gøre det.
erase-done = **{ $nickname }** er slettet. Intet af den kan læses længere.
erase-notice = { $name } har slettet sagen **{ $nickname }** for altid. Du behøver ikke gøre noget.
help-group-lead = ledelsen af panelet: { $verbs }
help-group-triage = anmodninger til dit netværk: { $verbs }
help-group-question = et generelt spørgsmål: { $verbs }
