### Values, wherever they stand, and headings of documents.

value = { $value }
moment = { DATETIME($at, dateStyle: "long") }, { DATETIME($at, timeStyle: "short") } UTC

document-outcome-title = Outcome of case { $nickname }
document-outcome-disclaimer = For discussion; the treating clinician decides.
document-outcome-draft = Draft, version { $version }: not signed.
document-network = Network
document-nickname = Nickname
document-case-id = Case
document-question = Question
document-panel = Panel
document-name = Name
document-centre = Centre
document-country = Country
document-lead = lead
document-not-listed = no longer listed
document-opinions = Opinions
document-opinion-form = { $form }, form version { $form_version }; opinion version { $version } of { $at }
document-opinion-field = Question of the form
document-opinion-answer = Answer
document-no-opinions = No opinion was given.
document-recommendation = Recommendation
document-not-written = Nothing was written.
document-agreement = Agreement and dissent
document-vote-summary = { $agree } agree, { $dissent } dissent, { $silent } have not voted.
document-vote = Vote
document-reason = Reason
document-agrees = Agrees
document-dissents = Dissents
document-not-voted = Has not voted
document-no-voters = There was nobody to vote.
document-evidence = Evidence
document-follow-up = Follow-up
document-signature = Signature
document-signed-by = Signed by
document-signed-at = Signed at
document-signed-device = Signing device
document-signed-digest = SHA-256 of the outcome
document-monitoring = Monitoring
document-counts = This case has { $opinions } opinions and counts in the monitoring of the network, which asks for { $minimum }.
document-counts-not = This case has { $opinions ->
    [one] 1 opinion
   *[other] { $opinions } opinions
} and does not count in the monitoring of the network, which asks for { $minimum }.
