### What the commands say. `code` in backticks and **strong** are the only markup.

## The way in

greeting = Hello { $name }. Here you bring a rare case to the experts of your network. What you can do here:
greeting-networks = Your networks:
greeting-secrecy = Never write here who a patient is: no name, no birth date, no national number.
greeting-without-cases = Hello { $name }. Cases are opened by clinicians who see patients, so you cannot open one here. What you can do here:
greeting-unknown = Hello. No network lists you yet, so there is nothing that you can do here. Please ask the helpdesk of your network for access.
network-name = { $name }
help-title = What you can do here
help-more = The helpdesk of your network helps you in person.
help-doubted = I am not sure enough yet that it is you, so some things are missing here. `!identity` in your direct chat with me says what to do.
help-now = `!help` lists what you can do now.
help-help = list what you can do here
help-language = choose the language that I speak to you: `en` or `da`
help-identity = show by which fingerprints you and I know each other
help-identity-confirm = as coordinator, confirm somebody’s new encryption identity once you have talked to them
help-case-show = show the card of this case
help-consent = record the patient’s consent, question by question
help-consent-give = record it in one line: `!consent give care,images form=2.1 lang=da signer=parent signed=2026-03-31`
help-consent-withdraw = withdraw a consent (`care`, `registry`, `contact`, `images`); without `care` the panel is dissolved at once
help-panel-invite = bring experts in, by name or by competence, one or several
help-panel-show = list who was asked
help-opinion = give or revise your opinion: in one line, or alone, question by question
help-opinion-show = show every expert’s latest opinion
help-cancel = leave the questions that are open
language-set = I speak English to you from now on.
usage = Type it like this: `{ $usage }`
not-a-command = I answer commands. `!help` lists what you can do here.

## Cases and their card

case-created = Your case **{ $nickname }** has a room of its own, and you are invited to it. Go on there: first with the consent, `!consent`.
card-title = { $nickname }
card-question = **Question**
card-network = Network
card-state = State
card-requester = Requester and lead
card-consent = Consent: { $purpose }
card-consent-none = not recorded
card-consent-given = given on { $date } by { $signer }, form { $version }
card-consent-expired = given on { $date } by { $signer }, form { $version }: to be renewed
card-consent-withdrawn = withdrawn on { $date }
card-expert = { $name }
card-must-act = Who must act
card-next = Next step
card-nobody = nobody
panelist-asked = asked
panelist-answered = has given an opinion

## Consent

consent-recorded = Recorded. The paper stays with you at the hospital.
consent-care-covered = Care is covered: you can drop files here and bring experts in with `!panel invite`.
consent-care-missing = Care is not covered yet, so nobody else can come in.
consent-case-goes-on = The case itself goes on.
consent-withdrawn = Consent to { $purpose } is withdrawn from now on.
withdrawal-done =
    Consent to care was withdrawn for **{ $nickname }**. { $count ->
        [0] Nobody else was in the room, and it is closed.
        [one] One expert was removed, and the room is closed.
       *[other] { $count } experts were removed, and the room is closed.
    }
withdrawal-removed = Removed
withdrawal-stopped = Nothing in this case is processed any more, and what was on its way was stopped.
withdrawal-not-recalled = What members have already read or saved on their devices cannot be recalled.
withdrawal-tell-patient = Please tell the patient so.
withdrawal-notice = I tell you this as coordinator of { $network }. There is nothing that you must do.
withdrawal-photographs =
    { $count ->
        [0] There were no photographs in the room.
        [one] I have taken one photograph out of the room. What members have already seen or saved cannot be recalled.
       *[other] I have taken { $count } photographs out of the room. What members have already seen or saved cannot be recalled.
    }
ask-consent-purposes = **What did the patient consent to?**
ask-consent-form = **Which version of the consent form was signed, as printed on it?**
ask-consent-lang = **In which language is the form?** For example `en` or `da`.
ask-consent-signer = **Who signed it?**
ask-consent-signed = **On which day was it signed?** For example `2026-03-31`.
answer-consent-purposes = Consent to
answer-consent-form = Form version
answer-consent-lang = Language of the form
answer-consent-signer = Signed by
answer-consent-signed = Signed on

## Questions one by one

dialogue-opening = { $count } questions. Answer here in the thread or by reply; numbered reactions work too. `!cancel` leaves. In one line: `{ $usage }`.
dialogue-opening-direct = { $count } questions. Just write your answers here; numbered reactions work too. `!cancel` leaves. In one line: `{ $usage }`.
dialogue-opening-sealed = { $count } questions. Just write your answers here; reactions do not count, because they are not encrypted. `!cancel` leaves. In one line: `{ $usage }`.
dialogue-question = **{ $question }**
dialogue-option = { $label }
dialogue-hint-choices = Several are possible: `1, 2`.
dialogue-hint-scale = A whole number from { $minimum } to { $maximum }.
dialogue-hint-quantity = A number: { $range }
dialogue-hint-code = A code: { $systems }
dialogue-hint-optional = `-` leaves this out, `done` all the rest.
dialogue-confirm = Is this right? Answer **yes** in words to record it: a reaction is not enough, because it is not encrypted. To change an answer, reply to its question. `!cancel` throws it all away.
dialogue-changed = Changed:
cancel-done = Nothing was recorded.
cancel-nothing = There is nothing to cancel.
draft-gone-withdrawn = **{ $nickname }** was withdrawn, so what you had begun to fill in for it is gone. There is nothing left for you to do.
draft-gone-archived = **{ $nickname }** was archived, so what you had begun to fill in for it is gone. There is nothing left for you to do.
draft-gone-erased = **{ $nickname }** was erased, so what you had begun to fill in for it is gone. There is nothing left for you to do.

## Files

file-size = { $width } × { $height }
file-frames = { $frames ->
        [one] one frame
       *[other] { $frames } frames
    }
file-lossy = Compressed with loss.
file-not-for-diagnosis = For discussion, not for primary diagnosis.
file-viewer = Full viewer: { $url }
file-film = { $kind } as a film.
file-announced = { $kind }, preview follows.
file-film-announced = { $kind }, film follows.
file-removed = { $count ->
        [one] I have taken the file out of the room.
       *[other] I have taken the { $count } files out of the room.
    }
file-kept = { $count ->
        [one] The file itself stays in the room.
       *[other] The { $count } files themselves stay in the room.
    }
file-names = { $count ->
        [one] This file tells who the patient is: { $kinds }.
       *[other] These { $count } files tell who the patient is: { $kinds }.
    }
file-unchecked = { $count ->
        [one] One file in this archive cannot be searched for names, so the archive must not stay.
       *[other] { $count } files in this archive cannot be searched for names, so the archive must not stay.
    }
file-copy-rest = A copy with the other files follows.
file-copy-instead = { $count ->
        [one] A copy without these follows.
       *[other] Copies without these follow.
    }
file-label = { $count ->
        [one] This slide file holds the picture of its label, which I cannot take out of it. For zooming, please export it as SVS or DICOM.
       *[other] These { $count } slide files hold pictures of labels, which I cannot take out of them. For zooming, please export them as SVS or DICOM.
    }
file-overview-instead = { $count ->
        [one] An overview without the label follows.
       *[other] Overviews without the labels follow.
    }
file-ask-overview = { $count ->
        [one] Shall I post an overview without the label? Answer **yes** or **no**. After a day I forget the question.
       *[other] Shall I post overviews without the labels? Answer **yes** or **no**. After a day I forget the question.
    }
file-ask-copy = Shall I post a copy without these? Answer **yes** or **no**. After a day I forget the question.
file-writing = { $count ->
        [one] I see writing in this file, or could not look everywhere in it.
       *[other] I see writing in these { $count } files, or could not look everywhere in them.
    }
file-writing-where = Where I see it in the picture:
file-ask-writing = Look at it on your own screen: does it name the patient? Answer **no**, and I post it; answer **yes**, and I do not. After a day I forget the question.
file-question-not-yours = Only { $name }, who sent the file, can answer this.
file-question-yes-or-no = Please answer **yes** or **no**.
file-question-expired = { $count ->
        [one] Nobody answered my question about a file, so I have not posted it. Please drop it again if it is still needed.
       *[other] Nobody answered my question about { $count } files, so I have not posted them. Please drop them again if they are still needed.
    }
file-dropped = { $count ->
        [one] The file is not posted.
       *[other] The { $count } files are not posted.
    }
file-copy-follows = { $count ->
        [one] The file follows in a moment.
       *[other] The { $count } files follow in a moment.
    }

## The panel

panel-invited = Invited:
panel-person = { $name }, { $centre } ({ $country })
panel-already = They have been invited already. Whoever is not here gets the invitation once more.
panel-after-draft = The outcome was drafted without them: gather it again with `!outcome draft` before you sign.
panel-title = The panel
panel-empty = Nobody has been invited yet. Use `!panel invite`.
panel-not-reached = { $name } could not be invited: the homeserver does not know this account. Please tell the helpdesk.

## Opinions

opinion-recorded = Your opinion is recorded. Give it again with `!opinion` to revise it; every version is kept.
opinion-revised = Your opinion is recorded as version { $version }. Earlier versions are kept.
opinion-after-draft = The outcome was drafted before: the lead gathers it again with `!outcome draft`.
opinion-by = { $name }, version { $version }, { $date }

## Identities

identity-bot = My fingerprint
identity-yours = Your fingerprint
identity-unchanged = Yours is the one that I have known since I first saw it, or since it was confirmed.
identity-verified = You and I have compared emoji.
identity-coordinators = Coordinators of your networks
identity-until-confirmed = Until a coordinator of the network has confirmed the new identity, I take no consent, vote or signature that comes with it.
identity-changed-notice = The encryption identity of **{ $name }** changed on { $date }. This happens with a new device and no recovery key, but also when somebody else has taken over an account. Please ask { $name } in person before you rely on what is written in this name.
identity-changed-yours = Your encryption identity changed on { $date }. If you have reset it yourself, call a coordinator of your network and read the beginning of your new fingerprint to them: `{ $start }`. They confirm it by writing `!identity confirm { $user } { $start }` to me. If it was not you, somebody else is in your account: tell the helpdesk at once.
identity-changed-coordinator = The encryption identity of **{ $name }** changed on { $date }. Please call { $name } on a number that you know. If it was their own doing, let them read the beginning of their new fingerprint to you, which `!identity` shows to them, and write it to me behind `!identity confirm { $user }`. If it was not, tell the administrator at once.
identity-confirmed = Confirmed. I take the new encryption identity of **{ $name }** for theirs from now on.
identity-confirmed-notice = The new encryption identity of **{ $name }** was confirmed by { $by }.
identity-confirmed-yours = Your new encryption identity was confirmed by { $by }. You can go on as before.
confirmed-by-administrator = the administrator

## What the bot says about rooms and devices

room-not-encrypted = I only work in encrypted rooms. Please turn on encryption in the settings of this chat, or start a new encrypted chat with me.
no-verified-device = Hello. I talk only to devices that you have verified yourself, and none of yours is: please set up verification (recovery key) in the security settings of your client, then write `!help` here.
unexpected = Something went wrong (ref { $ref }). Nothing was changed. Please try again, or tell the helpdesk the reference.
unreadable = I could not read your message, because your device has not sent me its key. Please send it again; if that does not help, log out and in again.
unreadable-withheld = I could not read your message: your app does not give my device its key. Verify me, or allow messages to devices that you have not verified, and send it again.
late = Your message could only be read now, because its key came late. I did nothing with it: it is old, or you have written since. Please send it again if it still counts.

## Refusals of the conversation

refused-person-unknown = No network lists you. Please ask the helpdesk of your network for access.
refused-not-in-a-case-room = This works in the room of a case only. `!case new` opens one, in your direct chat with me.
refused-not-in-a-direct-chat = This works in your direct chat with me only, not in a case room.
refused-command-unknown = I do not know `{ $command }`. Did you mean `{ $nearest }`?
refused-command-incomplete = `{ $command }` needs one more word: { $words }.
refused-answer-required = **{ $field }** cannot be left out.
refused-answer-twice = `{ $field }` is there twice. Give it once.
refused-date = “{ $text }” is no date. Write it like `2026-03-31`, or day first like `31.3.2026`.
refused-dialogue-yes = Answer **yes** to record it, or `{ $prefix }cancel` to throw it away.
refused-opinion-line = I cannot tell which question each word answers. In one line: `{ $usage }`. Or type `!opinion` alone, and I ask.
refused-expert-or-competence = “{ $word }” is neither a person nor a competence of this network. Its competences: { $competences }
refused-person-meant = “{ $word }” is no whole name. Did you mean { $names }? Type the whole name or the user name.
refused-competence-empty = All experts for { $competence } have been invited already, or the network has none.
refused-images-consent = A photograph, a surface or a head scan can show who the patient is. Record consent to identifiable images first: `!consent give images …`
refused-language-unknown = I speak: { $languages }
refused-device-unsigned = I cannot take this from your device { $device }: it has not been verified by you. Verify it in your client (Settings → Sessions) with another device or your recovery key, then send the message again.
refused-device-unknown = I cannot tell which of your devices sent this. Please send it again from a verified device.
refused-identity-changed = Your encryption identity changed on { $date }, and nobody has confirmed yet that this was you. Call a coordinator of your network: they confirm it by writing `!identity confirm { $user } { $start }` to me.
refused-identity-unverified = You and I have to compare emoji first. Open my profile in your direct chat with me and press **Verify**.
refused-identity-not-coordinator = Only a coordinator of a network can confirm somebody’s identity.
refused-identity-person = No network that you coordinate lists { $person }.
refused-identity-own = Nobody confirms their own identity. Ask another coordinator of your network, or the administrator.
refused-identity-unknown = I have not seen any encryption identity of { $name } yet, so there is nothing to confirm.
refused-identity-unchanged = The encryption identity of { $name } has not changed, so there is nothing to confirm.
refused-identity-none = { $name } has no encryption identity now. They have to set one up first, in the security settings of their client.
refused-identity-fingerprint = The new fingerprint of { $name } does not begin like this. Let them read its first { $count } characters to you: `!identity` shows it to them. If they did not reset their identity themselves, confirm nothing and tell the administrator.
refused-key-unproven = I could read this, but its key comes from a backup and does not prove that it is from you. Please send it again.
refused-not-direct = Others are in this room, and it is no case, so I take no commands here. Write to me alone, in an encrypted chat.

## Refusals of files

refused-file-empty = This file is empty. Please export it again and drop it here once more.
refused-file-too-large = This file is larger than { $limit_mb } MB. Please export fewer or smaller pictures.
refused-file-unknown = I show DICOM files, slides, photographs, PDF documents and STL models. This file is none that I know, so there is no preview.
refused-file-lies = This file calls itself { $claimed } but is { $found }. Please export it again.
refused-file-names-patient = This file tells who the patient is: { $kinds }. Please export it de-identified, or let `ernbot deidentify` make a copy, and drop it here again.
refused-file-unsupported = { $syntax ->
        [TIFF] The pixels of this slide are packed in a way that I cannot read. Please export it as SVS or DICOM, and drop it here again.
       *[other] The pictures in this file are packed in a way that I cannot read: { $syntax }. Please export it uncompressed or as JPEG 2000.
    }
refused-file-slide-export = { $maker ->
        [unknown] I do not know the scanner of this slide, so I can neither show it nor take out the picture of its label.
       *[other] This is a { $maker } slide. I can neither show it nor take out the picture of its label.
    } Please export it as SVS or DICOM, without the label, and drop it here again.
refused-file-overview-only = This slide file holds the picture of its label, which I cannot take out of it. Please export it as SVS or DICOM, without the label, and drop it here again.
refused-file-slide-part = { $maker ->
        [MIRAX] This is only a part of a MIRAX slide. Please put the .mrxs file and the whole folder beside it into one zip, and drop that here. Or export the slide as SVS or DICOM, without its label.
       *[other] This is only a part of a Hamamatsu slide. Please put the .vms or .vmu file and all files beside it into one zip, and drop that here. Or export the slide as SVS or DICOM, without its label.
    }
refused-archive-slide-alone = This archive holds a slide and something else. Please send each slide in a zip of its own, with nothing else in it.
refused-archive-inside = This archive holds nothing but other archives, and I do not open those. Please unpack them, and send the pictures in one archive.
refused-archive-locked = This archive is locked with a password. The room is encrypted: please send it without one.
refused-archive-unchecked = { $count ->
        [one] One file in this archive cannot be searched for names: it is damaged, an archive itself, or of a kind that I do not know. Please send the pictures without it.
       *[other] { $count } files in this archive cannot be searched for names: they are damaged, archives themselves, or of a kind that I do not know. Please send the pictures without them.
    }
refused-archive-unsafe = This archive could hide or overwrite files where it is unpacked. Please make a new one from the folder with the pictures.
refused-file-too-complex = This file would take too much time or memory to show. Please export fewer or smaller pictures.
refused-file-broken = This file is damaged or incomplete. Please export it again and drop it here once more.
refused-file-unreadable = I could not open this attachment: it is gone, or its keys do not fit. Please send it once more.
refused-deid-incomplete = Something that I removed from this file still stands elsewhere in it: { $kinds }. So I keep the whole file back. Please export it de-identified.
refused-deid-document = This file holds a document, and names may stand anywhere in it. Please take them out by hand, and drop it here again.
refused-deid-directory = This is only the index of a CD or folder of scans. Please drop the scans themselves here.
refused-file-failed = I tried three times to look at this and did not succeed. Please export it again, or drop fewer files at once.
