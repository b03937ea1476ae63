"""What can be said of rows on the command line: the options, by the kind of the row.

They have the names of the fields in a file of `gatepass directory apply`, and are read by the same
checks; here stands only how they are written and explained.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

import typer

_Text = str | None
_Flag = bool | None

_MODELS = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL",
        help="A model or a pattern such as gpt-4o*; may repeat. `all` or `none` stand alone.",
    ),
]
_OF_MODELS = Annotated[
    list[str] | None,
    typer.Option(
        "--model-budget",
        metavar="MODEL=BUDGET",
        help='What may be used of some models, such as "gpt-4o*=$5 per day"; may repeat.',
    ),
]
_MONEY: Mapping[str, object] = {
    "budget": Annotated[
        _Text,
        typer.Option(help='A budget of its own: "$50 and 1000 requests per 30d", "$50 per month".'),
    ],
    "model_budgets": _OF_MODELS,
    "budget_id": Annotated[
        _Text, typer.Option(help="A named budget that rows share: see `gatepass budgets`.")
    ],
}
_GRANTS: Mapping[str, object] = {"models": _MODELS, **_MONEY}
_ALIAS = Annotated[_Text, typer.Option(help="The name that people use.")]

FIELDS: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "user": {
            "email": Annotated[_Text, typer.Option(help="The e-mail address.")],
            "home_issuer": Annotated[
                _Text,
                typer.Option(
                    help="The issuer whose ids the row's are; its tokens may link it. "
                    "A new row has the only issuer of the settings, unless you say `none`.",
                ),
            ],
            "sso_user_id": Annotated[_Text, typer.Option(help="The id at the identity provider.")],
            "invited": Annotated[
                _Flag,
                typer.Option(
                    "--invited/--not-invited",
                    show_default=False,
                    help="A verified address may link the row under users.link: invited_only.",
                ),
            ],
            "role": Annotated[_Text, typer.Option(help="The role, such as internal_user.")],
            **_GRANTS,
        },
        "team": {
            "alias": _ALIAS,
            "organization": Annotated[_Text, typer.Option(help="The organization's id.")],
            **_GRANTS,
            "member_budget": Annotated[
                _Text, typer.Option(help="The budget of each member who has no other.")
            ],
            "member_budget_id": Annotated[_Text, typer.Option(help="The same by a named budget.")],
            "model_aliases": Annotated[
                list[str] | None,
                typer.Option(
                    "--model-alias",
                    metavar="NAME=MODEL",
                    help="The team's own name for a model; may repeat, and replaces all.",
                ),
            ],
            "may_modify_guardrails": Annotated[
                _Flag,
                typer.Option(
                    "--may-modify-guardrails/--may-not-modify-guardrails",
                    show_default=False,
                    help="Members may change what guards their requests.",
                ),
            ],
        },
        "member": {
            "role": Annotated[_Text, typer.Option(help="`user` (the default) or `admin`.")],
            **_GRANTS,
        },
        "organization": {"alias": _ALIAS, **_GRANTS},
        "organization member": {
            "role": Annotated[
                _Text, typer.Option(help="The role there; internal_user if left out.")
            ],
        },
        "customer": _GRANTS,
        "budget": {
            "limit": Annotated[
                _Text, typer.Option(help='"$50 and 1000 requests per 30d", or "$50" for ever.')
            ],
            "model_limits": _OF_MODELS,
        },
    }
)
"""By kind, the options that say what a row is to be."""

_BLOCKED: Mapping[str, object] = {
    "blocked": Annotated[
        _Flag, typer.Option("--blocked/--not-blocked", show_default=False, help="Only those.")
    ],
}
FILTERS: Final[Mapping[str, Mapping[str, object]]] = MappingProxyType(
    {
        "user": {
            "email": Annotated[_Text, typer.Option(help="Only those with this address.")],
            "role": Annotated[_Text, typer.Option(help="Only those with this role.")],
            **_BLOCKED,
        },
        "team": {
            "alias": Annotated[_Text, typer.Option(help="Only those with this alias.")],
            "organization_id": Annotated[
                _Text, typer.Option("--organization", help="Only those of this organization.")
            ],
            **_BLOCKED,
        },
        "member": {
            "team_id": Annotated[_Text, typer.Option("--team", help="Only those of this team.")],
            "user_id": Annotated[_Text, typer.Option("--user", help="Only this user's.")],
        },
        "organization": {
            "alias": Annotated[_Text, typer.Option(help="Only those with this alias.")],
            **_BLOCKED,
        },
        "organization member": {
            "organization_id": Annotated[
                _Text, typer.Option("--organization", help="Only those of this organization.")
            ],
            "user_id": Annotated[_Text, typer.Option("--user", help="Only this user's.")],
        },
        "customer": _BLOCKED,
        "budget": {},
    }
)
"""By kind, the options that narrow a list, by the column that each is about."""
