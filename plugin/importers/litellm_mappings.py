"""LiteLLM's two lists of what a value of the roles claim stands for.

`role_mappings` compare exactly, know three roles, and count with `enforce_rbac`; without it they
say only whose id the object id is. `jwt_litellm_role_map` has patterns and counts with
`sync_user_role_and_teams`. What counts there for less than it would here is left to a person. Of
several mappings of a value the first counts.
"""

from collections.abc import Mapping

from gatepass.plugin.importers.keys import Keys
from gatepass.rbac.roles import Role

_WHERE = "roles.mappings"
_OTHER_WORDS = {"customer": "end_user"}
_MAPPED_ROLES = frozenset({Role.PROXY_ADMIN, Role.TEAM, Role.INTERNAL_USER})


def read_mappings(
    jwt: Keys, claims: Mapping[str, str], *, enforced: bool
) -> list[dict[str, object]]:
    """Return our `roles.mappings`; `enforced` says that `enforce_rbac` is set."""
    mappings = _read_role_mappings(jwt, says_whose_id="object_id" in claims, enforced=enforced)
    if "object_id" in claims and not mappings:
        jwt.notes.refused(jwt.name("object_id_jwt_field"), "means nothing without role_mappings")
    return _read_role_map(jwt) + mappings


def _read_role_mappings(
    jwt: Keys, *, says_whose_id: bool, enforced: bool
) -> list[dict[str, object]]:
    found: dict[str, Role] = {}
    entries = jwt.list_below("role_mappings")
    for entry in entries:
        pair = _read_pair(entry, "role", "internal_role")
        if pair is None:
            continue
        value, role = pair
        if role not in _MAPPED_ROLES:
            jwt.notes.refused(entry.name("internal_role"), "no role that role_mappings know there")
        elif "*" in value:
            jwt.notes.manual(
                entry.name("role"),
                "compared exactly there, where a * stands for itself; left out, because here it "
                "would stand for anything",
                _WHERE,
            )
        elif role is not Role.PROXY_ADMIN:
            found.setdefault(value, role)
        elif enforced and value not in found:
            found[value] = role
            jwt.notes.manual(
                entry.name("internal_role"),
                "makes an administrator here, and nobody there: take it out unless that is meant",
                _WHERE,
            )
    key = jwt.name("role_mappings")
    if enforced and found:
        jwt.notes.changed(key, _WHERE, "looked at before a team or user id is")
    elif says_whose_id and found:
        jwt.notes.manual(
            key,
            "without enforce_rbac it says only whose id the object id is; here it makes the role "
            "too, and one to proxy_admin is left out",
            _WHERE,
        )
    elif entries and not enforced:
        jwt.notes.manual(
            key,
            "read by nothing without enforce_rbac; add it to roles.mappings if it is meant to "
            "count",
        )
        return []
    return [{"value": value, "role": role.value} for value, role in found.items()]


def _read_role_map(jwt: Keys) -> list[dict[str, object]]:
    found: dict[str, Role] = {}
    entries = jwt.list_below("jwt_litellm_role_map")
    for entry in entries:
        pair = _read_pair(entry, "jwt_role", "litellm_role")
        if pair is None:
            continue
        value, role = pair
        if any(letter in value for letter in "?["):
            jwt.notes.manual(
                entry.name("jwt_role"), "only * stands for something here; left out", _WHERE
            )
        else:
            found.setdefault(value, role)
    if entries and not jwt.is_on("sync_user_role_and_teams"):
        jwt.notes.manual(
            jwt.name("jwt_litellm_role_map"),
            "read by nothing without sync_user_role_and_teams; add it to roles.mappings if it is "
            "meant to count",
        )
        return []
    if found:
        jwt.notes.exact(jwt.name("jwt_litellm_role_map"), _WHERE)
    return [{"value": value, "role": role.value} for value, role in found.items()]


def _read_pair(entry: Keys, value_key: str, role_key: str) -> tuple[str, Role] | None:
    """Return the value and its role, or None where the entry is refused."""
    value, name = entry.text(value_key), entry.text(role_key)
    entry.refuse_the_rest()
    if value is None or name is None:
        entry.notes.refused(entry.name(value_key), f"a mapping needs {value_key} and {role_key}")
        return None
    name = _OTHER_WORDS.get(name, name)
    if name not in set(Role):
        entry.notes.refused(entry.name(role_key), "not a role")
        return None
    return value, Role(name)
