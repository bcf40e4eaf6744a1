"""A goal pursued alone: a plan as records, a worktree, one fresh instance a step, an ending by measured signs."""
