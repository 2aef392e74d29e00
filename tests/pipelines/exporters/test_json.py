from __future__ import annotations

import hashlib
import json

from pipelines.exporters.json import reading_json
from tests.pipelines.exporters.samples import reading


def test_the_json_has_the_contracts_names() -> None:
    document = reading_json(reading(), id="r", study_id="s", role="live", current=True)
    assert list(document)[:4] == ["id", "study_id", "role", "current"]
    assert json.loads(json.dumps(document)) == document
    assert document["findings"][1:2] == [  # type: ignore[index]
        {
            "code": {"scheme": "99OVR", "value": "referable-dr", "meaning": "Referable diabetic retinopathy"},
            "label": "referable_dr",
            "value": 0.8,
            "unit": None,
            "probabilities": None,
            "interval": None,
            "laterality": None,
        }
    ]
    assert document["images"][0]["quality"] == {"gradable": True, "score": 0.9, "reasons": []}  # type: ignore[index]
    assert document["explanation"]["trust"] == {"inside_retina": 0.9}  # type: ignore[index]


def test_an_artifact_is_named_by_its_bytes() -> None:
    made = reading()
    (first, _) = reading_json(made)["artifacts"]  # type: ignore[misc]
    content = made.artifacts[0].content
    assert first == {
        "name": "L-1-overlay.png",
        "kind": "overlay",
        "media_type": "image/png",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_the_receipt_is_whole() -> None:
    receipt = reading_json(reading())["receipt"]
    assert isinstance(receipt, dict)
    assert receipt["digest"] == reading().receipt.digest
    assert receipt["inputs"] == ["sha256:aa"]
