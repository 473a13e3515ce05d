"""Names of files that plainly name nobody. Exports call files and folders after the patient, and people do too.

Whatever is not known to be harmless could be a name. Looks at names only, and must never hand one on.
"""

import re
from unicodedata import normalize

from ernbot.imaging import terms

_LONGEST = 200
_MOST_DIGITS = 8
"""Longer numbers can be those of a person: nine digits in the Netherlands, ten in Denmark, eleven in Poland."""

_WORDS = """
abdominal acquisition adc after airway albue anatomy and angio ankel ankles ansigt anterior apical apr archive are
arkiv arme arms arterial autorun avif axial axr before belly bif bilateral billede billeder bin biopsy blank bmp bone
bones bottom bowel bryst camera case ceph cephalo cine clinic clinical close closeup collage color colour consent cont
contour contrast control copies copy cor coronal cover cranial cranium crop cropped css csv cta ctv cxr cyst data day
days dcm dcmdir dec december deident deidentified delayed derm dermoscopy desktop detail dia dicom dicomdir diff
diffusion dir distal dll document dorsal dorsum dsc dscf dscn dti dwi ears echo edges edit edited eight ekg eksport
eksporteret elbows enhanced exam example exe exp export eyes faces fast fat feb februar february feet fem fig figur
figure fil file filer files film final fingers fingre fire first five flair flash fod folder for form foto fotos four
fra fracture frame frames friday front frontal fse fuld full fødder genital gif gopr gre gross group growth haand
haandled hair half hals hands heic heif height hematoxylin high hips histology hjerne hjerte hofte hojre hoved htm
html hud hænder højre hånd håndled icon image imagen images img implant index inf info ini inner inside inversion iso
item januar january jar joints jpeg jpg json jul juli july jun juni key knae knees knogle knæ kontrast kopi lab last
lat lateral led left legs lesion lesions letter level lever license lille lip lips loc localiser localizer location
lossless lossy low lunge macosx macro magn map mappe march marts mask mass mave max mechanism med media medial medium
micro microscopy mid middle min model modermærke mole monday month months mov movie mpo mpr mprage mra mri multi mund
muscle mvimg nail nails nakke name named nativ native ndpi negl negle nerve net new nii nine node nodes nord note nov
november num number nyre næse obj object october oesophagus oje oktober old one operated operation opg ore otte
outcome outer outside overblik overlay overview page palm pano panorama part pat pathology patient pdf perf perfusion
pet phase photo photograph photographs photos pic pics picture pictures plain plantar plate plot png portal post
posterior postop pre preop preview primary print prior profil profile project prone proton proximal pulse pxl på
quality rash raw readme recon reconstruction ref referral region registration report result results right ring rontgen
ryg røntgen saar sag sagittal sample sat saturday scale scan scanning scanninger scans scar scn scout screen
screenshot screenshots second segmentation seks sekvens sel selection september sequence ser serie serien serier
series set seven shot shoulders show side signal single six skaerm skan skeletal skeleton skin skulder slab slice
slicer slices slide slides smal small snap snit soft source spect spin spiral stack standard stir stl stor store
structure structures stu studie studies study sub sunday supine surface surgery survey svs swi syv sår tabel table
tand teeth temp ten test tfe the third three thumbnail thumbs thursday tif tiff til tilt time tirm toes tof tommel
tooth top total tra trace transversal transverse tre tse tuesday tumor tumour tunge turbo two txt type tæer tænder tå
uden udslæt unknown unnamed untitled upper var ven venous venstre ventral vers version vessel vid video view viewer
vis visit visite visits vol volume webp wednesday week weeks whatsapp whole window with without work wound wrists xml
xray xrays year years zip zoom øje øjne øre ører
"""

_HARMLESS = frozenset(_WORDS.split()) | {word.lower() for word in terms.MODALITIES | terms.BODY_PARTS}
"""What consoles, cameras and people call files and folders in English and Danish. No common first name is in it."""

_UID = re.compile(r"(?<!\d)[0-2](\.\d{1,39}){4,}(?![\d.]*\d)")
_TIME = re.compile(r"(?<!\d)(19|20)\d{6}[-_ T]?\d{6}(\d{3})?(?!\d)")
"""As cameras write it: date, time, thousandths."""

_UUID = re.compile(r"(?<![^\W_])[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![^\W_])", re.IGNORECASE)
_HASH = re.compile(r"(?<![^\W_])[0-9a-f]{32,64}(?![^\W_])", re.IGNORECASE)
_BORN = re.compile(r"(?<!\d)(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d\d[-_ ]\d{4}(?!\d)")
"""A day of birth with four digits more: the Danish personal number, and others like it."""

_PART = re.compile(r"\d+|[^\W\d_]+")
_ODD = re.compile(r"[^\w\s./()+,#&=~\[\]-]")
_LETTERS = 2
"""So many Latin letters are no name."""


def is_plain(name: str) -> bool:
    """Whether the path or name of a file can name nobody: known words, short numbers, times and identifiers."""
    name = normalize("NFC", name)
    return len(name) <= _LONGEST and not _ODD.search(name) and is_plain_text(name)


def is_plain_text(text: str, words: frozenset[str] = frozenset()) -> bool:
    """The same of a text with any other characters in it; `words` are harmless there, too (small letters)."""
    if _BORN.search(text):
        return False
    for pattern in (_UID, _UUID, _HASH, _TIME):
        text = pattern.sub(" ", text)
    return all(_is_harmless(part) or part.lower() in words for part in _PART.findall(text))


def _is_harmless(part: str) -> bool:
    if part.isdigit():
        return len(part) <= _MOST_DIGITS
    return (part.isascii() and len(part) <= _LETTERS) or part.lower() in _HARMLESS
