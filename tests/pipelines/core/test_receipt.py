from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom.uid import UID

from pipelines.core.receipt import canonical_json, code_digest, derived_uid, digest, input_digests, is_intact, sealed
from pipelines.core.types import Receipt

RECEIPT = Receipt(
    digest="",
    inputs=("sha256:aa",),
    weights="w",
    configuration="c",
    code="d",
    engine="openvino",
    engine_version="1",
    precision="float32",
    threads=2,
    batch_shape=(1, 3, 448, 448),
    device="cpu",
    processor="x86_64",
    ladder="full",
    host="here",
)


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_json({"b": 1, "a": [1, 2]}) == canonical_json({"a": [1, 2], "b": 1}) == b'{"a":[1,2],"b":1}'


def test_canonical_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_a_sealed_receipt_is_intact_and_a_changed_one_is_not() -> None:
    receipt = sealed(RECEIPT)
    assert is_intact(receipt)
    assert not is_intact(replace(receipt, threads=4))


def test_the_host_is_no_part_of_the_digest() -> None:
    assert sealed(RECEIPT).digest == sealed(replace(RECEIPT, host="elsewhere")).digest


@pytest.mark.parametrize(
    "change", [{"weights": "x"}, {"inputs": ("sha256:bb",)}, {"parameters": {"a": 1}}, {"processor": "aarch64"}]
)
def test_everything_else_is_part_of_the_digest(change: dict[str, object]) -> None:
    assert sealed(RECEIPT).digest != sealed(replace(RECEIPT, **change)).digest  # type: ignore[arg-type]


def test_inputs_are_stated_in_sorted_order() -> None:
    assert input_digests(["bb", "aa"]) == ("sha256:aa", "sha256:bb")


def test_a_derived_uid_is_valid_and_always_the_same() -> None:
    uid = derived_uid("kind", "part")
    assert UID(uid).is_valid
    assert uid.startswith("2.25.")
    assert uid == derived_uid("kind", "part") != derived_uid("kindp", "art")


def test_a_derived_uid_carries_a_version_8_uuid() -> None:
    number = int(derived_uid("kind")[5:])
    assert number >> 76 & 0xF == 8
    assert number >> 62 & 0x3 == 2


def test_the_code_has_one_digest() -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == len(digest("")) == 64
