"""What mappings say in words of the embedded engine, in a Spark's: held equal by a test.

A value of a rare form, which the embedded engine has Python read, is *left*: a mark stands for it, by which the record
is found and read at home. So no record is read in two ways.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

import sqlglot
from ibis.expr import datatypes as dt
from sqlglot import expressions as sge

from counterfoil.case.spark import Spark
from counterfoil.expressions.built import built
from counterfoil.model import schema

# Marks of what was left: no time, text or number of a record that is kept is one of these.
LEFT_TEXT = "\x01:"  # with a colon: an address of an address, as some mappings have it, is left again
LEFT_TIME = "0001-01-01 00:00:00"
LEFT_NUMBER = -60_000_000_000  # a time, too, as seconds since 1970: in the year 68
# What a time or number that was reckoned with a mark stays below; dates before it are rejects.
_FIRST_TIME = "1000-01-01 00:00:00"
_FIRST_NUMBER = -30_000_000_000
_FRACTION = r"^[-+]?[0-9]{1,15}[.][0-9]+$"
# SQL by the keys of mappings: a source has one, and batches are many.
_known: dict[bytes, str] = {}
_CONTROLS = "[\\\\x00-\\\\x1f]"  # as a text of SQL


def was_left() -> str:
    """Return the condition under which a row of evidence holds a mark."""
    terms = []
    for column in schema.EVIDENCE:
        if column.dtype.startswith("timestamp"):
            terms.append(f"{column.name} < TIMESTAMP_NTZ '{_FIRST_TIME}'")
        elif column.dtype == "int64":
            terms.append(f"{column.name} < {_FIRST_NUMBER}")
    names = [column.name for column in schema.EVIDENCE if column.dtype == "string" and column.name != "raw_file"]
    texts = f"concat_ws(' ', {', '.join(names)})"
    terms += [f"contains({texts}, '{mark}')" for mark in (LEFT_TEXT, LEFT_NUMBER)]
    terms.append(f"extra RLIKE '{_CONTROLS}'")
    return " OR ".join(f"coalesce({term}, false)" for term in terms)


def reading(spark: Spark, table: Any) -> str:
    """Return the SQL of a mapping."""
    if table._key not in _known:
        _known[table._key] = str(_compiler(spark).compile(built(table, named=True)))
    return _known[table._key]


def in_spark(text: str) -> str:
    """Return what an expression in DuckDB's SQL is in Spark's."""
    tree = sge.Paren(this=sqlglot.parse_one(text, read="duckdb"))
    for match in list(tree.find_all(sge.RegexpFullMatch)):
        whole = sge.Literal.string(f"^(?:{match.expression.name})$")
        match.replace(sge.RegexpLike(this=match.this, expression=whole))
    for escaped in list(tree.find_all(sge.ByteString)):  # E'...'
        escaped.replace(sge.Literal.string(escaped.name))
    for call in list(tree.find_all(sge.Anonymous)):
        if call.name.lower() == "json_valid":
            call.replace(sqlglot.parse_one(is_json(call.expressions[0].sql(dialect="spark")), read="spark"))
        else:
            call.set("this", _NAMES.get(call.name.lower(), call.name))
    return tree.sql(dialect="spark")


_NAMES = {"prefix": "startswith", "suffix": "endswith"}


def is_json(text: str) -> str:
    """Return the condition under which a text is one JSON value.

    An engine may stop where the first one ends, and may take single quotes for others.
    """
    quoted = literal(r"^\s*[\[{]\s*'")
    return f"coalesce(json_array_length(concat('[', {text}, ',0]')) = 2 AND NOT {text} RLIKE {quoted}, false)"


def literal(text: str) -> str:
    """Return a text of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def column(name: str) -> str:
    """Return a name of a column in SQL."""
    return "`" + name.replace("`", "``") + "`"


def _compiler(spark: Spark) -> Any:
    backend = copy.copy(spark.compiler)
    backend.compiler = _words(type(spark.compiler.compiler))()
    return backend


def _words(judging: type[Any]) -> type[Any]:
    """Return the compiler of mappings, which says more than that of `judging`."""

    class Words(judging):  # type: ignore[misc]  # Ibis is not typed here
        def visit_ScalarUDF(self, op: Any, **parts: Any) -> Any:  # noqa: N802  # as Ibis calls it
            """Return what one of the embedded engine's functions is here."""
            name = op.__func_name__
            return _FUNCTIONS[name](self, *parts.values()) if name in _FUNCTIONS else super().visit_ScalarUDF(
                op, **parts)

        def visit_TryCast(self, op: Any, *, arg: Any, to: Any) -> Any:  # noqa: N802
            """Return a time or a number, or a mark of what this engine does not read: the other may."""
            if not op.arg.dtype.is_string() or not (to.is_timestamp() or to.is_integer()):
                return super().visit_TryCast(op, arg=arg, to=to)
            return _cast(self, arg, to)

        def visit_TimestampFromUNIX(self, op: Any, *, arg: Any, unit: Any) -> Any:  # noqa: N802
            """Return a time also of milliseconds."""
            if unit.short != "ms":
                return super().visit_TimestampFromUNIX(op, arg=arg, unit=unit)
            return self.cast(self.f.anon.timestamp_millis(arg), op.dtype)

        def visit_RegexReplace(self, op: Any, *, arg: Any, pattern: Any, replacement: Any) -> Any:  # noqa: ARG002, N802
            """Return a text with groups in what is put in, which are `$1` to Java, and here to Sail too."""
            grouped = sge.convert(re.sub(r"\\(\d)", r"$\1", replacement.name))
            return self.f.regexp_replace(arg, pattern, grouped)

        def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: ARG002, N802
            """Return an item, NULL beyond the end: to some engines the other function is an error there."""
            return self.f.anon.try_element_at(arg, index + 1)

        def visit_ArraySum(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
            """Return the sum of the numbers that are there."""
            return super().visit_ArraySum(op, arg=_there(self, arg))

        def visit_ArrayFlatten(self, op: Any, *, arg: Any) -> Any:  # noqa: ARG002, N802
            """Return what is in the lists that are there."""
            return self.f.flatten(_there(self, arg))

    return Words


def _cast(words: Any, text: Any, to: Any) -> Any:
    """Return the time or the whole number in a text, or a mark; a fraction is rounded, as DuckDB does."""
    zoned = to.is_timestamp() and to.timezone  # in a session without zones, Ibis' word for it means none
    kind = sge.DataType.build("TIMESTAMPLTZ" if zoned else words.type_mapper.from_ibis(to))
    left = sge.Cast(this=sge.convert(LEFT_TIME if to.is_timestamp() else LEFT_NUMBER), to=kind)
    values = [sge.TryCast(this=text, to=kind, safe=True)]
    if to.is_integer():
        rounded = sge.Cast(this=words.f.round(words.cast(text, dt.float64)), to=kind)
        fraction = sge.RegexpLike(this=text, expression=sge.convert(_FRACTION))
        values.append(words.if_(fraction, rounded, sge.null()))
    return words.f.coalesce(*values, words.if_(words.f.trim(text).neq(sge.convert("")), left, sge.null()))


def _there(words: Any, values: Any) -> Any:
    item = sge.to_identifier("item", quoted=True)
    return words.f.filter(values, sge.Lambda(this=item.is_(sge.null()).not_(), expressions=[item]))


def _left_time(words: Any, value: Any, *_: Any) -> Any:
    return words.if_(value.is_(sge.null()), sge.null(), words.cast(sge.convert(LEFT_TIME), dt.timestamp))


def _left_text(words: Any, value: Any) -> Any:
    return words.if_(value.is_(sge.null()), sge.null(), sge.convert(LEFT_TEXT))


def _no_time(words: Any, value: Any) -> Any:
    """Tell whether a text is blank; of what else stands for no time, `cf_time` left the record before."""
    return words.f.coalesce(words.f.trim(value).eq(sge.convert("")), sge.true())


def _quoted(words: Any, value: Any) -> Any:
    """Return a JSON string; of a text with other control characters, one that `was_left` finds."""
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = words.f.replace(value, sge.convert(sign), sge.convert(written))
    quote = sge.convert('"')
    return words.f.concat(quote, value, quote)


def _no_texts(words: Any, *_: Any) -> Any:
    """Return no list: it would be of a record that is refused, which is read at home."""
    return words.cast(sge.null(), dt.Array(dt.string))


# By name, the functions that `sources` ask of the embedded engine.
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "cf_time": _left_time,
    "cf_no_time": _no_time,
    "cf_address": _left_text,
    "try_strptime": lambda words, *_: words.cast(sge.null(), dt.timestamp),  # `cf_time` is asked next
    "json_quote": _quoted,
    "regexp_extract_all": _no_texts,
}
