"""One generation of the settings, ready to judge: compiled once, swapped whole by a reload.

Nothing in a rulebook changes after it was made but its memory of tokens and callers, which belongs
to it alone: a decision can never mix two generations (SEC-50).
"""

from dataclasses import dataclass

from gatepass.jwks.clock import Clock
from gatepass.jwks.dpop import ProofChecker
from gatepass.jwks.token import VerifiedToken
from gatepass.jwks.verifier import Verifier
from gatepass.plugin.budgets.applicable import Applicable, limits_of
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.estimates import PriceRules
from gatepass.plugin.caller_rules import CallerRules
from gatepass.plugin.callers import Callers
from gatepass.plugin.decision import Caller, Deny
from gatepass.plugin.directory.changed import Notify, nobody_is_told
from gatepass.plugin.directory.resolved import Directory
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.watch import StoreWatch
from gatepass.plugin.headers import Header, fold_name, header_text
from gatepass.plugin.inspection import HeaderFacts, HeaderInspector
from gatepass.plugin.possession import Possession, schemes_of
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import Schemes, refuse_for
from gatepass.plugin.routing import Router
from gatepass.plugin.settings.compiled import Compiled, IdentityHeaders
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.outage import stand_without_rows
from gatepass.rbac.policy import Profile
from gatepass.rbac.principals import Principals
from gatepass.rbac.standing import Standing, standing_of
from gatepass.rbac.teams import TeamChoice, choose_team


@dataclass(frozen=True, slots=True)
class Removals:
    """The folded names that a profile removes; the second set is for a hostile `Connection`."""

    usual: frozenset[bytes]
    with_connection: frozenset[bytes]

    def after(self, facts: HeaderFacts) -> frozenset[bytes]:
        """Return what goes from a request whose headers were looked at."""
        return self.with_connection if facts.drop_connection else self.usual


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that one generation of settings says, plus its own verifier and callers.

    `open_without_store` are the profiles that let somebody pass without rows while the store is
    away.
    """

    router: Router
    verifier: Verifier
    inspector: HeaderInspector
    callers: Callers
    prices: PriceRules
    engine_rules: EngineRules
    removals: dict[str, Removals]
    possession: Possession
    schemes: Schemes
    no_token: Deny
    directory: DirectoryRules
    open_without_store: tuple[str, ...] = ()


def make_rulebook(
    compiled: Compiled,
    directory: Directory,
    clock: Clock,
    store: StoreWatch | None = None,
    tell: Notify = nobody_is_told,
) -> Rulebook:
    """Build a rulebook; the verifier is not started yet.

    `store` knows whether the directory's store is away; `tell` hears of what looking people up has
    changed.
    """
    headers = compiled.identity_headers
    inspector = HeaderInspector(
        token_headers=compiled.token_headers,
        identity_headers=headers.every(),
        team_header=compiled.team_header,
        proofs=compiled.proofs is not None,
    )
    proofs = None if compiled.proofs is None else ProofChecker(compiled.proofs, clock=clock)
    schemes = schemes_of(compiled.issuers, proofs)
    policy = compiled.policy

    def identity_of(token: VerifiedToken) -> Identity:
        return identify(token, policy.claim_names[token.trust], policy.roles)

    async def complete(token: VerifiedToken) -> Identity:
        resolver = compiled.groups_resolvers.get(token.trust)
        if resolver is None:
            raise AccessDenied(AccessFault.GROUPS_OVERAGE)
        groups = await resolver.groups_of(token.claims)
        return identify(token, policy.claim_names[token.trust], policy.roles, groups)

    def team(identity: Identity, chosen: str | None) -> TeamChoice:
        return choose_team(identity, chosen, policy.teams)

    def standing(identity: Identity, principals: Principals) -> Standing:
        return standing_of(policy, identity, principals)

    def limits(principals: Principals) -> Applicable:
        return limits_of(principals, compiled.limits)

    def standing_without_rows(identity: Identity) -> Standing | None:
        return stand_without_rows(policy, identity)

    def upstream_headers(caller: Caller) -> tuple[Header, ...]:
        return _upstream_headers(headers, caller)

    return Rulebook(
        router=Router(policy),
        verifier=Verifier(compiled.issuers, clock=clock, cache=compiled.token_cache),
        inspector=inspector,
        callers=Callers(
            directory.with_rules(compiled.directory),
            clock,
            CallerRules(
                identify=identity_of,
                complete=complete,
                choose_team=team,
                stand=standing,
                upstream_headers=upstream_headers,
                limits=limits,
                custom_check=compiled.custom_check,
                serve_stale_seconds=compiled.serve_stale_seconds,
                stand_without_rows=standing_without_rows,
            ),
            store,
            tell,
        ),
        prices=compiled.prices,
        engine_rules=compiled.engine_rules,
        removals={
            name: _removals(profile, inspector, compiled.team_header)
            for name, profile in policy.profiles.items()
        },
        possession=Possession(proofs),
        schemes=schemes,
        no_token=refuse_for(Reason.NO_TOKEN, schemes=schemes),
        directory=compiled.directory,
        open_without_store=tuple(
            name for name, profile in policy.profiles.items() if profile.routes_without_store.listed
        ),
    )


async def begin_after(rulebook: Rulebook, before: Rulebook) -> None:
    """Load the keys for a rulebook that follows another; those in hand go on to serve.

    Proofs that were used before stay used.
    """
    verifier = rulebook.verifier
    verifier.inherit(before.verifier)
    rulebook.possession.inherit(before.possession)
    try:
        await verifier.start()
    except BaseException:  # a cancellation above all: nobody else would stop its timers
        await verifier.close()
        raise
    # an issuer may have answered the one and not the other meanwhile
    verifier.inherit(before.verifier)


async def end(rulebook: Rulebook) -> None:
    """Let requests that wait for keys have them, then ask the issuers for nothing any more."""
    try:
        await rulebook.verifier.retire()
    finally:
        await rulebook.verifier.close()


def _removals(profile: Profile, inspector: HeaderInspector, team_header: bytes | None) -> Removals:
    names = set(inspector.identity_names)
    if team_header is not None:
        names.add(fold_name(team_header))
    if not profile.allow_token_upstream:
        names |= inspector.credential_names
    usual = frozenset(names)
    return Removals(usual, usual | {b"connection"})


def _upstream_headers(names: IdentityHeaders, caller: Caller) -> tuple[Header, ...]:
    """Say who it is, by what is stored where there is a row, else by what the token names."""
    identity, rows = caller.identity, caller.principals
    values = (
        (names.user, caller.user_id),
        (names.team, None if rows.team is None else rows.team.team_id),
        (names.role, caller.role.value),
        (
            names.organization,
            None if rows.organization is None else rows.organization.organization_id,
        ),
        (names.end_user, identity.end_user),
    )
    return tuple((name, header_text(value)) for name, value in values if value is not None)
