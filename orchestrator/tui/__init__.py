"""The terminal app: it renders a session's events and holds no logic of its own."""
