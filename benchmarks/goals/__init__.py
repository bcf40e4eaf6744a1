"""Thirty small goals for `orch run`, judged by a check that no model sees; `README.md` says how."""
