"""A small service whose functions nobody waits for."""
