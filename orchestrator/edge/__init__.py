"""The light node: a local model, and peers that answer better while they can be reached."""
