### The life of a case: states, turns, requests, leads. `code` in backticks and **strong** are the only markup.

state-signing = being signed
state-archived = archived
state-erased = erased

action-send-to-signing = send the outcome to be signed
action-back-to-drafting = take the outcome back
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
acting-for = { $name } for { $clinician }

next-renew = The consent to care has to be renewed with `!consent`. Nothing else can be done before.
next-consent = Record the patient’s consent with `!consent`. Nobody else can come in before.
next-decide = The network looks at the request before experts are asked. Scans and photographs can be dropped here meanwhile.
next-answer = Answer the question of the dispatcher with `!case answer …`.
next-declined = The network declined. Try another one with `!case forward …`, or put the case away with `!case archive …`.
next-invite = Drop scans and photographs here, then bring experts in with `!panel invite`.
next-opinion = Each expert gives an opinion with `!opinion`.
next-draft = All opinions are in: gather them with `!outcome draft`.
next-gather = Opinions or the panel have changed: the lead gathers the outcome again with `!outcome draft`.
next-recommend = Write the recommendation with `!outcome recommend`.
next-vote = The panel says `!outcome agree` or `!outcome dissent`, then the lead signs with `!outcome sign`.
next-send = Everybody has voted: sign with `!outcome sign`.
next-sign = Sign the outcome with `!outcome sign`.
next-closed = The outcome is signed. The treating clinician decides.
next-archived = Put away. `!case reopen …` takes it up again.
next-withdrawn = Consent was withdrawn. Nothing is processed any more.
next-erased = What there was is erased for good.

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
refused-lead-already = They lead this case already.
refused-lead-not-offered = Nobody has offered you the lead, or the offer was taken back.
refused-take-over-early = { $name } leads this case, and it is due on { $date }. You can take it over { $days } days after that.
refused-take-over-no-due = { $name } leads this case, and no due date was set. Please talk to them first.
