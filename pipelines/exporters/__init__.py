"""One class a result format: JSON, DICOM SR, DICOM Secondary Capture."""
