"""The app's widgets: each posts messages and knows nothing of who listens."""
