"""Projects, workspaces and the registry that remembers them."""

from orchestrator.workspaces.projects import Project, find_project, open_project, share_id, workspace_of
from orchestrator.workspaces.registry import Known, ProjectRules, Registry, remember

__all__ = [
    "Known",
    "Project",
    "ProjectRules",
    "Registry",
    "find_project",
    "open_project",
    "remember",
    "share_id",
    "workspace_of",
]
