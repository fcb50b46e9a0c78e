"""What schemathesis has to know of this server: its codes, its scalars, and who calls."""

import os
import re

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from schemathesis.specs.graphql import validation

# Refusals of a request, by their `extensions.code`. The tool knows BAD_USER_INPUT, GRAPHQL_VALIDATION_FAILED,
# GRAPHQL_PARSE_FAILED, BAD_REQUEST, OPERATION_RESOLUTION_FAILURE and the two of persisted queries already. Not among them,
# and so faults of the server: INTERNAL_SERVER_ERROR, UNAVAILABLE, TIMEOUT, SEARCH_UNAVAILABLE, INDEX_LAGGING, and whatever
# has no code at all.
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
# The version of the tool is pinned; should a next one call it otherwise, this fails here.
assert "BAD_USER_INPUT" in validation.CLIENT_ERROR_MARKERS
validation.CLIENT_ERROR_MARKERS |= REFUSALS
# The tool takes an error without a code for the client's fault where nothing was executed. Ours all have one.
assert "INTERNAL_SERVER_ERROR" in validation.SERVER_ERROR_MARKERS
validation.SERVER_ERROR_MARKERS |= {"UNAVAILABLE", "TIMEOUT", "SEARCH_UNAVAILABLE", "INDEX_LAGGING"}

WORDS = st.text(max_size=30)


def scalar(name, values):
    """Mostly what the scalar is, now and then any text at all."""
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
    """Asks the feed to wait for a second at most, rather than for the 50 that it may."""
    if isinstance(case.body, str):
        case.body = re.sub(r"waitSeconds: ([2-9]|[1-4][0-9]|50)\b", "waitSeconds: 1", case.body)


@schemathesis.check
def every_error_has_a_code(ctx, response, case):
    """A GraphQL answer, each of whose errors says what kind it is."""
    media = response.headers.get("content-type", [""])[0]
    assert "json; charset=utf-8" in media, f"an answer of the type {media!r}"
    for error in response.json().get("errors", []):
        code = error.get("extensions", {}).get("code")
        assert isinstance(code, str) and re.fullmatch("[A-Z_]+", code), f"an error without a code: {error}"


@schemathesis.check
def what_does_not_fit_the_schema_is_refused(ctx, response, case):
    """`negative_data_rejection` of the tool, but for integers of more than 32 bits in fields that are not reached.

    async-graphql looks at the range of an integer only when it reads the argument, not when it validates the document.
    """
    if case.meta is None or not case.meta.generation.mode.is_negative or response.status_code >= 500:
        return
    integers = re.findall(r"-?[0-9]{10,}", case.body if isinstance(case.body, str) else "")
    if any(not -(2**31) <= int(integer) < 2**31 for integer in integers):
        return
    assert response.json().get("errors"), "a document that does not fit the schema was answered"


if os.environ.get("FUZZ_EMAIL"):

    # An access token is good for ten minutes.
    @schemathesis.auth(refresh_interval=300)
    class SignedIn:
        """Calls with the account of FUZZ_EMAIL and FUZZ_PASSWORD."""

        def get(self, case, context):
            query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }"
            account = {"email": os.environ["FUZZ_EMAIL"], "password": os.environ["FUZZ_PASSWORD"]}
            request = {"query": query, "variables": {"input": account}}
            answer = requests.post(os.environ["SERVER_URL"] + "/graphql", json=request, timeout=90).json()
            return answer["data"]["signIn"]["accessToken"]

        def set(self, case, data, context):
            case.headers["authorization"] = f"Bearer {data}"
