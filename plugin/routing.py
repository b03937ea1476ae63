"""The route of a request: read once from the raw bytes, then remembered.

What a route is does not depend on the caller: its path, whether it is public in the profile,
whether it names a model. Everything is kept for the few thousand targets that are asked for again
and again; a target is remembered only if it is short, and only after its path passed every check.
"""

import msgspec

from gatepass.plugin.body import output_bounds
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request
from gatepass.rbac.model_use import ModelUse, model_in_path, model_use
from gatepass.rbac.organizations import OrganizationUse, organization_use
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.routes import METHODS, read_path

_MAX_REMEMBERED = 4096
_MAX_REMEMBERED_BYTES = 256


class Route(msgspec.Struct, frozen=True):
    """What is known of a request before anybody looks at who sent it.

    `must_name_model` says that the profile wants a model named; `may_hide_model` that the profile
    lets the body be unseen (`unsafe_unseen_model_routes`); `bounds` are the members of the body
    that bound an answer. `must_name_user` says that the profile wants a `user` in the body;
    `organization_use` what the route does to organizations.
    """

    profile: Profile
    path: str
    public: bool
    use: ModelUse
    model: str | None
    must_name_model: bool
    may_hide_model: bool
    bounds: tuple[str, ...]
    must_name_user: bool
    organization_use: OrganizationUse


class Router:
    """Reads routes by one policy."""

    __slots__ = ("_known", "_profiles")

    def __init__(self, policy: Policy) -> None:
        self._profiles = policy.profiles
        self._known: dict[tuple[str, str, bytes], Route] = {}

    def read(self, request: Request) -> Route:
        """Return the request's route.

        Raises:
            RequestRefused: PROFILE_UNKNOWN or BAD_METHOD.
            AccessDenied: AMBIGUOUS_PATH.

        """
        key = (request.profile, request.method, request.target)
        route = self._known.get(key)
        if route is None:
            route = self._read(request)
            if len(request.target) <= _MAX_REMEMBERED_BYTES:
                if len(self._known) >= _MAX_REMEMBERED:
                    self._known.clear()
                self._known[key] = route
        return route

    def _read(self, request: Request) -> Route:
        profile = self._profiles.get(request.profile)
        if profile is None:
            raise RequestRefused(Reason.PROFILE_UNKNOWN)
        method = request.method
        if method not in METHODS:
            raise RequestRefused(Reason.BAD_METHOD)
        path = read_path(request.target)
        use = model_use(method, path)
        return Route(
            profile=profile,
            path=path,
            public=profile.public_routes.allows(method, path),
            use=use,
            model=model_in_path(path),
            must_name_model=profile.require_model and use is ModelUse.REQUIRED,
            may_hide_model=profile.unseen_model_routes.allows(method, path),
            bounds=output_bounds(path),
            must_name_user=profile.require_user_parameter
            and method == "POST"
            and use is not ModelUse.NONE,
            organization_use=organization_use(path),
        )
