"""Prints, as JSON, a Chromium for the browser tests: an installed one, else the one inside an npm package.

{"program": "/usr/bin/chromium", "environment": {}}
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Final

from build_dashboard import NODE_MODULES, WEB, BuildFailed, find_node, install_packages

INSTALLED: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
UNPACKED: Final = NODE_MODULES / ".chromium"
#: The package's own list of fonts names folders of AWS Lambda; a Chromium that finds no font at all ends at once.
FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


def find() -> dict[str, object]:
    """The program and what its environment must hold; raises BuildFailed where there is none to be had."""
    installed = next(filter(None, map(shutil.which, INSTALLED)), None)
    if installed is not None:
        return {"program": installed, "environment": {}}
    node = find_node()
    install_packages(node, everything=True)
    UNPACKED.mkdir(exist_ok=True)
    told = subprocess.run(
        [str(node.program), "tools/chromium.mjs"],
        cwd=WEB,
        env={**os.environ, "TMPDIR": str(UNPACKED)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if told.returncode != 0:
        raise BuildFailed("the Chromium inside @sparticuz/chromium could not be unpacked; its message is above")
    fonts = UNPACKED / "fonts.conf"
    fonts.write_text(FONTS.format(fonts=UNPACKED / "fonts", cache=UNPACKED / "font-cache"))
    libraries = os.pathsep.join((str(UNPACKED / "al2023" / "lib"), str(UNPACKED)))
    return {
        "program": told.stdout.strip(),
        "environment": {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(fonts)},
    }


def main() -> int:
    """Print it; 1 with a reason where there is none."""
    try:
        print(json.dumps(find()))
    except BuildFailed as failed:
        print(f"find_chromium: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
