"""Projects, workspaces and the registry that remembers them."""

from orchestrator.workspaces.projects import (
    Project,
    find_project,
    open_project,
    root_of,
    share_id,
    workspace_of,
)
from orchestrator.workspaces.registry import Known, ProjectRules, Registry, remember

__all__ = [
    "Known",
    "Project",
    "ProjectRules",
    "Registry",
    "find_project",
    "open_project",
    "remember",
    "root_of",
    "share_id",
    "workspace_of",
]
