"""The library beside PyTorch: one call, computed twice. ``make conformance`` runs it."""
