"""Files to values and back: DICOM, photographs, rendered pictures; numpy only, never torch."""
