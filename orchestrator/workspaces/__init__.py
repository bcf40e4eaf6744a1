"""Projects, workspaces and the registry that remembers them."""

from orchestrator.workspaces.projects import Project, find_project, open_project, root_of, workspace_of
from orchestrator.workspaces.registry import Known, Registry, remember

__all__ = [
    "Known",
    "Project",
    "Registry",
    "find_project",
    "open_project",
    "remember",
    "root_of",
    "workspace_of",
]
