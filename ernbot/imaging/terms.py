"""The words of a header that may be repeated in a room: defined terms of the DICOM standard, nothing else.

Modality and body part are short strings that a console lets its user type. A value that is not a term of the
standard is therefore never shown.
"""

import math

from ernbot.imaging import storage_classes

_MODALITIES = """
AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IOL IVOCT
IVUS KER KO LEN LS M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PHOTON PLAN POS PR PT PX REG
RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SEG SM SMR SR SRF STAIN
TEXTUREMAP TG US VA XA XAPROTOCOL XC
"""

_BODY_PARTS = """
ABDOMEN ABDOMENPELVIS ADRENAL ANKLE ANTECUBITALV ANTERIORCARDIACV ANUS AORTA AORTICARCH ARM ARTERY ASCAORTA
AXILLA AXILLARYA AXILLARYV AZYGOSVEIN BACK BASILARA BILEDUCT BILIARYTRACT BLADDER BRACHIALA BRACHIALV BRAIN
BREAST BRONCHUS BUTTOCK CALCANEUS CALF CAROTID CELIACA CEPHALICV CEREBELLUM CEREBHEMISPHERE CEREBRALA CHEEK
CHEST CHESTABDOMEN CHESTABDPELVIS CHOROIDPLEXUS CIRCLEOFWILLIS CLAVICLE COCCYX COLON COMMILIACA COMMONBILEDUCT
COMMONHEPATICD CORNEA CORONARYARTERY CORONARYSINUS CSPINE CTSPINE DESCAORTA DUODENUM EAR ELBOW ENDOARTERIAL
ENDOCARDIAC ENDOESOPHAGEAL ENDONASAL ENDORECTAL ENDORENAL ENDOURETERIC ENDOVAGINAL ENDOVASCULAR ENDOVENOUS
ENDOVESICAL EPIDIDYMIS ESOPHAGUS EXTCAROTIDA EXTREMITY EYE EYELID FACE FEMORALA FEMORALV FEMUR FETALARM
FETALDIGIT FETALHEART FETALLEG FETALPOLE FINGER FOOT FOREARM FOREFOOT GALLBLADDER GASTRICV GENICULARA GESTSAC
GLUTEUS GROIN HAND HEAD HEADNECK HEART HEPATICA HEPATICV HINDFOOT HIP HUMERUS IAC ILEUM ILIACA ILIUM
INFVENACAVA INNOMINATEA INNOMINATEV INTCAROTIDA INTERNALILIACA INTJUGULARV JAW JEJUNUM JOINT KIDNEY KNEE
LACRIMALA LARGEINTESTINE LARYNX LATVENTRICLE LEFTATRIUM LEFTFEMORALA LEFTHEPATICV LEFTPULMONARYA LEFTVENTRICLE
LEG LINGUALA LIVER LOWERLEG LOWERLIMB LSPINE LSSPINE LUMBARA LUMEN LUNG MANDIBLE MASTOID MAXILLA MEDIASTINUM
MESENTRICA MESENTRICV METACARPUS METATARSUS MOUTH NASALBONE NASOPHARYNX NECK NECKCHEST NECKCHESTABDOMEN
NECKCHESTABDPELV NOSE OCCPITALA OPHTHALMICA OPTICCANAL ORBIT OVARY PANCREAS PANCREATICDUCT PARASTERNAL PAROTID
PATELLA PELVIS PELVISLOWEXTREMT PENIS PERICARDIUM PERINEUM PHANTOM PHARYNX PLACENTA POPLITEALA POPLITEALFOSSA
POPLITEALV PORTALV PROSTATE PULMONARYA PULMONARYV RADIALA RADIUS RADIUSULNA RECTUM RENALA RENALV
RETROPERITONEUM RIB RIGHTATRIUM RIGHTFEMORALA RIGHTHEPATICV RIGHTPULMONARYA RIGHTVENTRICLE SACRUM SADDLE SCALP
SCAPULA SCLERA SCROTUM SELLA SEMVESICLE SESAMOID SHOULDER SIGMOID SIJOINT SINUS SKULL SMALLINTESTINE
SPINALCORD SPINE SPLEEN SPLENICA SPLENICV SSPINE STERNUM STOMACH SUBCLAVIANA SUBCLAVIANV SUBCOSTAL
SUBMANDIBULAR
SUPTHYROIDA SUPVENACAVA SYMPHPUBIS TESTIS THALAMUS THIGH THORACICAORTA THORAX THUMB THYMUS THYROID TIBIAFIBULA
TLSPINE TMJ TOE TONGUE TRACHEA TRUNK TSPINE ULNA ULNARA UMBILICALA UMBILICALV UPPERARM UPPERLIMB URETER
URETHRA UTERUS VAGINA VEIN VERTEBRALA VULVA WHOLEBODY WRIST ZYGOMA
"""

MODALITIES = frozenset(_MODALITIES.split())
"""Defined terms of Modality (0008,0060), PS3.3 section C.7.3.1.1.1."""

BODY_PARTS = frozenset(_BODY_PARTS.split())
"""Terms of Body Part Examined (0018,0015) that name a region of a human: PS3.16 annex L, table L-1."""

_ROI_TYPES = """
AVOIDANCE BOLUS BRACHY_ACCESSORY BRACHY_CHANNEL BRACHY_CHNL_SHLD BRACHY_SRC_APP CAVITY CONTRAST_AGENT CONTROL CTV
DOSE_MEASUREMENT DOSE_REGION EXTERNAL FIXATION GTV IRRAD_VOLUME ISOCENTER MARKER OAR ORGAN PTV REGISTRATION
SUPPORT TREATED_VOLUME DEVICE
"""

ROI_TYPES = frozenset(_ROI_TYPES.split())
"""Defined terms of RT ROI Interpreted Type (3006,00A4), PS3.3 section C.8.8.8.1."""

EDGES = frozenset("AFHLPR")
"""Anterior, foot, head, left, posterior, right: PS3.3 C.7.6.1.1.1."""

_KINDS = """
cine directory document dose encapsulated-document encapsulated-model key-objects model photograph picture plan
presentation-state raw-data report segmentation series slide structure-set unknown video waveform
"""

KINDS = frozenset(_KINDS.split())
"""What a file is to its reader: `kind-NAME` in the catalogues."""

SLIDE_MAKERS = frozenset(
    {"BIF", "CZI", "MIRAX", "NDPI", "OME-TIFF", "Philips TIFF", "SCN", "Sakura", "Trestle", "VMS", "unknown"}
)
"""What slides are called that have to be exported in another way: endings of their files, or who makes them."""

PLACES = ("top-left", "top", "top-right", "left", "middle", "right", "bottom-left", "bottom", "bottom-right")
"""The ninths of a picture, as they are read: `place-NAME` in the catalogues."""

FACTS: dict[str, type[int] | type[float] | frozenset[str] | None] = {
    "beams": int,
    "class": storage_classes.NAMES,
    "depth-mm": float,
    "dose-gy": float,
    "duration-s": float,
    "fractions": int,
    "height-mm": float,
    "hidden-texts": int,
    "images": int,
    "items": int,
    "leads": int,
    "left-edge": EDGES,
    "left-out": int,
    "left-out-archives": int,
    "left-out-broken": int,
    "levels": int,
    "localizers": int,
    "magnification": float,
    "microns-per-pixel": float,
    "no-overview": None,
    "no-pixels": None,
    "no-preview": None,
    "not-in-the-room": None,
    "not-shown": int,
    "overview-only": None,
    "pages": int,
    "patients": int,
    "phases": int,
    "protected": None,
    "rate-fps": float,
    "segments": int,
    "series": int,
    "side-both": None,
    "side-left": None,
    "side-right": None,
    "slices": int,
    "spacing-mm": float,
    "structures": int,
    "thickness-mm": float,
    "triangles": int,
    "truncated": None,
    "uneven": None,
    "unreadable": int,
    "width-mm": float,
    "window-center": float,
    "window-estimated": None,
    "window-width": float,
}
"""What may be said besides, and the type of its value: `fact-NAME` in the catalogues. A set lists the terms."""

_MOST = 2**32


def fits(name: str, value: object) -> bool:
    """Whether a value is what the fact of this name may have. Raises `KeyError` for a fact that nobody knows."""
    wanted = FACTS[name]
    if isinstance(wanted, frozenset):
        return isinstance(value, str) and value in wanted
    if wanted is float and type(value) is float:
        return math.isfinite(value)
    return type(value) is int and 0 <= value < _MOST if wanted else value is None


def defined(value: object, terms: frozenset[str]) -> str | None:
    """`value` when it is one of the terms, read as leniently as consoles write it; else None."""
    word = str(value).strip().upper()
    return word if word in terms else None
