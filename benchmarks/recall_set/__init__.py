"""Long conversations with planted facts, and questions about them in other words. Seeded."""
