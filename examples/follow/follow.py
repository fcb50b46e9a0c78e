"""Keeps a copy of a directory in step, in SQLite or PostgreSQL, and proves it.

The copy holds whole records, whether they came with the first copy or as changes. The program stores each page of
changes and the position after it in one transaction, so it may be killed at any moment and goes on where it was. When
a position is no longer good, it takes a new copy; when the server gives none at the moment, it reads the changes
again from the beginning.

    python follow.py http://127.0.0.1:8000 copy.db            # follows until it is stopped
    python follow.py http://127.0.0.1:8000 copy.db --once     # ends when nothing more comes, and compares digests

SQLite needs Python 3.9 or newer and nothing else. For PostgreSQL, name a database instead of a file:

    pip install -r requirements.txt
    python follow.py http://127.0.0.1:8000 postgres://user:password@localhost/copy

With PASSERELLE_TOKEN in the environment, an API key of a SYNC_PARTNER, it also follows what members see.

Query the copy through its views, one for each type of record, and `party` for the parties of partnerships:

    SELECT name, city FROM organization WHERE region = 'wallonie' ORDER BY name;
    SELECT t.name, a.role, o.name FROM affiliation AS a
        JOIN talent AS t ON t.id = a.talent JOIN organization AS o ON o.id = a.organization;

The column `body` has the whole record as JSON.
"""

import argparse
import hashlib
import http.client
import json
import os
import pathlib
import sqlite3
import sys
import time
import urllib.error
import urllib.request

CHANGES = (pathlib.Path(__file__).parent / "changes.graphql").read_text(encoding="utf-8")
DIGEST = "query Digest { syncDigest { cursor count buckets } }"

# `walk` is the reading from the beginning that told the record last. `walking` says that one is not finished.
TABLES = [
    """CREATE TABLE IF NOT EXISTS entry (
        id TEXT PRIMARY KEY, type TEXT NOT NULL, revision INTEGER NOT NULL, hash TEXT NOT NULL, walk INTEGER NOT NULL,
        body JSON NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS entry_by_type ON entry (type)",
    """CREATE TABLE IF NOT EXISTS state (
        one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT, walk INTEGER NOT NULL, walking INTEGER NOT NULL)""",
    "INSERT INTO state (one, cursor, walk, walking) VALUES (1, NULL, 0, 0) ON CONFLICT (one) DO NOTHING",
]

# What `changes.graphql` calls otherwise than copies do.
RENAMED = {
    "spokenLanguages": "languages", "partnershipStatus": "status", "callStatus": "status", "eventStatus": "status",
}

# The types of the records of views that are called otherwise.
TYPES = {"call_for_projects": "CALL"}

# The columns of the views, and where they are in the JSON of a record.
VIEWS = {
    "organization": {
        "slug": ["slug"], "region": ["region", "slug"], "name": ["name"], "acronym": ["acronym"],
        "kind": ["kind", "slug"], "status": ["status"], "territory": ["territory", "slug"],
        "city": ["address", "city"], "website": ["website"], "updated_at": ["updatedAt"],
    },
    "talent": {
        "slug": ["slug"], "region": ["region", "slug"], "name": ["displayName"], "headline": ["headlines", 0, "text"],
        "territory": ["territory", "slug"], "availability": ["availability"], "website": ["website"],
        "updated_at": ["updatedAt"],
    },
    "affiliation": {
        "region": ["region", "slug"], "talent": ["talent", "id"], "organization": ["organization", "id"],
        "role": ["role"], "occupation": ["occupation", "slug"], "starts_on": ["period", "startsOn"],
        "ends_on": ["period", "endsOn"], "updated_at": ["updatedAt"],
    },
    "partnership": {
        "slug": ["slug"], "region": ["region", "slug"], "title": ["titles", 0, "text"], "kind": ["kind", "slug"],
        "status": ["status"], "starts_on": ["period", "startsOn"], "ends_on": ["period", "endsOn"],
        "updated_at": ["updatedAt"],
    },
    "call_for_projects": {
        "slug": ["slug"], "region": ["region", "slug"], "title": ["titles", 0, "text"], "status": ["status"],
        "opens_at": ["opensAt"], "closes_at": ["closesAt"], "fund": ["fund", "amount"],
        "currency": ["fund", "currency"], "updated_at": ["updatedAt"],
    },
}

UPSERT = """INSERT INTO entry (id, type, revision, hash, walk, body) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET type = excluded.type, revision = excluded.revision, hash = excluded.hash,
    walk = excluded.walk, body = excluded.body"""


class Refused(Exception):
    """An error of the server that asking again does not help."""

    def __init__(self, error):
        super().__init__(error.get("message"))
        self.extensions = error.get("extensions", {})


class NotNow(Exception):
    """The server gives no copy at the moment."""


class Sqlite:
    """A copy in a file."""

    def __init__(self, file):
        self.connection = sqlite3.connect(file, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")

    def execute(self, sql, values=()):
        return self.connection.execute(sql, values)

    def begin(self):
        self.execute("BEGIN IMMEDIATE")

    def text(self, path):
        """The expression for the text at a path of the body."""
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
        return f"json_extract(body, '${steps}')"

    def make_view(self, name, select):
        self.execute(f"DROP VIEW IF EXISTS {name}")
        self.execute(f"CREATE VIEW {name} AS {select}")

    def parties(self):
        return """SELECT e.id AS partnership, json_extract(p.value, '$.organization.id') AS organization,
            json_extract(p.value, '$.role') AS role
            FROM entry AS e, json_each(e.body, '$.parties') AS p WHERE e.type = 'PARTNERSHIP'"""


class Postgres:
    """A copy in a database."""

    def __init__(self, url):
        import psycopg  # pip install -r requirements.txt

        self.connection = psycopg.connect(url, autocommit=True)

    def execute(self, sql, values=()):
        return self.connection.execute(sql.replace("?", "%s").replace("JSON NOT", "JSONB NOT"), values)

    def begin(self):
        self.execute("BEGIN")
        # Whoever else follows into this database waits here.
        self.execute("SELECT one FROM state FOR UPDATE")

    def text(self, path):
        steps = ",".join(str(step) for step in path)
        return f"body #>> '{{{steps}}}'"

    def make_view(self, name, select):
        # Views of yours may depend on it.
        self.execute(f"CREATE OR REPLACE VIEW {name} AS {select}")

    def parties(self):
        return """SELECT e.id AS partnership, p.value #>> '{organization,id}' AS organization, p.value ->> 'role' AS role
            FROM entry AS e, jsonb_array_elements(e.body -> 'parties') AS p WHERE e.type = 'PARTNERSHIP'"""


class Copy:
    """The local copy, and the server that it is of."""

    def __init__(self, url, place):
        self.url = url.rstrip("/")
        token = os.environ.get("PASSERELLE_TOKEN")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        is_url = place.startswith(("postgres://", "postgresql://"))
        self.db = Postgres(place) if is_url else Sqlite(place)
        for statement in TABLES:
            self.db.execute(statement)
        self.transaction(self.make_views)

    def make_views(self):
        for view, columns in VIEWS.items():
            columns = ", ".join(f"{self.db.text(path)} AS {name}" for name, path in columns.items())
            self.db.make_view(view, f"SELECT id, revision, {columns}, body FROM entry WHERE type = '{TYPES.get(view, view.upper())}'")
        self.db.make_view("party", self.db.parties())

    def ask(self, document, **variables):
        """Asks the server, again and again while it cannot be reached or asks for patience."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json", **self.headers}
        pause = 1
        while True:
            request = urllib.request.Request(f"{self.url}/graphql", body, headers)
            try:
                with urllib.request.urlopen(request, timeout=90) as response:
                    answer = json.load(response)
            except urllib.error.HTTPError as error:
                answer = errors_of(error)
            except (OSError, ValueError, http.client.HTTPException) as error:
                answer = {"errors": [{"message": str(error), "extensions": {"code": "UNAVAILABLE"}}]}
            error = (answer.get("errors") or [None])[0]
            if error is None:
                return answer["data"]
            code = error.get("extensions", {}).get("code")
            if code == "RATE_LIMITED":
                time.sleep(error["extensions"].get("retryAfterMs", 1000) / 1000)
            elif code in ("UNAVAILABLE", "TIMEOUT", "INTERNAL_SERVER_ERROR"):
                print(f"the server does not answer ({error['message']}); again in {pause} s", file=sys.stderr)
                time.sleep(pause)
                pause = min(pause * 2, 60)
            else:
                raise Refused(error)

    def state(self):
        """The position that was reached, the number of the walk, and whether it is unfinished."""
        return self.db.execute("SELECT cursor, walk, walking FROM state").fetchone()

    def reach(self, cursor, walk, walking):
        self.db.execute("UPDATE state SET cursor = ?, walk = ?, walking = ?", (cursor, walk, int(walking)))

    def transaction(self, work):
        """Runs the work in one transaction: all of it is stored, or nothing."""
        self.db.begin()
        try:
            work()
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            raise

    def put(self, entry, walk):
        body = json.dumps(entry["record"], ensure_ascii=False)
        row = (entry["recordId"], entry["recordType"], entry["revision"], entry["contentHash"] or "", walk, body)
        self.db.execute(UPSERT, row)

    def start(self):
        """Begins with a whole copy; where the server gives none now, with the changes from the beginning."""
        try:
            self.load()
        except NotNow as reason:
            print(f"no copy at the moment ({reason}): reading the changes from the beginning", file=sys.stderr)
            _, walk, _ = self.state()
            # What is held stays until the walk is finished, and what the walk has not told goes then.
            self.transaction(lambda: self.reach(None, walk + 1, True))

    def load(self):
        """Takes a whole copy."""
        request = urllib.request.Request(f"{self.url}/sync/snapshot", headers=self.headers)
        try:
            lines = urllib.request.urlopen(request, timeout=600)
        except urllib.error.HTTPError as error:
            if error.code in (429, 503):
                raise NotNow(f"status {error.code}") from error
            raise
        except OSError as error:
            raise NotNow(str(error)) from error
        with lines:
            self.transaction(lambda: self.stage(lines))

    def stage(self, lines):
        _, walk, _ = self.state()
        hashed = hashlib.sha256()
        try:
            first = next(lines)
            hashed.update(first)
            self.db.execute("DELETE FROM entry")
            last = None
            for line in lines:
                entry = json.loads(line)
                if "sha256" in entry:
                    last = entry
                    break
                hashed.update(line)
                self.put(entry, walk)
        except (OSError, StopIteration, ValueError, http.client.HTTPException) as error:
            raise NotNow(f"the copy broke off: {error}") from error
        if last is None or last["sha256"] != hashed.hexdigest():
            raise NotNow("the copy is not whole")
        self.reach(json.loads(first)["cursor"], walk, False)
        print(f"loaded {sum(last['counts'].values())} records")

    def follow(self, wait):
        """Takes the next page; answers how many changes it had, and whether there is more."""
        state = self.state()
        cursor, walk, walking = state
        feed = self.ask(CHANGES, after=cursor, wait=0 if walking else wait)["changes"]

        def store():
            if self.state() != state:
                # Another program follows into this copy and was faster.
                return
            for change in feed["changes"]:
                if change["operation"] == "UPSERT":
                    record = {RENAMED.get(name, name): value for name, value in change["record"].items()}
                    self.put({**change, "record": record}, walk)
                else:
                    self.db.execute("DELETE FROM entry WHERE id = ?", (change["recordId"],))
            if walking and not feed["hasMore"]:
                self.db.execute("DELETE FROM entry WHERE walk < ?", (walk,))
            self.reach(feed["cursor"], walk, walking and feed["hasMore"])

        self.transaction(store)
        return len(feed["changes"]), feed["hasMore"]

    def recover(self, refused):
        """Does what the error of a cursor asks for."""
        code, recovery = refused.extensions.get("code", ""), refused.extensions.get("recovery")
        if not code.startswith("CURSOR_"):
            raise refused
        print(f"{code}: {recovery}", file=sys.stderr)
        if recovery == "SNAPSHOT_AND_ALARM":
            print("tell the operators of both systems: this should not happen", file=sys.stderr)
        # The simplest that is right, also where other views are followed now, is a whole copy.
        self.start()

    def digest(self):
        """The 256 numbers for what is held here, as the description of `syncDigest` says."""
        buckets = [0] * 256
        for id, of, revision, content in self.db.execute("SELECT id, type, revision, hash FROM entry"):
            text = f"{of}\n{id}\n{revision}\n{content}".encode()
            number = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
            bucket = hashlib.sha256(id.encode()).digest()[0]
            buckets[bucket] = (buckets[bucket] + number) % 2**64
        return [f"{number:016x}" for number in buckets]

    def compare(self):
        """Whether this copy is what the server has."""
        theirs = self.ask(DIGEST)["syncDigest"]
        same = theirs["buckets"] == self.digest()
        count = self.db.execute("SELECT COUNT(*) FROM entry").fetchone()[0]
        print(f"{count} records here, {theirs['count']} there: the digests {'are equal' if same else 'differ'}")
        return same


def errors_of(response):
    """The errors of an answer with another status than 200."""
    try:
        answer = json.load(response)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and answer.get("errors"):
        return answer
    code = "UNAVAILABLE" if response.code >= 500 else "BAD_REQUEST"
    return {"errors": [{"message": f"status {response.code}", "extensions": {"code": code}}]}


def main():
    arguments = argparse.ArgumentParser(description="Keeps a copy of a directory in step.")
    arguments.add_argument("url", help="address of the server: http://127.0.0.1:8000")
    arguments.add_argument("place", help="SQLite file of the copy, or postgres://user:password@host/database")
    arguments.add_argument("--once", action="store_true", help="end when nothing more comes, and compare digests")
    asked = arguments.parse_args()
    copy = Copy(asked.url, asked.place)
    cursor, _, walking = copy.state()
    if cursor is None and not walking:
        copy.start()
    while True:
        try:
            changes, more = copy.follow(0 if asked.once else 50)
        except Refused as refused:
            copy.recover(refused)
            continue
        if changes:
            print(f"followed {changes} changes")
        if asked.once and not more:
            sys.exit(0 if copy.compare() else 1)


if __name__ == "__main__":
    main()
