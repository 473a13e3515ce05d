### Forms, drafts and blind mode. `code` in backticks and **strong** are the only markup.

## What does not fit

refused-answer-unit = **{ $field }** cannot be converted from { $unit }. Units that fit: { $units }.
refused-answer-date = **{ $field }** takes a date like `2026-03-31` or `31.3.2026`.
refused-answer-date-partial = **{ $field }** takes a date like `2026-03-31`, a month like `2026-03`, or a year.
refused-answer-future = **{ $field }** lies in the future. It must be today or earlier.
refused-answer-certainty = **{ $field }**: write in brackets how sure you are: { $options }, or a percentage.
refused-answer-times = **{ $field }** takes { $minimum } to { $maximum } answers, with `;` between them.
refused-answer-idle = **{ $field }** is asked only when `{ $when }`. Leave it out, or change that answer.
refused-blind-off = Opinions are not sealed, so there is nothing to reveal.
refused-blind-too-late = There is an opinion already. Blind mode can only be changed before the first one.
