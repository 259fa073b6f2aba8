"""Bodies to begin with: each runs as it stands."""

from collections.abc import Mapping

from stepcall.domain.generation import DOCUMENT_WORDS, Generation
from workflows_api.describe.parts import Json

EXPRESSION = r"$count($split($trim(text), /\s+/))"
DEFINITIONS: Json = {
    "words": {
        "summary": "Count the words of a text",
        "value": {
            "name": "Word count",
            "input": [{"name": "text", "type": "string", "description": "The text to count."}],
            "tasks": [
                {
                    "ref": "count",
                    "type": "Data.Transform",
                    "input": {"expression": EXPRESSION, "data": {"text": "{{input.text}}"}},
                }
            ],
            "output": [{"name": "words", "type": "integer", "value": "{{refs.count.output.result}}"}],
        },
    },
    "later": {
        "summary": "The same in the words of the later generation",
        "value": {
            "title": "Word count",
            "inputs": [{"name": "text", "type": "string", "description": "The text to count."}],
            "tasks": [
                {
                    "name": "count",
                    "type": "Data.Transform",
                    "inputs": {
                        "expression": EXPRESSION,
                        "data": {"text": "{{inputs.text}}"},
                    },
                }
            ],
            "outputs": [{"name": "words", "type": "integer", "value": "{{tasks.count.outputs.result}}"}],
        },
    },
}
EXECUTIONS: Mapping[Generation, Json] = {
    generation: {
        "words": {"summary": "For the workflow `Word count`", "value": {words["input"]: {"text": "one two three"}}},
        "called_back": {
            "summary": "The same, and call me when it has ended",
            "value": {words["input"]: {"text": "one two three"}, "webhook_url": "https://example.com/hooks/stepcall"},
        },
    }
    for generation, words in DOCUMENT_WORDS.items()
}
