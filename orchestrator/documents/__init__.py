"""The handoff documents as files."""
