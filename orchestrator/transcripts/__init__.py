"""Conversations that other programs keep on disk, read as turns. Nothing here writes."""
