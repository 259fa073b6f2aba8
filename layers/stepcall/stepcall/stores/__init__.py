"""Ports to what is kept, the errors they raise, and their implementations, side by side.

`memory_*` are product code: the same contract test runs over them and over `dynamo_*`.
"""
