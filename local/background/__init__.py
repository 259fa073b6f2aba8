"""What goes on without a caller who waits: rules and schedules, asynchronous invocations, streams of tables."""
