"""LiteLLM's users: who a row can become, in which role, and whose addresses are not theirs alone.

A row's ids are those of one issuer, its home issuer, which the operator names: LiteLLM stores none.
Two rows with one address are both taken over as they are, and told: merging them would give one
person the other's rights. The row of the master key is nobody's, and is left out.
"""

from collections import Counter
from collections.abc import Mapping

from gatepass.plugin.declared.rows import Fields, Kind, RowId, Rows, Value
from gatepass.plugin.importers.litellm_row import RowReader
from gatepass.plugin.importers.litellm_row_groups import (
    NOT_TAKEN,
    SILENT,
    note_metadata,
    read_models,
)
from gatepass.plugin.importers.litellm_row_limits import read_limit
from gatepass.plugin.importers.litellm_row_money import Spending, read_spending
from gatepass.plugin.importers.row_notes import RowNote, RowNotes
from gatepass.rbac.addresses import is_address
from gatepass.rbac.linking import PRIVILEGED_ROLES
from gatepass.rbac.roles import Role

MASTER_KEY_USER = "default_user_id"
"""The row that LiteLLM makes for whoever comes with the master key."""

_ROLES = {
    "proxy_admin": Role.PROXY_ADMIN,
    "proxy_admin_viewer": Role.PROXY_ADMIN_VIEWER,
    "org_admin": Role.ORG_ADMIN,
    "internal_user": Role.INTERNAL_USER,
    "internal_user_viewer": Role.INTERNAL_USER_VIEWER,
}
_NOT_OF_USERS = {**NOT_TAKEN, "allowed_cache_controls": "caching is not controlled here"}
_SILENT_OF_USERS = (
    *SILENT,
    *("user_alias", "password", "key_count", "keys", "teams", "team_id", "organization_id"),
    *("organization_memberships", "litellm_organization_table"),
)


STANDS_TWICE = "stands twice in the export, with different values"


class Users:
    """The users of an export; `home_issuer` is the issuer whose ids theirs are, if any."""

    def __init__(self, home_issuer: str | None, notes: RowNotes) -> None:
        self._home_issuer = home_issuer
        self._notes = notes
        self._read: dict[RowId, tuple[Fields, RowNote]] = {}
        self.spending: list[Spending] = []

    @property
    def rows(self) -> dict[RowId, Fields]:
        """Return those that were not refused."""
        return {row: fields for row, (fields, note) in self._read.items() if not note.is_refused}

    def read(self, row: Mapping[str, object]) -> None:
        """Take a row of the table of users."""
        note = self._notes.open("user", str(row.get("user_id") or "?"))
        reader = RowReader(row, note)
        user_id = reader.text("user_id")
        if user_id == MASTER_KEY_USER:
            note.changed("is the master key's own row: left out, there is no master key here")
            return
        fields: Fields = {
            "email": _email(reader),
            "home_issuer": self._home_issuer,
            "sso_user_id": reader.text("sso_user_id"),
            "role": _role(reader),
            "blocked": False,
            "models": read_models(reader),
            "budget": read_limit(reader),
        }
        metadata = dict(reader.mapping("metadata"))
        if metadata.pop("scim_active", None) is False:
            fields = {**fields, "blocked": True}
            note.changed("was taken out of service by SCIM: it is blocked here")
        note_metadata(reader, metadata)
        if user_id is None:
            note.refused("user_id: is missing")
            return
        row_id = RowId(Kind.USER, (user_id,))
        self.spending += read_spending(reader, row_id)
        reader.nothing_left(meant=_NOT_OF_USERS, silent=_SILENT_OF_USERS)
        if row_id in self._read:
            for one in (note, self._read[row_id][1]):
                one.refused(STANDS_TWICE)
            return
        self._read[row_id] = (fields, note)

    def note_doubles(self, stored: Rows) -> None:
        """Say of whom more than one row speaks: by address, or by id at the identity provider."""
        there = {row: fields for row, fields in stored.items() if row.kind is Kind.USER}
        every = {**there, **{row: fields for row, (fields, _) in self._read.items()}}
        addresses = Counter(fields["email"] for fields in every.values())
        ids = Counter((fields["home_issuer"], fields["sso_user_id"]) for fields in every.values())
        for row, (fields, note) in self._read.items():
            email, sso_user_id = fields["email"], fields["sso_user_id"]
            if email is not None and addresses[email] > 1:
                note.manual(
                    f"user_email: {addresses[email]} rows have this address: they are not merged, "
                    "and it links none of them until all but one have lost it"
                )
            if sso_user_id is not None and ids[self._home_issuer, sso_user_id] > 1:
                note.refused("sso_user_id: another row has it, too")
            elif sso_user_id != row.key[0] and RowId(Kind.USER, (str(sso_user_id),)) in every:
                note.manual("sso_user_id: is the user_id of another row: whoever has it is refused")


def _email(reader: RowReader) -> Value:
    text = reader.text("user_email")
    if text is None:
        return None
    if not is_address(text):
        reader.note.manual("user_email: is not plainly an address: left out")
        return None
    return text.lower()


def _role(reader: RowReader) -> Value:
    text = reader.text("user_role")
    if text is None:
        return None
    role = _ROLES.get(text)
    if role is None:
        reader.note.manual("user_role: is not the role of a person here: left out")
    elif role in PRIVILEGED_ROLES:
        reader.note.changed("user_role: an administrator's row is linked by its ids alone")
    return role
