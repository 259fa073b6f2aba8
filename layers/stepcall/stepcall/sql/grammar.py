"""What a query may be made of. What is not named here is refused: a list of what is dangerous would never be whole.

Functions are those of BigQuery that both engines do, or that `transpile.py` and `mending*.py` make them do, by what
sqlglot calls them.
"""

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STATEMENT = _words(
    "Select Union Except Intersect Subquery CTE With From Join Where Group Having Qualify Order Ordered Limit Offset "
    "Distinct Table TableAlias Alias Column Identifier Star Literal Boolean Null Paren Dot Var Parameter Placeholder "
    "Window WindowSpec Unnest Tuple Rollup Cube GroupingSets Exists"
)
OPERATORS = _words(
    "Add Sub Mul Div Neg Not And Or EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Between In Is Like Escape DPipe "
    "BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift Case If Bracket"
)
VALUES = _words(
    "Array Struct PropertyEQ Cast TryCast DataType DataTypeParam ColumnDef Interval WeekStart AtTimeZone Extract "
    "RawString ByteString HexString JSONPath JSONPathRoot JSONPathKey JSONPathSubscript IgnoreNulls RespectNulls "
    "HavingMax"
)
FUNCTIONS = _words(
    # numbers
    "Abs Acos Acosh Asin Asinh Atan Atan2 Atanh Cbrt Ceil Cos Cosh Cot Exp Floor Greatest IntDiv IsInf IsNan Least Ln "
    "Log Mod Pow Rand Round SafeDivide Sign Sin Sinh Sqrt Tan Tanh Trunc BitwiseCount "
    # text and bytes
    "Ascii ByteLength Chr Concat Contains EndsWith Format FromBase64 Left Length Levenshtein Lower LowerHex "
    "MD5 MD5Digest Pad RegexpExtract RegexpExtractAll RegexpLike RegexpReplace Repeat Replace Reverse Right SHA1Digest "
    "SHA2Digest Split StartsWith StrPosition String Substring ToBase64 Translate Trim Unhex Unicode Upper Uuid "
    # times
    "CurrentDate CurrentDatetime CurrentTimestamp Date DateAdd DateDiff DateFromParts DateFromUnixDate DateSub "
    "DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub DatetimeTrunc LastDay ParseDatetime StrToDate StrToTime "
    "TimeFromParts TimeToStr Timestamp TimestampAdd TimestampDiff TimestampFromParts TimestampSub TimestampTrunc "
    "TsOrDsToDate TsOrDsToDatetime TsOrDsToTimestamp UnixDate UnixMicros UnixMillis UnixSeconds UnixToTime "
    # arrays and JSON
    "ArrayConcat ArrayReverse ArraySize ArrayToString GenerateDateArray GenerateSeries JSONExtract JSONExtractScalar "
    "JSONFormat ParseJSON "
    # what may be missing
    "Coalesce Nullif "
    # aggregates and windows
    "AnyValue ApproxDistinct ApproxQuantiles ArgMax ArgMin ArrayAgg Avg BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Corr "
    "Count CountIf CovarPop CovarSamp CumeDist DenseRank FirstValue GroupConcat Lag LastValue Lead LogicalAnd "
    "LogicalOr Max Min NthValue Ntile PercentRank PercentileCont PercentileDisc Rank RowNumber Stddev StddevPop "
    "StddevSamp Sum Variance VariancePop"
)
ALLOWED: frozenset[str] = STATEMENT | OPERATORS | VALUES | FUNCTIONS

_SET_OPERATION = _words("with_ this expression distinct expressions order limit offset")
ARGUMENTS: Mapping[str, frozenset[str]] = {
    "Select": _words(
        "with_ kind expressions distinct from_ joins where group having qualify windows order limit offset"
    ),
    "Union": _SET_OPERATION,
    "Except": _SET_OPERATION,
    "Intersect": _SET_OPERATION,
    "Subquery": _words("this alias with_ joins order limit offset"),
    "Table": _words("this db catalog alias joins"),
    "TableAlias": frozenset({"this", "columns"}),
    "Join": _words("this side kind on using"),
    "CTE": frozenset({"this", "alias"}),
    "Distinct": frozenset({"expressions"}),
    "Order": frozenset({"this", "expressions"}),
    "Group": _words("expressions rollup cube grouping_sets all"),
    "Limit": frozenset({"this", "expression"}),
    "Cast": frozenset({"this", "to"}),
    "TryCast": frozenset({"this", "to", "safe", "requires_string"}),
    "StrPosition": frozenset({"this", "substr"}),
    "StrToTime": _words("this format default_year"),
    "String": frozenset({"this"}),
    "TimestampTrunc": frozenset({"this", "unit"}),
    "DateTrunc": frozenset({"this", "unit", "unabbreviate"}),
    "Round": frozenset({"this", "decimals"}),
    "RegexpReplace": frozenset({"this", "expression", "replacement"}),
    "Levenshtein": frozenset({"this", "expression"}),
    "Contains": frozenset({"this", "expression"}),
    "JSONFormat": frozenset({"this"}),
    "Rand": frozenset(),
}
"""Of those that take more than both engines do: what may be given."""
NAMED_BY_IDENTIFIERS = {"TableAlias": ("this", "columns"), "CTE": (), "Alias": ("alias",), "Unnest": ("offset",)}
JOINS = ({"", "INNER", "OUTER", "CROSS"}, {"", "LEFT", "RIGHT", "FULL"})
"""Kinds and sides."""
FORMAT_PATTERN = r"(?:[^%]|%%|%[-+ 0#]{0,3}+[0-9]{0,3}+(?:\.[0-9]{1,2}+)?+[dfeEgGxXos])*+"
"""Of FORMAT: what BigQuery, DuckDB's PRINTF and Trino's FORMAT understand alike."""
STATEMENTS = _words(
    "Alter Analyze Attach Cache Command Copy Create Delete Describe Detach Drop Execute Export Grant Insert Install "
    "Kill LoadData Merge Pragma Refresh Revoke Set Show TruncateTable Uncache Update Use"
)
KINDS_OF_SELECT = frozenset({"STRUCT", "VALUE"})
CATALOGS = ("information_schema", "pg_catalog", "sqlite_", "duckdb_", "pragma_")
"""How the names of tables begin that tell of the engine itself."""
WORDS = {
    "TableSample": "TABLESAMPLE",
    "Pivot": "PIVOT and UNPIVOT",
    "Into": "INTO",
    "Lock": "FOR UPDATE",
    "Lateral": "LATERAL",
    "Values": "VALUES",
    "Hint": "A hint",
    "Version": "FOR SYSTEM_TIME",
    "HistoricalData": "FOR SYSTEM_TIME",
    "Command": "A command",
    "Lambda": "A lambda",
    "SessionParameter": "A system variable",
    "SafeFunc": "A function with the prefix `SAFE.`",
    "NetFunc": "A function with the prefix `NET.`",
}
"""What people call some of what is not allowed."""
