"""SQL as workflows write it: one SELECT in BigQuery's dialect, read by sqlglot, judged, and rewritten for an engine."""
