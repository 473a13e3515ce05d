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
refused-blind-sealed =
    { $missing ->
        [0] The opinions are still sealed. All are in: open them with `!reveal`.
       *[other] The opinions are still sealed: { $given } in, { $missing } missing. Wait for them, or open them now with `!reveal`.
    }
refused-blind-mode = Write `!panel blind on` to hide opinions from the other experts, `!panel blind lead` to hide them from the lead as well, or `!panel blind off`.
refused-question-type = The types of question of this network: { $types }.
refused-question-type-none = This network asks all its questions with one form.
refused-case-none = No open case of yours takes this now.
refused-case-which = Which case do you mean? Write its name behind the command. Open: { $cases }.
refused-draft-other = You have an unfinished opinion on another case here. Go on with it by `!opinion`, or throw it away with `!cancel`.
refused-opinion-nobody = There is no opinion of “{ $name }” that you can read here.
action-arrange = change how opinions are asked for
action-reveal = reveal the opinions

## Help

help-panel-blind = hide opinions until all are in: `on` from the other experts, `lead` from you as well
help-panel-question = say what type of question this is; the form follows from it
help-opinion-form = get the form as a text to copy, fill in and send back
help-reveal = open all sealed opinions now

## Answering a form

answer-certain = { $answer } ({ $certainty })
dialogue-hint-date = A date: `2026-03-31`.
dialogue-hint-date-partial = A date, a month or a year: `2026-03-31`, `2026-03`, `2026`.
dialogue-hint-certainty = How sure you are may follow in brackets: sure, likely, possible, unlikely, or a percentage.
dialogue-hint-repeats = Up to { $maximum }, with `;` between them.
dialogue-confirm-sealed = Is this right? Answer **yes** in words to seal it. To change an answer, reply to its question. `!cancel` throws it all away.
sheet-preamble = { $nickname }: copy this, fill in behind the colons, send it to me as a reply. * is needed, the rest may stay empty.
sheet-hint-certainty = how sure in brackets
draft-kept =
    { $count ->
        [0] Nothing is recorded yet.
        [one] I have kept one answer as a draft. Nothing is recorded yet.
       *[other] I have kept { $count } answers as a draft. Nothing is recorded yet.
    }
draft-continued =
    { $count ->
        [one] Your draft has one answer.
       *[other] Your draft has { $count } answers.
    } We go on where you stopped.
draft-idle = “{ $field }” is not asked with these answers, so I leave it out.
draft-unplaced = These lines belong to no question, so I leave them out:
draft-form-changed = The form has changed since you began. Your answers are in the new one below: copy it, complete it and send it to me.

## Opinions

opinion-sealed = It is sealed: nobody reads it before all are in, or the lead reveals them.
opinion-sealed-but-for-lead = It is sealed: nobody but the lead reads it before all are in, or the lead reveals them.
opinion-conflict = Conflict of interest declared: does not count.
opinion-conflict-recorded = You have declared a conflict of interest: your opinion is shown, and does not count.
opinion-late = Given after the reveal.
opinion-revised-late = Revised after the reveal.
opinion-recommended = **{ $question }**
opinion-conflict-star = (*) Conflict of interest declared: does not count.
opinion-show-one = `!opinion show` with a name shows one opinion in full.

## Blind mode

blind-count = { $given } of { $asked } in
card-blind = Sealed opinions
next-opinion-sealed = Each expert gives an opinion in their direct chat with me, with `!opinion`. No other expert reads it before all are in.
blind-set-on = Opinions are sealed until all are in or you write `!reveal`. Experts give them in their direct chat with me. You can read them there.
blind-set-lead = Opinions are sealed, for you as well, until all are in or you write `!reveal`. Experts give them in their direct chat with me.
blind-set-off = Opinions are open: everybody in this room reads them.
blind-room = Opinions in this case are sealed, so I have taken your message out of the room. Your draft waits in your direct chat with me.
blind-room-asks = Opinions in this case are sealed, so I ask you in your direct chat with me.
blind-no-reaction = Opinions in this case are sealed and reactions are not encrypted. Please answer in words, in your direct chat with me.
blind-sealed = Opinions are sealed: you can read them once all are in, or the lead reveals them.
blind-sealed-for-lead = Opinions are sealed, for you as well, until all are in or you write `!reveal` in the room of the case.
blind-sealed-room = Opinions are sealed. Yours is in your direct chat with me: `!opinion show`.
blind-sealed-room-lead = Opinions are sealed. As the lead you read them in your direct chat with me: `!opinion show`.
blind-sealed-room-missing = Opinions are sealed. Yours is still missing: give it in your direct chat with me, with `!opinion`.
blind-sealed-direct = Sealed: the others see nothing yet.
blind-sealed-direct-lead = Sealed: you read them as the lead, the experts see nothing yet.
blind-sealed-direct-missing = Opinions are sealed. Yours is still missing: give it with `!opinion`.
blind-draft-moved = Your opinion on **{ $nickname }** waits here, sealed and not recorded yet.
blind-draft-sent-back = Opinions on **{ $nickname }** are sealed, so I took yours out of the room. Nothing is kept of it: copy the text that follows and send it to me here behind `!opinion { $nickname }`.
question-type-set = The experts answer the form for this type of question: { $type }.
reveal-confirm = Not in yet: { $names }. What is revealed cannot be sealed again. Reveal all the same with `!reveal confirm`.
reveal-all-in = All opinions are in, so they are open now in the room.
reveal-title = The opinions, revealed
reveal-missing = Not in yet
reveal-late-marked = What they say from now on is marked as given after the reveal.
reveal-next = Discuss them here. Whoever changes their mind writes `!opinion` again; the lead goes on with `!outcome draft`.
