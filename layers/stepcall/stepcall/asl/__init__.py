"""From a workflow definition to Amazon States Language, in stages that pass plain values.

`graph.plan` (which tasks, in which order) → `compiler.states_of` (one frozen value per state, `states.py`) →
`compiler.compile_workflow` (the definition and the name of its content) → `check.check_state_machine` (what AWS would
refuse, and what it would not but should).
"""
