"""The slow look at the stored bytes: a folder a time, with an alarm where something is lost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.log import logger
from services.store.alarms import AlarmCode, clear_alarm, is_open, raise_alarm
from services.store.check import FolderReport, check_folder
from services.store.session import unit_of_work
from services.store.stores import Store

log = logger("scheduler")
#: One of the store's 256 folders a time: all of them in about four hours.
INSPECT_SECONDS: Final = 60.0


@dataclass
class Inspector:
    """Looks whether files are there with their sizes; what each folder lacked last counts until it is seen again."""

    store: Store
    seen: dict[str, FolderReport] = field(default_factory=dict)

    def round(self) -> None:
        """Look at the folder whose turn it is by the clock: a scheduler that starts anew goes on where it was."""
        folders = self.store.blobs.folders()
        self.look(folders[int(time.time() // INSPECT_SECONDS) % len(folders)])

    def look(self, folder: str) -> None:
        """Look at one folder; raise the alarms, or clear them once all were well. Raises DatabaseUnavailable."""
        report = self.seen[folder] = check_folder(self.store, folder, deep=False)
        if report.missing or report.damaged:
            log.error("blobs.lost", folder=folder, missing=len(report.missing), damaged=len(report.damaged))
        self._say(AlarmCode.BLOBS_MISSING, {name: len(one.missing) for name, one in self.seen.items()})
        self._say(AlarmCode.BLOBS_DAMAGED, {name: len(one.damaged) for name, one in self.seen.items()})

    def _say(self, code: AlarmCode, lost: Mapping[str, int]) -> None:
        count = sum(lost.values())
        with unit_of_work(self.store.database, writing=False) as session:
            was_open = is_open(session, code)
        if count:
            checked = sum(one.checked for one in self.seen.values())
            with unit_of_work(self.store.database) as session:
                raise_alarm(session, code, f"{count} of {checked} files looked at")
        elif was_open and len(lost) == len(self.store.blobs.folders()):
            with unit_of_work(self.store.database) as session:
                clear_alarm(session, code)
