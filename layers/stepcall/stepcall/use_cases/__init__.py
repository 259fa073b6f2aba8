"""What callers and state machines can ask for, one function each. No AWS, no HTTP."""
