### Konklusionen, stemmer og underskrifter. `code` i backticks og **strong** er den eneste opmærkning.

action-amend = ændre konklusionen

help-outcome-draft = saml vurderingerne til en konklusion; igen, når de har ændret sig
help-outcome-show = vis konklusionen, som den er nu
help-outcome-recommend = tilføj en anbefaling, eller ret en: `!outcome recommend 2 Ny skanning. strength=strong evidence=low owner=@navn due=2 uger`
help-outcome-template = få hele konklusionen som én tekst, du kopierer, udfylder og sender tilbage
help-outcome-drop = tag en anbefaling ud: `!outcome drop 2`
help-outcome-alternatives = skriv, hvad man ellers kunne gøre
help-outcome-evidence = skriv den evidens, den hviler på
help-outcome-trials = skriv, hvilke forsøg patienten kan være egnet til
help-outcome-open = skriv, hvilke spørgsmål der står åbne
help-outcome-followup = skriv, hvilken opfølgning der er planlagt
help-outcome-summary = skriv et resumé til patienten i et klart sprog
help-outcome-names = afgør, før der stemmes, om uenighed vises med navn
help-outcome-agree = erklær dig enig i anbefalingerne, eller i én: `!outcome agree 2`
help-outcome-dissent = erklær dig uenig i dem, eller i én, med din begrundelse
help-outcome-sign = underskriv konklusionen; den sidste underskrift afslutter sagen
help-sign = underskriv den konklusion, som lederen har sendt rundt
help-outcome-close = afslut sagen uden de underskrifter, der mangler
help-outcome-amend = ændr en underskrevet konklusion: Den næste version nævner denne og begrunder ændringen

## Teksten

outcome-title = Konklusion, version { $version }
outcome-amends = Træder i stedet for en underskrevet konklusion, fordi
outcome-recommendation-none = Ingen anbefaling endnu.
outcome-line = **Anbefaling { $number }**
outcome-proposed = foreslået ud fra vurderingerne
outcome-alternatives = Alternativer
outcome-evidence = Evidens
outcome-trials = Forsøg
outcome-open-questions = Åbne spørgsmål
outcome-follow-up = Opfølgning
outcome-summary = Til patienten

strength-strong = stærk
strength-conditional = betinget
direction-against = **frarådes**
outcome-grade = evidens: { $grade }
grade-high = høj
grade-moderate = moderat
grade-low = lav
grade-very-low = meget lav
grade-expert-opinion = ekspertvurdering
outcome-owner = { $name } sørger for det
outcome-due = senest { $date }
outcome-preference = patienten: { $preference }

outcome-agrees = Enig
outcome-agrees-one = Enig i { $number }
outcome-dissents = Uenig
outcome-dissents-one = Uenig i { $number }
outcome-votes = Afgivne stemmer
outcome-agreements = Enige
outcome-silent = Har ikke stemt
outcome-anonymous = Uenighed vises uden navne.
outcome-anonymous-yet = Uenighed vises uden navne og først, når alle har stemt.
outcome-signed-by = Underskrevet af { $name }
outcome-unsigned = Endnu ikke underskrevet
outcome-waived = Afsluttet uden underskrift af
outcome-opinions =
    { $count ->
        [one] Én vurdering er samlet.
       *[other] { $count } vurderinger er samlet.
    }
outcome-earlier = Underskrevet før og bevaret, som den var. `!outcome export pdf …` med nummeret henter dokumentet:
outcome-earlier-one = fra { $date }, SHA-256 { $start }…

## Skabelonen

outcome-sheet-preamble = { $nickname }, tekst { $stamp }: Kopiér dette, skriv efter kolonerne, og send det som svar til mig. Det, der står tomt, bliver, som det er; - tager det ud.
outcome-sheet-line = Anbefaling { $number }
outcome-sheet-hint = strength=stærk evidence=lav owner=navn due=2 uger preference=tekst
outcome-sheet-long = { $count } tegn bliver stående
outcome-sheet-unplaced = Disse linjer hører ikke til nogen del af konklusionen:
outcome-sheet-wrong = Intet er ændret. Ret det i din tekst, og send den igen som svar på denne besked.

## Det næste

outcome-recommend-now = Nu skriver lederen anbefalingen med `!outcome recommend …` eller udfylder det hele med `!outcome template`.
outcome-draft-first = Saml først vurderingerne med `!outcome draft`.
outcome-amend-instead = Konklusionen er underskrevet. `!outcome amend` og en begrundelse begynder den næste version.
outcome-votes-void = Konklusionen er ændret, så de hidtidige stemmer tæller ikke længere.
outcome-signatures-void = Konklusionen er ændret, så de hidtidige stemmer og underskrifter tæller ikke længere.
outcome-vote-now = Panel: Svar venligst `!outcome agree` eller `!outcome dissent …`. Lederen underskriver med `!outcome sign`.
outcome-vote-alone = Panel: Svar venligst `!outcome agree` eller `!outcome dissent …` i jeres direkte chat med mig, så ingen ser, hvem der stemmer hvad. Lederen underskriver med `!outcome sign`.
outcome-too-few =
    Med { $count ->
        [one] én vurdering
       *[other] { $count } vurderinger
    } i stedet for mindst { $minimum } tæller sagen ikke med i netværkets monitorering. Skriv `!outcome sign` igen for at underskrive alligevel.
outcome-signed = Underskrevet. **{ $nickname }** er afsluttet. Konklusionen følger som dokument; den behandlende læge beslutter.
outcome-closed = **{ $nickname }** er afsluttet, af { $name }, uden underskrift af: { $names }. Konklusionen følger som dokument, der siger det; den behandlende læge beslutter. `!case reopen` tager sagen op igen.
outcome-amending = Den underskrevne konklusion { $before }… bliver stående, som den er. Ret det, der skal rettes; derefter stemmer panelet, og alle underskriver på ny.
outcome-close-without = Disse underskrifter mangler: { $names }. Afslut uden dem med `!outcome close confirm`; dokumentet nævner, hvem der ikke har underskrevet.

vote-agrees = Registreret: Du er enig i version { $version }.
vote-agrees-one = Registreret: Du er enig i anbefaling { $number } i version { $version }.
vote-agrees-unnamed = Registreret uden dit navn: Du er enig i version { $version }.
vote-dissents = Registreret: Du er uenig i version { $version }. Din begrundelse står i konklusionen.
vote-dissents-one = Registreret: Du er uenig i anbefaling { $number } i version { $version }. Din begrundelse står i konklusionen.
vote-dissents-unnamed = Registreret: Du er uenig i version { $version }. Din begrundelse står i konklusionen, dit navn gør ikke.

sign-waiting = Underskrevet. Version { $version } mangler endnu underskrift af { $names }.
sign-how = For at underskrive: Læs den med `!outcome show`, og skriv så `!sign { $code }`. Du skriver under på, at den er gengivet, som panelet nåede frem til den, også uenigheden.

## Afslag

refused-outcome-none = Der er endnu ikke noget udkast til en konklusion. Begynd med `!outcome draft`.
refused-outcome-empty = Konklusionen har endnu ingen anbefaling. Skriv den med `!outcome recommend`.
refused-outcome-stale = Vurderingerne eller panelet har ændret sig, siden konklusionen blev samlet. Saml den igen med `!outcome draft`: Dine tekster bliver stående, og panelet stemmer på ny.
refused-outcome-text = En tekst i konklusionen er på 1 til { $maximum } tegn.
refused-outcome-many = En konklusion har højst { $maximum } anbefalinger. Tag en ud med `!outcome drop …`.
refused-outcome-number = Der er ingen anbefaling { $number }. Numrene er: { $numbers }.
refused-outcome-detail = **{ $detail }** er et af: { $words }.
refused-outcome-owner = Jeg kender ingen i netværket, der hedder { $owner }. Brug et navn eller brugernavn.
refused-outcome-sheet-old = Konklusionen er ændret siden den skabelon, så jeg har ikke ændret noget. `!outcome template` giver den aktuelle; din tekst står stadig i din besked.
refused-outcome-sheet-same = Alt i den er, som det var, så intet er ændret. Skriv efter kolonerne.
refused-outcome-voted = Nogen har allerede stemt, så det kan ikke ændres nu. Ændres teksten, stemmer panelet forfra.
refused-outcome-out-for-signature = Konklusionen er sendt til underskrift. Lederen kan stadig ændre den; så stemmer panelet forfra.
refused-outcome-version = Der er ingen version med det nummer. Der er: { $versions }.
refused-dissent-reason = Skriv, hvorfor du er uenig: Begrundelsen bliver en del af konklusionen.
refused-vote-conflict = Du har oplyst en interessekonflikt, så din vurdering vises, og du stemmer ikke.
refused-vote-alone = Her vises uenighed uden navne. Stem venligst i din direkte chat med mig, så ingen ser, hvem der stemmer hvad.
refused-vote-nowhere = Ingen konklusion venter på din stemme.
refused-vote-which = Du er spurgt i flere sager. Begynd med navnet på den, du mener: { $names }.
refused-sign-not-asked = Din underskrift er ikke nødvendig her.
refused-sign-again = Du har allerede underskrevet.
refused-sign-other = Det er koden til en anden tekst. Læs konklusionen med `!outcome show`; den kan være ændret.
refused-sign-code = Læs version { $version } med `!outcome show`, og underskriv den så med `!sign { $start }`.
refused-amend-unsigned = Denne konklusion er ikke underskrevet, så den kan bare rettes.
refused-waive-nobody = Ingen underskrift mangler, eller ingen har underskrevet endnu.
