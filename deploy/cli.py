"""The `labfork` command."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from auth.identity import Identity, Level
from deploy import doctor as examination
from deploy import engine, in_force, system
from deploy.configuration import Configuration, ConfigurationError, read_configuration
from deploy.first_start import password_file
from deploy.prepare import prepare, running_process
from deploy.services import give_head_start
from workspace_api.errors import NotFoundError, WorkspaceError

if TYPE_CHECKING:
    from workspace_api.workspace import Workspace

app = typer.Typer(
    help="A research workspace server for genomics groups.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
user = typer.Typer(help="People's accounts.", no_args_is_help=True)
app.add_typer(user, name="user")
group = typer.Typer(help="Groups and their members.", no_args_is_help=True)
app.add_typer(group, name="group")
token = typer.Typer(help="People's tokens for scripts, git and AlphaGenome.", no_args_is_help=True)
app.add_typer(token, name="token")


def refuse(message: str) -> NoReturn:
    """Print `message` where errors go, and end with status 1."""
    typer.secho(message, err=True, fg="red")
    raise typer.Exit(1)


def _refuse_with_fields(error: WorkspaceError) -> NoReturn:
    refuse("\n".join([error.detail, *(f"{e.field}: {e.message}" for e in error.errors)]))


def configured() -> Configuration:
    """Read the configuration, or end with what is wrong with it."""
    try:
        return read_configuration()
    except ConfigurationError as error:
        refuse(str(error))


def opened() -> Workspace:
    """Open the services of the workspace that was last started in LABFORK_HOME."""
    from workspace_api.workspace import open_workspace

    try:
        return open_workspace(in_force.load(configured().home).settings())
    except ConfigurationError as error:
        refuse(str(error))


@app.command()
def up() -> None:
    """Start the whole workspace and stay in the foreground; Ctrl-C stops every process."""
    configuration = configured()
    pid = running_process(configuration.home)
    if pid is not None:
        refuse(
            f"A workspace already runs in {configuration.home} (process {pid}). Open it, stop it, or name "
            "another folder with LABFORK_HOME and another port with LABFORK_PORT."
        )
    chosen = bool(configuration.containers.engine)
    found = None if chosen else system.sandbox_or_install()
    try:
        engine.make_ready(configuration, typer.echo)
        force = prepare(configuration, sandbox_present=found is None or found.present)
    except ConfigurationError as error:
        refuse(str(error))
    _greet(configuration, found)
    become_jupyterhub(force)


def become_jupyterhub(force: in_force.InForce) -> None:
    """Be JupyterHub from now on, the parent of all other processes, until it is stopped."""
    os.environ["LABFORK_HOME"] = str(force.home)
    os.chdir(force.home / "run")
    sys.stdout.flush()
    give_head_start(force)
    from jupyterhub.app import JupyterHub

    JupyterHub.launch_instance(["-f", str(Path(__file__).with_name("jupyterhub_config.py"))])


def _where(home: Path) -> str:
    """Return what stands before a command for this workspace, where its home is not the usual one."""
    return "" if home == Path("var").resolve() else f"LABFORK_HOME={shlex.quote(str(home))} "


def _greet(configuration: Configuration, sandbox: examination.Finding | None) -> None:
    typer.echo(f"Labfork {configuration.address} is starting; its logs are in {configuration.home / 'logs'}")
    for finding in (sandbox, examination.origins(configuration)):
        if finding is not None and not finding.present:
            typer.secho(f"Warning: {finding.detail}", fg="yellow")
    first = password_file(configuration.home)
    if first.exists():
        typer.echo(f"Sign in as {configuration.admin_name} with the password {first.read_text().strip()}")
        command = f"{_where(configuration.home)}.venv/bin/labfork user password {configuration.admin_name}"
        typer.echo(f"(shown this once; change it with: {command})")
        first.rename(first.with_name("first-administrator-password.shown"))
    if not configuration.alphagenome_api_key.get_secret_value():
        typer.echo(
            "No AlphaGenome key: the offline model answers, and every result says that it is synthetic."
        )


@app.command()
def seed() -> None:
    """Bring the curated projects to the version of this checkout; what people did is not changed."""
    from deploy.seed import seed_workspace

    try:
        changed = seed_workspace(opened())
    except WorkspaceError as error:
        refuse(error.detail)
    for line in changed or ["Nothing to do: every curated project is at its newest version."]:
        typer.echo(line)


@app.command()
def doctor() -> None:
    """Say what this machine has, what it lacks, and what each lack costs."""
    findings = examination.examine(configured())
    for finding in findings:
        mark = "ok " if finding.present else ("NO " if finding.needed else "-  ")
        typer.echo(f"{mark} {finding.name:15} {finding.detail}")
    if not examination.healthy(findings):
        refuse("A needed part is missing: the workspace cannot start.")


@user.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens; begins with a letter.")],
    password: Annotated[
        str,
        typer.Option(prompt=True, confirmation_prompt=True, hide_input=True, help="At least 8 characters."),
    ],
    display_name: Annotated[str, typer.Option(help="As it is shown to others.")] = "",
    level: Annotated[Level, typer.Option(help="How much of the interface they see.")] = Level.AUTHOR,
    admin: Annotated[bool, typer.Option(help="May administer the workspace.")] = False,
) -> None:
    """Make an account."""
    try:
        person = opened().people.add(
            name, password=password, display_name=display_name or name, level=level, admin=admin
        )
    except WorkspaceError as error:
        _refuse_with_fields(error)
    typer.echo(f"{person.name} can sign in now, as {level.value}.")


@user.command("password")
def set_password(
    name: Annotated[str, typer.Argument(help="Whose password.")],
    password: Annotated[str, typer.Option(prompt=True, confirmation_prompt=True, hide_input=True)],
) -> None:
    """Set a person's password."""
    try:
        opened().people.set_password(name, password)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    typer.echo(f"The password of {name} is changed.")


@group.command("add")
def add_group(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens; begins with a letter.")],
    admin: Annotated[str, typer.Option(help="The account that is its first admin.")],
    title: Annotated[str, typer.Option(help="As it is shown; the name where it is left out.")] = "",
) -> None:
    """Make a group."""
    try:
        opened().groups.add(name, title, admin=admin)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    typer.echo(f"The group {name} is made; {admin} is its admin.")


@group.command("member")
def change_member(
    name: Annotated[str, typer.Argument(help="The group.")],
    member: Annotated[str, typer.Argument(help="The account.")],
    role: Annotated[str, typer.Argument(help="reader, writer or admin; none takes them out.")],
) -> None:
    """Give somebody a role in a group, or take them out of it."""
    try:
        opened().groups.put_member(name, member, None if role == "none" else role)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    typer.echo(f"{member} is {'no member' if role == 'none' else role} of {name} now.")


@group.command("remove")
def remove_group(
    name: Annotated[str, typer.Argument(help="The group.")],
    confirm: Annotated[
        str, typer.Option(prompt="Type the group's name to remove it", help="Its name again.")
    ],
) -> None:
    """Remove a group that owns no project; its files are moved aside, never deleted."""
    try:
        removed = opened().groups.remove(name, confirm=confirm)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    when = "are" if removed.done else "will be, when the forge answers,"
    typer.echo(f"The group {name} is removed. Its files {when} in {removed.files} of LABFORK_HOME.")


@group.command("list")
def list_groups() -> None:
    """List every group, and what the forge has not followed yet."""
    for each in opened().groups.everything():
        typer.echo(f"{each.name:32} {each.members:4} members  {each.title}")
        if each.trouble:
            typer.secho(f"  waits: {each.trouble}", fg="yellow")


@group.command("sync")
def sync_groups() -> None:
    """Bring the forge to what the workspace says of every group that waits."""
    waiting = opened().groups.followers.follow_waiting()
    if waiting:
        refuse(f"The forge has not followed: {', '.join(waiting)}. See labfork group list.")
    typer.echo("The forge has followed every group.")


@token.command("make")
def make_token(
    owner: Annotated[str, typer.Argument(help="The account that it stands for.")],
    name: Annotated[str, typer.Argument(help="What it is for, such as the script's name.")],
    scope: Annotated[
        list[str], typer.Option(help="api, read_api or alphagenome; may be given again for another one.")
    ],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it works.")] = 90,
) -> None:
    """Make a token, and print its secret once; it is kept nowhere."""
    try:
        workspace, identity = _of(owner)
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        made = workspace.tokens.create_own(identity, name, scope, expires_at=ends)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    typer.echo(made.secret)


@token.command("list")
def list_tokens(owner: Annotated[str, typer.Argument(help="Whose tokens.")]) -> None:
    """List a person's tokens that still work; no secret is shown, none is kept."""
    try:
        workspace, identity = _of(owner)
        found = workspace.tokens.list(identity)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    for each in found:
        ends = f"{each.expires_at:%Y-%m-%d}" if each.expires_at else "never"
        typer.echo(f"{each.id:>6}  {', '.join(sorted(each.scopes)):24} ends {ends:10}  {each.name}")


@token.command("revoke")
def revoke_token(
    owner: Annotated[str, typer.Argument(help="Whose token.")],
    token_id: Annotated[str, typer.Argument(help="Its number in the list.")],
) -> None:
    """Make a token worthless now."""
    try:
        workspace, identity = _of(owner)
        workspace.tokens.revoke(identity, token_id)
    except WorkspaceError as error:
        _refuse_with_fields(error)
    typer.echo(f"The token {token_id} of {owner} opens nothing any more.")


def _of(name: str) -> tuple[Workspace, Identity]:
    """Open the workspace for an account; raises NotFoundError for one that is not open."""
    workspace = opened()
    identity = workspace.people.identity_of(name)
    if identity is None:
        raise NotFoundError(f"There is no open account called “{name}”.")
    return workspace, identity


if __name__ == "__main__":
    app()
