### The worklist, reminders, and word of what became of a patient. `code` in backticks and **strong** are the only markup.

## What is missing, as a short phrase: `due-…`

due-consent = record the patient’s consent
due-renew = renew the consent to care
due-decide = decide on the request
due-answer = answer the question of the dispatcher
due-declined = the request was declined: choose another way
due-invite = bring experts in
due-invite-told = bring people in
due-send = send the outcome to be signed
due-invitation = accept or decline the invitation
due-opinion = give your opinion
due-reveal = all opinions are in: open them
due-draft = all opinions are in: gather them
due-gather = gather the outcome again
due-recommend = write the recommendation
due-vote = agree or dissent
due-sign = sign the outcome
due-follow-up = say what became of the patient
next-follow-up = The clinician says what became of the patient with `!followup`.
due-review = the consent to care has to be renewed soon
due-take-over = the lead has not acted: please see to it
due-silent = no word of the patient’s course: please ask the clinician

## The worklist

help-cases = list your cases, what waits for you first; or only `mine`, `waiting`, `overdue`, `unanswered`, `all`, or those of a network
cases-title =
    { $count ->
        [one] One case
       *[other] { $count } cases
    }, { $waiting ->
        [0] none waits for you
        [one] one waits for you
       *[other] { $waiting } wait for you
    }
cases-name = **{ $nickname }**
cases-urgent = ❗ **{ $nickname }**
cases-question = “{ $question }”
cases-yours = **you:** { $what }
cases-others =
    waits for { $name }{ $count ->
        [0] {""}
        [one] {" "}and one more
       *[other] {" "}and { $count } more
    }
cases-due = by { $date }
cases-late = was due { $date }
cases-state = { $state }
cases-more = … and { $count } more: `{ $command }`
cases-none = Nothing here. `!cases all` shows every case that you take part in.
cases-no-page = That is beyond the last page. `!cases` begins anew.
cases-unready = I am still sorting older cases after an update. Some may be missing: ask again in a minute.
refused-cases-which = I do not know `{ $word }`. Try `!cases`, or `!cases` with one of: { $words }, or with a network: { $networks }

## Reminders

help-reminders = how often I remind you of what waits for you: `daily`, `weekly` or `off`
reminder-title =
    { $count ->
        [one] One thing waits for you
       *[other] { $count } things wait for you
    }
reminder-what = { $what } · { $network }
reminder-more = … and { $count } more: `!cases waiting`
reminder-stop = Less often: `!reminders weekly` or `!reminders off`. Urgent cases are always said.
reminders-set = Reminders: { $every }, at { $hour }:00 UTC. Urgent cases are always said. Change it with `!reminders daily`, `weekly` or `off`.
every-daily = at most one a day
every-weekly = at most one a week
every-off = none
refused-reminders-which = I do not know `{ $word }`. Type `!reminders daily`, `!reminders weekly` or `!reminders off`.

## Follow-up

action-follow-up = say what became of the patient
help-followup = say what became of the patient: in one line, or alone, question by question
followup-question = { $name }, some months ago the panel signed its outcome. **Was it followed?**
followup-how = Tap a number, or reply with it: I ask the rest in a thread, it takes a minute. The panel reads your answer.
followup-planned = Follow-up that is planned goes into the outcome: `!outcome followup` and the text.
followup-happened = Say what became of the patient with `!followup`. To plan something else, `!outcome amend` and why begins the next version of the outcome.
ask-followup-followed = **Was the outcome followed?**
ask-followup-why = **Why not, or not all of it?**
ask-followup-changed = **Did the panel’s advice change something?**
ask-followup-happened = **What happened since?** A sentence or two, nothing that says who the patient is.
answer-followup-followed = Followed
answer-followup-why = Why not
answer-followup-changed = The advice changed
answer-followup-happened = What happened
followed-fully = yes, fully
followed-partly = in part
followed-no = no
why-documentation = documentation was missing
why-findings = new findings
why-patient = the patient’s preference
why-physician = the physician’s decision
why-unavailable = not available here
why-other = another reason
changed-diagnosis = the diagnosis
changed-management = the management
changed-both = diagnosis and management
changed-neither = nothing
followup-title = What became of the patient, from { $name }
followup-recorded = Recorded, thank you. The panel reads it here in the room.
refused-follow-up-why = Please also say why it was not followed: `why=` with one or more of documentation, findings, patient, physician, unavailable, other. In the thread, reply to that question.
refused-follow-up-text = That is too long: at most { $maximum } characters.

## Figures of a network

help-figures = as coordinator, see how many cases your network has and how long they take
figures-title = Figures of { $network }
figures-few = { $network } has fewer than five cases: too few for figures.
figures-cases = Cases: { $count }
figures-state = { $what }: { $count }
figures-times = **Days** from the beginning of a case, median and in brackets the middle half:
figures-no-times = No step was reached by five cases yet.
figures-took = { $clock }: { $median } ({ $lower }–{ $upper }), { $count } cases
figures-took-urgent = { $clock }, urgent: { $median } ({ $lower }–{ $upper }), { $count } cases
clock-first-answer = to the first opinion
clock-outcome = to the outcome
clock-signature = to the signature
clock-follow-up = from the signature to word of the patient
figures-follow-ups = **Follow-ups**: { $asked } asked, { $answered } answered
figures-no-follow-ups = Fewer than five follow-ups were answered.
figures-counted = { $what }: { $count }
figures-followed = Followed
figures-why = Why not
figures-changed = The advice changed
figures-rule = Numbers are rounded to fives; fewer than five is not told. Cases without consent count by their state alone.
refused-figures-which = Which network? Type `!figures` and one of these: { $networks }.
