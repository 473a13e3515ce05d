### What a file is, and what may be said of it. Numbers are made ready by the caller.

kind-cine = Levende billeder
kind-directory = Indeks over et medie (DICOMDIR)
kind-document = Dokument
kind-dose = Stråledosis
kind-encapsulated-document = Dokument i en DICOM-fil
kind-encapsulated-model = 3D-model i en DICOM-fil
kind-key-objects = Udvalg af nøglebilleder
kind-model = 3D-model
kind-photograph = Fotografi
kind-picture = Billede
kind-plan = Stråleplan
kind-presentation-state = Præsentationstilstand
kind-raw-data = Rådata fra apparatet
kind-report = Struktureret svar
kind-segmentation = Segmentering
kind-series = Serie
kind-slide = Helglasskanning
kind-structure-set = Strukturer til strålebehandling
kind-unknown = DICOM-objekt
kind-video = Video
kind-waveform = Kurver

fact-depth-mm = { $value } mm dyb
fact-duration-s = { $value } s
fact-height-mm = { $value } mm høj
fact-beams = { $value ->
        [one] ét felt
       *[other] { $value } felter
    }
fact-class = { $value }
fact-dose-gy = op til { $value } Gy
fact-fractions = { $value ->
        [one] én fraktion
       *[other] { $value } fraktioner
    }
fact-hidden-texts = { $value ->
        [one] én fritekst vises ikke
       *[other] { $value } fritekster vises ikke
    }
fact-images = { $value ->
        [one] ét billede
       *[other] { $value } billeder
    }
fact-items = { $value ->
        [one] ét punkt
       *[other] { $value } punkter
    }
fact-leads = { $value ->
        [one] én afledning
       *[other] { $value } afledninger
    }
fact-left-edge = { $value } ved venstre kant
fact-left-out = udeladt, fordi navne ikke kunne fjernes: { $value }
fact-left-out-archives = arkiver i arkivet udeladt: { $value }
fact-left-out-broken = beskadigede filer udeladt: { $value }
fact-levels = { $value ->
        [one] ét niveau
       *[other] { $value } niveauer
    }
fact-localizers = { $value ->
        [one] ét oversigtsbillede udeladt
       *[other] { $value } oversigtsbilleder udeladt
    }
fact-magnification = { $value }×
fact-microns-per-pixel = { $value } µm pr. pixel
fact-no-overview = den indeholder ingen lille kopi, som et overblik kan laves af
fact-no-pixels = den indeholder intet billede
fact-no-preview = den kan ikke vises her
fact-not-in-the-room = det, den henviser til, er ikke i dette rum
fact-not-shown = { $value ->
        [one] én mere vises ikke
       *[other] { $value } flere vises ikke
    }
fact-overview-only = kun overblikket gemmes her, ikke selve filen
fact-pages = { $value ->
        [one] én side
       *[other] { $value } sider
    }
fact-protected = låst med en adgangskode og kan derfor ikke vises
fact-patients = de tilhører { $value } forskellige patienter
fact-phases = { $value } faser
fact-rate-fps = { $value } billeder pr. sekund
fact-segments = { $value ->
        [one] ét segment
       *[other] { $value } segmenter
    }
fact-series = { $value ->
        [one] én serie
       *[other] { $value } serier
    }
fact-side-both = begge sider
fact-side-left = venstre side
fact-side-right = højre side
fact-slices = { $value } snit
fact-spacing-mm = snitafstand { $value } mm
fact-structures = { $value ->
        [one] én struktur
       *[other] { $value } strukturer
    }
fact-thickness-mm = snittykkelse { $value } mm
fact-triangles = { $value ->
        [one] én trekant
       *[other] { $value } trekanter
    }
fact-truncated = en del mangler
fact-width-mm = { $value } mm bred
fact-uneven = der mangler snit, eller afstanden er ujævn
fact-unreadable = { $value ->
        [one] ét billede kunne ikke læses
       *[other] { $value } billeder kunne ikke læses
    }
fact-window-center = vinduescentrum { $value }
fact-window-estimated = vindue skønnet
fact-window-width = bredde { $value }

place-top-left = øverst til venstre
place-top = øverst
place-top-right = øverst til højre
place-left = til venstre
place-middle = i midten
place-right = til højre
place-bottom-left = nederst til venstre
place-bottom = nederst
place-bottom-right = nederst til højre
