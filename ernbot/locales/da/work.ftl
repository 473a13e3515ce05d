### Arbejdslisten, påmindelser og nyt om patientens forløb. `kode` i accent grave og **fremhævet** er den eneste opmærkning.

## Hvad der mangler, som kort sætning: `due-…`

due-consent = registrér patientens samtykke
due-renew = forny samtykket til behandling
due-decide = tag stilling til anmodningen
due-answer = svar på visitators spørgsmål
due-declined = anmodningen blev afslået: vælg en anden vej
due-invite = hent eksperter ind
due-invite-told = hent folk ind
due-send = send konklusionen til underskrift
due-invitation = tag imod invitationen, eller sig nej
due-opinion = afgiv din vurdering
due-reveal = alle vurderinger er afgivet: åbn dem
due-draft = alle vurderinger er inde: saml dem
due-gather = saml konklusionen igen
due-recommend = skriv anbefalingen
due-vote = erklær dig enig eller uenig
due-sign = underskriv konklusionen
due-follow-up = fortæl, hvordan det gik patienten
next-follow-up = Klinikeren fortæller med `!followup`, hvordan det gik patienten.
due-review = samtykket til behandling skal snart fornyes
due-take-over = lederen har ikke handlet: tag dig venligst af det
due-silent = intet nyt om patientens forløb: spørg venligst klinikeren

## Arbejdslisten

help-cases = vis dine sager, først det, der venter på dig; eller kun `mine`, `waiting`, `overdue`, `unanswered`, `all`, eller dem fra et netværk
cases-title =
    { $count ->
        [one] Én sag
       *[other] { $count } sager
    }, { $waiting ->
        [0] ingen venter på dig
        [one] én venter på dig
       *[other] { $waiting } venter på dig
    }
cases-name = **{ $nickname }**
cases-urgent = ❗ **{ $nickname }**
cases-question = “{ $question }”
cases-yours = **dig:** { $what }
cases-others =
    venter på { $name }{ $count ->
        [0] {""}
        [one] {" "}og én mere
       *[other] {" "}og { $count } andre
    }
cases-due = senest { $date }
cases-late = fristen { $date } er overskredet
cases-state = { $state }
cases-more = … og { $count } til: `{ $command }`
cases-none = Intet her. `!cases all` viser alle de sager, du deltager i.
cases-no-page = Det er efter den sidste side. `!cases` begynder forfra.
cases-unready = Jeg er stadig ved at sortere ældre sager efter en opdatering. Nogle mangler måske: Spørg igen om et minut.
refused-cases-which = Jeg kender ikke `{ $word }`. Prøv `!cases`, eller `!cases` med ét af: { $words }, eller med et netværk: { $networks }

## Påmindelser

help-reminders = hvor ofte jeg minder dig om det, der venter på dig: `daily`, `weekly` eller `off`
reminder-title =
    { $count ->
        [one] Én ting venter på dig
       *[other] { $count } ting venter på dig
    }
reminder-what = { $what } · { $network }
reminder-more = … og { $count } til: `!cases waiting`
reminder-stop = Sjældnere: `!reminders weekly` eller `!reminders off`. Hastesager nævnes altid.
reminders-set = Påmindelser: { $every }, kl. { $hour }.00 UTC. Hastesager nævnes altid. Ændr det med `!reminders daily`, `weekly` eller `off`.
every-daily = højst én om dagen
every-weekly = højst én om ugen
every-off = ingen
refused-reminders-which = Jeg kender ikke `{ $word }`. Skriv `!reminders daily`, `!reminders weekly` eller `!reminders off`.

## Opfølgning

action-follow-up = fortælle, hvordan det gik patienten
help-followup = fortæl, hvordan det gik patienten: på én linje, eller alene, spørgsmål for spørgsmål
followup-question = { $name }, for nogle måneder siden underskrev panelet sin konklusion. **Blev den fulgt?**
followup-how = Tryk på et tal, eller svar med det: Resten spørger jeg om i en tråd. Det tager et minut. Panelet læser dit svar.
followup-planned = Planlagt opfølgning hører til i konklusionen: `!outcome followup` og teksten.
followup-happened = Fortæl med `!followup`, hvordan det gik patienten. Skal der planlægges noget andet, begynder `!outcome amend` og en begrundelse den næste version af konklusionen.
ask-followup-followed = **Blev konklusionen fulgt?**
ask-followup-why = **Hvorfor ikke, eller ikke helt?**
ask-followup-changed = **Ændrede panelets råd noget?**
ask-followup-happened = **Hvad er der sket siden?** En sætning eller to, intet der siger, hvem patienten er.
answer-followup-followed = Fulgt
answer-followup-why = Hvorfor ikke
answer-followup-changed = Rådet ændrede
answer-followup-happened = Hvad der skete
followed-fully = ja, helt
followed-partly = delvist
followed-no = nej
why-documentation = der manglede dokumentation
why-findings = nye fund
why-patient = patientens ønske
why-physician = lægens beslutning
why-unavailable = findes ikke her
why-other = en anden grund
changed-diagnosis = diagnosen
changed-management = behandlingen
changed-both = diagnosen og behandlingen
changed-neither = intet
followup-title = Hvordan det gik patienten, fra { $name }
followup-recorded = Registreret, tak. Panelet læser det her i rummet.
refused-follow-up-why = Sig også, hvorfor den ikke blev fulgt: `why=` med ét eller flere af documentation, findings, patient, physician, unavailable, other. I tråden svarer du på det spørgsmål.
refused-follow-up-text = Det er for langt: højst { $maximum } tegn.

## Figures of a network

help-figures = se som koordinator, hvor mange sager dit netværk har, og hvor længe de tager
figures-title = Tal for { $network }
figures-few = { $network } har færre end fem sager: for få til tal.
figures-cases = Sager: { $count }
figures-state = { $what }: { $count }
figures-times = **Dage** fra sagens begyndelse, median og i parentes den midterste halvdel:
figures-no-times = Endnu har ingen fem sager nået et skridt.
figures-took = { $clock }: { $median } ({ $lower }–{ $upper }), { $count } sager
figures-took-urgent = { $clock }, haster: { $median } ({ $lower }–{ $upper }), { $count } sager
clock-first-answer = til den første vurdering
clock-outcome = til konklusionen
clock-signature = til underskriften
clock-follow-up = fra underskriften til nyt om patienten
figures-follow-ups = **Opfølgninger**: { $asked } spurgt, { $answered } besvaret
figures-no-follow-ups = Færre end fem opfølgninger er besvaret.
figures-counted = { $what }: { $count }
figures-followed = Fulgt
figures-why = Hvorfor ikke
figures-changed = Rådet ændrede
figures-rule = Tal er afrundet til hele femmere; færre end fem oplyses ikke. Sager uden samtykke tæller kun med deres tilstand.
refused-figures-which = Hvilket netværk? Skriv `!figures` og et af disse: { $networks }.
