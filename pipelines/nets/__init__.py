"""Networks and what is asked of them: bundles, engines, explanations, calibration; torch and OpenVINO live here."""
