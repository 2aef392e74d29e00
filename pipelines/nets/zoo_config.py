"""A bundle's configuration, interpreted: MONAI's config language without Python in it.

Only what is asked for is built, with what it refers to: a loader of data sets, a `run` list or an `imports` list that
nothing of that needs is never looked at. Source: MONAI config syntax, https://docs.monai.io/en/stable/config_syntax.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from pipelines.core.errors import BundleRefused
from pipelines.nets import zoo_names
from pipelines.nets.zoo_expression import Vocabulary, evaluate

#: JSON, as it comes from a file.
Json = Any

_DEEPEST: Final = 60
_MOST_NODES: Final = 50_000
_REFERENCE: Final = re.compile(r"@(\w+(?:(?:#|::)\w+)*)")
_MACRO: Final = re.compile(r"%(\w+(?:(?:#|::)\w+)*)")
_SPLIT: Final = re.compile(r"#|::")
_SPECIAL: Final = frozenset({"_target_", "_disabled_", "_requires_", "_mode_", "_desc_"})


class _Absent:
    """Stands for a component that is disabled or that Overread does itself: its parent leaves it out."""


ABSENT: Final = _Absent()


class Interpreter:
    """One configuration; a component that two places refer to is built once. Raises BundleRefused throughout."""

    def __init__(self, configuration: Mapping[str, Json], trusted_root: str = ".") -> None:
        """`configuration` is the whole inference file; `trusted_root` is what `bundle_root` stands for."""
        self._configuration: dict[str, Json] = {**configuration, "bundle_root": trusted_root}
        self._built: dict[str, object] = {}
        self._open: list[str] = []
        self._nodes = 0
        self.loaded: list[str] = []  # keys of the images that the steps left out would have loaded
        self._vocabulary = Vocabulary(zoo_names.CONSTANTS, zoo_names.call, self.value)

    def has(self, identity: str) -> bool:
        """Whether the configuration holds something under this id."""
        try:
            self._raw(identity)
        except BundleRefused:
            return False
        return True

    def raw(self, identity: str) -> Json:
        """What the file says under an id as in `a#b#0`, before any interpretation."""
        return self._raw(identity)

    def value(self, identity: str) -> object:
        """What an id stands for, built on first use."""
        identity = "#".join(_SPLIT.split(identity))
        if identity in self._built:
            return self._built[identity]
        if identity in self._open:
            raise BundleRefused(f"@{identity} refers to itself", code="bundle_reference_cycle")
        if len(self._open) >= _DEEPEST:
            raise BundleRefused(f"references are nested too deeply at @{identity}", code="bundle_reference_cycle")
        raw = self._raw(identity)
        self._open.append(identity)
        try:
            value = self._interpret(raw, identity)
        finally:
            self._open.pop()
        self._built[identity] = value
        return value

    def _raw(self, identity: str) -> Json:
        here: Json = self._configuration
        for key in _SPLIT.split(identity):
            if isinstance(here, dict) and key in here:
                here = here[key]
            elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
                here = here[int(key)]
            else:
                raise BundleRefused(f"the configuration lacks {identity}", code="bundle_key_missing")
        return here

    def _interpret(self, raw: Json, identity: str) -> object:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise BundleRefused("the configuration is larger than one is", code="bundle_too_large")
        if isinstance(raw, str):
            return self._text(raw, identity)
        if isinstance(raw, list):
            items = [self.value(f"{identity}#{index}") for index in range(len(raw))]
            return [item for item in items if item is not ABSENT]
        if isinstance(raw, dict):
            return self._component(raw, identity) if "_target_" in raw else self._members(raw, identity)
        return raw

    def _members(self, raw: dict[str, Json], identity: str) -> dict[str, object]:
        members = {key: self.value(f"{identity}#{key}") for key in raw if key not in _SPECIAL}
        return {key: value for key, value in members.items() if value is not ABSENT}

    def _text(self, text: str, identity: str) -> object:
        if text.startswith("$"):
            return self._expression(text[1:])
        if text.startswith("@"):
            if (match := _REFERENCE.fullmatch(text)) is None:
                raise BundleRefused(f"{identity}: {text[:80]} is no reference", code="bundle_reference_refused")
            return self.value(match[1])
        if text.startswith("%"):
            return self._macro(text, identity)
        return text

    def _expression(self, text: str) -> object:
        if text.lstrip().startswith(("import ", "from ")):
            raise BundleRefused(f"an import is not run: ${text[:80]}", code="bundle_expression_refused")
        return evaluate(text, self._vocabulary)

    def _macro(self, text: str, identity: str) -> object:
        """A copy of another place's text, built anew; another file is refused, since nothing says which ones belong."""
        if (match := _MACRO.fullmatch(text)) is None:
            raise BundleRefused(
                f"{identity}: {text[:80]} is no reference within the file", code="bundle_reference_refused"
            )
        self._place(identity, deepcopy(self._raw(match[1])))
        return self._interpret(self._raw(identity), identity)

    def _place(self, identity: str, copied: Json) -> None:
        parent, _, key = identity.rpartition("#")
        holder = self._raw(parent) if parent else self._configuration
        if isinstance(holder, list):
            holder[int(key)] = copied
        else:
            holder[key] = copied

    def _component(self, raw: dict[str, Json], identity: str) -> object:
        target = raw["_target_"]
        if not isinstance(target, str):
            raise BundleRefused(f"{identity}: its _target_ is no name", code="bundle_name_refused")
        name = zoo_names.plain_name(target)
        if zoo_names.is_of_monai(target) and name in zoo_names.LOADERS | zoo_names.SAVERS:
            return self._left_out(name, identity)
        if self._is_disabled(raw, identity):
            return ABSENT
        if raw.get("_mode_", "default") != "default":
            raise BundleRefused(f"{identity}: _mode_ {raw['_mode_']} is not run", code="bundle_mode_refused")
        if "_requires_" in raw:
            self.value(f"{identity}#_requires_")
        if not name or target.startswith("$"):
            raise BundleRefused(f"{identity}: its _target_ is no name", code="bundle_name_refused")
        try:
            return zoo_names.make_target(target, self._members(raw, identity))
        except BundleRefused as error:
            raise BundleRefused(f"{identity}: {error.detail}", code=error.code) from error

    def _left_out(self, name: str, identity: str) -> _Absent:
        if name in zoo_names.LOADERS and self.has(f"{identity}#keys"):
            keys = self.value(f"{identity}#keys")
            self.loaded += [str(key) for key in (keys if isinstance(keys, list | tuple) else [keys])]
        return ABSENT

    def _is_disabled(self, raw: dict[str, Json], identity: str) -> bool:
        # MONAI's rule: true, or a text that says so in any case of letters.
        value = self.value(f"{identity}#_disabled_") if "_disabled_" in raw else False
        return value.strip().lower() == "true" if isinstance(value, str) else value is True
