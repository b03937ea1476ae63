"""The rest of LiteLLM's settings: what each key of the service itself means to the gate, or not.

Every key of `general_settings` gets a verdict; one that is in no table here is named, because it
may be a rule. Of `litellm_settings` only what limits somebody is looked at.
"""

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_keys import (
    CHANGED,
    ELSEWHERE,
    MANUAL,
    NEVER_READ,
    OF_THE_SERVICE,
    OWN_SERVICE,
)


def read_profile_flags(general: Keys) -> dict[str, object]:
    """Return what general settings say about our profile."""
    found: dict[str, object] = {}
    if general.flag("enforce_user_param"):
        found["require_user_parameter"] = True
        general.notes.changed(
            general.name("enforce_user_param"),
            "profiles.default.require_user_parameter",
            "refused with 400: logging in again would not help",
        )
    return found


def read_check(jwt: Keys) -> dict[str, object] | None:
    """Return our section `checks`, if there is a check of the deployment's own."""
    name = jwt.text("custom_validate")
    if name is None:
        return None
    module, _, function = name.rpartition(".")
    jwt.notes.changed(
        jwt.name("custom_validate"),
        "checks.custom",
        "gets a copy of the claims, must return True within the deadline, and must be importable",
    )
    return {"custom": f"{module}:{function}"}


def note_the_rest_of_jwt(jwt: Keys) -> None:
    """Note the keys of litellm_jwtauth that have no place here; unknown ones are refused."""
    for key, sentence in ELSEWHERE.items():
        if jwt.drop(key):
            jwt.notes.manual(jwt.name(key), sentence)
    for key in NEVER_READ:
        if jwt.drop(key):
            jwt.notes.exact(jwt.name(key), "", "is read by nothing there, and by nothing here")
    jwt.refuse_the_rest()


def note_the_rest(general: Keys) -> None:
    """Note every other key of the general settings."""
    notes = general.notes
    if general.flag("enforce_rbac"):
        notes.exact(general.name("enforce_rbac"), "", "always: who is nobody is refused")
    for key in general.names():
        name = general.name(key)
        if key in MANUAL:
            notes.manual(name, MANUAL[key])
        elif key in CHANGED:
            notes.changed(name, "", CHANGED[key])
        elif key in OF_THE_SERVICE:
            notes.exact(name, "", OWN_SERVICE)
        else:
            notes.manual(name, "unknown to this importer: see whether it restricts anybody")
