### Sentences of the bot. `code` in backticks and **strong** are the only markup.

## Our own words

state-draft = waiting for consent
state-open = open
state-assessing = with the experts
state-drafting = outcome being written
state-closed = closed
state-withdrawn = withdrawn

action-create = open a case
action-read = read the case
action-give-consent = record consent
action-withdraw-consent = withdraw consent
action-attach = add a file
action-invite = invite experts
action-give-opinion = give an opinion
action-read-opinions = read the opinions
action-draft-outcome = draft the outcome
action-write-outcome = write the outcome
action-read-outcome = read the outcome
action-vote = vote on the outcome
action-sign = sign the outcome

purpose-care = care
purpose-registry = registry
purpose-contact = contact for research
purpose-images = identifiable images

signer-patient = patient
signer-parent = parent
signer-guardian = guardian

## Refusals: what went wrong and what to do next

refused-no-case = There is no case here that you take part in.
refused-not-yours = Your part in this case does not let you { $action }.
refused-withdrawn = Consent was withdrawn. Nothing in this case is processed any more.
refused-consent-needed = This needs the patient’s consent to care first. Record it with `!consent give`.
refused-wrong-state = You cannot { $action } now. State of the case: { $state }.
refused-network-unknown = You belong to no network of that name. Yours: `{ $networks }`
refused-not-a-clinician = Only clinicians who see patients can open a case in { $network }.
refused-expert-unknown = { $network } does not list { $user }. Ask its helpdesk to add them first.
refused-expert-no-patients = { $user } ({ $centre }) does not see patients and cannot be invited to a case.
refused-expert-is-lead = You lead this panel already and need no invitation.
refused-outcome-none = No outcome has been drafted yet. Begin with `!outcome draft`.
refused-outcome-empty = The outcome has no recommendation yet. Write it with `!outcome recommend`.
refused-outcome-stale = Opinions or the panel have changed since the outcome was gathered. Gather it again with `!outcome draft`: your texts stay, and the panel votes anew.
refused-outcome-text = A text of the outcome has 1 to { $maximum } characters.
refused-dissent-reason = Please say why you dissent: the reason becomes part of the outcome.
refused-no-opinions = Nobody has given an opinion yet, so there is nothing to gather.
refused-question-length = A question has 1 to { $maximum } characters.
refused-consent-future = { $signed } lies in the future. When was the form signed?
refused-consent-expired = A form signed on { $signed } is older than { $years } years. Consent has to be renewed.
refused-consent-form = A form version is up to 32 letters, digits, dots and dashes, for example `2.1`.
refused-consent-language = A language is a code such as `en` or `da`.
refused-consent-not-given = There is no consent to withdraw: { $purpose }.
refused-answer-choice = **{ $field }** takes one of: { $options }.
refused-answer-choices = **{ $field }** takes one or more, with commas between, of: { $options }.
refused-answer-scale = **{ $field }** takes a whole number from { $minimum } to { $maximum }.
refused-answer-quantity = **{ $field }** takes a number: { $range }.
refused-answer-code = **{ $field }** takes a code: { $systems }.
refused-answer-text = **{ $field }** takes a text of 1 to { $maximum } characters.
refused-answer-unknown = The form has no field { $field }. Its fields are: { $fields }.
refused-answer-missing = Still missing: { $field }.
