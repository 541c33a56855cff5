"""Every table of the workspace, imported so that the metadata is whole."""

from workspace_api.alphagenome import models as alphagenome
from workspace_api.batches import models as batches
from workspace_api.database import Base
from workspace_api.environments import models as environments
from workspace_api.groups import models as groups
from workspace_api.imports import models as imports
from workspace_api.people import models as people
from workspace_api.projects import models as projects
from workspace_api.pushes import models as pushes
from workspace_api.runs import models as runs
from workspace_api.sessions import models as sessions
from workspace_api.tokens import models as tokens

__all__ = [
    "alphagenome",
    "batches",
    "environments",
    "groups",
    "imports",
    "metadata",
    "people",
    "projects",
    "pushes",
    "runs",
    "sessions",
    "tokens",
]

metadata = Base.metadata
