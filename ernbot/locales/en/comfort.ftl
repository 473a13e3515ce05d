### What corrects and undoes, and what is understood without a prefix.

not-a-command-but = I answer commands. Did you mean `{ $nearest }`? `!help` lists what you can do here.
undone = Undone: `{ $command }`. Everything is as it was before.
refused-edited = I act on a changed message only when it was your last one to me here. Please send it as a new message.
refused-edited-late = I act on a changed message within { $minutes } minutes. Please send it as a new message.
refused-edited-done = That was carried out already, so changing the message does nothing more. `!help` lists what you can do now.
refused-edited-no-command = What you changed it to is no command, so nothing has happened. `!help` lists what you can do here.
refused-edited-record = Consent and signatures need a message of their own, so this change does nothing. Please send it as a new message.
refused-undo-nothing = There is nothing here that I can undo.
refused-undo-late = That was too long ago to be undone. Please say what it should be instead.
refused-undo-changed = Somebody has changed the case since, so I cannot undo that. Please say what it should be instead.

## Help and the tour

help-tour = see in five short pages what a case is
help-group-case = the case itself: { $verbs }
help-group-consent = what the patient allowed: question by question. Also: { $verbs }
help-group-panel = who is asked: { $verbs }
help-group-opinion = give your opinion. Also: { $verbs }
help-group-outcome = what the panel answers: { $verbs }
help-group-identity = fingerprints: { $verbs }
help-example = For example: `{ $example }`
help-words = `!help` and one of these words shows it in full, for example `!help panel`.
refused-tour-page = The tour has { $pages } pages: `!tour 1` begins it.
tour-title = Tour, page { $page } of { $pages }
tour-next = Go on with `!tour { $page }`.
tour-end = That was all. `!help` lists what you can do, and the helpdesk of your network helps you in person.
tour-1 =
    Here you ask experts of rare diseases in other hospitals about one patient. Each case has a room of its own. Only
    the people of the case and I can read what is in it: not the server, and nobody else of the network.

    I am the clerk: I check consent, show scans, ask each expert, and write the outcome down. You decide.
tour-2 =
    Begin here, in this chat, with your question. Never write who the patient is.

    `!case new ern-cranio Girl of 4 months, ridged metopic suture: operate, or watch?`

    I make the room and invite you. The card at its top says whose turn it is and what comes next.
tour-3 =
    In the room, record the consent: `!consent` asks you five short questions. Before that nobody else can come in.

    Then drop scans, slides and photographs into the room. I show what matters in them, and take out at once what names
    the patient.
tour-4 =
    Bring experts in, by name or by what they know: `!panel invite craniosynostosis`

    Each gives an opinion in one line, or question by question with `!opinion`. All of you can talk in the room as in any
    other.
tour-5 =
    When the opinions are in, `!outcome draft` gathers them. Write what you recommend with `!outcome recommend`, the panel
    agrees or dissents, and `!outcome sign` makes it a document for the patient’s record.

    Mistyped? Edit your message within two minutes, or tap ↩️ under my answer.
