"""Whole small tasks for a model, checked by their effect. `README.md` says how to write and run them."""
