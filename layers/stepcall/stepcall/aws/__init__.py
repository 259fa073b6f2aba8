"""What speaks to AWS besides the stores. Clients are passed in."""
