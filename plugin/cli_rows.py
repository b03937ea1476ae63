"""The commands about rows: the same for every kind, with the options of the kind.

`teams members` and `orgs members` name a member by the group and then the user. Nothing that knows
a database is loaded before a command runs.
"""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gatepass.plugin.cli_options import DEFAULT_SETTINGS, AsJson, SettingsPath
from gatepass.plugin.cli_row_options import FIELDS, FILTERS

if TYPE_CHECKING:
    from gatepass.plugin.declared.rows import Kind, RowId

_DEFAULT_SIZE = 50
_COMMON: Mapping[str, tuple[object, object]] = {
    "config": (SettingsPath, DEFAULT_SETTINGS),
    "as_json": (AsJson, False),
}
_PAGING: Mapping[str, tuple[object, object]] = {
    "page": (Annotated[int, typer.Option(min=1, help="Which page.")], 1),
    "size": (
        Annotated[int, typer.Option(min=1, max=500, help="How many rows a page has.")],
        _DEFAULT_SIZE,
    ),
}
_CLEAR: Mapping[str, tuple[object, object]] = {
    "clear": (
        Annotated[
            list[str] | None,
            typer.Option(metavar="FIELD", help="Take a value away, such as budget; may repeat."),
        ],
        None,
    ),
}
_RAISE: Mapping[str, tuple[object, object]] = {
    "by": (Annotated[str | None, typer.Option(help='"$10", "$10 and 100 requests".')], None),
    "until": (
        Annotated[str | None, typer.Option(help="When that ends; UTC if no zone is said.")],
        None,
    ),
    "end": (Annotated[bool, typer.Option("--end", help="End it now.")], False),
}
_SURE: Mapping[str, tuple[object, object]] = {
    "sure": (Annotated[bool, typer.Option("--yes", help="Do not ask.")], False),
}

Values = dict[str, Any]


class Noun(NamedTuple):
    """A kind of rows: its name, how its commands begin, the arguments that name a row, examples.

    `example` is such a name, `said` are options for it; `going` is what goes with a row.
    """

    kind: str
    command: str
    arguments: tuple[str, ...]
    example: str
    said: str
    blocks: bool = True
    going: str = ""


_USER = Noun("user", "users", ("user",), "ann", "--models all", going=" with their memberships")
_TEAM = Noun(
    "team", "teams", ("team",), "red", '--budget "$50 per 30d"', going=" with its memberships"
)
_ORGANIZATION = Noun("organization", "orgs", ("organization",), "acme", "--models all")
_CUSTOMER = Noun("customer", "customers", ("customer",), "shop-17", "--models 'gpt-4o*'")
_BUDGET = Noun("budget", "budgets", ("budget",), "gold", '--limit "$100 per 30d"', blocks=False)
_MEMBER = Noun("member", "teams members", ("team", "user"), "red ann", "--role admin", blocks=False)
_ORGANIZATION_MEMBER = Noun(
    "organization member",
    "orgs members",
    ("organization", "user"),
    "acme ann",
    "--role org_admin",
    blocks=False,
)


def _app(noun: Noun, help_text: str) -> typer.Typer:
    app = typer.Typer(no_args_is_help=True, help=help_text, rich_markup_mode=None)
    add_row_commands(app, noun)
    return app


def add_row_commands(app: typer.Typer, noun: Noun) -> None:
    """Add list, show, create, update, raise and delete, and block and unblock if there is that."""
    fields = {name: (kind, None) for name, kind in FIELDS[noun.kind].items()}
    filters = {name: (kind, None) for name, kind in FILTERS[noun.kind].items()}
    one = f"a{'n' if noun.kind[0] == 'o' else ''} {noun.kind}"
    _add(app, noun, "list", f"Print {noun.kind}s, a page at a time.", _list, {**filters, **_PAGING})
    _add(app, noun, "show", f"Print everything that is stored of {one}.", _show, {})
    _add(app, noun, "create", f"Make {one}; what is not said is closed.", _create, fields)
    sentence = "Change what the options say; the rest stays."
    _add(app, noun, "update", sentence, _update, {**fields, **_CLEAR})
    if noun.kind != "organization member":
        sentence = f"Let {one} use more than usual for a time, or end that."
        _add(app, noun, "raise", sentence, _raise, _RAISE)
    _add(app, noun, "delete", f"Delete {one}{noun.going}.", _delete, _SURE)
    if noun.blocks:
        _add(app, noun, "block", f"Refuse whoever comes for {one}.", _block, {})
        _add(app, noun, "unblock", f"Let {one} in again.", _unblock, {})


def _add(  # noqa: PLR0913, PLR0917 - a command
    app: typer.Typer,
    noun: Noun,
    name: str,
    sentence: str,
    run: Callable[[Noun, Values], int],
    options: Mapping[str, tuple[object, object]],
) -> None:
    """Add one command; typer reads what it takes from its signature."""
    named = () if name == "list" else noun.arguments
    every = {**options, **_COMMON}
    parameters = [
        *(
            Parameter(_argument(word), Parameter.KEYWORD_ONLY, annotation=_id(word))
            for word in named
        ),
        *(
            Parameter(option, Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for option, (kind, default) in every.items()
        ),
    ]

    def call(**values: object) -> None:
        raise typer.Exit(run(noun, values))

    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    said = f" {noun.said}" if name in {"create", "update"} else ""
    said = ' --by "$10" --until 2026-12-31' if name == "raise" else said
    example = f"gatepass {noun.command} {name}{f' {noun.example}' if named else ''}{said}"
    app.command(name, help=f"{sentence}\n\nExample: {example}")(call)


def _argument(word: str) -> str:
    return f"{word}_argument"


def _id(word: str) -> object:
    return Annotated[str, typer.Argument(help=f"The {word}'s id.", metavar=word.upper())]


def _kind(noun: Noun) -> "Kind":
    from gatepass.plugin.declared.rows import Kind  # noqa: PLC0415 - loads the database's library

    return Kind(noun.kind)


def _row(noun: Noun, values: Values) -> "RowId":
    from gatepass.plugin.declared.rows import RowId  # noqa: PLC0415 - per command

    # a group stands before its member in a command, and after it in a key
    key = [values[_argument(word)] for word in reversed(noun.arguments)]
    return RowId(_kind(noun), tuple(key))


def _place(values: Values) -> tuple[Path, bool]:
    return values["config"], values["as_json"]


def _list(noun: Noun, values: Values) -> int:
    from gatepass.plugin.commands.stored_rows import Listing, run_list  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    wanted = {name: values[name] for name in FILTERS[noun.kind]}
    if wanted.get("email") is not None:
        wanted["email"] = wanted["email"].lower()
    listing = Listing(wanted, values["page"], values["size"])
    return run_list(config, _kind(noun), listing, as_json=as_json)


def _show(noun: Noun, values: Values) -> int:
    from gatepass.plugin.commands.stored_rows import run_show  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    return run_show(config, _row(noun, values), as_json=as_json)


def _create(noun: Noun, values: Values) -> int:
    from gatepass.plugin.commands.row_options import fields_of  # noqa: PLC0415 - per command
    from gatepass.plugin.commands.stored_rows import run_create  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    fields = fields_of(_kind(noun), {name: values[name] for name in FIELDS[noun.kind]})
    return run_create(config, _row(noun, values), fields, as_json=as_json)


def _update(noun: Noun, values: Values) -> int:
    from gatepass.plugin.commands.row_options import fields_of  # noqa: PLC0415 - per command
    from gatepass.plugin.commands.stored_rows import run_update  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    options = {name: values[name] for name in FIELDS[noun.kind]}
    fields = fields_of(_kind(noun), options, values["clear"] or ())
    return run_update(config, _row(noun, values), fields, as_json=as_json)


def _raise(noun: Noun, values: Values) -> int:
    from gatepass.plugin.commands.budget_raise import run_raise, to_raise  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    raised = to_raise(values["by"], values["until"], end=values["end"])
    return run_raise(config, _row(noun, values), raised, as_json=as_json)


def _delete(noun: Noun, values: Values) -> int:
    from gatepass.plugin.commands.stored_rows import run_delete  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    return run_delete(config, _row(noun, values), sure=values["sure"], as_json=as_json)


def _block(noun: Noun, values: Values) -> int:
    return _set_blocked(noun, values, blocked=True)


def _unblock(noun: Noun, values: Values) -> int:
    return _set_blocked(noun, values, blocked=False)


def _set_blocked(noun: Noun, values: Values, *, blocked: bool) -> int:
    from gatepass.plugin.commands.stored_rows import run_update  # noqa: PLC0415 - per command

    config, as_json = _place(values)
    return run_update(config, _row(noun, values), {"blocked": blocked}, as_json=as_json)


def add_to(root: typer.Typer, users_app: typer.Typer, budgets_app: typer.Typer) -> None:
    """Add the commands of all kinds; users and budgets have some of their own already."""
    add_row_commands(users_app, _USER)
    add_row_commands(budgets_app, _BUDGET)
    apps: Sequence[tuple[Noun, str, Noun | None]] = (
        (_TEAM, "The stored teams, and their members.", _MEMBER),
        (_ORGANIZATION, "The stored organizations, and their members.", _ORGANIZATION_MEMBER),
        (_CUSTOMER, "The stored customers (end users).", None),
    )
    for noun, help_text, member in apps:
        app = _app(noun, help_text)
        if member is not None:
            app.add_typer(_app(member, f"Who is in which {noun.kind}."), name="members")
        root.add_typer(app, name=noun.command)
