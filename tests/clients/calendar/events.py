"""Reads the calendars of a server with the library `icalendar`: what it understands is what the server means.

    events.py URL ACCOUNTS

ACCOUNTS is the `demo-accounts.json` of the server, which must have the sample.
"""

import json
import sys
import urllib.error
import urllib.request
from datetime import date, datetime, timedelta, timezone

from icalendar import Calendar

# A summer, a winter, and the night on which clocks go back: in each, what the clocks show and the instant.
HOURS = [
    ("summer", "Europe/Paris", "2027-07-01T07:00:00Z", "2027-07-01T16:30:00Z", "2027-07-01 09:00", "2027-07-01 18:30"),
    ("winter", "Europe/Brussels", "2027-12-01T08:00:00Z", "2027-12-01T17:00:00Z", "2027-12-01 09:00", "2027-12-01 18:00"),
    ("forward", "Europe/Paris", "2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z", "2027-03-28 01:30", "2027-03-28 03:30"),
    ("back", "Europe/Paris", "2027-10-31T00:30:00Z", "2027-10-31T02:30:00Z", "2027-10-31 02:30", "2027-10-31 03:30"),
    ("abroad", "America/New_York", "2027-03-20T13:00:00Z", "2027-03-20T14:00:00Z", "2027-03-20 09:00", "2027-03-20 10:00"),
    ("settled", "America/Sao_Paulo", "2027-01-15T12:00:00Z", "2027-01-15T13:00:00Z", "2027-01-15 09:00", "2027-01-15 10:00"),
]
TITLE = "Été; \"images\", création\\numérique " + "é" * 120
DESCRIPTION = "Une ligne, puis\nune autre; la fin."


def get(path, **headers):
    request = urllib.request.Request(URL + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=90) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def ask(query, variables=None, token=None):
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"{URL}/graphql", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=90) as response:
        answer = json.load(response)
    assert "errors" not in answer, answer
    return answer["data"]


def sign_in(accounts):
    account = next(one for one in accounts if one["email"].startswith("editor.wallonie"))
    data = ask(
        "mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { message } } }",
        {"input": {"email": account["email"], "password": account["password"]}},
    )
    return data["signIn"]["accessToken"]


def create(token, **more):
    titles = [{"language": "FR", "text": more.pop("title")}]
    given = {"region": "wallonie", "kind": "market", "status": "SCHEDULED", "titles": titles} | more
    data = ask(
        "mutation($input: EventInput!) { createEvent(input: $input) { event { id } userErrors { path message } } }",
        {"input": given},
        token,
    )
    assert data["createEvent"]["userErrors"] == [], data
    return data["createEvent"]["event"]["id"]


def calendar(path):
    status, headers, body = get(path)
    assert status == 200, (status, body)
    assert headers["content-type"] == "text/calendar; charset=utf-8", headers
    assert all(len(line) <= 75 for line in body.split(b"\r\n")), "lines have 75 octets at most"
    read = Calendar.from_ical(body)
    assert read.errors == [], read.errors
    events = {str(event["UID"]): event for event in read.walk("VEVENT")}
    assert len(events) == len(read.walk("VEVENT")), "a UID is there once"
    for event in events.values():
        assert event.errors == [], event.errors
    return read, events


def zones(read):
    """The time zones as the calendar itself describes them, not as this machine knows them."""
    return {str(zone["TZID"]): zone.to_tz(lookup_tzid=False) for zone in read.walk("VTIMEZONE")}


def instant(of, zones):
    """The instant of a time, by the calendar's own description of its zone."""
    name = of.params.get("TZID")
    return (of.dt.replace(tzinfo=zones[name]) if name else of.dt).astimezone(timezone.utc)


def main(accounts):
    token = sign_in(json.loads(open(accounts, encoding="utf-8").read()))
    made = {}
    for name, zone, starts, ends, *_ in HOURS:
        made[name] = create(token, title=name, series="calendar-check", timeZone=zone, startsAt=starts, endsAt=ends)
    made["days"] = create(token, title=TITLE, series="calendar-check", timeZone="Europe/Paris", startsOn="2027-05-01", endsOn="2027-05-03",
                          descriptions=[{"language": "FR", "text": DESCRIPTION}])
    made["month"] = create(token, title="month", series="calendar-check", timeZone="Europe/Paris", startsOn="2027-05")

    read, events = calendar("/export/events.ics?series=calendar-check")
    assert set(events) == set(made.values()) - {made["month"]}, "what is known to the month is no day"
    described = zones(read)
    assert set(described) == {zone for _, zone, *_ in HOURS}, described
    for name, zone, starts, ends, shown, ended in HOURS:
        event = events[made[name]]
        for field, expected, local in [("DTSTART", starts, shown), ("DTEND", ends, ended)]:
            given = event[field]
            assert instant(given, described) == datetime.fromisoformat(expected), (name, field, given.dt)
            if "TZID" in given.params:
                assert given.params["TZID"] == zone
                assert given.dt.strftime("%Y-%m-%d %H:%M") == local, (name, field, given.dt)
    days = events[made["days"]]
    assert (days["DTSTART"].dt, days["DTEND"].dt) == (date(2027, 5, 1), date(2027, 5, 4))
    assert str(days["SUMMARY"]) == TITLE, days["SUMMARY"]
    assert str(days["DESCRIPTION"]) == DESCRIPTION, days["DESCRIPTION"]
    assert (days["SEQUENCE"], str(days["STATUS"])) == (1, "CONFIRMED")
    assert abs(days["LAST-MODIFIED"].dt - datetime.now(timezone.utc)) < timedelta(minutes=10)
    assert days["DTSTAMP"].dt == days["LAST-MODIFIED"].dt

    # A change raises the sequence; a cancelled event stays, and says so.
    status, headers, _ = get("/export/events.ics?series=calendar-check")
    tag = headers["etag"]
    assert get("/export/events.ics?series=calendar-check", **{"if-none-match": tag})[0] == 304
    data = ask(
        "mutation($id: ID!) { updateEvent(id: $id, input: { status: CANCELLED }) { userErrors { message } } }",
        {"id": made["summer"]},
        token,
    )
    assert data["updateEvent"]["userErrors"] == [], data
    assert get("/export/events.ics?series=calendar-check", **{"if-none-match": tag})[0] == 200
    _, events = calendar(f"/export/events.ics?id={made['summer']}")
    (event,) = events.values()
    assert (str(event["UID"]), event["SEQUENCE"], str(event["STATUS"])) == (made["summer"], 2, "CANCELLED")

    # The sample, of which years are in the past, by the rules of those years.
    read, events = calendar("/export/events.ics")
    titles = {str(event["SUMMARY"]): event for event in events.values()}
    launch = titles["Lancement du Pôle Images Nord-Pas de Calais"]
    assert (launch["DTSTART"].dt, launch["DTEND"].dt) == (date(2009, 7, 1), date(2009, 7, 2))
    assert "Biennale des Imaginaires Numériques 2024" not in titles, "what is known to the year is no day"
    _, events = calendar("/export/events.ics?region=wallonie&kind=festival&language=en")
    assert [str(event["SUMMARY"]) for event in events.values()] == ["KIKK Festival, 14th edition"]
    assert get("/export/events.ics?region=wallonia")[0] == 400
    assert get("/export/events.ics?id=event_01h455vb4pex5vsknk084sn02q")[0] == 404
    print(f"{len(made)} events were made and understood")


URL = sys.argv[1]
main(sys.argv[2])
