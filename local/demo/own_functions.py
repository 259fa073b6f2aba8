"""Examples that come with a function of the user's own, which the local stack lets tasks invoke."""

from local.demo import control_flow
from local.demo.exchanges import Api, print_file
from local.own_functions import OwnFunction
from local.stack import LocalStack

NAMES = {"lambda_invoke": "quote", "custom_type": "delivery"}
"""What each example's function is called."""
CUSTOM_TYPE = "Acme.DeliveryFee"


def run(name: str) -> bool:
    """Whether its output is as it should be."""
    own = OwnFunction(NAMES[name], control_flow.EXAMPLES / name / "function.py", "handler")
    print(
        f"The function `{own.name}`, as `make serve FUNCTION={own.name}=examples/{name}/function.py:handler` has it:\n"
    )
    print_file(own.file)
    with LocalStack(port=0, own=[own]) as stack:
        api = Api(stack.url)
        if name == "custom_type":
            print("It becomes a type of task, with what it takes and gives:\n")
            api.call("PUT", f"/task-types/{CUSTOM_TYPE}", control_flow.read(name, "type"), sent=60, told=3)
        return control_flow.show(api, name)
