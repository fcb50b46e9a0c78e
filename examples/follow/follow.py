"""Keeps a copy of the directory in a local SQLite file in step, and proves it.

Each page of the feed and the position after it are written in one transaction, so this program may be killed at any
moment: it goes on where it was. Where a position is no longer good, the error says what helps, and it is done.

    pip install -r requirements.txt
    python follow.py http://127.0.0.1:8000 copy.db            # follows until it is stopped
    python follow.py http://127.0.0.1:8000 copy.db --once     # ends when nothing more comes, and compares digests

With PASSERELLE_TOKEN in the environment, an API key of a SYNC_PARTNER, it also follows what members see.
"""

import argparse
import hashlib
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.request

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

CHANGES = gql("""
query Changes($after: ChangeCursor, $wait: Int!) {
  changes(after: $after, first: 500, waitSeconds: $wait) {
    cursor
    hasMore
    changes {
      operation recordType recordId revision contentHash
      record {
        __typename
        ... on Organization { name }
        ... on Talent { displayName }
        ... on Affiliation { role talent { id } organization { id } }
        ... on Partnership { title parties { organization { id } role } }
      }
    }
  }
}
""")

DIGEST = gql("query Digest { syncDigest { cursor count buckets } }")

TABLES = """
CREATE TABLE IF NOT EXISTS record (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, revision INTEGER NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT NOT NULL);
"""

UPSERT = "INSERT OR REPLACE INTO record (id, type, revision, hash, body) VALUES (?, ?, ?, ?, ?)"
REACH = "INSERT OR REPLACE INTO position (one, cursor) VALUES (1, ?)"


class Copy:
    """The local copy, and the server that it is of."""

    def __init__(self, url, file):
        self.url = url.rstrip("/")
        token = os.environ.get("PASSERELLE_TOKEN")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = RequestsHTTPTransport(url=f"{self.url}/graphql", headers=self.headers, timeout=90)
        self.client = Client(transport=transport)
        self.db = sqlite3.connect(file, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.executescript(TABLES)

    def ask(self, document, **variables):
        """Asks the server, again and again while it cannot be reached."""
        pause = 1
        while True:
            try:
                return self.client.execute(document, variable_values=variables)
            except TransportQueryError as error:
                extensions = (error.errors or [{}])[0].get("extensions", {})
                if extensions.get("code") != "RATE_LIMITED":
                    raise
                time.sleep(extensions.get("retryAfterMs", 1000) / 1000)
            except Exception as error:
                print(f"the server does not answer ({error}); again in {pause} s", file=sys.stderr)
                time.sleep(pause)
                pause = min(pause * 2, 60)

    def cursor(self):
        """The position that was reached."""
        row = self.db.execute("SELECT cursor FROM position").fetchone()
        return row and row[0]

    def snapshot(self, request):
        """Begins a copy, when the server is ready for it."""
        while True:
            try:
                return urllib.request.urlopen(request, timeout=600)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503):
                    raise
                pause = int(error.headers.get("Retry-After", "30"))
                print(f"the server gives no copy at the moment; again in {pause} s", file=sys.stderr)
                time.sleep(pause)

    def load(self):
        """Takes a whole copy: all of it in one transaction, or nothing."""
        request = urllib.request.Request(f"{self.url}/sync/snapshot", headers=self.headers)
        with self.snapshot(request) as lines:
            hashed = hashlib.sha256()
            first = next(lines)
            hashed.update(first)
            cursor = json.loads(first)["cursor"]
            self.db.execute("BEGIN IMMEDIATE")
            try:
                self.db.execute("DELETE FROM record")
                last = None
                for line in lines:
                    entry = json.loads(line)
                    if "sha256" in entry:
                        last = entry
                        break
                    hashed.update(line)
                    body = json.dumps(entry["record"], ensure_ascii=False)
                    row = (entry["recordId"], entry["recordType"], entry["revision"], entry["contentHash"] or "", body)
                    self.db.execute(UPSERT, row)
                if last is None or last["sha256"] != hashed.hexdigest():
                    raise ValueError("the snapshot is not whole")
                self.db.execute(REACH, (cursor,))
                self.db.execute("COMMIT")
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
        print(f"loaded {sum(last['counts'].values())} records")

    def follow(self, wait):
        """Takes the next page; says how many changes it had, and whether there is more."""
        feed = self.ask(CHANGES, after=self.cursor(), wait=wait)["changes"]
        self.db.execute("BEGIN IMMEDIATE")
        for change in feed["changes"]:
            if change["operation"] == "UPSERT":
                body = json.dumps(change["record"], ensure_ascii=False)
                row = (change["recordId"], change["recordType"], change["revision"], change["contentHash"] or "", body)
                self.db.execute(UPSERT, row)
            else:
                self.db.execute("DELETE FROM record WHERE id = ?", (change["recordId"],))
        self.db.execute(REACH, (feed["cursor"],))
        self.db.execute("COMMIT")
        return len(feed["changes"]), feed["hasMore"]

    def recover(self, error):
        """Does what the error of a cursor asks for."""
        extensions = (error.errors or [{}])[0].get("extensions", {})
        code, recovery = extensions.get("code", ""), extensions.get("recovery")
        if not code.startswith("CURSOR_"):
            raise error
        print(f"{code}: {recovery}", file=sys.stderr)
        if recovery == "SNAPSHOT_AND_ALARM":
            print("tell the operators of both systems: this should not happen", file=sys.stderr)
        # What is seen has changed, or is not known: the simplest that is right is a whole copy.
        self.load()

    def digest(self):
        """The 256 numbers for what is held here, as the description of `syncDigest` says."""
        buckets = [0] * 256
        for id, of, revision, content in self.db.execute("SELECT id, type, revision, hash FROM record"):
            text = f"{of}\n{id}\n{revision}\n{content}".encode()
            number = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
            bucket = hashlib.sha256(id.encode()).digest()[0]
            buckets[bucket] = (buckets[bucket] + number) % 2**64
        return [f"{number:016x}" for number in buckets]

    def compare(self):
        """Whether this copy is what the server has."""
        theirs = self.ask(DIGEST)["syncDigest"]
        same = theirs["buckets"] == self.digest()
        count = self.db.execute("SELECT COUNT(*) FROM record").fetchone()[0]
        print(f"{count} records here, {theirs['count']} there: the digests {'are equal' if same else 'differ'}")
        return same


def main():
    arguments = argparse.ArgumentParser(description="Keeps a copy of a directory in step.")
    arguments.add_argument("url", help="address of the server: http://127.0.0.1:8000")
    arguments.add_argument("file", help="SQLite file of the copy")
    arguments.add_argument("--once", action="store_true", help="end when nothing more comes")
    asked = arguments.parse_args()
    copy = Copy(asked.url, asked.file)
    if copy.cursor() is None:
        copy.load()
    while True:
        try:
            changes, more = copy.follow(0 if asked.once else 50)
        except TransportQueryError as error:
            copy.recover(error)
            continue
        if changes:
            print(f"followed {changes} changes")
        if asked.once and not more:
            sys.exit(0 if copy.compare() else 1)


if __name__ == "__main__":
    main()
