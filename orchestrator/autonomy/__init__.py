"""A goal pursued alone: a plan as records, a worktree, a fresh instance a step, an end by measured signs."""
