### Whom to ask: directory, suggestions, invitations, guests. `code` in backticks and **strong** are the only markup.

action-answer-invitation = answer an invitation
action-declare-conflict = declare a conflict of interest
action-admit-guest = bring a guest in

help-who = say whom to ask about a disease or competence, and why: `!who trigonocephaly Germany`
help-panel-suggest = suggest experts with the reasons; then `!panel invite 1 3`
help-panel-remove = take an expert out of the case
help-panel-keep = let an expert with a conflict of interest stay, without a vote
help-panel-guest = bring in a clinician whom no network lists, until a day that you name
help-accept = accept an invitation; coming into the room does it too
help-decline = decline an invitation, or leave a case; your reason is shown in its room
help-conflict = declare a conflict of interest; you neither vote nor rate from then on
help-directory-report = as coordinator, list competences with no or only one reference centre

## Whom to ask

who-title = { $competence }: whom to ask
who-person = { $number }. { $name }, { $centre } ({ $country })
who-reference = reference centre
who-excellence = centre of excellence
who-competence = { $competence }
who-network = of { $network }
who-speaks = speaks { $language }
who-load = { $count ->
        [0] no open case
        [one] one open case
       *[other] { $count } open cases
    }
who-away = **away until { $date }**
who-not-now = **asks not to be invited now**
who-nobody = The directory lists nobody for that. Try it without country or language.
who-references = Reference centres: { $centres }
who-next = In the room of your case, `!panel suggest` does the same, and the numbers there invite.
suggest-title = Suggested: { $competences }
suggest-next = Reply with the numbers to invite, or type `!panel invite 1 3`.
suggest-react = A reaction is not encrypted, so it invites nobody. Type `{ $command }`.
directory-report-title = { $network }
directory-report = { $count ->
        [0] Each of the { $total } competences has at least two reference centres.
       *[other] { $count } of { $total } competences have no or only one reference centre.
    }
directory-report-none = { $competence }: no reference centre; people to ask: { $experts }, in { $countries }
directory-report-one = { $competence }: only { $centre }; people to ask: { $experts }, in { $countries }

## Invitations

invitation = **{ $name }** asks for your opinion in a case of { $network }: **{ $nickname }**. Its room is among your invitations.
invitation-by = The panel’s answer is wanted by **{ $date }**.
invitation-join = By coming into the room you accept.
invitation-accept = Accept with `!accept` or a 👍 here before you give an opinion.
invitation-decline = You cannot? Type `!decline` and the reason here, without a word about a patient. The lead then asks somebody else.
invitation-accepted = Thank you. You are on the panel of **{ $nickname }**.
invitation-declined-yours = You are no longer on the panel of **{ $nickname }**. The lead knows.
invitation-declined = **{ $name }** is not on the panel any more.
invitation-instead = You could ask instead:
invitation-invite = invites them
invited-invited = invited
invited-accepted = accepted
invited-declined = declined
invited-expired = time is over
invited-removed = taken out
invited-observes = listens, without a vote
panelist-accepted = has accepted
panelist-observes = listens, without a vote
panel-away = { $name } is away until { $date }.
panel-not-now = { $name } has asked not to be invited now.
panel-person-of = { $name }, { $centre } ({ $country }), { $network }
panel-guest = { $name }, { $centre } ({ $country }), guest until { $date }: `{ $user }`
panel-gone = { $user }, no longer in the directory. Take them out with `!panel remove { $user }`.
panel-former = { $name }: { $state }
panel-removed = { $name } is no longer in this case. What they said stays.
panel-signing-instead = Who does not sign does not hold you up: `!outcome close`. Or change a line of the outcome first, for example with `!outcome recommend`: votes and signatures begin anew, and the panel can change.
panel-kept = { $name } may listen and answer questions, without a vote.
conflict-recorded = Recorded. You no longer vote or rate here, and your opinion does not count. The lead decides whether you stay to listen.
conflict-recorded-requester = Recorded. You no longer vote or rate here, and your opinion does not count. You brought the case, so you stay in it.
conflict-lead = You lead this panel, so a colleague has to take the lead first: `!case handover` and the name.
conflict-lead-person = asks { $name }
conflict-lead-then = Once they have answered `!lead accept`, write `!conflict` and the reason again. Nothing is recorded yet.
conflict-declared = **{ $name }** has declared a conflict of interest and has no vote any more. Their opinion does not count.
conflict-keep = lets them stay and listen
guest-invited = { $name } is invited as a guest until { $date }.
guest-arrangement = Under: { $arrangement }.
guest-extended = { $name } stays until { $date }.
guest-ended = { $name } is no longer a guest: the time is over. Bring them back with `!panel guest`.

## Refusals

refused-who-unknown = I know no competence or disease “{ $word }”. Try another word or an ORPHA code. Competences: { $competences }
refused-group-unknown = There is no group “{ $word }”. Groups of this network: { $groups }
refused-group-empty = Nobody of the group { $group } can be invited.
refused-too-many-at-once = At most { $maximum } people at once. Begin with those whom you need most.
refused-suggest-for-what = For which competence or disease? For example `!panel suggest cleft`. Competences: { $competences }
refused-suggest-nobody = There is nobody left to suggest. Try another competence, or a guest with `!panel guest`.
refused-suggest-number = { $count ->
        [0] Nothing has been suggested that could be number { $number }. Begin with `!panel suggest`.
       *[other] There is no number { $number } among the { $count } suggested. `!panel suggest` shows them anew.
    }
refused-suggest-stale = Something else was suggested since, so I am not sure whom you mean. Reply to the latest suggestion, or type `!panel suggest`.
refused-expert-in-conflict = { $user } has a conflict of interest in this case and cannot be on its panel.
refused-not-on-panel = This person is not on the panel. `!panel show` lists who is.
refused-requester-stays = The requester stays in the case.
refused-no-conflict = Only somebody who has declared a conflict of interest is kept like this.
refused-invitation-none = You have no open invitation.
refused-invitation-which = You are in several cases: { $cases }. Put the number first: `!decline 1 no time`.
refused-coordinator-only = This is for coordinators of a network.
refused-guest-listed = { $name } is in the directory. Use `!panel invite`.
refused-guest-elsewhere = { $user } has no account at { $server }, and case rooms do not leave it. Ask the helpdesk for an account here.
refused-guest-country = { $network } has no arrangement for clinicians from { $country }. Ask its coordinator.
refused-guest-consent-form = { $arrangement }: the patient has to sign the consent form `{ $form }` first. Record it with `!consent`.
refused-guest-until = A guest stays from today until { $last } at most, not until { $until }.
refused-country-unknown = “{ $word }” is no country that I know. Write its name or its code, such as `UA`.
