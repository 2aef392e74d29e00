"""Coded concepts that Overread writes, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.core.types import Code, Laterality

#: Scheme designators: PS3.16 section 8, Table 8-1. 99OVR is ours: PS3.16 8.2 leaves designators beginning 99 private.
SNOMED: Final = "SCT"
DICOM: Final = "DCM"
LOINC: Final = "LN"
OVERREAD: Final = "99OVR"

#: What stands where a SOP Class UID is asked for and the file is no DICOM object: kept as it came, under UIDs derived
#: from its bytes. Ours, and never written into a DICOM file.
NIFTI_FILE: Final = "2.25.111782977864869558711442454673446289192"
KSPACE_FILE: Final = "2.25.143263371810091117864506379262564251613"

# Findings
DIABETIC_RETINOPATHY: Final = Code(SNOMED, "4855003", "Retinopathy due to diabetes mellitus")  # SNOMED CT, disorder
DIABETIC_MACULAR_EDEMA: Final = Code(SNOMED, "312912001", "Macular edema due to diabetes mellitus")  # SNOMED CT
#: No published scheme names "referable": grade 2 or more (Gulshan et al., JAMA 2016, doi:10.1001/jama.2016.17216).
REFERABLE_RETINOPATHY: Final = Code(OVERREAD, "referable-dr", "Referable diabetic retinopathy")

#: ICDR grade -> its name: LOINC answer list LL2117-1, after Wilkinson et al., Ophthalmology 2003;110:1677-82.
ICDR_GRADES: Final[Mapping[int, Code]] = {
    0: Code(LOINC, "LA18643-9", "No apparent retinopathy"),
    1: Code(LOINC, "LA18644-7", "Mild non-proliferative retinopathy"),
    2: Code(LOINC, "LA18645-4", "Moderate non-proliferative retinopathy"),
    3: Code(LOINC, "LA18646-2", "Severe non-proliferative retinopathy"),
    4: Code(LOINC, "LA18648-8", "Proliferative retinopathy"),
}

#: Risk of macular edema as the IDRiD data set grades it (Porwal et al., Data 2018;3:25): exudates and their distance.
MACULAR_EDEMA_RISKS: Final[Mapping[int, Code]] = {
    0: Code(OVERREAD, "dme-risk-0", "No apparent hard exudates"),
    1: Code(OVERREAD, "dme-risk-1", "Hard exudates beyond one disc diameter from the macula"),
    2: Code(OVERREAD, "dme-risk-2", "Hard exudates within one disc diameter from the macula"),
}

# Volumetry of the hippocampus
HIPPOCAMPUS: Final = Code(SNOMED, "5366008", "Hippocampus")  # PS3.16 CID 7140
#: PS3.16 and what pydicom carries of SNOMED CT have the hippocampus, but no code for its head, body or tail, let alone
#: for the cut of the training data (anterior: head, posterior: body and tail; Simpson et al., arXiv:1902.09063). In
#: DICOM objects these are the hippocampus with the modifiers below; as findings they need a code of their own.
ANTERIOR_HIPPOCAMPUS: Final = Code(OVERREAD, "hippocampus-anterior", "Anterior part of the hippocampus (head)")
POSTERIOR_HIPPOCAMPUS: Final = Code(OVERREAD, "hippocampus-posterior", "Posterior part of the hippocampus (body, tail)")
HIPPOCAMPAL_ASYMMETRY: Final = Code(OVERREAD, "hippocampus-asymmetry", "Asymmetry of the hippocampal volumes")
ANTERIOR: Final = Code(SNOMED, "255549009", "Anterior")  # PS3.16 CID 2
POSTERIOR: Final = Code(SNOMED, "255551008", "Posterior")  # PS3.16 CID 2
VOLUME: Final = Code(SNOMED, "118565006", "Volume")  # PS3.16 CID 7469
ANATOMICAL_STRUCTURE: Final = Code(SNOMED, "91723000", "Anatomical Structure")  # PS3.16 CID 7150
MILLILITERS: Final = Code("UCUM", "ml", "milliliter")  # UCUM 4.3, Table 33
PERCENT: Final = Code("UCUM", "%", "Percent")  # PS3.16 CID 83
BRAIN_MRI: Final = Code(LOINC, "24590-2", "MR Brain")  # LOINC / RSNA Radiology Playbook

# Reconstruction from k-space: no published scheme names these
ACCELERATION: Final = Code(OVERREAD, "acceleration", "Acceleration: samples of k-space for each one acquired")
SSIM: Final = Code(OVERREAD, "ssim", "Structural similarity with the fully sampled image")
PSNR: Final = Code(OVERREAD, "psnr", "Peak signal-to-noise ratio against the fully sampled image")
NMSE: Final = Code(OVERREAD, "nmse", "Normalised mean squared error against the fully sampled image")

# The self-test's one finding is about no patient
SELFTEST_ANSWER: Final = Code(OVERREAD, "selftest-answer", "Objects that the self-test read")

#: CID 7203 has no code for it.
KSPACE_RECONSTRUCTION: Final = Code(OVERREAD, "raw-data-recon", "Reconstruction from undersampled k-space")

# What a report says besides
GRADE_PROBABILITY: Final = Code(OVERREAD, "probability", "Probability of the grade, calibrated")
IMAGE_QUALITY: Final = Code(OVERREAD, "image-quality", "Image quality")
NEEDS_REVIEW: Final = Code(OVERREAD, "needs-review", "The outline is in doubt and needs a person's review")
#: Why an answer needs more care; no published scheme names these.
MODEL_ABSTAINED: Final = Code(OVERREAD, "model-abstained", "The model gave no answer")
UNTRAINED_CAMERA: Final = Code(OVERREAD, "untrained-camera", "Camera that the model was not trained on")
UNLIKE_TRAINING: Final = Code(OVERREAD, "unlike-training", "Unlike the images the model was trained on")
HEAT_MAP_UNRELIABLE: Final = Code(OVERREAD, "heat-map-doubted", "The heat-map is not to be relied on")
SHADOW_DIFFERS: Final = Code(OVERREAD, "shadow-differs", "A model on trial gives another answer")
UNGRADABLE: Final = Code(OVERREAD, "ungradable", "No photograph of this eye can be graded")
NO_UNITS: Final = Code("UCUM", "1", "no units")  # PS3.16 CID 82
DEVICE: Final = Code(DICOM, "121007", "Device")  # PS3.16 CID 270
PROCESSING_EQUIPMENT: Final = Code(DICOM, "109102", "Processing Equipment")  # PS3.16 CID 7005
IMAGING_MEASUREMENT_REPORT: Final = Code(DICOM, "126000", "Imaging Measurement Report")  # PS3.16 CID 7021
IMAGING: Final = Code(SNOMED, "363679005", "Imaging")  # SNOMED CT, procedure
FUNDUS_PHOTOGRAPHY: Final = Code(SNOMED, "314971001", "Camera fundoscopy")  # SNOMED CT, procedure

# Anatomy
RETINA: Final = Code(SNOMED, "5665001", "Retina")  # PS3.16 CID 4209
SIDES: Final[Mapping[Laterality, Code]] = {  # PS3.16 CID 244
    Laterality.RIGHT: Code(SNOMED, "24028007", "Right"),
    Laterality.LEFT: Code(SNOMED, "7771000", "Left"),
    Laterality.BOTH: Code(SNOMED, "51440002", "Right and left"),
}

# Devices
FUNDUS_CAMERA: Final = Code(SNOMED, "409898007", "Fundus Camera")  # PS3.16 CID 4202

# Purposes of reference
SOURCE_IMAGE: Final = Code(DICOM, "121322", "Source image for image processing operation")  # PS3.16 CID 7202

# The report of a study, PS3.16 TID 2000
DIAGNOSTIC_IMAGING_REPORT: Final = Code(LOINC, "18748-4", "Diagnostic imaging report")  # PS3.16 CID 7000
CURRENT_PROCEDURE_DESCRIPTIONS: Final = Code(DICOM, "121064", "Current Procedure Descriptions")  # PS3.16 CID 7001
FINDINGS: Final = Code(DICOM, "121070", "Findings")  # PS3.16 CID 7001
IMPRESSIONS: Final = Code(DICOM, "121072", "Impressions")  # PS3.16 CID 7001
PROCEDURE_DESCRIPTION: Final = Code(DICOM, "121065", "Procedure Description")  # PS3.16 CID 7002
FINDING: Final = Code(DICOM, "121071", "Finding")  # PS3.16 CID 7002
IMPRESSION: Final = Code(DICOM, "121073", "Impression")  # PS3.16 CID 7002
COMMENT: Final = Code(DICOM, "121106", "Comment")  # PS3.16 Annex D
LATERALITY: Final = Code(SNOMED, "272741003", "Laterality")  # PS3.16 Annex D
ENGLISH: Final = Code("RFC5646", "en", "English")  # PS3.16 CID 5000
