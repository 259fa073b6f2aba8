"""A query with other tables in place of those that it names."""

from collections.abc import Mapping

from sqlglot import exp

from stepcall.sql.output_names import name_outputs
from stepcall.sql.statement import Select, real_tables, spell_table


def with_tables(select: Select, tables: Mapping[str, exp.Table]) -> exp.Query:
    """A copy whose columns all have names, and whose tables keep the names by which its columns know them.

    Raises KeyError for a table that is not given.
    """
    tree = select.tree.copy()
    name_outputs(tree)
    for table in [*real_tables(tree)]:
        stand_in = tables[spell_table(table)].copy()
        stand_in.set("alias", table.args.get("alias") or exp.TableAlias(this=table.this.copy()))
        if joins := table.args.get("joins"):
            stand_in.set("joins", joins)
        table.replace(stand_in)
    return tree
