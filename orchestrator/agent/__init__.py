"""The agent: one session, its turns, and what it may do."""
