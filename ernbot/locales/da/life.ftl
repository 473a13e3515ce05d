### En sags liv: status, tur, anmodninger, ledere. `kode` i accent grave og **fremhævet** er den eneste opmærkning.

state-signing = underskrives
state-archived = arkiveret
state-erased = slettet

action-send-to-signing = sende konklusionen til underskrift
action-back-to-drafting = tage konklusionen tilbage
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
acting-for = { $name } for { $clinician }

next-renew = Samtykket til behandling skal fornyes med `!consent`. Intet andet kan gøres før det.
next-consent = Registrér patientens samtykke med `!consent`. Ingen andre kan komme ind før det.
next-decide = Netværket ser på anmodningen, før eksperter bliver spurgt. Skanninger og fotografier kan lægges her imens.
next-answer = Svar på visitators spørgsmål med `!case answer …`.
next-declined = Netværket har afslået. Prøv et andet med `!case forward …`, eller læg sagen væk med `!case archive …`.
next-invite = Læg skanninger og fotografier her, og hent derefter eksperter ind med `!panel invite`.
next-opinion = Hver ekspert afgiver en vurdering med `!opinion`.
next-draft = Alle vurderinger er inde: Saml dem med `!outcome draft`.
next-gather = Vurderingerne eller panelet har ændret sig: Lederen samler konklusionen igen med `!outcome draft`.
next-recommend = Skriv anbefalingen med `!outcome recommend`.
next-vote = Panelet svarer `!outcome agree` eller `!outcome dissent`; derefter underskriver lederen med `!outcome sign`.
next-send = Alle har stemt: Underskriv med `!outcome sign`.
next-sign = Underskriv konklusionen med `!outcome sign`.
next-closed = Konklusionen er underskrevet. Den behandlende læge beslutter.
next-archived = Lagt væk. `!case reopen …` tager den op igen.
next-withdrawn = Samtykket er trukket tilbage. Intet behandles længere.
next-erased = Det, der var, er slettet for altid.

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
refused-lead-already = Vedkommende leder allerede sagen.
refused-lead-not-offered = Ingen har tilbudt dig ledelsen, eller tilbuddet er trukket tilbage.
refused-take-over-early = { $name } leder sagen, og den har frist { $date }. Du kan overtage den { $days } dage efter.
refused-take-over-no-due = { $name } leder sagen, og der er ikke sat nogen frist. Tal med vedkommende først.
