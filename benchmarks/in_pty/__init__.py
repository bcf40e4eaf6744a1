"""Programs run as a person runs them: in a terminal whose screen is read."""
