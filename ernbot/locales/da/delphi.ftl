### Konsensus, Delphi-runder og afstemninger. `kode` i accent grave og **fremhævet** er den eneste opmærkning.

action-run-rounds = holde Delphi-runder
action-rate = bedømme udsagn
action-ask-poll = holde en afstemning
action-answer-poll = stemme i en afstemning

number-0 = ingen
number-1 = én
number-2 = to
number-3 = tre
number-4 = fire
number-5 = fem
number-6 = seks
number-7 = syv
number-8 = otte
number-9 = ni
number-10 = ti
number-11 = elleve
number-12 = tolv
decimal-point = ,

## Hvad panelet er enigt om

help-consensus = hvor panelet står
consensus-title = Hvor panelet står
consensus-nobody = ingen har svaret
consensus-say = { $count } af { $of } siger “{ $answer }”
consensus-say-all = alle { $of } siger “{ $answer }”
consensus-say-one = det eneste svar er “{ $answer }”
consensus-advise = { $count } af { $of } anbefaler “{ $answer }”
consensus-advise-all = alle { $of } anbefaler “{ $answer }”
consensus-advise-one = den eneste anbefaling er “{ $answer }”
consensus-also = { $count } “{ $answer }”
consensus-named = { $count } af { $of } nævner “{ $answer }”
consensus-spread = median { $median } (midterste halvdel { $low }–{ $high }), { $count } svar
consensus-range = median { $median }, fra { $low } til { $high }, { $count } svar
consensus-one-value = { $value }, ud fra ét svar
consensus-left-out = Ikke talt med på grund af en interessekonflikt, eller fordi de er gået: { $names }
consensus-few = Med { $count } talt med siger det kun, hvad netop disse mener, og ikke mere.
consensus-alpha = Krippendorffs alfa (ordinal) { $value }, 95 %-interval { $low } til { $high }: { $raters } deltagere, { $units } udsagn.
consensus-alpha-few = Krippendorffs alfa (ordinal) { $value }: { $raters } deltagere og kun { $units } udsagn, for få til et interval.
consensus-alpha-none = Krippendorffs alfa kan ikke beregnes: Det kræver mindst to udsagn, som flere har bedømt, og bedømmelser, der ikke alle er ens.
refused-consensus-nobody-counts = Ingen af dem, der har afgivet en vurdering, tæller med: De har en interessekonflikt eller har forladt panelet.
refused-consensus-blind = Vurderingerne er forseglet, til de åbnes. Derefter siger `!consensus`, hvor panelet står.

## Delphi-runder, i rummet

help-group-delphi = bedømmelsesrunder. Desuden: { $verbs }
help-delphi = lad udsagn blive bedømt i runder; alene siger den, hvad næste skridt er
help-delphi-show = vis de udsagn, der bedømmes i runder, og hvad der er fundet
delphi-title = Delphi: { $title }
delphi-rules = Konsensus: mindst { $agree } % giver udsagnet 7–9, og under { $against } % giver det 1–3. Konsensus imod er det omvendte. Mindst { $minimum } bedømmelser, højst { $rounds } runder.
delphi-statement = **{ $number }.** { $text }
delphi-statement-for = **{ $number }.** { $text } – **konsensus** i runde { $round }: { $high } % på 7–9, median { $median } ({ $lower }–{ $upper }), { $count } bedømmelser
delphi-statement-against = **{ $number }.** { $text } – **konsensus imod** i runde { $round }: { $low } % på 1–3, median { $median } ({ $lower }–{ $upper }), { $count } bedømmelser
delphi-statement-open = **{ $number }.** { $text } – ingen konsensus i runde { $round }: { $high } % på 7–9, { $low } % på 1–3, median { $median } ({ $lower }–{ $upper }), { $count } bedømmelser
delphi-statement-stable = **{ $number }.** { $text } – ingen konsensus, og næsten ingen flytter sig længere (runde { $round }): { $high } % på 7–9, { $low } % på 1–3, median { $median } ({ $lower }–{ $upper }), { $count } bedømmelser
delphi-statement-few = **{ $number }.** { $text } – for få bedømmelser i runde { $round }: { $count } i stedet for mindst { $minimum }
delphi-progress = Runde { $round } er åben: { $rated } af { $invited } har bedømt.
delphi-missing = Mangler at bedømme
delphi-suggested = Foreslået af deltagere. Tag et med `!delphi take { $number }`:
delphi-opened = **Runde { $round } er åben**: { $count ->
        [one] ét udsagn
       *[other] { $count } udsagn
    }, { $invited } deltagere.
delphi-alone = Deltagere: skriv `!rate` i jeres direkte chat med mig. Ingen ser noget, før runden er lukket, og aldrig hvem der bedømte hvad.
delphi-left-out = Ikke spurgt på grund af en interessekonflikt: { $names }
delphi-all-rated = { $nickname }: alle har bedømt. Luk runde { $round } i sagens rum med `!delphi close`.
delphi-closed = Runde { $round } er lukket
delphi-attrition = { $invited } blev spurgt, { $rated } bedømte, { $counted } af dem tæller med. I parentes: den midterste halvdel.
delphi-reliability = { $sentence }
delphi-next-add = Næste skridt: tilføj udsagn med `!delphi add …`, ét på hver linje.
delphi-next-start = Næste skridt: `!delphi threshold 80 15`, hvis andre grænser skal gælde, og så `!delphi start`. Derefter ligger udsagn og grænser fast.
delphi-next-close = Næste skridt: `!delphi close`, når nok har bedømt.
delphi-next-round = Næste skridt: { $count ->
        [one] ét udsagn går videre
       *[other] { $count } udsagn går videre
    } med `!delphi next`, eller slut her med `!delphi end`.
delphi-next-end = Der er ikke mere at bedømme. Tag et forslag med, eller slut med `!delphi end`.
delphi-next-report = Runderne er slut. `!delphi report` lægger rapporten op.
delphi-notes = { $count ->
        [0] Lederen har svaret på alt, hvad rapporten spørger om.
        [one] Rapporten spørger lederen om én ting mere. Svar med `{ $command } O3 …`.
       *[other] Rapporten spørger lederen om { $count } ting mere. Svar med `{ $command } O3 …`, eller lad dem stå åbne.
    }
delphi-asked = { $what }
delphi-report-follows = Rapporten følger som dokument.
delphi-report-missing = { $count ->
        [one] Én ting står dér som “ikke registreret”
       *[other] { $count } ting står dér som “ikke registreret”
    }: `!delphi note` siger hvilke.
delphi-report-file = Delphi { $nickname }.{ $form }
refused-delphi-verb = `!delphi` tager ét af: { $verbs }
refused-delphi-none = Her er endnu ingen Delphi-runder. Begynd med `!delphi new …` og hvad det handler om.
refused-delphi-running = Runderne om “{ $title }” er ikke slut. Afslut dem først med `!delphi end`.
refused-delphi-started = Første runde er åbnet, så udsagn og grænser ligger fast. Nye hører til nye runder: `!delphi new …`.
refused-delphi-not-started = Der er endnu ikke holdt nogen runde. Åbn den første med `!delphi start`.
refused-delphi-round-open = Runde { $round } er stadig åben. Luk den først med `!delphi close`.
refused-delphi-ended = Der er ikke mere at bedømme i disse runder. `!delphi report` lægger rapporten op.
refused-delphi-closed = Ingen runde er åben. Måske har nogen lukket den for et øjeblik siden.
refused-delphi-no-statements = Der er endnu intet udsagn at bedømme. Tilføj et med `!delphi add …`.
refused-delphi-no-raters = En runde kræver mindst { $minimum } deltagere uden interessekonflikt; der er { $count }. Hent flere ind med `!panel invite`.
refused-delphi-no-suggestions = Udsagn kan kun foreslås i første runde.
refused-delphi-not-invited = Denne runde spørger ikke dig.
refused-delphi-conflict = Du har oplyst en interessekonflikt, så du bedømmer ikke her.
refused-delphi-full = Der er allerede { $maximum } udsagn, og der er ikke plads til flere.
refused-delphi-statement = Der er intet udsagn { $statement }.
refused-delphi-statement-done = Udsagn { $statement } er ikke med i denne runde.
refused-delphi-rating = Udsagn { $statement } tager et helt tal fra 1 til 9, ikke “{ $value }”.
refused-delphi-text = En titel, et udsagn eller en bemærkning har 1 til { $maximum } tegn.
refused-delphi-threshold = Skriv grænserne i procent, for eksempel `!delphi threshold 80 15`: 51 til 100 skal være enige, og 1 til 50 er for mange imod. Et tredje tal begrænser runderne.
refused-delphi-rounds = Der kan holdes mellem 1 og { $maximum } runder.
refused-delphi-nothing-to-report = Ingen runde er lukket endnu, så der er ikke noget at rapportere.
refused-accord-item = Tjeklisten har intet punkt { $item }. Dens punkter: { $items }
refused-accord-note = Skriv 1 til { $maximum } tegn efter punktet, for eksempel `!delphi note O3 Ingen finansiering.`

## At vurdere, i den direkte chat

help-rate = bedøm udsagnene i en runde
rate-invited = **{ $nickname }**: runde { $round } beder dig bedømme { $count ->
        [one] ét udsagn
       *[other] { $count } udsagn
    }. Skriv `!rate` her, når du har et minut.
rate-opening = **{ $nickname }**, runde { $round }: { $count ->
        [one] ét udsagn
       *[other] { $count } udsagn
    } fra 1 (jeg afviser det) til 9 (jeg er helt enig). Skriv tallet og gerne en bemærkning efter; `-` springer over. Et tryk virker også, men serveren ser det. På én linje: `!rate { $example }`.
rate-statement = **{ $place } af { $count }** – udsagn { $number }
rate-before = Runde { $round }: { $low } på 1–3, { $middle } på 4–6, { $high } på 7–9.
rate-median = Median { $median }, midterste halvdel { $lower }–{ $upper }.
rate-own = Du gav { $value }.
rate-own-none = Du bedømte det ikke.
rate-number = { $value }
rate-answer = { $value } – { $remark }
rate-confirm = Er det rigtigt? Svar **ja** i ord for at registrere det. Et tal ændres ved at svare på dets udsagn.
rate-template = **{ $nickname }**, runde { $round }: 1 afviser et udsagn, 9 er helt enig.
rate-line = { $text }
rate-line-rated = { $text } (du: { $value })
rate-reply = Svar på denne besked med dine tal, for eksempel `{ $example }`. Bemærkninger skrives efter et tal.
rate-recorded = Registreret for **{ $nickname }**: { $ratings }
rate-missing = Mangler endnu: { $statements }
rate-complete = Det var det hele. Du kan ændre det med `!rate`, til runden lukkes.
rate-suggest = Mangler der et udsagn? `!rate suggest …`
rate-suggested = Dit udsagn er noteret for **{ $nickname }**. Lederen afgør, om næste runde spørger om det; ingen får at vide, at det er dit.
refused-rate-nothing = Ingen åben runde beder dig bedømme noget.
refused-rate-which = Flere runder spørger dig. Begynd med sagens navn: { $cases }
refused-rate-yes = Svar **ja** for at registrere det, eller svar på et udsagn for at ændre dets tal.
refused-rating-twice = Udsagn { $statement } er der to gange. Giv det ét tal.

## Tjeklisten for rapporter

accord-T1 = metoden nævnt i titlen
accord-I1 = hvorfor en konsensusmetode
accord-I2 = formål, læsere og område
accord-I3 = hvilket dokument dette opdaterer, og hvorfor
accord-M1 = registrering af protokollen
accord-M2 = hvem der ledede det, og deres faglighed
accord-M3 = hvordan deltagerne blev valgt, og hvorfor så mange
accord-M4 = hvordan deltagerne blev inviteret
accord-M5 = patienters og borgeres del
accord-M6 = hvor udsagnene kommer fra
accord-M7 = litteratursøgning
accord-M8 = evidens givet til deltagerne
accord-M9 = metode
accord-M10 = hvordan udsagnene blev stillet
accord-M11 = formål med hver runde
accord-M12 = hvad der tæller som konsensus
accord-M13 = om afgjorte udsagn kom igen
accord-M14 = hvordan bedømmelserne blev indsamlet
accord-M15 = hvordan bedømmelserne blev behandlet
accord-M16 = prøverunde
accord-M17 = tilbagemelding til deltagerne
accord-M18 = anonymitet
accord-M19 = ledernes del i beslutningerne
accord-M20 = belønning for at deltage
accord-M21 = hjælp til mennesker med handicap
accord-R1 = hvornår det fandt sted
accord-R2 = hvad der afveg fra protokollen
accord-R3 = hvem der deltog i hver runde
accord-R4 = resultater
accord-R5 = udsagn tilføjet eller udeladt
accord-D1 = styrker og begrænsninger
accord-D2 = hvordan det passer med anden litteratur
accord-O1 = organisationer, der støtter det
accord-O2 = interessekonflikter
accord-O3 = finansiering

## Rapporten

report-title = Delphi-runder: { $title }
report-lead = Ledet af
report-time = Afholdt
report-from-to = { $start } til { $end }
report-definition = Hvad der tæller som konsensus
report-stability = Et udsagn stilles ikke igen, når der er konsensus, eller når under { $percent } % af dem, der bedømte det to gange, har flyttet sig: halvdelen af de summerede forskelle mellem de to fordelinger, divideret med antal deltagere (Scheibe, Skutsch og Schofer 1975). Alt dette lå fast før første runde.
report-results = Resultater
report-summary = Af { $count ->
        [one] ét udsagn
       *[other] { $count } udsagn
    } nåede { $reached } konsensus og { $against } konsensus imod.
report-distribution = Bedømmelser
report-distribution-how = Hvor mange af dem, der tæller med, gav hver bedømmelse fra 1 til 9.
report-remarks = Deltagernes bemærkninger
report-rounds = Runder
report-round-says = Runde { $round }: { $sentence }
report-panel = Deltagere
report-checklist = ACCORD-tjekliste
report-checklist-source = Efter ACCORD (Gattrell et al. 2024, PLoS Med 21(1):e1004326), i vores egne ord.
report-not-recorded = ikke registreret
report-number = Nr.
report-statement = Udsagn
report-result = Resultat
report-round = Runde
report-agree = På 7–9
report-reject = På 1–3
report-median = Median (midterste halvdel)
report-ratings = Bedømmelser
report-remark = Bemærkning
report-opened = Åbnet
report-closed = Lukket
report-statements = Udsagn
report-invited = Spurgt
report-rated = Bedømte
report-response = Svarprocent
report-counted = Talt med
report-rated-in = Bedømte i runde
report-asked = Spørgsmål
report-answer = Svar
report-percent = { $percent } %
report-verdict-for = Konsensus
report-verdict-against = Konsensus imod
report-verdict-open = Ingen konsensus
report-verdict-stable = Ingen konsensus, stabilt
report-verdict-few = For få bedømmelser
accord-answer-M9 = Delphi i { $rounds ->
        [one] én runde
       *[other] { $rounds } runder
    }, i ende-til-ende-krypterede beskeder til et program, der tæller.
accord-answer-M10 = Hvert udsagn blev bedømt fra 1 (afvises) til 9 (helt enig); en bemærkning var mulig. I første runde kunne deltagerne foreslå udsagn.
accord-answer-M13 = Udsagn med konsensus, og stabile udsagn, blev ikke stillet igen.
accord-answer-M14 = Hver deltager svarede alene, i en privat krypteret chat med programmet.
accord-answer-M15 = Andele, medianer og kvartiler (interpoleret) blev beregnet af programmet; ingen håndterede enkelte bedømmelser.
accord-answer-M17 = Før et udsagn blev bedømt igen, så hver deltager, hvor mange der havde givet 1–3, 4–6 og 7–9, median og midterste halvdel, bemærkningerne uden navne og sin egen seneste bedømmelse.
accord-answer-M18 = Deltagerne vidste, hvem der ellers var spurgt. Bedømmelser og bemærkninger blev aldrig vist med navn, heller ikke til lederen.
accord-answer-R1 = Se “Runder”.
accord-answer-R3 = Se “Runder” og “Deltagere”.
accord-answer-R4 = Se “Resultater” og “Bedømmelser”.
accord-answer-R5 = Foreslået af deltagere: { $suggested }, hvoraf { $taken } kom med i anden runde. Intet udsagn blev omformuleret.
accord-answer-O2 = Oplyst: { $declared }. Den, der havde oplyst en, blev ikke spurgt eller ikke talt med derefter.
accord-answer-O2-none = Ingen oplyste en.

## Afstemninger

help-group-poll = et hurtigt spørgsmål: { $verbs }
help-poll = stil alle i rummet et hurtigt spørgsmål
help-poll-vote = stem i den seneste afstemning, eller ret din stemme
help-poll-close = luk afstemningen, og sig, hvad der kom ud af den
help-poll-show = vis den seneste afstemning
poll-title = { $question }
poll-choice = { $option }
poll-how = Stem i afstemningen ovenfor, eller svar på denne besked med et tal. Du kan ændre det, til afstemningen lukkes; så vises navnene.
poll-how-anonymous = Stem i afstemningen ovenfor, eller skriv `!poll vote 1`. Du kan ændre det, til afstemningen lukkes. Jeg siger ingen navne, men de andre i rummet kan se en besked, du skriver her.
poll-voted = Din stemme: “{ $option }”. Du kan ændre den, til afstemningen lukkes.
poll-tapped = Du trykkede på “{ $option }”. Et tryk er ikke krypteret, så det tæller ikke endnu: Svar **ja** på denne besked.
poll-open = Åben: { $voted } af { $count } har stemt. Hvad de stemte, siges, når den er lukket.
poll-result = { $sentence }
poll-turnout = { $voted } af { $count } stemte. En afstemning afgør intet; det gør konklusionen.
consensus-vote = { $count } af { $of } er for “{ $answer }”
consensus-vote-all = alle { $of } er for “{ $answer }”
consensus-vote-one = den eneste stemme er for “{ $answer }”
refused-poll-open = En afstemning er allerede åben. Luk den først med `!poll close`.
refused-poll-none = Her er ingen afstemning.
refused-poll-closed = Denne afstemning er lukket.
refused-poll-conflict = Du har oplyst en interessekonflikt, så du har ingen stemme her.
refused-poll-option = Stem med et tal fra 1 til { $maximum }.
refused-poll-many = Her har allerede været { $maximum } afstemninger, og der er ikke plads til flere.
refused-poll-form = En afstemning er et spørgsmål og 2 til { $maximum } forskellige muligheder med streger imellem: `!poll Hvornår mødes vi? | Tirsdag | Torsdag`
refused-poll-long = Spørgsmålet i en afstemning har højst { $question } tegn, en mulighed { $option }.
