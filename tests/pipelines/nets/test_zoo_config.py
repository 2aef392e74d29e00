"""The interpreter of bundle configurations: what it understands, and every way out of it that is known."""

from __future__ import annotations

import math

import pytest
import torch
from monai.transforms.compose import Compose

from pipelines.core.errors import BundleRefused
from pipelines.nets.zoo_config import Interpreter

HOSTILE = [
    "$__import__('os').system('id')",
    "$().__class__.__bases__[0].__subclasses__()",
    "$(1).real",
    "$'x'.__class__",
    "$'{0.__class__}'.format(1)",
    "$'%s' % 1",
    "$f'{1}'",
    "$lambda x: x",
    "$(lambda: 1)()",
    "$[i for i in (1, 2)]",
    "$(i for i in (1, 2))",
    "${**{}}",
    "$[*(1, 2)]",
    "$getattr(1, 'real')",
    "$setattr(torch.backends.cudnn, 'benchmark', True)",
    "$open('/etc/passwd')",
    "$eval('1')",
    "$exec('1')",
    "$globals()",
    "$vars(torch)",
    "$type(1)",
    "$(x := 1)",
    "$torch",
    "$torch.load('models/model.pt')",
    "$torch.hub.load('a', 'b')",
    "$torch.ops",
    "$np.load('x', allow_pickle=True)",
    "$monai.utils.optional_import('os')",
    "$monai.bundle.scripts.run()",
    "$monai.bundle.ConfigParser({})",
    "$@plain.__class__",
    "$@plain.append(1)",
    "$@plain(1)",
    "$import os",
    "$from os import system",
    "$1; 2",
    "$9**9**9",
    "$2**65",
    "$10**18 * 10**18",
    "$'a' * 1000000000",
    "$[0] * 1000000000",
    "$list(range(10**9))",
    "$" + "(" * 400 + "1" + ")" * 400,
    "$" + "-" * 900 + "1",
    "$" + "1+" * 400 + "1",
    "$1 / 0",
    "$(1, 2)[5]",
    "$@missing",
    "@missing#a",
    "@../../etc/passwd",
    "%../../x::y",
    "%other.json::key",
    "%configs/train.json::network_def",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_plain_value_is_refused(text: str) -> None:
    with pytest.raises(BundleRefused):
        Interpreter({"asked": text, "plain": [1]}).value("asked")


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "pickle.loads",
        "torch.load",
        "monai.bundle.scripts.run",
        "monai.bundle.ConfigParser",
        "monai.utils.optional_import",
        "monai.data.CSVDataset",
        "monai.transforms.Lambdad",
        "monai.transforms.utils.pickle.loads",
        "os.path.UNet",
        "scripts.mine.UNet",
        "LoadImage",
        "SaveImage",
        "Lambda",
        "",
        "$torch.load",
        "@plain",
        7,
    ],
)
def test_a_target_that_is_not_on_the_list_is_refused(target: object) -> None:
    configuration = {"asked": {"_target_": target, "command": "true"}, "plain": "UNet"}
    with pytest.raises(BundleRefused) as refusal:
        Interpreter(configuration).value("asked")
    assert refusal.value.code == "bundle_name_refused"


def test_a_step_that_loads_a_file_is_left_out_however_it_is_called() -> None:
    interpreter = Interpreter(
        {
            "key": "scan",
            "asked": {
                "_target_": "Compose",
                "transforms": [
                    {"_target_": "monai.transforms.LoadImaged", "keys": "@key", "reader": "$__import__('os')"},
                    {"_target_": "EnsureChannelFirstd", "keys": "@key"},
                    {"_target_": "ScaleIntensityd", "keys": "@key"},
                    {"_target_": "SaveImaged", "keys": "pred", "output_dir": "/etc"},
                ],
            },
        }
    )
    made = interpreter.value("asked")
    assert isinstance(made, Compose)
    assert [type(step).__name__ for step in made.transforms] == ["ScaleIntensityd"]
    assert set(interpreter.loaded) == {"scan"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$[1.5, 1.5] if @flag else [3.0, 3.0]", [1.5, 1.5]),
        ("$'./models/' + @name", "./models/model.pt"),
        ("$len(@sizes) + 1", 4),
        ("$@sizes[0] // 2 * 3 - 2**3", 16),
        ("$not @flag and 1 < 2 <= 2", False),
        ("$'mail@example.org'", "mail@example.org"),
        ("$np.pi / 8", math.pi / 8),
        ("$torch.float32", torch.float32),
        ("$torch.device('cpu')", torch.device("cpu")),
        ("$monai.utils.CommonKeys.IMAGE", "image"),
        ("${'a': (1, -2), 'b': None}", {"a": (1, -2), "b": None}),
        ("@nested#deep::0", 7),
        ("%nested", {"deep": [7]}),
        ("$None", None),
    ],
)
def test_literals_references_and_arithmetic_are_understood(text: str, value: object) -> None:
    around = {"flag": True, "name": "model.pt", "sizes": [16, 32, 48], "nested": {"deep": [7]}}
    assert Interpreter({"asked": text, **around}).value("asked") == value


def test_two_references_to_a_component_are_one_object() -> None:
    interpreter = Interpreter({"net": {"_target_": "SimpleInferer"}, "a": "@net", "b": "$@net"})
    assert interpreter.value("a") is interpreter.value("b")


def test_a_network_sent_to_a_device_stays_where_it_is() -> None:
    network = {
        "_target_": "UNet",
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 1,
        "channels": [2, 4],
        "strides": [2],
    }
    interpreter = Interpreter({"network_def": network, "network": "$@network_def.to('cuda:7')"})
    assert interpreter.value("network") is interpreter.value("network_def")


@pytest.mark.parametrize(
    "configuration",
    [
        {"asked": "@asked"},
        {"asked": "$@b + 1", "b": "$@asked + 1"},
        {"asked": {"_target_": "Compose", "transforms": ["@asked"]}},
        {"asked": {"_requires_": "@asked", "_target_": "SimpleInferer"}},
        {"asked": ["%asked"]},
    ],
)
def test_a_circle_of_references_ends(configuration: dict[str, object]) -> None:
    with pytest.raises(BundleRefused):
        Interpreter(configuration).value("asked")


def test_a_long_chain_of_references_ends() -> None:
    configuration = {"asked": "@k0", **{f"k{n}": f"@k{n + 1}" for n in range(500)}, "k500": 1}
    with pytest.raises(BundleRefused, match="nested"):
        Interpreter(configuration).value("asked")


def test_references_that_multiply_end() -> None:
    levels = {f"k{n}": [f"%k{n + 1}"] * 10 for n in range(8)}
    with pytest.raises(BundleRefused) as refusal:
        Interpreter({**levels, "k8": [1] * 10}).value("k0")
    assert refusal.value.code == "bundle_too_large"


@pytest.mark.parametrize(("disabled", "steps"), [(True, 0), (False, 1), ("true", 0), ("@off", 0), ("$not @off", 1)])
def test_a_disabled_component_is_left_out(disabled: object, steps: int) -> None:
    step = {"_target_": "ScaleIntensityd", "keys": "image", "_disabled_": disabled}
    made = Interpreter({"off": True, "asked": {"_target_": "Compose", "transforms": [step]}}).value("asked")
    assert isinstance(made, Compose)
    assert len(made.transforms) == steps


@pytest.mark.parametrize("mode", ["callable", "debug", "partial", "$1"])
def test_a_component_that_is_not_built_is_refused(mode: str) -> None:
    with pytest.raises(BundleRefused) as refusal:
        Interpreter({"asked": {"_target_": "SimpleInferer", "_mode_": mode}}).value("asked")
    assert refusal.value.code == "bundle_mode_refused"


def test_what_a_component_requires_is_read_first() -> None:
    configuration = {"asked": {"_target_": "SimpleInferer", "_requires_": "$torch.load('x')"}}
    with pytest.raises(BundleRefused, match=r"torch\.load"):
        Interpreter(configuration).value("asked")


def test_what_nothing_needs_is_never_looked_at() -> None:
    interpreter = Interpreter({"imports": ["$import os"], "run": ["$@evaluator.run()"], "asked": 1})
    assert interpreter.value("asked") == 1


def test_weights_are_never_fetched_from_the_network() -> None:
    network = {
        "_target_": "EfficientNetBN",
        "model_name": "efficientnet-b0",
        "pretrained": True,
        "spatial_dims": 2,
        "in_channels": 1,
        "num_classes": 2,
    }
    # The suite has no network: pretrained weights could not be had, and the build would fail.
    assert isinstance(Interpreter({"asked": network}).value("asked"), torch.nn.Module)


def test_arguments_that_do_not_fit_are_named() -> None:
    with pytest.raises(BundleRefused, match="asked: UNet does not take these arguments") as refusal:
        Interpreter({"asked": {"_target_": "UNet", "layers": 3}}).value("asked")
    assert refusal.value.code == "bundle_argument_refused"
