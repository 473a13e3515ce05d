### The outcome, votes and signatures. `code` in backticks and **strong** are the only markup.

action-amend = amend the outcome

help-outcome-draft = gather the opinions into an outcome; again when they have changed
help-outcome-show = show the outcome as it stands
help-outcome-recommend = add a recommendation, or change one: `!outcome recommend 2 Scan again. strength=strong evidence=low owner=@name due=2 weeks`
help-outcome-template = get all of the outcome as one text to copy, fill in and send back
help-outcome-drop = take a recommendation out: `!outcome drop 2`
help-outcome-alternatives = write what else could be done
help-outcome-evidence = write the evidence that it rests on
help-outcome-trials = write for which trials the patient could be eligible
help-outcome-open = write which questions stay open
help-outcome-followup = write which follow-up is planned
help-outcome-summary = write a summary in plain language for the patient
help-outcome-names = decide before the votes whether dissent bears names
help-outcome-agree = agree with the recommendations, or with one: `!outcome agree 2`
help-outcome-dissent = dissent from them, or from one, with your reason
help-outcome-sign = sign the outcome; the last signature closes the case
help-sign = sign the outcome that the lead has sent out
help-outcome-close = close the case without the signatures that are missing
help-outcome-amend = change a signed outcome: the next version names this one and says why

## The text

outcome-title = Outcome, version { $version }
outcome-amends = Takes the place of a signed outcome, because
outcome-recommendation-none = No recommendation yet.
outcome-line = **Recommendation { $number }**
outcome-proposed = proposed from the opinions
outcome-alternatives = Alternatives
outcome-evidence = Evidence
outcome-trials = Trials
outcome-open-questions = Open questions
outcome-follow-up = Follow-up
outcome-summary = For the patient

strength-strong = strong
strength-conditional = conditional
direction-against = **advised against**
outcome-grade = evidence: { $grade }
grade-high = high
grade-moderate = moderate
grade-low = low
grade-very-low = very low
grade-expert-opinion = expert opinion
outcome-owner = { $name } sees to it
outcome-due = by { $date }
outcome-preference = patient: { $preference }

outcome-agrees = Agrees
outcome-agrees-one = Agrees with { $number }
outcome-dissents = Dissents
outcome-dissents-one = Dissents from { $number }
outcome-votes = Votes given
outcome-agreements = Votes that agree
outcome-silent = Not voted
outcome-anonymous = Dissent is shown without names.
outcome-anonymous-yet = Dissent is shown without names, and only once everybody has voted.
outcome-signed-by = Signed by { $name }
outcome-unsigned = Not signed yet
outcome-waived = Closed without the signature of
outcome-opinions =
    { $count ->
        [one] One opinion was gathered.
       *[other] { $count } opinions were gathered.
    }
outcome-earlier = Signed before, and kept as it was. `!outcome export pdf …` with the number brings the document:
outcome-earlier-one = of { $date }, SHA-256 { $start }…

## The template

outcome-sheet-preamble = { $nickname }, text { $stamp }: copy this, fill in behind the colons, send it to me as a reply. What stays empty stays as it is; - takes it out.
outcome-sheet-line = Recommendation { $number }
outcome-sheet-hint = strength=strong evidence=low owner=name due=2 weeks preference=text
outcome-sheet-long = { $count } characters stay as they are
outcome-sheet-unplaced = These lines belong to no part of the outcome:
outcome-sheet-wrong = Nothing was changed. Please correct this in your text and send it again, as a reply to this message.

## What comes next

outcome-recommend-now = Next, the lead writes the recommendation with `!outcome recommend …`, or fills in all of it with `!outcome template`.
outcome-draft-first = First gather the opinions with `!outcome draft`.
outcome-amend-instead = The outcome is signed. `!outcome amend` and why begins its next version.
outcome-votes-void = The outcome has changed, so the votes given before no longer count.
outcome-signatures-void = The outcome has changed, so the votes and signatures given before no longer count.
outcome-vote-now = Panel: please say `!outcome agree` or `!outcome dissent …`. The lead signs with `!outcome sign`.
outcome-vote-alone = Panel: please say `!outcome agree` or `!outcome dissent …` in your direct chat with me, so that nobody sees who votes how. The lead signs with `!outcome sign`.
outcome-too-few =
    With { $count ->
        [one] one opinion
       *[other] { $count } opinions
    } instead of at least { $minimum } this case will not count in the network’s monitoring. To sign all the same, type `!outcome sign` again.
outcome-signed = Signed. **{ $nickname }** is closed. The outcome follows as a document; the treating clinician decides.
outcome-closed = **{ $nickname }** is closed, by { $name }, without the signature of: { $names }. The outcome follows as a document that says so; the treating clinician decides. `!case reopen` takes the case up again.
outcome-amending = The signed outcome { $before }… stays as it is. Change what has to be changed; then the panel votes, and everybody signs anew.
outcome-close-without = These signatures are missing: { $names }. Close without them with `!outcome close confirm`; the document will name who did not sign.

vote-agrees = Recorded: you agree with version { $version }.
vote-agrees-one = Recorded: you agree with recommendation { $number } of version { $version }.
vote-agrees-unnamed = Recorded without your name: you agree with version { $version }.
vote-dissents = Recorded: you dissent from version { $version }. Your reason stands in the outcome.
vote-dissents-one = Recorded: you dissent from recommendation { $number } of version { $version }. Your reason stands in the outcome.
vote-dissents-unnamed = Recorded: you dissent from version { $version }. Your reason stands in the outcome, your name does not.

sign-waiting = Signed. Version { $version } still needs the signature of { $names }.
sign-how = To sign, read it with `!outcome show`, then type `!sign { $code }`. Signing says that it is recorded as the panel reached it, dissent included.

## Refusals

refused-outcome-none = No outcome has been drafted yet. Begin with `!outcome draft`.
refused-outcome-empty = The outcome has no recommendation yet. Write it with `!outcome recommend`.
refused-outcome-stale = Opinions or the panel have changed since the outcome was gathered. Gather it again with `!outcome draft`: your texts stay, and the panel votes anew.
refused-outcome-text = A text of the outcome has 1 to { $maximum } characters.
refused-outcome-many = An outcome has at most { $maximum } recommendations. Take one out with `!outcome drop …`.
refused-outcome-number = There is no recommendation { $number }. The numbers are: { $numbers }.
refused-outcome-detail = **{ $detail }** takes one of: { $words }.
refused-outcome-owner = I know nobody called { $owner } in this network. Use a name or user name.
refused-outcome-sheet-old = The outcome has changed since that template, so I changed nothing. `!outcome template` gives the present one; your text is still in your message.
refused-outcome-sheet-same = Everything in it is as it was, so nothing was changed. Fill in behind the colons.
refused-outcome-voted = Somebody has voted already, so it stays as it is. A changed text begins the votes anew.
refused-outcome-out-for-signature = The outcome is out for signature. The lead can still change it, which begins the votes anew.
refused-outcome-version = There is no version of that number. There is: { $versions }.
refused-dissent-reason = Please say why you dissent: the reason becomes part of the outcome.
refused-vote-conflict = You have declared a conflict of interest, so your opinion is shown and you do not vote.
refused-vote-alone = Dissent is without names here. Please vote in your direct chat with me, so that nobody sees who votes how.
refused-vote-nowhere = No outcome waits for your vote.
refused-vote-which = You are asked in several cases. Begin with the name of the one you mean: { $names }.
refused-sign-not-asked = Your signature is not needed here.
refused-sign-again = You have signed already.
refused-sign-other = That is the code of another text. Read the outcome with `!outcome show`; it may have changed.
refused-sign-code = Read version { $version } with `!outcome show`, then sign it with `!sign { $start }`.
refused-amend-unsigned = This outcome has not been signed, so it can simply be changed.
refused-waive-nobody = No signature is missing, or nobody has signed yet.
