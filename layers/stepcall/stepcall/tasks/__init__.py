"""The contract of every task type that ships with Stepcall. What does the work lives in `functions/run_*_task`."""
