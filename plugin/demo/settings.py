"""The gatepass.yaml of the tour: small, complete, and meant to be read with `--keep`."""

from pathlib import Path
from string import Template

from gatepass.plugin.demo.accounts import AUDIENCE
from gatepass.plugin.metering.prices import Price

MODEL = "gpt-4o-mini"
"""The model that every team may call."""

OTHER_MODEL = "gpt-4o"
"""A model that has a price but that no team may call."""

PRICE = Price(150_000_000, 600_000_000, 16_384)
"""What MODEL costs: $0.15 and $0.60 per million tokens."""

TEAM_LIMIT_NANO_USD = 10_000_000
"""What a team may spend in a day: $0.01."""

DATABASE = "gatepass.db"

_SETTINGS = Template("""\
# The settings of the tour. Everything that is not said here is closed.
issuers:
  - issuer: $issuer
    audience: $audience
    allow_http_loopback: true   # the provider of the tour runs on this machine, without TLS
    claims: {user: uid, email: email, team: team_id, roles: groups}

roles:
  mappings:
    - {value: platform-admins, role: proxy_admin}

profiles:
  default:
    permissions:
      team:          {routes: [openai_routes], models: all}
      internal_user: {routes: [openai_routes], models: all}
      proxy_admin:   {routes: [management_routes, openai_routes], models: all}

# Who is new gets a row at once, with these limits.
users:
  upsert: true
  defaults: {budget: "$$50 per 30d", models: all}
teams:
  upsert: true
  defaults: {budget: "$$0.01 per 1d", models: [$model]}

budgets:
  prices:   # per million tokens
    - {model: $model, input: "$$0.15", output: "$$0.60", max_output_tokens: 16384}
    - {model: $other_model, input: "$$2.50", output: "$$10", max_output_tokens: 16384}

stores: {database: sqlite:///$database}
doors: {http: {listen: 127.0.0.1:$port}}
""")


def write_settings(path: Path, *, issuer: str, port: int) -> None:
    """Write the settings for a provider that calls itself `issuer` and a service on `port`."""
    text = _SETTINGS.substitute(
        issuer=issuer,
        audience=AUDIENCE,
        port=port,
        model=MODEL,
        other_model=OTHER_MODEL,
        database=DATABASE,
    )
    path.write_text(text, encoding="utf-8")


def calls_within_budget(body_bytes: int, max_output_tokens: int) -> int:
    """Return how many such calls of MODEL a team can make in a day.

    An upper bound is reserved for each: a token per byte of the body and all the output tokens that
    it asks for. Nothing tells the service of the tour what a call really cost, so it stays at that.
    """
    return TEAM_LIMIT_NANO_USD // PRICE.estimate(body_bytes, max_output_tokens, 1)[0]
