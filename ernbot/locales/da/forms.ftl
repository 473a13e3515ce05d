### Skemaer, kladder og blindet vurdering. `code` i backticks og **strong** er den eneste opmærkning.

## Det, der ikke passer

refused-answer-unit = **{ $field }** kan ikke omregnes fra { $unit }. Enheder, der passer: { $units }.
refused-answer-date = **{ $field }** skal være en dato som `2026-03-31` eller `31.3.2026`.
refused-answer-date-partial = **{ $field }** skal være en dato som `2026-03-31`, en måned som `2026-03` eller et år.
refused-answer-future = **{ $field }** ligger i fremtiden. Det skal være i dag eller tidligere.
refused-answer-certainty = **{ $field }**: skriv i parentes, hvor sikker du er: { $options } eller en procent.
refused-answer-times = **{ $field }** tager { $minimum } til { $maximum } svar med `;` imellem.
refused-answer-idle = **{ $field }** spørges der kun om, når `{ $when }`. Udelad det, eller ret det svar.
refused-blind-off = Vurderingerne er ikke forseglet, så der er intet at afsløre.
refused-blind-too-late = Der er allerede en vurdering. Blindet vurdering kan kun ændres før den første.
