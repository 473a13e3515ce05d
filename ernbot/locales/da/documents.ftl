### Værdier, hvor de end står, og overskrifter i dokumenter.

value = { $value }
moment = { DATETIME($at, dateStyle: "long") } kl. { DATETIME($at, timeStyle: "short") } UTC

document-outcome-title = Konklusion i sagen { $nickname }
document-outcome-disclaimer = Til drøftelse; den behandlende læge beslutter.
document-outcome-draft = Udkast, version { $version }: ikke underskrevet.
document-network = Netværk
document-nickname = Dæknavn
document-case-id = Sag
document-question = Spørgsmål
document-panel = Panel
document-name = Navn
document-centre = Center
document-country = Land
document-lead = leder
document-not-listed = ikke længere i fortegnelsen
document-opinions = Vurderinger
document-opinion-form = { $form }, skemaversion { $form_version }; vurderingens version { $version }, { $at }
document-opinion-field = Skemaets spørgsmål
document-opinion-answer = Svar
document-no-opinions = Der blev ikke afgivet nogen vurdering.
document-recommendation = Anbefaling
document-not-written = Der blev ikke skrevet noget.
document-agreement = Enighed og uenighed
document-vote-summary = Enige: { $agree }. Uenige: { $dissent }. Ikke stemt: { $silent }.
document-vote = Stemme
document-reason = Begrundelse
document-agrees = Enig
document-dissents = Uenig
document-not-voted = Har ikke stemt
document-no-voters = Der var ingen til at stemme.
document-evidence = Evidens
document-follow-up = Opfølgning
document-signature = Underskrift
document-signed-by = Underskrevet af
document-signed-at = Underskrevet den
document-signed-device = Underskrivende enhed
document-signed-digest = Konklusionens SHA-256
document-monitoring = Monitorering
document-counts = Sagen har { $opinions } vurderinger og tæller med i netværkets monitorering, som kræver { $minimum }.
document-counts-not = Sagen har { $opinions ->
    [one] 1 vurdering
   *[other] { $opinions } vurderinger
} og tæller ikke med i netværkets monitorering, som kræver { $minimum }.
