### Hvad der retter og fortryder, og hvad der forstås uden tegn foran.

not-a-command-but = Jeg svarer på kommandoer. Mente du `{ $nearest }`? `!help` viser, hvad du kan gøre her.
undone = Fortrudt: `{ $command }`. Alt er, som det var før.
refused-edited = Jeg handler kun på en rettet besked, når den var din seneste til mig her. Send den som en ny besked.
refused-edited-late = Jeg handler på en rettet besked inden for { $minutes } minutter. Send den som en ny besked.
refused-edited-done = Det er allerede udført, så en rettelse af beskeden gør ikke mere. `!help` viser, hvad du kan gøre nu.
refused-edited-no-command = Det, du rettede den til, er ikke en kommando, så der er ikke sket noget. `!help` viser, hvad du kan gøre her.
refused-edited-record = Samtykke og underskrifter kræver en besked for sig selv, så denne ændring gør intet. Send det som en ny besked.
refused-undo-nothing = Her er intet, som jeg kan fortryde.
refused-undo-late = Det er for længe siden til at blive fortrudt. Skriv, hvad det skal være i stedet.
refused-undo-changed = Nogen har ændret sagen siden, så jeg kan ikke fortryde det. Skriv, hvad det skal være i stedet.

## Hjælp og rundvisning

help-tour = se på fem korte sider, hvad en sag er
help-group-case = selve sagen: { $verbs }
help-group-consent = hvad patienten har tilladt: spørgsmål for spørgsmål. Desuden: { $verbs }
help-group-panel = hvem der spørges: { $verbs }
help-group-opinion = afgiv din vurdering. Desuden: { $verbs }
help-group-outcome = hvad panelet svarer: { $verbs }
help-group-identity = fingeraftryk: { $verbs }
help-example = For eksempel: `{ $example }`
help-words = `!help` og et af disse ord viser mere om det, for eksempel `!help panel`.
refused-tour-page = Rundvisningen har { $pages } sider: `!tour 1` begynder den.
tour-title = Rundvisning, side { $page } af { $pages }
tour-next = Fortsæt med `!tour { $page }`.
tour-end = Det var det hele. `!help` viser, hvad du kan gøre, og dit netværks helpdesk hjælper dig personligt.
tour-1 =
    Her spørger du eksperter i sjældne sygdomme på andre hospitaler om én patient. Hver sag har sit eget rum. Kun
    sagens deltagere og jeg kan læse, hvad der står i det: hverken serveren eller andre i netværket.

    Jeg er sekretæren: Jeg kontrollerer samtykket, viser billeder, spørger hver ekspert og skriver konklusionen ned. Du
    bestemmer.
tour-2 =
    Begynd her i denne chat med dit spørgsmål. Skriv aldrig, hvem patienten er.

    `!case new ern-cranio Pige på 4 måneder, kam i sutura metopica: operere eller se an?`

    Jeg opretter rummet og inviterer dig. Kortet øverst siger, hvis tur det er, og hvad næste skridt er.
tour-3 =
    I rummet registrerer du samtykket: `!consent` stiller dig fem korte spørgsmål. Før det kan ingen andre komme ind.

    Læg så skanninger, vævssnit og fotografier i rummet. Jeg viser det vigtige i dem og fjerner straks det, der navngiver
    patienten.
tour-4 =
    Hent eksperter ind ved navn eller efter, hvad de kan: `!panel invite craniosynostosis`

    Hver afgiver sin vurdering på én linje, eller spørgsmål for spørgsmål med `!opinion`. I kan alle tale i rummet som i
    ethvert andet.
tour-5 =
    Når vurderingerne er inde, samler `!outcome draft` dem. Skriv, hvad du anbefaler, med `!outcome recommend`, panelet
    er enigt eller uenigt, og `!outcome sign` gør det til et dokument til patientens journal.

    Tastet forkert? Ret din besked inden for to minutter, eller tryk på ↩️ under mit svar.
