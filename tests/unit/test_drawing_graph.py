"""Nodes and edges: what references what, and the order of tasks where that does not say it."""

from stepcall.domain.workflow import WorkflowDefinition
from stepcall.drawing.graph import EdgeKind, NodeKind, WorkflowGraph, graph_of
from tests.sample_workflows import Document, declare, give, transform, workflow


def graph(document: Document) -> WorkflowGraph:
    return graph_of(WorkflowDefinition.from_json(document))


def edges(document: Document) -> list[str]:
    drawn = graph(document)
    names = [node.name for node in drawn.nodes]
    arrows = {EdgeKind.DATA: "→", EdgeKind.ORDER: "⇢"}
    return [f"{names[edge.source]} {arrows[edge.kind]} {names[edge.target]}" for edge in drawn.edges]


def result(ref: str) -> str:
    return f"{{{{refs.{ref}.output.result}}}}"


def test_inputs_tasks_and_outputs_are_nodes_with_their_types() -> None:
    drawn = graph(workflow(transform("a"), inputs=[declare("n", "integer")], outputs=[give("o", result("a"), "array")]))
    assert [(node.kind, node.name, node.detail) for node in drawn.nodes] == [
        (NodeKind.INPUT, "n", "integer"),
        (NodeKind.TASK, "a", "Data.Transform"),
        (NodeKind.OUTPUT, "o", "array"),
    ]


def test_a_reference_is_an_edge_however_often_it_is_made() -> None:
    document = workflow(
        transform("a", {"x": "{{input.n}}", "y": ["{{input.n}} and {{input.n}}"]}),
        transform("b", [result("a"), result("a")]),
        inputs=[declare("n")],
        outputs=[give("o", result("b")), give("p", "{{input.n}}")],
    )
    assert edges(document) == ["n → a", "a → b", "b → o", "n → p"]


def test_the_order_is_drawn_where_the_next_task_does_not_use_the_one_before() -> None:
    document = workflow(transform("a"), transform("b"), transform("c", result("a")), transform("d", result("c")))
    assert edges(document) == ["a → c", "c → d", "a ⇢ b", "b ⇢ c"]


def test_what_a_run_is_about_is_nothing_to_draw() -> None:
    document = workflow(
        transform("a", ["{{run.range_from}}", "{{input.n}}"]),
        inputs=[declare("n")],
        outputs=[give("o", "{{run.range_to}}")],
    )
    assert [node.name for node in graph(document).nodes] == ["n", "a", "o"]
    assert edges(document) == ["n → a"]


def test_an_output_of_the_later_generation_may_use_the_one_before() -> None:
    document = {
        "title": "later",
        "inputs": [{"name": "n", "type": "string"}],
        "tasks": [{"name": "a", "type": "Data.Transform", "inputs": {"expression": "$", "data": "{{inputs.n}}"}}],
        "outputs": [
            {"name": "o", "type": "string", "value": "{{tasks.a.outputs.result}}"},
            {"name": "p", "type": "string", "value": "{{outputs.o}}!"},
        ],
    }
    assert edges(document) == ["n → a", "a → o", "o → p"]


def test_a_task_says_that_it_is_done_for_each_element_of_what_it_uses() -> None:
    names = declare("names", "array")
    drawn = workflow(transform("a", "{{item}}") | {"for_each": "{{input.names}}"}, inputs=[names])
    assert graph(drawn).nodes[1].detail == "Data.Transform, for each"
    assert edges(drawn) == ["names → a"]
