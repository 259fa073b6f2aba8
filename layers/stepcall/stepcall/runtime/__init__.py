"""The composition root: settings, clients, logs, HTTP."""
