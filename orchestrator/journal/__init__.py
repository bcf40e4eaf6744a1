"""The node's records."""
