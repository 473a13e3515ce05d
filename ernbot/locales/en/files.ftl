### What a file is, and what may be said of it. Numbers are made ready by the caller.

kind-cine = Moving pictures
kind-directory = Index of a medium (DICOMDIR)
kind-document = Document
kind-dose = Radiotherapy dose
kind-encapsulated-document = Document in a DICOM file
kind-encapsulated-model = 3D model in a DICOM file
kind-key-objects = Selection of key images
kind-model = 3D model
kind-photograph = Photograph
kind-picture = Picture
kind-plan = Radiotherapy plan
kind-presentation-state = Presentation state
kind-raw-data = Raw data of the device
kind-report = Structured report
kind-segmentation = Segmentation
kind-series = Series
kind-slide = Whole slide
kind-structure-set = Radiotherapy structure set
kind-unknown = DICOM object
kind-video = Video
kind-waveform = Curves

fact-depth-mm = { $value } mm deep
fact-duration-s = { $value } s
fact-height-mm = { $value } mm high
fact-beams = { $value ->
        [one] one beam
       *[other] { $value } beams
    }
fact-class = { $value }
fact-dose-gy = up to { $value } Gy
fact-fractions = { $value ->
        [one] one fraction
       *[other] { $value } fractions
    }
fact-hidden-texts = { $value ->
        [one] one free text not shown
       *[other] { $value } free texts not shown
    }
fact-images = { $value ->
        [one] one image
       *[other] { $value } images
    }
fact-items = { $value ->
        [one] one item
       *[other] { $value } items
    }
fact-leads = { $value ->
        [one] one lead
       *[other] { $value } leads
    }
fact-left-edge = { $value } at the left edge
fact-left-out = left out because names could not be taken out: { $value }
fact-left-out-archives = archives in the archive left out: { $value }
fact-left-out-broken = damaged files left out: { $value }
fact-levels = { $value ->
        [one] one level
       *[other] { $value } levels
    }
fact-localizers = { $value ->
        [one] one localizer left out
       *[other] { $value } localizers left out
    }
fact-magnification = { $value }×
fact-microns-per-pixel = { $value } µm per pixel
fact-no-overview = it holds no small copy of which an overview can be made
fact-no-pixels = it holds no picture
fact-no-preview = no preview can be made of it
fact-not-in-the-room = what it refers to is not in this room
fact-not-shown = { $value ->
        [one] one more not shown
       *[other] { $value } more not shown
    }
fact-overview-only = only the overview is kept here, not the slide file
fact-pages = { $value ->
        [one] one page
       *[other] { $value } pages
    }
fact-protected = locked with a password, so that it cannot be shown
fact-patients = they belong to { $value } different patients
fact-phases = { $value } phases
fact-rate-fps = { $value } pictures per second
fact-segments = { $value ->
        [one] one segment
       *[other] { $value } segments
    }
fact-series = { $value ->
        [one] one series
       *[other] { $value } series
    }
fact-side-both = both sides
fact-side-left = left side
fact-side-right = right side
fact-slices = { $value } slices
fact-spacing-mm = every { $value } mm
fact-structures = { $value ->
        [one] one structure
       *[other] { $value } structures
    }
fact-thickness-mm = { $value } mm thick
fact-triangles = { $value ->
        [one] one triangle
       *[other] { $value } triangles
    }
fact-truncated = a part is missing
fact-width-mm = { $value } mm wide
fact-uneven = slices are missing or not evenly spaced
fact-unreadable = { $value ->
        [one] one image could not be read
       *[other] { $value } images could not be read
    }
fact-window-center = window centre { $value }
fact-window-estimated = window estimated
fact-window-width = width { $value }

place-top-left = top left
place-top = top
place-top-right = top right
place-left = left
place-middle = middle
place-right = right
place-bottom-left = bottom left
place-bottom = bottom
place-bottom-right = bottom right
