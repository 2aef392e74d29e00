"""Makes `.venv` ready for `run` or `develop`; takes a fraction of a second where nothing has changed since."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
ENVIRONMENT: Final = ROOT / ".venv"
PYTHON: Final = ENVIRONMENT / "bin" / "python"
WORKSHOP: Final = ROOT / ".setup"
#: What each target installs. `develop` holds all of `run`, so its stamp serves both.
EXTRAS: Final = {"run": "", "develop": "[test,check,train]"}
#: Files whose change makes the installation run again.
INGREDIENTS: Final = ("pyproject.toml", "constraints.txt", "scripts/setup.py")

#: PyTorch's own index of builds without CUDA: about 200 MB instead of several GB.
CPU_INDEX: Final = "https://download.pytorch.org/whl/cpu"
CPU_INDEX_PATIENCE_SECONDS: Final = 3.0
#: A line that is slow for a moment must not decide which build of PyTorch is taken, nor end a long installation.
CPU_INDEX_TRIES: Final = 3
INSTALL_TRIES: Final = 2
#: pip gives a server that falls silent fifteen seconds, and five more chances where it had not begun to answer.
PIP_PATIENCE_SECONDS: Final = 60
#: pip for a Python that has neither ensurepip nor pip, as Debian's bare python3 does.
PIP_WHEEL_INDEX: Final = "https://pypi.org/simple/pip/"
DOWNLOAD_PATIENCE_SECONDS: Final = 60.0
LINES_SHOWN_ON_FAILURE: Final = 25
LAST_WORDS_CHARACTERS: Final = 2000
WORTH_MENTIONING_SECONDS: Final = 2.0


class SetupFailed(Exception):
    """The environment could not be made; the message says what to do."""


def main() -> int:
    """Install a target's packages and build the dashboard, each only where something changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(EXTRAS), help="run: to use it; develop: also to test and check it")
    parser.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto", help="which build of PyTorch")
    chosen = parser.parse_args()
    try:
        if not is_current(chosen.target, chosen.torch):
            install(chosen.target, chosen.torch)
        build_dashboard()
    except SetupFailed as failure:
        print(f"setup: {failure}", file=sys.stderr)
        return 1
    return 0


def ingredients_digest(target: str, torch: str) -> str:
    """What an installation was made from, as one hash: files, Python version and the build of PyTorch asked for."""
    digest = hashlib.sha256(f"{target} {torch} {sys.version_info[:2]}".encode())
    for name in INGREDIENTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamp(target: str) -> Path:
    """The file, inside the environment, that says from what the target was installed."""
    return ENVIRONMENT / f".overread-{target}"


def is_current(target: str, torch: str) -> bool:
    """Whether this target, or one that holds it, was installed from the files as they are now."""
    return any(
        stamp(name).is_file() and stamp(name).read_text() == ingredients_digest(name, torch)
        for name in {target, "develop"}
    )


def install(target: str, torch: str) -> None:
    """Make the environment where there is none and install the pinned packages into it."""
    begin = time.monotonic()
    if not PYTHON.exists():
        say("making the virtual environment .venv")
        make_environment()
    build, arguments = torch_arguments(torch)
    say(f"installing Python packages ({build}); the first time this takes some minutes")
    pip_install([*arguments, "-c", "constraints.txt", "-e", f".{EXTRAS[target]}"])
    check_torch(torch)
    stamp(target).write_text(ingredients_digest(target, torch))
    say(f"packages are in place after {time.monotonic() - begin:.0f} s")


def make_environment() -> None:
    """Make `.venv` with the standard library's venv, or with virtualenv from PyPI where ensurepip is missing."""
    if importlib.util.find_spec("ensurepip") is not None:
        made = subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], capture_output=True, text=True)
        if made.returncode == 0:
            return
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    say("this Python has no ensurepip: taking virtualenv from PyPI instead")
    tools = WORKSHOP / "virtualenv"
    finish([*system_pip(), "install", "--quiet", "--target", str(tools), "virtualenv"], "virtualenv cannot be had")
    finish(
        [sys.executable, "-m", "virtualenv", "--quiet", str(ENVIRONMENT)],
        "virtualenv cannot make .venv",
        {"PYTHONPATH": str(tools)},
    )


def system_pip() -> list[str]:
    """How to call pip: this Python's own, else a wheel of it, which runs without being installed."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    return [sys.executable, str(fetch_pip_wheel() / "pip")]


def fetch_pip_wheel() -> Path:
    """Download the newest wheel of pip from PyPI and compare its sha256 with the index's; raises SetupFailed."""
    try:
        with urllib.request.urlopen(PIP_WHEEL_INDEX, timeout=DOWNLOAD_PATIENCE_SECONDS) as page:
            links = re.findall(
                r'href="(https://[^"#]+/(pip-[\d.]+-py3-none-any\.whl))#sha256=(\w+)"', page.read().decode()
            )
        if not links:
            raise SetupFailed("PyPI lists no wheel of pip; install python3-venv or python3-pip")
        url, name, expected = max(links, key=lambda link: [int(part) for part in link[1].split("-")[1].split(".")])
        with urllib.request.urlopen(url, timeout=DOWNLOAD_PATIENCE_SECONDS) as body:  # noqa: S310
            content = body.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise SetupFailed(f"pip cannot be fetched ({error}); install python3-venv or python3-pip") from error
    if hashlib.sha256(content).hexdigest() != expected:
        raise SetupFailed("the downloaded wheel of pip does not have the hash that PyPI states")
    WORKSHOP.mkdir(exist_ok=True)
    wheel = WORKSHOP / str(name)
    wheel.write_bytes(content)
    return wheel


def torch_arguments(torch: str) -> tuple[str, list[str]]:
    """Which build of PyTorch to take, in words, and pip's arguments for it."""
    version = pinned_torch()
    if torch == "cuda" or (torch == "auto" and has_nvidia_driver()):
        # `===` leaves out builds with a local version such as +cpu, which pip would otherwise prefer.
        return "PyTorch with CUDA", [f"torch==={version}"]
    if any(answers(f"{CPU_INDEX}/torch/") for _ in range(CPU_INDEX_TRIES)):
        return "PyTorch for CPU", ["--extra-index-url", CPU_INDEX, f"torch=={version}"]
    return "PyTorch as your pip finds it, since PyTorch's CPU index does not answer", [f"torch=={version}"]


def pinned_torch() -> str:
    """The version of PyTorch in constraints.txt."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line.startswith("torch=="):
            return line.removeprefix("torch==").strip()
    raise SetupFailed("constraints.txt pins no torch")


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver is loaded and sees a GPU."""
    if Path("/proc/driver/nvidia/version").exists():
        return True
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True).returncode == 0


def answers(url: str) -> bool:
    """Whether an index answers within a few seconds."""
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310
        with urllib.request.urlopen(request, timeout=CPU_INDEX_PATIENCE_SECONDS):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False


def pip_install(arguments: list[str]) -> None:
    """Run pip, a second time where it fails: what it has downloaded stays; raises SetupFailed with its last words."""
    WORKSHOP.mkdir(exist_ok=True)
    log = WORKSHOP / "pip.log"
    for _ in range(INSTALL_TRIES):
        status, last = run_pip(arguments, log)
        if status == 0:
            return
        say(f"pip ended with status {status}: {last.splitlines()[-1] if last else 'it said nothing'}")
    raise SetupFailed(f"pip could not install the packages (whole log: {log}):\n{last}")


def run_pip(arguments: list[str], log: Path) -> tuple[int, str]:
    """Run pip, showing one moving line on a terminal; its exit status and its last lines."""
    last = deque[str](maxlen=LINES_SHOWN_ON_FAILURE)
    quiet = ("--disable-pip-version-check", "--progress-bar", "off", "--timeout", str(PIP_PATIENCE_SECONDS))
    command = [str(PYTHON), "-m", "pip", "install", *quiet, *arguments]
    with (
        log.open("w", buffering=1) as kept,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            kept.write(line)
            last.append(line)
            show_passing(line.strip())
    show_passing("")
    return pip.returncode, "".join(last)


def show_passing(line: str) -> None:
    """Show a line that the next one overwrites; nothing where the output is no terminal."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{line[:width]}", end="", flush=True)


def check_torch(torch: str) -> None:
    """Make sure that PyTorch loads and, where CUDA was asked for, has it; raises SetupFailed."""
    code = "import torch; print(torch.__version__, torch.version.cuda or 'no CUDA')"
    found = subprocess.run([str(PYTHON), "-c", code], cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        raise SetupFailed(f"PyTorch does not load:\n{found.stderr[-LAST_WORDS_CHARACTERS:]}")
    say(f"PyTorch {found.stdout.strip()}")
    if torch == "cuda" and found.stdout.strip().endswith("no CUDA"):
        raise SetupFailed("CUDA was asked for, but pip found only a build without it")


def build_dashboard() -> None:
    """Build the dashboard where its sources changed; the script keeps its own stamp."""
    begin = time.monotonic()
    finish([str(PYTHON), "scripts/build_dashboard.py"], "the dashboard could not be built")
    if time.monotonic() - begin > WORTH_MENTIONING_SECONDS:
        say(f"the dashboard is in place after {time.monotonic() - begin:.0f} s")


def finish(command: list[str], reason: str, more: dict[str, str] | None = None) -> None:
    """Run a command quietly to its end; raises SetupFailed with the reason and the command's last words."""
    environment = {**os.environ, **(more or {})}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if ended.returncode != 0:
        raise SetupFailed(f"{reason}:\n{(ended.stdout + ended.stderr)[-LAST_WORDS_CHARACTERS:]}")


def say(sentence: str) -> None:
    """Tell the person what goes on."""
    print(f"setup: {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
