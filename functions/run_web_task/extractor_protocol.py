"""What `web_extract_text` and the process it starts agree on; apart, so that the worker does not load trafilatura."""

MODULE = "run_web_task.extractor_process"
EXIT_MEMORY = 3
EXIT_UNREADABLE = 4
