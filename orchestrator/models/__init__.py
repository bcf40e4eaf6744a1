"""Catalogue, downloads, backends and dialects."""
