"""LiteLLM's memberships: who is in which team and organization, in which role, with which share.

A team's own list of members (`members_with_roles`) says who they are; the table of memberships adds
money and models for those whom the list has. Who stands elsewhere alone is told and left out: being
taken out of a team leaves such rows behind there, and nobody shall come back by them.
"""

from collections.abc import Container, Mapping

from gatepass.plugin.declared.rows import ALL, Fields, Kind, RowId
from gatepass.plugin.importers.litellm_row import RowReader
from gatepass.plugin.importers.litellm_row_groups import SILENT
from gatepass.plugin.importers.litellm_row_money import BudgetTable, Spending, read_spending
from gatepass.plugin.importers.litellm_row_people import MASTER_KEY_USER
from gatepass.plugin.importers.row_notes import RowNote, RowNotes
from gatepass.rbac.roles import Role

_SILENT = (*SILENT, "user", "user_email", "litellm_organization_table", "litellm_team_table")
_ORGANIZATION_ROLES = (Role.ORG_ADMIN, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER)


class Members:
    """The members of an export's teams and organizations; `known` says which rows there are."""

    def __init__(self, known: Container[RowId], budgets: BudgetTable, notes: RowNotes) -> None:
        self._known = known
        self._budgets = budgets
        self._notes = notes
        self.rows: dict[RowId, Fields] = {}
        self.spending: list[Spending] = []
        self._open: dict[RowId, RowNote] = {}
        self._listed_rows: set[RowId] = set()

    def read_list(self, team: Mapping[str, object]) -> None:
        """Take the members that a team's row lists."""
        team_id = str(team.get("team_id"))
        note = self._notes.open("members of team", team_id)
        reader = RowReader(team, note)
        listed = reader.records("members_with_roles")
        if listed:
            for member in listed:
                self._listed(team_id, member.get("user_id"), member.get("role"), note)
            return
        admins = reader.texts("admins")
        for user_id in dict.fromkeys((*admins, *reader.texts("members"))):
            self._listed(team_id, user_id, "admin" if user_id in admins else "user", note)

    def _listed(self, team_id: str, user_id: object, role: object, note: RowNote) -> None:
        if not isinstance(user_id, str) or not user_id:
            note.manual("a member has an address and no id: add them once they have a row")
            return
        row = RowId(Kind.MEMBER, (user_id, team_id))
        if row in self._listed_rows:
            self._listed_again(row, role)
            return
        self._listed_rows.add(row)
        member = self._notes.open("member", row.name)
        if not self._are_known(member, RowId(Kind.TEAM, (team_id,)), user_id):
            return
        if role not in {"admin", "user"}:
            member.manual("role: is none of a member; taken over as user")
        self._open[row] = member
        self.rows[row] = {"role": "admin" if role == "admin" else "user", "models": ALL}

    def _listed_again(self, row: RowId, role: object) -> None:
        if row in self.rows and self.rows[row]["role"] != role:
            self.rows[row] = {**self.rows[row], "role": "user"}
            self._open[row].manual("stands in the list in two roles; taken over as user")

    def read_membership(self, membership: Mapping[str, object]) -> None:
        """Take a row of the table of memberships: what one member may spend and call."""
        user_id, team_id = (str(membership.get(name)) for name in ("user_id", "team_id"))
        row = RowId(Kind.MEMBER, (user_id, team_id))
        note = self._open.get(row)
        if note is None:
            if row not in self._listed_rows:
                self._notes.open("member", row.name).manual(
                    "has a membership, and is not in the team's own list of members: left out"
                )
            return
        if row not in self.rows or "budget" in self.rows[row]:
            return  # refused, or read already: pages and tables repeat each other
        reader = RowReader(membership, note)
        budget_id, nested = reader.text("budget_id"), reader.mapping("litellm_budget_table")
        money = None
        if budget_id is not None:
            money = self._budgets.by_id(budget_id, dict(nested), reader, self._notes)
        models = self._budgets.models.get(str(budget_id)) or ALL
        self.rows[row] = {**self.rows[row], "budget": money, "models": models}
        self.spending += read_spending(reader, row)
        reader.nothing_left(meant={}, silent=(*_SILENT, "user_id", "team_id", "total_spend"))
        if note.is_refused:
            del self.rows[row]

    def note_teams_of(self, user: Mapping[str, object]) -> None:
        """Say which teams a user's row lists that do not list the user."""
        user_id = str(user.get("user_id"))
        for team_id in RowReader(user, RowNote("user", user_id)).texts("teams"):
            row = RowId(Kind.MEMBER, (user_id, team_id))
            if row not in self._listed_rows and user_id != MASTER_KEY_USER:
                self._notes.open("member", row.name).manual(
                    "stands in the user's list of teams, and not in the team's own list of "
                    "members: left out"
                )

    def read_organization_membership(self, membership: Mapping[str, object]) -> None:
        """Take a row of the table of memberships in organizations; the first of a pair counts."""
        user_id, group = (str(membership.get(name)) for name in ("user_id", "organization_id"))
        row = RowId(Kind.ORGANIZATION_MEMBER, (user_id, group))
        if row in self._open:
            return
        note = self._open[row] = self._notes.open("organization member", row.name)
        reader = RowReader(membership, note)
        role = reader.text("user_role")
        if role not in set(_ORGANIZATION_ROLES):
            note.changed("user_role: has none of a member; taken over as internal_user_viewer")
            role = Role.INTERNAL_USER_VIEWER.value
        if self._budgets.find(reader, self._notes) is not None:
            note.manual("budget_id: a member's share of an organization's money is not limited")
        self.spending += read_spending(reader, row)
        reader.nothing_left(meant={}, silent=(*_SILENT, "user_id", "organization_id"))
        known = self._are_known(note, RowId(Kind.ORGANIZATION, (group,)), user_id)
        if known and not note.is_refused:
            self.rows[row] = {"role": role}

    def _are_known(self, note: RowNote, group: RowId, user_id: str) -> bool:
        if user_id == MASTER_KEY_USER:
            note.changed("is the master key's own row: left out")
            return False
        for needed in (group, RowId(Kind.USER, (user_id,))):
            if needed not in self._known:
                note.refused(f"its {needed.kind} is neither in the export nor stored, or refused")
        return not note.is_refused
