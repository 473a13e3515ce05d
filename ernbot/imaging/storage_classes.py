"""The names that the standard gives the classes of stored objects: what a card may say about an unknown one.

A table, so that the process beside the keys can check a name without loading a DICOM library; a test compares it
with pydicom's dictionary. It must hold nothing that a file brought along.
"""

_NAMES = """
12-lead ECG Waveform Storage
Acquisition Context SR Storage
Advanced Blending Presentation State Storage
Ambulatory ECG Waveform Storage
Arterial Pulse Waveform Storage
Audio SR Storage - Trial
Autorefraction Measurements Storage
Basic Structured Display Storage
Basic Text SR Storage
Basic Voice Audio Waveform Storage
Blending Softcopy Presentation State Storage
Body Position Waveform Storage
Breast Projection X-Ray Image Storage - For Presentation
Breast Projection X-Ray Image Storage - For Processing
Breast Tomosynthesis Image Storage
C-Arm Photon-Electron Radiation Record Storage
C-Arm Photon-Electron Radiation Storage
CT Defined Procedure Protocol Storage
CT Image Storage
CT Performed Procedure Protocol Storage
Cardiac Electrophysiology Waveform Storage
Chest CAD SR Storage
Colon CAD SR Storage
Color Palette Storage
Color Softcopy Presentation State Storage
Compositing Planar MPR Volumetric Presentation State Storage
Comprehensive 3D SR Storage
Comprehensive SR Storage
Comprehensive SR Storage - Trial
Computed Radiography Image Storage
Confocal Microscopy Image Storage
Confocal Microscopy Tiled Pyramidal Image Storage
Content Assessment Results Storage
Corneal Topography Map Storage
DICOS 2D AIT Storage
DICOS 3D AIT Storage
DICOS CT Image Storage
DICOS Digital X-Ray Image Storage - For Presentation
DICOS Digital X-Ray Image Storage - For Processing
DICOS Quadrupole Resonance (QR) Storage
DICOS Threat Detection Report Storage
Deformable Spatial Registration Storage
Dermoscopic Photography Image Storage
Detail SR Storage - Trial
Digital Intra-Oral X-Ray Image Storage - For Presentation
Digital Intra-Oral X-Ray Image Storage - For Processing
Digital Mammography X-Ray Image Storage - For Presentation
Digital Mammography X-Ray Image Storage - For Processing
Digital X-Ray Image Storage - For Presentation
Digital X-Ray Image Storage - For Processing
Eddy Current Image Storage
Eddy Current Multi-frame Image Storage
Electromyogram Waveform Storage
Electrooculogram Waveform Storage
Encapsulated CDA Storage
Encapsulated MTL Storage
Encapsulated OBJ Storage
Encapsulated PDF Storage
Encapsulated STL Storage
Enhanced CT Image Storage
Enhanced Continuous RT Image Storage
Enhanced MR Color Image Storage
Enhanced MR Image Storage
Enhanced PET Image Storage
Enhanced RT Image Storage
Enhanced SR Storage
Enhanced US Volume Storage
Enhanced X-Ray Radiation Dose SR Storage
Enhanced XA Image Storage
Enhanced XRF Image Storage
Extensible SR Storage
General 32-bit ECG Waveform Storage
General Audio Waveform Storage
General ECG Waveform Storage
Generic Implant Template Storage
Grayscale Planar MPR Volumetric Presentation State Storage
Grayscale Softcopy Presentation State Storage
Hanging Protocol Storage
Hardcopy Color Image Storage SOP Class
Hardcopy Grayscale Image Storage SOP Class
Hemodynamic Waveform Storage
Implant Assembly Template Storage
Implant Template Group Storage
Implantation Plan SR Storage
Intraocular Lens Calculations Storage
Intravascular Optical Coherence Tomography Image Storage - For Presentation
Intravascular Optical Coherence Tomography Image Storage - For Processing
Inventory Storage
Keratometry Measurements Storage
Key Object Selection Document Storage
Legacy Converted Enhanced CT Image Storage
Legacy Converted Enhanced MR Image Storage
Legacy Converted Enhanced PET Image Storage
Lensometry Measurements Storage
MR Image Storage
MR Spectroscopy Storage
Macular Grid Thickness and Volume Report Storage
Mammography CAD SR Storage
Media Storage Directory Storage
Microscopy Bulk Simple Annotations Storage
Multi-channel Respiratory Waveform Storage
Multi-frame Grayscale Byte Secondary Capture Image Storage
Multi-frame Grayscale Word Secondary Capture Image Storage
Multi-frame Single Bit Secondary Capture Image Storage
Multi-frame True Color Secondary Capture Image Storage
Multiple Volume Rendering Volumetric Presentation State Storage
Nuclear Medicine Image Storage
Ophthalmic Axial Measurements Storage
Ophthalmic Optical Coherence Tomography B-scan Volume Analysis Storage
Ophthalmic Optical Coherence Tomography En Face Image Storage
Ophthalmic Photography 16 Bit Image Storage
Ophthalmic Photography 8 Bit Image Storage
Ophthalmic Thickness Map Storage
Ophthalmic Tomography Image Storage
Ophthalmic Visual Field Static Perimetry Measurements Storage
Parametric Map Storage
Patient Radiation Dose SR Storage
Performed Imaging Agent Administration SR Storage
Photoacoustic Image Storage
Planned Imaging Agent Administration SR Storage
Positron Emission Tomography Image Storage
Procedure Log Storage
Protocol Approval Storage
Pseudo-Color Softcopy Presentation State Storage
RT Beams Delivery Instruction Storage
RT Beams Delivery Instruction Storage - Trial
RT Beams Treatment Record Storage
RT Brachy Application Setup Delivery Instruction Storage
RT Brachy Treatment Record Storage
RT Dose Storage
RT Image Storage
RT Ion Beams Treatment Record Storage
RT Ion Plan Storage
RT Patient Position Acquisition Instruction Storage
RT Physician Intent Storage
RT Plan Storage
RT Radiation Record Set Storage
RT Radiation Salvage Record Storage
RT Radiation Set Delivery Instruction Storage
RT Radiation Set Storage
RT Segment Annotation Storage
RT Structure Set Storage
RT Treatment Preparation Storage
RT Treatment Summary Record Storage
Radiopharmaceutical Radiation Dose SR Storage
Raw Data Storage
Real World Value Mapping Storage
Respiratory Waveform Storage
Robotic Radiation Record Storage
Robotic-Arm Radiation Storage
Routine Scalp Electroencephalogram Waveform Storage
Secondary Capture Image Storage
Segmentation Storage
Segmented Volume Rendering Volumetric Presentation State Storage
Simplified Adult Echo SR Storage
Sleep Electroencephalogram Waveform Storage
Spatial Fiducials Storage
Spatial Registration Storage
Spectacle Prescription Report Storage
Standalone Curve Storage
Standalone Modality LUT Storage
Standalone Overlay Storage
Standalone PET Curve Storage
Standalone VOI LUT Storage
Stereometric Relationship Storage
Stored Print Storage SOP Class
Subjective Refraction Measurements Storage
Surface Scan Mesh Storage
Surface Scan Point Cloud Storage
Surface Segmentation Storage
Text SR Storage - Trial
Tomotherapeutic Radiation Record Storage
Tomotherapeutic Radiation Storage
Tractography Results Storage
Ultrasound Image Storage
Ultrasound Multi-frame Image Storage
VL Endoscopic Image Storage
VL Image Storage - Trial
VL Microscopic Image Storage
VL Multi-frame Image Storage - Trial
VL Photographic Image Storage
VL Slide-Coordinates Microscopic Image Storage
VL Whole Slide Microscopy Image Storage
Variable Modality LUT Softcopy Presentation State Storage
Video Endoscopic Image Storage
Video Microscopic Image Storage
Video Photographic Image Storage
Visual Acuity Measurements Storage
Volume Rendering Volumetric Presentation State Storage
Waveform Annotation SR Storage
Waveform Storage - Trial
Wide Field Ophthalmic Photography 3D Coordinates Image Storage
Wide Field Ophthalmic Photography Stereographic Projection Image Storage
X-Ray 3D Angiographic Image Storage
X-Ray 3D Craniofacial Image Storage
X-Ray Angiographic Bi-Plane Image Storage
X-Ray Angiographic Image Storage
X-Ray Radiation Dose SR Storage
X-Ray Radiofluoroscopic Image Storage
XA Defined Procedure Protocol Storage
XA Performed Procedure Protocol Storage
XA/XRF Grayscale Softcopy Presentation State Storage
"""

NAMES = frozenset(_NAMES.split("\n")) - {""}
"""PS3.6 table A-1, the SOP classes of PS3.4 annex B and their retired and trial predecessors."""
