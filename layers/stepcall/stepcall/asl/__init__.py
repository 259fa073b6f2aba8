"""From a workflow definition to Amazon States Language, in stages that pass plain values.

`graph.plan` (which tasks, in which order) → `compiler.states_of` (one frozen value per state, `states.py`) →
`compiler.compile_workflow` (the definition and the name of its content) → `check_limits.refuse_over_limits` (quotas,
which the author can keep) → `check.check_state_machine` (what AWS would refuse, and what it would not but should).
Beside them `history` counts events and transitions, and `limits` says what a run uses and costs.
"""
