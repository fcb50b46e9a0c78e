"""Hooks for schemathesis: the server's error codes, its scalars, and the caller."""

import os
import re

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from schemathesis.specs.graphql import validation

# Error codes of refused requests, from `extensions.code`. The tool itself knows BAD_USER_INPUT,
# GRAPHQL_VALIDATION_FAILED, GRAPHQL_PARSE_FAILED, BAD_REQUEST, OPERATION_RESOLUTION_FAILURE and the two of persisted
# queries. All others are faults of the server: INTERNAL_SERVER_ERROR, UNAVAILABLE, TIMEOUT, SEARCH_UNAVAILABLE,
# INDEX_LAGGING, and errors without a code.
REFUSALS = {
    "PAYLOAD_TOO_LARGE",
    "QUERY_TOO_COMPLEX",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "RATE_LIMITED",
    "CURSOR_INVALID",
    "CURSOR_FEED_CHANGED",
    "CURSOR_AHEAD",
    "CURSOR_FORKED",
    "CURSOR_EXPIRED",
    "CURSOR_VIEWS_CHANGED",
}
# The tool's version is pinned. If a later one renames this, the assertion fails.
assert "BAD_USER_INPUT" in validation.CLIENT_ERROR_MARKERS
validation.CLIENT_ERROR_MARKERS |= REFUSALS
# The tool attributes an error without a code to the client if nothing was executed. Our errors all have one.
assert "INTERNAL_SERVER_ERROR" in validation.SERVER_ERROR_MARKERS
validation.SERVER_ERROR_MARKERS |= {"UNAVAILABLE", "TIMEOUT", "SEARCH_UNAVAILABLE", "INDEX_LAGGING"}

WORDS = st.text(max_size=30)


def scalar(name, values):
    """Mostly valid values of the scalar, sometimes any text."""
    schemathesis.graphql.scalar(name, st.one_of(values, values, values, WORDS).map(nodes.String))


YEARS = st.integers(0, 9999).map("{:04}".format)
scalar("ChangeCursor", st.binary(max_size=60).map(lambda bytes: bytes.hex()))
scalar("Date", st.dates().map(str))
scalar("DateTime", st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()))
scalar("Decimal", st.decimals(allow_nan=False, allow_infinity=False).map(str))
scalar("EmailAddress", st.emails())
scalar("PartialDate", st.one_of(YEARS, st.dates().map(lambda day: str(day)[:7]), st.dates().map(str)))
scalar("URL", WORDS.map("https://example.org/{}".format))


@schemathesis.hook
def before_call(ctx, case, kwargs):
    """Limits the waits of the feed to one second instead of 50."""
    if isinstance(case.body, str):
        case.body = re.sub(r"waitSeconds: ([2-9]|[1-4][0-9]|50)\b", "waitSeconds: 1", case.body)


@schemathesis.check
def every_error_has_a_code(ctx, response, case):
    """The response is JSON, and each of its errors has a code."""
    media = response.headers.get("content-type", [""])[0]
    assert "json; charset=utf-8" in media, f"an answer of the type {media!r}"
    for error in response.json().get("errors", []):
        code = error.get("extensions", {}).get("code")
        assert isinstance(code, str) and re.fullmatch("[A-Z_]+", code), f"an error without a code: {error}"


@schemathesis.check
def what_does_not_fit_the_schema_is_refused(ctx, response, case):
    """The tool's `negative_data_rejection`, except for integers of more than 32 bits in fields that are not reached.

    async-graphql checks the range of an integer only when it reads the argument, not when it validates the document.
    """
    if case.meta is None or not case.meta.generation.mode.is_negative or response.status_code >= 500:
        return
    integers = re.findall(r"-?[0-9]{10,}", case.body if isinstance(case.body, str) else "")
    if any(not -(2**31) <= int(integer) < 2**31 for integer in integers):
        return
    assert response.json().get("errors"), "a document that does not fit the schema was answered"


if os.environ.get("FUZZ_EMAIL"):

    # An access token is valid for ten minutes.
    @schemathesis.auth(refresh_interval=300)
    class SignedIn:
        """Signs in with FUZZ_EMAIL and FUZZ_PASSWORD."""

        def get(self, case, context):
            query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }"
            account = {"email": os.environ["FUZZ_EMAIL"], "password": os.environ["FUZZ_PASSWORD"]}
            request = {"query": query, "variables": {"input": account}}
            answer = requests.post(os.environ["SERVER_URL"] + "/graphql", json=request, timeout=90).json()
            return answer["data"]["signIn"]["accessToken"]

        def set(self, case, data, context):
            case.headers["authorization"] = f"Bearer {data}"
