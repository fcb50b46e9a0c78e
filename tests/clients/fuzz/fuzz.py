"""Runs schemathesis against a disposable server: anonymously, then as an administrator.

    fuzz.py URL ACCOUNTS FOLDER

ACCOUNTS is the `demo-accounts.json` of the server. Reports go into FOLDER. EXAMPLES is the number of documents for
each field of Query and Mutation (6 by default; a run of 100 takes about half an hour), SEED the seed.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import requests

HERE = Path(__file__).parent
# The tool's own checks for GraphQL, and those of hooks.py.
CHECKS = [
    "not_a_server_error",
    "response_schema_conformance",
    "every_error_has_a_code",
    "what_does_not_fit_the_schema_is_refused",
]
KNOWN = """{
    organizations(first: 8) { nodes { id slug } pageInfo { endCursor } }
    talents(first: 4) { nodes { id slug } }
    partnerships(first: 4) { nodes { id slug parties { organization { id } } } }
    regions { slug id }
    changes(first: 1) { cursor }
}"""


def known_texts(url):
    """Existing ids, slugs and cursors: documents with them get further than those with random texts."""
    answer = requests.post(f"{url}/graphql", json={"query": KNOWN}, timeout=90).json()
    assert "errors" not in answer, answer
    found = set()

    def collect(value):
        if isinstance(value, dict):
            for one in value.values():
                collect(one)
        elif isinstance(value, list):
            for one in value:
                collect(one)
        elif value:
            found.add(value)

    collect(answer["data"])
    return sorted(found) + ["animation", "animation-studio", "realisateur", "film", "2026-11-22/1"]


def configuration(url):
    """The configuration of the tool: three of ten texts are known ones."""
    values = ", ".join(json.dumps(text) for text in known_texts(url))
    return (
        f"[dictionaries.known]\nvalues = [{values}]\n\n"
        '[generation.dictionaries.string]\ndictionary = "known"\nprobability = 0.3\n'
    )


def run(url, folder, who, account):
    """Runs the tool once. Returns whether it passed."""
    config = folder / "schemathesis.toml"
    config.write_text(configuration(url))
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SERVER_URL": url,
        "FUZZ_EMAIL": account["email"] if account else "",
        "FUZZ_PASSWORD": account["password"] if account else "",
    }
    tool = Path(sys.executable).parent / "schemathesis"
    options = ["-n", os.environ.get("EXAMPLES", "6"), "-c", ",".join(CHECKS), "--warnings", "off"]
    options += ["--request-timeout", "90"]
    if os.environ.get("SEED"):
        options += ["--seed", os.environ["SEED"]]
    print(f"as {who}:", flush=True)
    command = [tool, "--config-file", config, "run", f"{url}/graphql", *options]
    return subprocess.run(command, cwd=folder, env=environment).returncode == 0


def main():
    url, accounts, folder = sys.argv[1].rstrip("/"), Path(sys.argv[2]), Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    [admin] = [one for one in json.loads(accounts.read_text()) if one["role"] == "ADMIN"]
    fine = [run(url, folder, "nobody", None), run(url, folder, "an administrator", admin)]
    # The server must still be ready. If a request had stopped it, all later ones would have failed.
    for _ in range(60):
        if requests.get(f"{url}/readyz", timeout=90).ok:
            break
        time.sleep(1)
    else:
        sys.exit("the server is not ready any more")
    sys.exit(0 if all(fine) else 1)


main()
