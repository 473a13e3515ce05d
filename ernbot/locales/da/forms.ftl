### Skemaer, kladder og blindet vurdering. `code` i backticks og **strong** er den eneste opmærkning.

## Det, der ikke passer

refused-answer-unit = **{ $field }** kan ikke omregnes fra { $unit }. Enheder, der passer: { $units }.
refused-answer-date = **{ $field }** skal være en dato som `2026-03-31` eller `31.3.2026`.
refused-answer-date-partial = **{ $field }** skal være en dato som `2026-03-31`, en måned som `2026-03` eller et år.
refused-answer-future = **{ $field }** ligger i fremtiden. Det skal være i dag eller tidligere.
refused-answer-certainty = **{ $field }**: skriv i parentes, hvor sikker du er: { $options } eller en procent.
refused-answer-times = **{ $field }** tager { $minimum } til { $maximum } svar med `;` imellem.
refused-answer-idle = **{ $field }** spørges der kun om, når `{ $when }`. Udelad det, eller ret det svar.
refused-blind-off = Vurderingerne er ikke forseglet, så der er intet at åbne.
refused-blind-too-late = Der er allerede en vurdering. Blindet vurdering kan kun ændres før den første.
refused-blind-sealed =
    { $missing ->
        [0] Vurderingerne er stadig forseglet. Alle er afgivet: Åbn dem med `!reveal`.
       *[other] Vurderingerne er stadig forseglet: { $given } er afgivet, { $missing } mangler. Vent på dem, eller åbn dem nu med `!reveal`.
    }
refused-blind-mode = Skriv `!panel blind on` for at skjule vurderinger for de andre eksperter, `!panel blind lead` for at skjule dem også for lederen, eller `!panel blind off`.
refused-question-type = Netværkets typer af spørgsmål: { $types }.
refused-question-type-none = Dette netværk bruger ét skema til alle sine spørgsmål.
refused-case-none = Ingen af dine åbne sager tager imod dette nu.
refused-case-which = Hvilken sag mener du? Skriv dens navn efter kommandoen. Åbne: { $cases }.
refused-draft-other = Du har en ufærdig vurdering af en anden sag her. Fortsæt den med `!opinion`, eller smid den væk med `!cancel`.
refused-opinion-nobody = Der er ingen vurdering fra “{ $name }”, som du kan læse her.
action-arrange = ændre, hvordan der spørges om vurderinger
action-reveal = åbne vurderingerne

## Hjælp

help-panel-blind = skjul vurderinger, til alle er afgivet: `on` for de andre eksperter, `lead` også for dig
help-panel-question = sig, hvilken type spørgsmål det er; skemaet følger af den
help-opinion-form = få skemaet som en tekst, du kopierer, udfylder og sender tilbage
help-reveal = åbn alle forseglede vurderinger nu

## At besvare et skema

answer-certain = { $answer } ({ $certainty })
dialogue-hint-date = En dato: `2026-03-31`.
dialogue-hint-date-partial = En dato, en måned eller et år: `2026-03-31`, `2026-03`, `2026`.
dialogue-hint-certainty = Hvor sikker du er, kan følge i parentes: sikker, sandsynlig, mulig, usandsynlig eller en procent.
dialogue-hint-repeats = Op til { $maximum } med `;` imellem.
dialogue-confirm-sealed = Er det rigtigt? Svar **ja** med ord for at forsegle det. Et svar rettes ved at svare på dets spørgsmål. `!cancel` smider det hele væk.
sheet-preamble = { $nickname }: kopiér dette, udfyld efter kolonerne, og send det til mig som svar. * skal udfyldes, resten må gerne stå tom.
sheet-hint-certainty = hvor sikker i parentes
draft-kept =
    { $count ->
        [0] Intet er registreret endnu.
        [one] Jeg har gemt ét svar som kladde. Intet er registreret endnu.
       *[other] Jeg har gemt { $count } svar som kladde. Intet er registreret endnu.
    }
draft-continued =
    { $count ->
        [one] Din kladde har ét svar.
       *[other] Din kladde har { $count } svar.
    } Vi fortsætter, hvor du slap.
draft-idle = “{ $field }” spørges der ikke om med disse svar, så det udelader jeg.
draft-unplaced = Disse linjer hører ikke til noget spørgsmål, så dem udelader jeg:
draft-form-changed = Skemaet er ændret, siden du begyndte. Dine svar står i det nye herunder: kopiér det, udfyld resten, og send det til mig.

## Vurderinger

opinion-sealed = Den er forseglet: ingen læser den, før alle er afgivet, eller lederen åbner dem.
opinion-sealed-but-for-lead = Den er forseglet: ingen andre end lederen læser den, før alle er afgivet, eller lederen åbner dem.
opinion-conflict = Interessekonflikt oplyst: tæller ikke med.
opinion-conflict-recorded = Du har oplyst en interessekonflikt: din vurdering vises, men tæller ikke med.
opinion-late = Afgivet efter åbningen.
opinion-revised-late = Ændret efter åbningen.
opinion-recommended = **{ $question }**
opinion-conflict-star = (*) Interessekonflikt oplyst: tæller ikke med.
opinion-show-one = `!opinion show` med et navn viser én vurdering helt.

## Blindet vurdering

blind-count = { $given } af { $asked } afgivet
card-blind = Forseglede vurderinger
next-opinion-sealed = Hver ekspert afgiver sin vurdering i sin direkte chat med mig med `!opinion`. Ingen anden ekspert læser den, før alle er afgivet.
blind-set-on = Vurderingerne er forseglet, til alle er afgivet, eller du skriver `!reveal`. Eksperterne afgiver dem i deres direkte chat med mig. Der kan du læse dem.
blind-set-lead = Vurderingerne er forseglet, også for dig, til alle er afgivet, eller du skriver `!reveal`. Eksperterne afgiver dem i deres direkte chat med mig.
blind-set-off = Vurderingerne er åbne: alle i dette rum læser dem.
blind-room = Vurderingerne i denne sag er forseglet, så jeg har fjernet din besked fra rummet. Din kladde venter i din direkte chat med mig.
blind-room-asks = Vurderingerne i denne sag er forseglet, så jeg spørger dig i din direkte chat med mig.
blind-no-reaction = Vurderingerne i denne sag er forseglet, og reaktioner er ikke krypteret. Svar med ord i din direkte chat med mig.
blind-sealed = Vurderingerne er forseglet: du kan læse dem, når alle er afgivet, eller lederen åbner dem.
blind-sealed-for-lead = Vurderingerne er forseglet, også for dig, til alle er afgivet, eller du skriver `!reveal` i sagens rum.
blind-sealed-room = Vurderingerne er forseglet. Din står i din direkte chat med mig: `!opinion show`.
blind-sealed-room-lead = Vurderingerne er forseglet. Som leder læser du dem i din direkte chat med mig: `!opinion show`.
blind-sealed-room-missing = Vurderingerne er forseglet. Din mangler endnu: afgiv den i din direkte chat med mig med `!opinion`.
blind-sealed-direct = Forseglet: de andre ser intet endnu.
blind-sealed-direct-lead = Forseglet: du læser dem som leder, eksperterne ser intet endnu.
blind-sealed-direct-missing = Vurderingerne er forseglet. Din mangler endnu: afgiv den med `!opinion`.
blind-draft-moved = Din vurdering af **{ $nickname }** venter her, forseglet og endnu ikke registreret.
blind-draft-sent-back = Vurderinger af **{ $nickname }** er forseglet, så jeg har fjernet din fra rummet. Intet af den er gemt: kopiér teksten, der følger, og send den til mig her efter `!opinion { $nickname }`.
question-type-set = Eksperterne besvarer skemaet til denne type spørgsmål: { $type }.
reveal-confirm = Mangler endnu: { $names }. Det, der er åbnet, kan ikke forsegles igen. Åbn alligevel med `!reveal confirm`.
reveal-all-in = Alle vurderinger er afgivet, så de er nu åbne i rummet.
reveal-title = Vurderingerne, åbnet
reveal-missing = Mangler endnu
reveal-late-marked = Det, de siger fra nu af, mærkes som afgivet efter åbningen.
reveal-next = Drøft dem her. Den, der skifter mening, skriver `!opinion` igen; lederen går videre med `!outcome draft`.
