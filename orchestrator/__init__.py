"""Orchestrator: a terminal agent on a local model, whose intelligence lives in documents."""
