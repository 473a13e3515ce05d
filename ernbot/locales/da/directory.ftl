### Hvem skal spørges: fortegnelse, forslag, invitationer, gæster. `kode` og **fremhævning** er den eneste opmærkning.

action-answer-invitation = svare på en invitation
action-declare-conflict = oplyse om en interessekonflikt
action-admit-guest = lukke en gæst ind

help-who = se, hvem der kan spørges om en sygdom eller kompetence, og hvorfor: `!who trigonocefali Tyskland`
help-panel-suggest = få eksperter foreslået med begrundelse; derefter `!panel invite 1 3`
help-panel-remove = tag en ekspert ud af sagen
help-panel-keep = lad en ekspert med interessekonflikt blive, uden stemme
help-panel-guest = luk en kliniker ind, som ikke står i noget netværks fortegnelse, til og med en bestemt dag
help-accept = tag imod en invitation; det gør du også ved at komme ind i rummet
help-decline = sig nej til en invitation, eller forlad en sag; din begrundelse vises i rummet
help-conflict = oplys om en interessekonflikt; derefter stemmer og bedømmer du ikke
help-directory-report = se som koordinator de kompetencer, der har intet eller kun ét referencecenter

## Hvem skal spørges

who-title = { $competence }: hvem kan spørges
who-person = { $number }. { $name }, { $centre } ({ $country })
who-reference = referencecenter
who-excellence = ekspertisecenter
who-competence = { $competence }
who-network = fra { $network }
who-speaks = taler { $language }
who-load = { $count ->
        [0] ingen åben sag
        [one] én åben sag
       *[other] { $count } åbne sager
    }
who-away = **væk til og med { $date }**
who-not-now = **beder om ikke at blive inviteret nu**
who-nobody = Fortegnelsen har ingen til det. Prøv uden land eller sprog.
who-references = Referencecentre: { $centres }
who-next = I sagens rum gør `!panel suggest` det samme, og dér inviterer du med numrene.
suggest-title = Forslag: { $competences }
suggest-next = Svar med numrene for at invitere, eller skriv `!panel invite 1 3`.
suggest-react = En reaktion er ikke krypteret, så den inviterer ingen. Skriv `{ $command }`.
directory-report-title = { $network }
directory-report = { $count ->
        [0] Hver af de { $total } kompetencer har mindst to referencecentre.
       *[other] { $count } af { $total } kompetencer har intet eller kun ét referencecenter.
    }
directory-report-none = { $competence }: intet referencecenter; kan spørges: { $experts }, i { $countries }
directory-report-one = { $competence }: kun { $centre }; kan spørges: { $experts }, i { $countries }

## Invitationer

invitation = **{ $name }** beder om din vurdering i en sag i { $network }: **{ $nickname }**. Rummet ligger blandt dine invitationer.
invitation-by = Panelets svar ønskes senest **{ $date }**.
invitation-join = Ved at komme ind i rummet tager du imod.
invitation-accept = Tag imod med `!accept` eller en 👍 her, før du afgiver en vurdering.
invitation-decline = Kan du ikke? Skriv `!decline` og begrundelsen her, uden et ord om en patient. Så spørger lederen en anden.
invitation-accepted = Tak. Du er med i panelet for **{ $nickname }**.
invitation-declined-yours = Du er ikke længere med i panelet for **{ $nickname }**. Lederen ved det.
invitation-declined = **{ $name }** er ikke længere med i panelet.
invitation-instead = Du kan spørge i stedet:
invitation-invite = inviterer vedkommende
invited-invited = inviteret
invited-accepted = har sagt ja
invited-declined = har sagt nej
invited-expired = tiden er udløbet
invited-removed = taget ud
invited-observes = lytter med, uden stemme
panelist-accepted = har sagt ja
panelist-observes = lytter med, uden stemme
panel-away = { $name } er væk til og med { $date }.
panel-not-now = { $name } har bedt om ikke at blive inviteret nu.
panel-person-of = { $name }, { $centre } ({ $country }), { $network }
panel-guest = { $name }, { $centre } ({ $country }), gæst til og med { $date }: `{ $user }`
panel-gone = { $user }, ikke længere i fortegnelsen. Tag vedkommende ud med `!panel remove { $user }`.
panel-former = { $name }: { $state }
panel-removed = { $name } er ikke længere med i sagen. Det, vedkommende har sagt, bliver stående.
panel-signing-instead = Den, der ikke underskriver, holder dig ikke op: `!outcome close`. Eller ret først en linje i konklusionen, for eksempel med `!outcome recommend`: så begynder stemmer og underskrifter forfra, og panelet kan ændres.
panel-kept = { $name } må lytte med og svare på spørgsmål, uden stemme.
conflict-recorded = Registreret. Du stemmer og bedømmer ikke længere her, og din vurdering tæller ikke. Lederen afgør, om du bliver og lytter med.
conflict-recorded-requester = Registreret. Du stemmer og bedømmer ikke længere her, og din vurdering tæller ikke. Du har forelagt sagen, så du bliver i den.
conflict-lead = Du leder panelet, så en kollega skal først overtage ledelsen: `!case handover` og navnet.
conflict-lead-person = spørger { $name }
conflict-lead-then = Når vedkommende har svaret `!lead accept`, skriver du `!conflict` og begrundelsen igen. Intet er registreret endnu.
conflict-declared = **{ $name }** har oplyst om en interessekonflikt og har ikke længere stemme. Vurderingen tæller ikke.
conflict-keep = lader vedkommende blive og lytte med
guest-invited = { $name } er inviteret som gæst til og med { $date }.
guest-arrangement = Efter aftalen: { $arrangement }.
guest-extended = { $name } bliver til og med { $date }.
guest-ended = { $name } er ikke længere gæst: Tiden er udløbet. Luk vedkommende ind igen med `!panel guest`.

## Afslag

refused-who-unknown = Jeg kender ingen kompetence eller sygdom “{ $word }”. Prøv et andet ord eller en ORPHA-kode. Kompetencer: { $competences }
refused-group-unknown = Der er ingen gruppe “{ $word }”. Netværkets grupper: { $groups }
refused-group-empty = Ingen fra gruppen { $group } kan inviteres.
refused-too-many-at-once = Højst { $maximum } personer ad gangen. Begynd med dem, du har mest brug for.
refused-suggest-for-what = Til hvilken kompetence eller sygdom? For eksempel `!panel suggest cleft`. Kompetencer: { $competences }
refused-suggest-nobody = Der er ingen flere at foreslå. Prøv en anden kompetence, eller en gæst med `!panel guest`.
refused-suggest-number = { $count ->
        [0] Der er ikke foreslået noget, der kunne være nummer { $number }. Begynd med `!panel suggest`.
       *[other] Der er intet nummer { $number } blandt de { $count } foreslåede. `!panel suggest` viser dem igen.
    }
refused-suggest-stale = Der er foreslået andre siden, så jeg er ikke sikker på, hvem du mener. Svar på det seneste forslag, eller skriv `!panel suggest`.
refused-expert-in-conflict = { $user } har en interessekonflikt i sagen og kan ikke være med i panelet.
refused-not-on-panel = Vedkommende er ikke med i panelet. `!panel show` viser, hvem der er.
refused-requester-stays = Rekvirenten bliver i sagen.
refused-no-conflict = Kun den, der har oplyst om en interessekonflikt, kan blive på den måde.
refused-invitation-none = Du har ingen åben invitation.
refused-invitation-which = Du er med i flere sager: { $cases }. Skriv nummeret først: `!decline 1 ingen tid`.
refused-coordinator-only = Det er for koordinatorer i et netværk.
refused-guest-listed = { $name } står i fortegnelsen. Brug `!panel invite`.
refused-guest-elsewhere = { $user } har ingen konto på { $server }, og sagsrum forlader den ikke. Bed helpdesken om en konto her.
refused-guest-country = { $network } har ingen aftale for klinikere fra { $country }. Spørg netværkets koordinator.
refused-guest-consent-form = { $arrangement }: Patienten skal først underskrive samtykkeerklæringen `{ $form }`. Registrér den med `!consent`.
refused-guest-until = En gæst bliver fra i dag og højst til og med { $last }, ikke til { $until }.
refused-country-unknown = “{ $word }” er ikke et land, jeg kender. Skriv landets navn eller kode, for eksempel `UA`.
