"""What all tests of the app may ask for."""

from tests.tui.album import album

__all__ = ["album"]
