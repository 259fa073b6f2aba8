"""A workflow as a picture: `graph.graph_of` (nodes and edges) → `mermaid.print_mermaid`, or `layout.lay_out` →
`svg.print_svg`. Pure. Whoever draws imports it then: no face loads it at its start.
"""
