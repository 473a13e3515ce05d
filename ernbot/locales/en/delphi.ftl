### Consensus statistics, Delphi rounds and polls. `code` in backticks and **strong** are the only markup.

action-run-rounds = run Delphi rounds
action-rate = rate statements
action-ask-poll = hold a poll
action-answer-poll = vote in a poll

number-0 = none
number-1 = one
number-2 = two
number-3 = three
number-4 = four
number-5 = five
number-6 = six
number-7 = seven
number-8 = eight
number-9 = nine
number-10 = ten
number-11 = eleven
number-12 = twelve
decimal-point = .

## What the panel agrees on

help-consensus = where the panel stands
consensus-title = Where the panel stands
consensus-nobody = nobody has answered
consensus-say = { $count } of { $of } say “{ $answer }”
consensus-say-all = all { $of } say “{ $answer }”
consensus-say-one = the only answer is “{ $answer }”
consensus-advise = { $count } of { $of } advise “{ $answer }”
consensus-advise-all = all { $of } advise “{ $answer }”
consensus-advise-one = the only advice is “{ $answer }”
consensus-also = { $count } “{ $answer }”
consensus-named = { $count } of { $of } name “{ $answer }”
consensus-spread = median { $median } (middle half { $low }–{ $high }), { $count } answers
consensus-range = median { $median }, from { $low } to { $high }, { $count } answers
consensus-one-value = { $value }, from one answer
consensus-left-out = Not counted, because of a conflict of interest or because they left: { $names }
consensus-few = With { $count } counted, this says what these people think, and no more.
consensus-alpha = Krippendorff’s alpha (ordinal) { $value }, 95% interval { $low } to { $high }: { $raters } raters, { $units } statements.
consensus-alpha-few = Krippendorff’s alpha (ordinal) { $value }: { $raters } raters and only { $units } statements, too few for an interval.
consensus-alpha-none = Krippendorff’s alpha cannot be computed: it takes two statements or more that several people rated, and ratings that differ.
refused-consensus-nobody-counts = Nobody who gave an opinion counts: they have a conflict of interest, or have left the panel.
refused-consensus-blind = Opinions are sealed until they are revealed. After that, `!consensus` says where the panel stands.

## Delphi rounds, in the room

help-group-delphi = rounds of ratings. Also: { $verbs }
help-delphi = have statements rated in rounds; alone, it says what comes next
help-delphi-show = show the statements that are rated in rounds, and what was found
delphi-title = Delphi: { $title }
delphi-rules = Consensus: at least { $agree }% rate a statement 7–9 and fewer than { $against }% rate it 1–3. Consensus against it is the mirror image. At least { $minimum } ratings, at most { $rounds } rounds.
delphi-statement = **{ $number }.** { $text }
delphi-statement-for = **{ $number }.** { $text } – **consensus** in round { $round }: { $high }% at 7–9, median { $median } ({ $lower }–{ $upper }), { $count } ratings
delphi-statement-against = **{ $number }.** { $text } – **consensus against it** in round { $round }: { $low }% at 1–3, median { $median } ({ $lower }–{ $upper }), { $count } ratings
delphi-statement-open = **{ $number }.** { $text } – no consensus in round { $round }: { $high }% at 7–9, { $low }% at 1–3, median { $median } ({ $lower }–{ $upper }), { $count } ratings
delphi-statement-stable = **{ $number }.** { $text } – no consensus, and hardly anybody moves any more (round { $round }): { $high }% at 7–9, { $low }% at 1–3, median { $median } ({ $lower }–{ $upper }), { $count } ratings
delphi-statement-few = **{ $number }.** { $text } – too few ratings in round { $round }: { $count } instead of at least { $minimum }
delphi-progress = Round { $round } is open: { $rated } of { $invited } have rated.
delphi-missing = Still to rate
delphi-suggested = Suggested by raters. Take one with `!delphi take { $number }`:
delphi-opened = **Round { $round } is open**: { $count ->
        [one] one statement
       *[other] { $count } statements
    }, { $invited } raters.
delphi-alone = Raters: please write `!rate` in your direct chat with me. Nobody sees anything before the round is closed, and never who rated what.
delphi-left-out = Not asked, because of a conflict of interest: { $names }
delphi-all-rated = { $nickname }: everybody has rated. Close round { $round } in its room with `!delphi close`.
delphi-closed = Round { $round } is closed
delphi-attrition = { $invited } were asked, { $rated } rated, { $counted } of them count. In brackets: the middle half.
delphi-reliability = { $sentence }
delphi-next-add = Next: add statements with `!delphi add …`, one to a line.
delphi-next-start = Next: `!delphi threshold 80 15` if other limits should hold, then `!delphi start`. After that the statements and limits stand.
delphi-next-close = Next: `!delphi close`, once enough have rated.
delphi-next-round = Next: { $count ->
        [one] one statement goes on
       *[other] { $count } statements go on
    } with `!delphi next`, or end it here with `!delphi end`.
delphi-next-end = Nothing is left to rate. Take a suggestion, or end it with `!delphi end`.
delphi-next-report = The rounds are over. `!delphi report` posts the report.
delphi-notes = { $count ->
        [0] The lead has answered everything that the report asks for.
        [one] The report asks the lead for one more thing. Answer it with `{ $command } O3 …`.
       *[other] The report asks the lead for { $count } more things. Answer with `{ $command } O3 …`, or leave them out.
    }
delphi-asked = { $what }
delphi-report-follows = The report follows as a document.
delphi-report-missing = { $count ->
        [one] One thing stands there as “not recorded”
       *[other] { $count } things stand there as “not recorded”
    }: `!delphi note` says which.
delphi-report-file = Delphi { $nickname }.{ $form }
refused-delphi-verb = `!delphi` takes one of: { $verbs }
refused-delphi-none = There are no Delphi rounds here yet. Begin with `!delphi new …` and what it is about.
refused-delphi-running = The rounds about “{ $title }” are not over. End them first with `!delphi end`.
refused-delphi-started = The first round was opened, so statements and limits stand. New ones are for new rounds: `!delphi new …`.
refused-delphi-not-started = No round was held yet. Open the first one with `!delphi start`.
refused-delphi-round-open = Round { $round } is still open. Close it first with `!delphi close`.
refused-delphi-ended = Nothing is left to rate in these rounds. `!delphi report` posts the report.
refused-delphi-closed = No round is open. Somebody may have closed it a moment ago.
refused-delphi-no-statements = There is no statement to rate yet. Add one with `!delphi add …`.
refused-delphi-no-raters = A round needs at least { $minimum } raters without a conflict of interest; there are { $count }. Bring in more with `!panel invite`.
refused-delphi-no-suggestions = Statements can be suggested in the first round only.
refused-delphi-not-invited = This round does not ask you.
refused-delphi-conflict = You have declared a conflict of interest, so you do not rate here.
refused-delphi-full = There are { $maximum } statements already, and no more fit.
refused-delphi-statement = There is no statement { $statement }.
refused-delphi-statement-done = Statement { $statement } is not asked for in this round.
refused-delphi-rating = Statement { $statement } takes a whole number from 1 to 9, not “{ $value }”.
refused-delphi-text = A title, statement or remark has 1 to { $maximum } characters.
refused-delphi-threshold = Write the limits in per cent, for example `!delphi threshold 80 15`: 51 to 100 have to agree, and 1 to 50 is too many against. A third number limits the rounds.
refused-delphi-rounds = Between 1 and { $maximum } rounds can be held.
refused-delphi-nothing-to-report = No round is closed yet, so there is nothing to report.
refused-accord-item = The checklist has no item { $item }. Its items: { $items }
refused-accord-note = Write 1 to { $maximum } characters behind the item, for example `!delphi note O3 No funding.`

## Rating, in the direct chat

help-rate = rate the statements of a round
rate-invited = **{ $nickname }**: round { $round } asks you to rate { $count ->
        [one] one statement
       *[other] { $count } statements
    }. Write `!rate` here when you have a minute.
rate-opening = **{ $nickname }**, round { $round }: { $count ->
        [one] one statement
       *[other] { $count } statements
    } from 1 (I reject it) to 9 (I agree fully). Write the number, and a remark behind it if you like; `-` leaves one out. A tap works too, but the server sees it. In one line: `!rate { $example }`.
rate-statement = **{ $place } of { $count }** – statement { $number }
rate-before = Round { $round }: { $low } at 1–3, { $middle } at 4–6, { $high } at 7–9.
rate-median = Median { $median }, middle half { $lower }–{ $upper }.
rate-own = You rated { $value }.
rate-own-none = You did not rate it.
rate-number = { $value }
rate-answer = { $value } – { $remark }
rate-confirm = Is this right? Answer **yes** in words to record it. To change a number, reply to its statement.
rate-template = **{ $nickname }**, round { $round }: 1 rejects a statement, 9 agrees fully.
rate-line = { $text }
rate-line-rated = { $text } (you: { $value })
rate-reply = Reply to this message with your numbers, like `{ $example }`. Remarks go behind a number.
rate-recorded = Recorded for **{ $nickname }**: { $ratings }
rate-missing = Still to rate: { $statements }
rate-complete = That is all. You can change it with `!rate` until the round is closed.
rate-suggest = Is a statement missing? `!rate suggest …`
rate-suggested = Your statement is noted for **{ $nickname }**. The lead decides whether the next round asks about it; nobody is told that it is yours.
refused-rate-nothing = No open round asks you to rate anything.
refused-rate-which = Several rounds ask you. Begin with the name of the case: { $cases }
refused-rate-yes = Answer **yes** to record it, or reply to a statement to change its number.
refused-rating-twice = Statement { $statement } is there twice. Give it one number.

## The checklist for reports

accord-T1 = name the method in the title
accord-I1 = why a consensus method
accord-I2 = aim, readers and region
accord-I3 = which document this updates, and why
accord-M1 = registration of the protocol
accord-M2 = who directed it, and their expertise
accord-M3 = how raters were chosen, and why so many
accord-M4 = how raters were recruited
accord-M5 = part of patients and public
accord-M6 = where the statements come from
accord-M7 = literature search
accord-M8 = evidence given to raters
accord-M9 = method
accord-M10 = how statements were put
accord-M11 = aim of each round
accord-M12 = what counts as consensus
accord-M13 = whether settled statements came back
accord-M14 = how ratings were collected
accord-M15 = how ratings were processed
accord-M16 = trial run
accord-M17 = feedback to raters
accord-M18 = anonymity
accord-M19 = part of the leaders in decisions
accord-M20 = rewards for taking part
accord-M21 = help for people with disabilities
accord-R1 = when it took place
accord-R2 = what departed from the protocol
accord-R3 = who took part in each round
accord-R4 = results
accord-R5 = statements added or left out
accord-D1 = strengths and limits
accord-D2 = how it fits other literature
accord-O1 = organisations that endorse it
accord-O2 = conflicts of interest
accord-O3 = funding

## The report

report-title = Delphi rounds: { $title }
report-lead = Led by
report-time = Held
report-from-to = { $start } to { $end }
report-definition = What counts as consensus
report-stability = A statement is not asked again once there is consensus, or once fewer than { $percent }% of those who rated it twice have moved: half of the summed differences between the two distributions, divided by the raters (Scheibe, Skutsch and Schofer 1975). All this was set before the first round.
report-results = Results
report-summary = Of { $count ->
        [one] one statement
       *[other] { $count } statements
    }, { $reached } reached consensus and { $against } consensus against it.
report-distribution = Ratings
report-distribution-how = How many of those who count gave each rating, from 1 to 9.
report-remarks = Remarks of the raters
report-rounds = Rounds
report-round-says = Round { $round }: { $sentence }
report-panel = Raters
report-checklist = ACCORD checklist
report-checklist-source = After ACCORD (Gattrell et al. 2024, PLoS Med 21(1):e1004326), in our own words.
report-not-recorded = not recorded
report-number = No.
report-statement = Statement
report-result = Result
report-round = Round
report-agree = At 7–9
report-reject = At 1–3
report-median = Median (middle half)
report-ratings = Ratings
report-remark = Remark
report-opened = Opened
report-closed = Closed
report-statements = Statements
report-invited = Asked
report-rated = Rated
report-response = Response
report-counted = Counted
report-rated-in = Rated in rounds
report-asked = Asked for
report-answer = Answer
report-percent = { $percent }%
report-verdict-for = Consensus
report-verdict-against = Consensus against
report-verdict-open = No consensus
report-verdict-stable = No consensus, stable
report-verdict-few = Too few ratings
accord-answer-M9 = Delphi in { $rounds ->
        [one] one round
       *[other] { $rounds } rounds
    }, in end-to-end-encrypted messages to a program that counts.
accord-answer-M10 = Each statement was rated from 1 (reject) to 9 (agree fully); a remark was possible. In the first round raters could suggest statements.
accord-answer-M13 = Statements with consensus, and stable ones, were not asked again.
accord-answer-M14 = Each rater answered alone, in a private encrypted chat with the program.
accord-answer-M15 = Shares, medians and quartiles (interpolated) were computed by the program; nobody handled single ratings.
accord-answer-M17 = Before rating a statement again, each rater saw how many had given 1–3, 4–6 and 7–9, median and middle half, the remarks without names, and their own last rating.
accord-answer-M18 = Raters knew who else was asked. Ratings and remarks were shown to nobody with a name, not to the lead either.
accord-answer-R1 = See “Rounds”.
accord-answer-R3 = See “Rounds” and “Raters”.
accord-answer-R4 = See “Results” and “Ratings”.
accord-answer-R5 = Suggested by raters: { $suggested }, of which { $taken } entered the second round. No statement was reworded.
accord-answer-O2 = Declared: { $declared }. Whoever had declared one was not asked, or not counted from then on.
accord-answer-O2-none = Nobody declared one.

## Polls

help-group-poll = a quick question: { $verbs }
help-poll = ask everybody in the room a quick question
help-poll-vote = vote in the latest poll, or change your vote
help-poll-close = close the poll and say what came out
help-poll-show = show the latest poll
poll-title = { $question }
poll-choice = { $option }
poll-how = Vote in the poll above, or reply to this with a number. You can change it until the poll is closed; then names are shown.
poll-how-anonymous = Vote in the poll above, or write `!poll vote 1`. You can change it until the poll is closed. I tell no names, but people in the room can see a message that you write here.
poll-voted = Your vote: “{ $option }”. You can change it until the poll is closed.
poll-tapped = You tapped “{ $option }”. A tap is not encrypted, so it does not count yet: reply **yes** to this.
poll-open = Open: { $voted } of { $count } have voted. What they voted is told once it is closed.
poll-result = { $sentence }
poll-turnout = { $voted } of { $count } voted. A poll decides nothing; the outcome does.
consensus-vote = { $count } of { $of } are for “{ $answer }”
consensus-vote-all = all { $of } are for “{ $answer }”
consensus-vote-one = the only vote is for “{ $answer }”
refused-poll-open = A poll is open already. Close it first with `!poll close`.
refused-poll-none = There is no poll here.
refused-poll-closed = This poll is closed.
refused-poll-conflict = You have declared a conflict of interest, so you have no vote here.
refused-poll-option = Vote with a number from 1 to { $maximum }.
refused-poll-many = There were { $maximum } polls here already, and no more fit.
refused-poll-form = A poll is a question and 2 to { $maximum } different options with lines between: `!poll When do we meet? | Tuesday | Thursday`
refused-poll-long = The question of a poll has at most { $question } characters, an option { $option }.
