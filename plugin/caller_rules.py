"""How one generation of settings judges whoever a token names: rows in, a KnownCaller out.

A caller with several teams is known for each that does not bar them, in order; whoever is barred
for all of them is refused for what is wrong with the first. Left to others: where the
rows come from, who is remembered, and which limits apply.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.budgets.applicable import Applicable, every_limit
from gatepass.plugin.budgets.engine import Payer
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.decision import Caller
from gatepass.plugin.headers import Header
from gatepass.plugin.known_caller import KnownCaller, Life
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.outage import nameless
from gatepass.rbac.principals import Principals
from gatepass.rbac.standing import Standing
from gatepass.rbac.teams import TeamChoice


def _nobody(_identity: Identity) -> None:
    """Let nobody stand without rows."""


@dataclass(frozen=True, slots=True)
class CallerRules:
    """How a token is read, and how whoever it names is judged.

    `complete` reads a token together with the groups that it leaves out. For
    `serve_stale_seconds` after their time rows serve on while the store is away.
    `stand_without_rows` judges whoever has nothing but a token, and says None where that is too
    little.
    """

    identify: Callable[[VerifiedToken], Identity]
    complete: Callable[[VerifiedToken], Awaitable[Identity]]
    choose_team: Callable[[Identity, str | None], TeamChoice]
    stand: Callable[[Identity, Principals], Standing]
    upstream_headers: Callable[[Caller], tuple[Header, ...]]
    custom_check: CustomCheck | None = None
    limits: Callable[[Principals], Applicable] = every_limit
    serve_stale_seconds: float = 0.0
    stand_without_rows: Callable[[Identity], Standing | None] = _nobody

    def judge(
        self, identity: Identity, candidates: Sequence[Principals], life: Life
    ) -> KnownCaller:
        """Return the caller for the first team that does not bar them, with the others behind it.

        Raises:
            AccessDenied: every team does; it says why the first does.

        """
        found: list[KnownCaller] = []
        faults: list[AccessFault] = []
        for principals in candidates:
            try:
                standing = self.stand(identity, principals)
            except AccessDenied as denied:
                if not found:
                    faults.append(denied.fault)
            else:
                found.append(self._acting(identity, principals, standing, life))
        if not found:
            raise AccessDenied(faults[0])
        if len(found) == 1 and not faults:
            return found[0]
        return replace(found[0], others=tuple(found[1:]), barred=faults[0] if faults else None)

    def judge_without_rows(self, identity: Identity) -> KnownCaller | None:
        """Return who acts by nothing but a token, for this one request; None if nobody does."""
        standing = self.stand_without_rows(identity)
        if standing is None:
            return None
        return self._acting(nameless(identity), Principals(), standing, Life(0.0))

    def _acting(
        self, identity: Identity, principals: Principals, standing: Standing, life: Life
    ) -> KnownCaller:
        caller = Caller(identity, principals, standing.role)
        limits = self.limits(principals)
        return KnownCaller(
            caller=caller,
            set_headers=self.upstream_headers(caller),
            limits=limits,
            standing=standing,
            model_decides=bool(limits) or standing.model_decides,
            life=life,
            payer=_payer_of(caller),
        )


def _payer_of(caller: Caller) -> Payer:
    """Return who the calls of a caller are written down for."""
    identity, rows = caller.identity, caller.principals
    return Payer(
        issuer=identity.issuer,
        user_id=caller.user_id,
        team_id=None if rows.team is None else rows.team.team_id,
        organization_id=None if rows.organization is None else rows.organization.organization_id,
        end_user_id=identity.end_user,
    )
