"""One file a command; each exposes `app`."""
