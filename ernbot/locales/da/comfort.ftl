### Hvad der retter og fortryder, og hvad der forstås uden tegn foran.

not-a-command-but = Jeg svarer på kommandoer. Mente du `{ $nearest }`? `!help` viser, hvad du kan gøre her.
undone = Fortrudt: `{ $command }`. Alt er, som det var før.
refused-edited = Jeg handler kun på en rettet besked, når den var din seneste til mig her. Send den som en ny besked.
refused-edited-late = Jeg handler på en rettet besked inden for { $minutes } minutter. Send den som en ny besked.
refused-edited-done = Det er allerede udført, så en rettelse af beskeden gør ikke mere. `!help` viser, hvad du kan gøre nu.
refused-edited-no-command = Det, du rettede den til, er ingen kommando, så der er ikke sket noget. `!help` viser, hvad du kan gøre her.
refused-undo-nothing = Her er intet, som jeg kan fortryde.
refused-undo-late = Det er for længe siden til at blive fortrudt. Skriv, hvad det skal være i stedet.
refused-undo-changed = Nogen har ændret sagen siden, så jeg kan ikke fortryde det. Skriv, hvad det skal være i stedet.
