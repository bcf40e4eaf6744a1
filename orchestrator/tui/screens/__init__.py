"""The app's screens: the main one, and those that come over it to choose, ask or show."""
