"""From a file to settings that compile, or to everything that is wrong with it at once."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from gatepass.plugin.settings.compile import compile_settings
from gatepass.plugin.settings.grammar import GroupNames
from gatepass.plugin.settings.hints import with_hint
from gatepass.plugin.settings.model import Settings
from gatepass.plugin.settings.problems import Location, Origin
from gatepass.plugin.settings.reading import Document, read_document
from gatepass.plugin.settings.section import findings_of
from gatepass.rbac.route_groups import ROUTE_GROUPS


def load_settings(path: str | Path, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read, resolve and check a settings file; what comes back compiles.

    Raises:
        ConfigurationError: with every problem, `FILE:LINE:COLUMN: SETTING: what is wrong`, in the
            order of the file. No value of the file is in it.

    """
    document = read_document(Path(path), environ)
    return _validated(document)


def make_settings(values: Mapping[str, object], folder: Path | None = None) -> Settings:
    """Check settings that a program made, written as in a file; relative paths start at `folder`.

    Raises:
        ConfigurationError: with every problem, `settings: SETTING: what is wrong`.

    """
    origin = Origin() if folder is None else Origin(folder=folder.absolute())
    return _validated(Document(values, origin))


def _validated(document: Document) -> Settings:
    values = document.values
    groups = values.get("route_groups")
    own_groups = groups.keys() if isinstance(groups, Mapping) else ()
    names = GroupNames(frozenset((*ROUTE_GROUPS, *map(str, own_groups))))
    findings = list(document.findings)
    try:
        settings = Settings.model_validate(values, context=names)
    except ValidationError as error:
        found = findings_of(error, tuple(Settings.model_fields))
        findings += [
            finding for finding in found if not _is_within(finding.location, document.unreadable)
        ]
    if findings:
        raise document.origin.error(map(with_hint, findings))
    settings.remember(document.origin)
    compile_settings(settings)
    return settings


def _is_within(location: Location, unreadable: frozenset[Location]) -> bool:
    """Tell whether a value that could not be read stands there or around it."""
    return any(location[:length] in unreadable for length in range(len(location) + 1))
