"""The Lambda functions of the deployer's own that tasks may invoke: a list of ARNs, and what tasks call them."""

from collections.abc import Iterable

from stepcall.domain.errors import StepcallError, list_names, shorten

LAMBDA_INVOKE = "Lambda.Invoke"
MAX_FUNCTION_LENGTH = 256
"""Of an ARN with name and alias, at their longest."""
BEFORE_NAME = ":function:"


class FunctionNotInvokableError(StepcallError):
    """No function of the list is meant, or more than one. `code` is that of its problem."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvokableFunctions:
    """By ARN, of a function or of a version or alias of it.

    A task says the ARN, `NAME:ALIAS`, or `NAME` alone where that is one function of the list.
    """

    def __init__(self, arns: Iterable[str]) -> None:
        self._arns = tuple(dict.fromkeys(arns))

    @property
    def names(self) -> tuple[str, ...]:
        """What messages may say of them: no region, no account."""
        return tuple(dict.fromkeys(map(spell_function, self._arns)))

    def find(self, said: str) -> str:
        """The ARN of the one that is meant. Raises FunctionNotInvokableError."""
        exact = [arn for arn in self._arns if said in (arn, spell_function(arn))]
        found = exact or [arn for arn in self._arns if said == _bare_name(arn)]
        if not found:
            raise FunctionNotInvokableError("unknown_function", _tell_unknown(said))
        if len(found) > 1:
            raise FunctionNotInvokableError("ambiguous_function", _tell_ambiguous(said, found))
        return found[0]


def spell_function(arn: str) -> str:
    """`NAME`, or `NAME:ALIAS`; what is no ARN as it is."""
    return arn.rpartition(BEFORE_NAME)[2]


def _bare_name(arn: str) -> str:
    return spell_function(arn).partition(":")[0]


def _tell_unknown(said: str) -> str:
    return (
        f"The function `{shorten(spell_function(said))}` is none of those that tasks may invoke here; an operator can "
        "add its ARN to the deployment's `InvokableFunctionArns`."
    )


def _tell_ambiguous(said: str, found: list[str]) -> str:
    names = dict.fromkeys(map(spell_function, found))
    one_of = f"one of {list_names(names)}" if len(names) > 1 else "its whole ARN: regions or accounts differ"
    return f"More than one function is called `{shorten(said)}`: write {one_of}."
