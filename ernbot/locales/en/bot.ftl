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
action-invite = change the panel
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

## Verification by emoji

verification-compare = Compare with your screen. I see, in this order:
verification-emoji = { $symbol } { $name }
verification-numbers = { $first } – { $second } – { $third }
verification-decide = If your screen shows the same in the same order, press **They match**. Otherwise press **They don’t match** and tell your helpdesk.
verification-done = Done: your client knows for certain that it is me, and I have signed your identity.
verification-mismatch = The emoji did not match. Somebody may have come between us: write nothing more here and tell your helpdesk.
verification-keys-differ = The verification failed: your client proved other keys than those I know of you. Try once more, and tell your helpdesk if it fails again.
refused-verify-identity-changed = I cannot verify you, because your identity has changed since I first saw it. Ask a coordinator to confirm the new one first.
verification-too-late = The verification took longer than { $minutes } minutes and was given up. You can begin again at any time.
verification-cancelled = The verification was given up, and nothing has changed. You can begin again at any time.
refused-verify-not-direct = I can be verified in our direct chat only. Please open it and press **Verify** there.

emoji-dog = Dog
emoji-cat = Cat
emoji-lion = Lion
emoji-horse = Horse
emoji-unicorn = Unicorn
emoji-pig = Pig
emoji-elephant = Elephant
emoji-rabbit = Rabbit
emoji-panda = Panda
emoji-rooster = Rooster
emoji-penguin = Penguin
emoji-turtle = Turtle
emoji-fish = Fish
emoji-octopus = Octopus
emoji-butterfly = Butterfly
emoji-flower = Flower
emoji-tree = Tree
emoji-cactus = Cactus
emoji-mushroom = Mushroom
emoji-globe = Globe
emoji-moon = Moon
emoji-cloud = Cloud
emoji-fire = Fire
emoji-banana = Banana
emoji-apple = Apple
emoji-strawberry = Strawberry
emoji-corn = Corn
emoji-pizza = Pizza
emoji-cake = Cake
emoji-heart = Heart
emoji-smiley = Smiley
emoji-robot = Robot
emoji-hat = Hat
emoji-glasses = Glasses
emoji-spanner = Spanner
emoji-santa = Santa
emoji-thumbs-up = Thumbs Up
emoji-umbrella = Umbrella
emoji-hourglass = Hourglass
emoji-clock = Clock
emoji-gift = Gift
emoji-light-bulb = Light Bulb
emoji-book = Book
emoji-pencil = Pencil
emoji-paperclip = Paperclip
emoji-scissors = Scissors
emoji-lock = Lock
emoji-key = Key
emoji-hammer = Hammer
emoji-telephone = Telephone
emoji-flag = Flag
emoji-train = Train
emoji-bicycle = Bicycle
emoji-aeroplane = Aeroplane
emoji-rocket = Rocket
emoji-trophy = Trophy
emoji-ball = Ball
emoji-guitar = Guitar
emoji-trumpet = Trumpet
emoji-bell = Bell
emoji-anchor = Anchor
emoji-headphones = Headphones
emoji-folder = Folder
emoji-pin = Pin
