"""The part of `gatepass check` about the folder of `stores.keys_cache`.

Nothing is written. Whoever may write there decides whose tokens are good, so the service believes
it only by the rules of gatepass.jwks.saved.
"""

import os

from gatepass.jwks.saved import NotSaved, check_folder
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.settings import Compiled

_SUBJECT = "stores.keys_cache"
_ADVICE = (
    "give the folder to the account of the service (and check under it), with mode 0700, or name "
    "another one"
)


def kept_keys_findings(compiled: Compiled) -> list[Finding]:
    """Say whether the keys of the issuers could be kept; nothing where none are to be."""
    folder = next((one.keys_folder for one in compiled.issuers if one.keys_folder), None)
    if folder is None:
        return []
    try:
        check_folder(folder)
    except NotSaved as refused:
        found = f"keys are not kept in {folder}: {refused.detail}"
        return [Finding(_SUBJECT, ok=False, found=found, advice=_ADVICE)]
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        found = f"{there} is not writable for this account"
        return [Finding(_SUBJECT, ok=False, found=found, advice=_ADVICE)]
    found = f"{folder} can be used" if there == folder else f"{folder} is made with the first keys"
    return [Finding(_SUBJECT, ok=True, found=found)]
