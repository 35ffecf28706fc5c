"""Requests of all kinds, valid and not, for property tests."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st
from triptych.http.routes import realtime_routes

from tests.support.infer_messages import HEADER_LENGTH
from tests.support.realtime import Call

_TYPES = (
    "text/csv",
    "application/jsonlines",
    "application/x-ndjson",
    "application/json",
    "application/vnd.apache.parquet",
)
_HEADERS: Mapping[str, tuple[str, ...]] = {
    HEADER_LENGTH: (
        *("0", "1", "17", "-1", "+5", " 5", "5 ", "0x10", "1e3", "1_0", "٣", "²", "", "nan"),
        *("9" * 20, "0" * 5000),
    ),
    "Content-Type": (
        *_TYPES,
        *("text/csv; header=absent", "text/csv;charset=latin-1", 'application/json; charset="UTF-8"'),
        *("", ";;;", "*/*", "text/plain", "APPLICATION/JSON", "application/octet-stream"),
    ),
    "Content-Encoding": ("gzip", "deflate", "identity", "br", "GZIP", "gzip, gzip", "", "*"),
    "Accept": (
        *_TYPES,
        *("*/*", "text/*;q=0.5, application/json;q=0.1", "text/csv;q=0", "*/*;q=2", "application/json;q=x"),
        *("", ",,,", "text/csv;q=0.1.2", "image/png", "text/csv; header=absent"),
    ),
    "Accept-Encoding": (
        *("gzip", "deflate", "gzip;q=0, *", "*;q=0.5", "gzip;q=1.2.3", "gzip;q=", "deflate;q=.", "identity"),
        *("", ", ,", "gzip;q=٣", "br, gzip;q=1..0"),
    ),
}
_TEXT = st.text(st.characters(max_codepoint=255), max_size=20)
_NAMES = ("..", "a/b", "x" * 200, "\0", "%2e%2e", "é", "")
_VERSIONS = ("1", "2", "0", "-1", "01", "9" * 30, "\uff11", "latest", "")
_LISTS = ("none", "all", "a,b", "a,a", ",", "island", "species", "y,y", "none,all", "", "é" * 20)

headers = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) | _TEXT for name, values in _HEADERS.items()}
)
"""Headers that the function reads, with values that it may or may not know."""

queries = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(_LISTS) | _TEXT for name in ("join", "outputs", "other")}
)
"""Query parameters that the function reads, and one that it does not."""


@st.composite
def calls(draw: st.DrawFn, models: tuple[str, ...]) -> Call:
    """Any request for any route, or for one that is not there.

    Args:
        draw: Draws from other strategies.
        models: Names of the models that there are.
    """
    method, resource = draw(st.sampled_from(sorted(realtime_routes())))
    if draw(st.integers(0, 9)) == 0:
        method = draw(st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", ""]) | _TEXT)
        resource = draw(st.just(resource) | st.just("/v2/nothing"))
    values = {
        "model": _mostly(st.sampled_from(models), st.sampled_from(_NAMES) | _TEXT),
        "version": _mostly(st.just("1"), st.sampled_from(_VERSIONS) | _TEXT),
        "proxy": _TEXT,
    }
    path = {name: draw(values[name]) for name in re.findall(r"{(\w+)\+?}", resource)}
    return Call(method, resource, path, draw(headers), draw(queries), draw(st.binary(max_size=200)))


@st.composite
def sent(draw: st.DrawFn, call: Call) -> Call:
    """A request as a client may send it: perhaps compressed, perhaps with odd headers and parameters."""
    encoding = draw(st.sampled_from([None, None, "gzip", "deflate"]))
    if encoding:
        compress = gzip.compress if encoding == "gzip" else zlib.compress
        call = replace(call, body=compress(call.body), headers={**call.headers, "Content-Encoding": encoding})
    if draw(st.integers(0, 3)) == 0:
        call = replace(call, headers={**call.headers, **draw(headers)}, query={**call.query, **draw(queries)})
    return call


def _mostly(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 4).flatmap(lambda number: usual if number else odd)
