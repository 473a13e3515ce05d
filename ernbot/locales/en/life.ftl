### The life of a case: states, turns, requests, leads. `code` in backticks and **strong** are the only markup.

state-signing = being signed
state-archived = archived
state-erased = erased

action-send-to-signing = send the outcome to be signed
action-back-to-drafting = close the case with signatures missing
action-describe = describe the case
action-plan = set the due date
action-hand-over = hand over the lead
action-take-lead = take the lead
action-take-over = take the case over
action-forward = forward the case
action-triage = decide on this request
action-answer-triage = answer the dispatcher
action-reopen = reopen the case
action-archive = archive the case
action-erase = erase the case

## The card

card-urgent = **Urgent**
card-by = By
card-day = { $date }
card-overdue = { $date }, which has passed
card-dispatchers = the dispatchers of { $network }
card-why = **Why it is presented**
card-new = **What is new**
card-brought-by = Brought by
card-lead = Lead
card-assists = acts for { $names }
card-no-patient = A general question, without a patient: no files and no consent.
card-consent-given-by = given on { $date } by { $signer }, form { $version } (recorded by { $name } for { $clinician })
card-consent-expired-by = given on { $date } by { $signer }, form { $version } (recorded by { $name } for { $clinician }): to be renewed
acting-for = { $name } for { $clinician }

next-renew = The consent to care has to be renewed with `!consent`. Nothing else can be done before.
next-consent = Record the patient’s consent with `!consent`. Nobody else can come in before.
next-decide = The network looks at the request before experts are asked. Scans and photographs can be dropped here meanwhile.
next-answer = Answer the question of the dispatcher with `!case answer …`.
next-declined = The network declined. Try another one with `!case forward …`, or archive the case with `!case archive …`.
next-invite = Drop scans and photographs here, say why you present the case with `!case why …`, then bring experts in with `!panel invite`.
next-invite-told = Bring people in with `!panel invite`; `!panel suggest` says whom.
next-opinion = Each expert gives an opinion with `!opinion`.
next-reveal = All opinions are in: open them with `!reveal`, or ask somebody else first.
next-draft = All opinions are in: gather them with `!outcome draft`.
next-gather = Opinions or the panel have changed: the lead gathers the outcome again with `!outcome draft`.
next-recommend = Write the recommendation with `!outcome recommend`.
next-vote = The panel says `!outcome agree` or `!outcome dissent`, then the lead signs with `!outcome sign`.
next-send = Everybody has voted: sign with `!outcome sign`.
next-sign = Sign the outcome with `!outcome sign`.
next-closed = The outcome is signed. The treating clinician decides.
next-archived = Archived. `!case reopen …` takes it up again.
next-withdrawn = Consent was withdrawn. Nothing is processed any more. `!case erase` in your direct chat with me erases what was kept.
next-erased = The case is erased for good.

## Refusals

refused-personal = An assistant cannot { $action } for somebody. { $name } has to do it.
refused-erased = This case was erased. Nothing of it is left.
refused-no-patient = This is a general question without a patient, so there is no consent to record. Open a case for a patient with `!case new`.
refused-no-patient-files = This is a general question without a patient, so no files are kept here. Open a case for the patient with `!case new`, and drop them there.
refused-request-waits = { $network } has not accepted this request yet. Experts can be invited as soon as it has.
refused-request-decided = This request does not wait for you any more: { $name } was faster.
refused-request-asked = The requester was asked something and has not answered yet. Accept, decline or forward, or wait for the answer.
refused-request-not-asked = Nobody has asked anything that waits for an answer.
refused-reason-length = Please say why, in 1 to { $maximum } characters.
refused-background-length = A text has 1 to { $maximum } characters.
refused-due = “{ $text }” is no day that I understand. Write it like `2026-03-31`, `31.3.` or `2 weeks`.
refused-due-past = { $date } has passed. Choose a day to come.
refused-due-far = { $date } is more than { $days } days away. Choose an earlier day.
refused-lead-already = Nothing to do: that is who leads this case already.
refused-lead-not-offered = Nobody has offered you the lead, or the offer was taken back.
refused-take-over-early = { $name } leads this case, and it is due on { $date }. You can take it over { $days } days after that.
refused-take-over-no-due = { $name } leads this case, and no due date was set. Please talk to them first.
refused-case-name = Which case? Write its name, for example `Amber Heron 412`, or only its number.
refused-case-unknown = I know no case called “{ $name }” in which you could do this.
refused-case-ambiguous = Several cases are called “{ $name }”. Write the whole name.
refused-person-one = Whom do you mean? Write the name of one person of { $network }.
refused-assist-whom = For whom do you open this case? Add `for=` and the name. You assist: { $names }
refused-forward-network = To which network? There are: { $networks }
refused-forward-pending = { $network } was asked to take this case and has not decided yet.

## Opening

on-behalf = { $name } for { $clinician }:
question-created = Your question **{ $nickname }** is open. I have invited you to its room. Bring people in with `!panel invite`; everybody of the network may come, also patient representatives and researchers.
consent-request-waits = Care is covered, and the network has been told of your request. Meanwhile you can drop files here.
help-case-new = open a case with one clear question; alone, it asks you for all of it
ask-case-network = **To which network does the case go?**
ask-case-question = **What is your question?** One clear sentence, and never who the patient is. `!cancel` leaves.
ask-case-why = **Why do you present it?** For example a second opinion, or a rare finding.
ask-case-new = **What is new since it was last discussed?**
answer-case-network = Network
answer-case-question = Question
answer-case-why = Why it is presented
answer-case-new = What is new
refused-dialogue-busy = Something else is unfinished here. Finish it, or throw it away with `!cancel`; or open the case in one line.
help-question-new = ask a general question, without a patient: no consent, no files
help-case-why = say why the case is presented
help-case-news = say what is new in it
help-case-due = say by when the panel answers: `2 weeks`, `31.3.`, `2026-03-31`, or `none`
help-case-urgent = mark the case as urgent and tell those who must act; `off` takes it back
help-case-answer = answer what a dispatcher asked you
case-described = Noted. It stands on the card.
case-due = The case is due on { $date }. It stands on the card.
case-due-none = The case has no due date.
case-urgent = Marked as urgent. Those who must act have been told so.
case-urgent-due = By when? Say it with `!case due …`.
case-urgent-off = The case is no longer urgent.
case-urgent-yours = The case **{ $nickname }** is urgent and waits for you. Please open its room.

## The lead

help-case-handover = offer the lead to a colleague; you stay in the panel
help-lead-accept = take the lead that you were offered
help-lead-decline = leave the lead where it is
help-case-takeover = as coordinator, lead a case whose lead is gone or silent long past its due date
lead-offered = { $name } was asked to lead this case and answers with `!lead accept` or `!lead decline`. Until then nothing changes.
lead-offered-yours = { $name } asks you to lead the case **{ $nickname }**. Answer with `!lead accept` or `!lead decline` in its room, which is among your invitations if you are not in it yet.
lead-taken = { $name } leads this case now. { $before } stays in the panel.
lead-consent-stays = Consent stays with { $requester }, whose hospital holds the form.
lead-consent-moves = Both work at the same hospital, so { $requester } looks after the consent from now on.
lead-declined = { $name } does not take the lead. Nothing has changed; `!case handover` asks somebody else.
takeover-gone = { $name } coordinates the network and leads this case now, because { $before } is no longer in the directory.
takeover-silent = { $name } coordinates the network and leads this case now, because it is long past its due date. { $before } stays in the panel.
takeover-next = A new due date is set with `!case due …`.
takeover-yours = { $name } has taken over the lead of your case **{ $nickname }**, because it is long past its due date. You stay in the panel.
takeover-done = You lead **{ $nickname }** now. Its room is among your invitations.

## Requests

help-case-forward = bring the case to another network; first I say who would leave
help-triage = list the requests that wait for your network
help-triage-show = show the question of a request
help-triage-accept = let a request in
help-triage-ask = ask the requester something first
help-triage-forward = send a request on to another network, with the reason
help-triage-decline = turn a request down, with the reason
verdict-waiting = waiting
verdict-asked = waiting for an answer of the requester
verdict-urgent = **urgent**
triage-none = No request waits for you.
triage-title = These requests wait for you:
triage-line = **{ $nickname }**, { $network }, since { $date }: { $state }
triage-how = `!triage show { $number }` shows the question, `!triage accept { $number }` accepts. Otherwise `ask`, `forward` or `decline`, the number, and what you want to say.
triage-how-here = `!triage accept { $number }` accepts. Otherwise `ask`, `forward` or `decline`, the number, and what you want to say.
triage-said = { $name }, { $date }:
triage-accepted = **{ $nickname }** is accepted. Its requester has been told.
triage-asked = Your question stands in the room of **{ $nickname }**. I tell you when it is answered.
triage-declined = **{ $nickname }** is declined. Its requester has been told.
triage-forwarded = **{ $nickname }** was sent on to { $network }. Its requester has been told.
request-waiting = A request to { $network } waits for you: **{ $nickname }**. `!triage show { $number }` shows the question.
request-waiting-urgent = An **urgent** request to { $network } waits for you: **{ $nickname }**. `!triage show { $number }` shows the question.
request-accepted = { $name } has accepted the request for { $network }. Bring experts in with `!panel invite`.
request-asked = { $name } asks for { $network }, before deciding:
request-declined = { $name } has declined the request for { $network }:
request-forwarded = { $name } has sent the request on to { $network }:
request-answered = Your answer was passed on.
request-is-answered = The requester has answered what was asked: **{ $nickname }**, { $network }. `!triage show { $number }` shows the answer.
request-back = { $by } has declined **{ $nickname }**, so the request waits for { $network } again. `!triage show { $number }` shows the reason.
forward-before = The case would move to { $network } at once. Consent stays as it is.
forward-before-asking = You do not belong to { $network }, so its dispatchers decide whether they take the case; they see the question. Nothing moves before, and consent stays as it is.
forward-leave = Would leave, because they do not belong to it
forward-nobody-leaves = Nobody leaves.
forward-confirm = To do it, write `!case forward { $network } confirm`.
forward-asked = { $network } was asked. I say here what they decide.
forward-done = The case belongs to { $network } now.

## The end

help-case-archive = archive the case; with a reason when there is no signed outcome
help-case-reopen = take a closed case up again and say what is new
help-case-erase = erase a case for good after a withdrawal or in the archive
card-panel = Asked again
case-archived = Archived. `!case reopen …` takes it up again, `!case erase` erases it for good.
case-reopened = The case is open again.
case-reopened-panel = The case is open again, and the panel is asked anew. Earlier opinions are kept.
erase-before = This erases **{ $nickname }** for good: question, consent, files, opinions and outcome can never be read again by anybody, and the room is emptied. What people have saved on their own devices stays there. That there was a case, and who did what when, stays in the audit.
erase-confirm = To do it, write `!case erase { $nickname } confirm`.
erase-done = **{ $nickname }** is erased. Nothing of it can be read any more.
erase-notice = { $name } has erased the case **{ $nickname }** for good. There is nothing that you must do.
help-group-lead = the lead of the panel: { $verbs }
help-group-triage = requests to your network: { $verbs }
help-group-question = a general question: { $verbs }
