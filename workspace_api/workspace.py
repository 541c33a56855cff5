"""The services of one workspace, constructed once and handed to whoever serves or works for it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import literal, select

from auth.passwords import Passwords
from hub.jobs import Launcher
from hub.warm.asking import ForkServer, warm_folder
from nfs.layout import StorageLayout
from workspace_api.alphagenome.agreements import key_seal
from workspace_api.alphagenome.service import AlphaGenomeService
from workspace_api.alphagenome.usage import UsageService
from workspace_api.alphagenome.usage_logs import UsageLogs
from workspace_api.batches.service import BatchService
from workspace_api.batches.storage import BatchFiles
from workspace_api.database import Database
from workspace_api.environments.removals import Uses
from workspace_api.environments.service import EnvironmentService
from workspace_api.files.service import FileService
from workspace_api.forge.client import ForgeClient
from workspace_api.forge.members import ForgeMembers
from workspace_api.groups.service import GroupService
from workspace_api.heartbeat import Heartbeats
from workspace_api.imports.news import NewsService
from workspace_api.imports.service import ImportService
from workspace_api.keys.service import KeyService
from workspace_api.means import builder_of, launcher_of
from workspace_api.people.service import PeopleService
from workspace_api.projects.creation import ProjectCreation
from workspace_api.projects.lineage import LineageService
from workspace_api.projects.service import ProjectService, curated_environments
from workspace_api.proposals.service import ProposalService
from workspace_api.pushes.service import PushService
from workspace_api.runs import reading as runs_reading
from workspace_api.runs.service import RunService
from workspace_api.sessions import service as sessions_service
from workspace_api.sessions.service import SessionService
from workspace_api.settings import Settings
from workspace_api.tokens.service import TokenService


@dataclass(frozen=True)
class Workspace:
    """Everything that can be done in a workspace; each service is thread-safe."""

    settings: Settings
    database: Database
    launcher: Launcher
    layout: StorageLayout
    people: PeopleService
    tokens: TokenService
    forge: ForgeClient
    groups: GroupService
    environments: EnvironmentService
    projects: ProjectService
    creation: ProjectCreation
    lineage: LineageService
    files: FileService
    pushes: PushService
    runs: RunService
    batches: BatchService
    sessions: SessionService
    proposals: ProposalService
    imports: ImportService
    keys: KeyService
    alphagenome: AlphaGenomeService
    usage: UsageService
    usage_logs: UsageLogs
    heartbeats: Heartbeats
    warm: ForkServer

    def close(self) -> None:
        """Close the connections to the database."""
        self.database.close()


def open_workspace(settings: Settings) -> Workspace:
    """Construct the services; the database must have been migrated, and nothing is changed in it."""
    home = settings.home
    database = Database(settings.database_url)
    layout = StorageLayout(home / "storage")
    people = PeopleService(database, layout, Passwords())
    tokens = TokenService(database)
    forge = ForgeClient(settings.forge)
    groups = GroupService(database, layout, ForgeMembers(forge))
    builder, launcher = builder_of(settings), launcher_of(settings)
    uses = Uses(
        busy=(runs_reading.environments_in_use(), sessions_service.environments_in_use()),
        # That of no files at all is the one that warm starts come from.
        pinned=(curated_environments(), select(literal(builder.key({})))),
    )
    environments = EnvironmentService(database, builder, home / "environments", settings.environments, uses)
    projects = ProjectService(database, forge, environments)
    files = FileService(layout, groups, people)
    runs = RunService(database, projects, environments, tokens, people, files, layout, settings)
    sessions = SessionService(
        database, projects, environments, forge, tokens, people, groups, layout, settings, launcher
    )
    imports = ImportService(database, projects, forge, settings)
    usage = UsageService(database)
    return Workspace(
        settings=settings,
        database=database,
        launcher=launcher,
        layout=layout,
        people=people,
        tokens=tokens,
        forge=forge,
        groups=groups,
        environments=environments,
        projects=projects,
        creation=ProjectCreation(projects, forge, groups, people, settings.templates),
        lineage=LineageService(projects, forge),
        files=files,
        pushes=PushService(database, forge, projects, settings),
        runs=runs,
        batches=BatchService(database, projects, runs, people, BatchFiles(layout), files),
        sessions=sessions,
        proposals=ProposalService(forge, projects, sessions, NewsService(imports, forge)),
        imports=imports,
        keys=KeyService(forge, people, embedded=settings.forge.embedded),
        alphagenome=AlphaGenomeService(
            database, key_seal(settings.secret_key.get_secret_value()), settings.alphagenome
        ),
        usage=usage,
        usage_logs=UsageLogs(usage, people, layout),
        heartbeats=Heartbeats(home / "run"),
        warm=ForkServer(warm_folder(home)),
    )
