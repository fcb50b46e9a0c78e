/**
 * A long mixed load: the server must keep answering, with constant memory.
 *
 * SOAK_SECONDS is the duration (600 by default). SERVER_PID is the process to observe. The first third of the time
 * warms the caches. After that, the mean memory of the last quarter of the samples may exceed that of the first
 * quarter by at most a tenth and 8 MiB.
 */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSockets } from 'graphql-ws';
import WebSocket from 'ws';

import { logEnd, someOrganization } from './records.js';
import { ask, endpoint, server, signedIn } from './server.js';

const seconds = Number(process.env.SOAK_SECONDS ?? 600);
const pid = process.env.SERVER_PID;
assert.ok(pid, 'SERVER_PID is not set: start this with tests/clients/run soak');
const WARM_UP = 1 / 3;
const GROWTH = 1.1;
const SLACK = 8 * 1024;

const begun = Date.now();
const stopping = new AbortController();
const done = () => stopping.signal.aborted;
const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis));

/** The number of responses by kind of request. */
const counts = new Map<string, number>();
const faults: string[] = [];
const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
const FAULTS = ['INTERNAL_SERVER_ERROR', 'UNAVAILABLE', 'TIMEOUT', 'SEARCH_UNAVAILABLE'];

/** Keeps the first fault of each kind. */
function fault(kind: string, what: unknown = '') {
  const said = what instanceof Error ? what.stack : typeof what === 'string' ? what : JSON.stringify(what);
  if (!faults.some((one) => one.startsWith(`${kind}: `))) faults.push(`${kind}: ${said?.slice(0, 500)}`);
  count('faults');
}

/** Pseudo-random integers below `bound`, the same in each run. */
let state = 20260922;
function random(bound: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
}
const one = <T>(of: readonly T[]): T => of[random(of.length)]!;

/** Sends a request. A status of 5xx, or an error code for one, is a fault. */
async function request(kind: string, expected: 'data' | 'errors', init: RequestInit, parameters = ''): Promise<any> {
  const accept = one(['application/json', 'application/graphql-response+json', '*/*']);
  const headers = { accept, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }), ...init.headers };
  const response = await fetch(endpoint + parameters, { ...init, headers });
  const text = await response.text();
  const answer = JSON.parse(text);
  const code = answer.errors?.[0]?.extensions?.code;
  if (response.status >= 500 || FAULTS.includes(code)) fault(`${kind} are answered with ${response.status}`, text);
  if (expected === 'data' && answer.errors) fault(`${kind} are refused`, text);
  if (expected === 'errors' && !answer.errors) fault(`${kind} are answered`, text);
  count(kind);
  return answer.data;
}

const post = (kind: string, query: string, variables: object = {}, token?: string) =>
  request(kind, 'data', {
    method: 'POST',
    body: JSON.stringify({ query, variables }),
    headers: token ? { authorization: `Bearer ${token}` } : {},
  });

const REGIONS = ['nord-pas-de-calais', 'wallonie', 'flandre', 'region-sud'];
const WORDS = ['animation', 'pictanovo', 'studio', 'film', 'jeu', 'monteur', 'filmmonteur', 'lille', 'namur', 'arenberg', 'zzz'];

/** Pages of lists, with a new document each time, with and without cursors. */
async function queries() {
  const page = `organizations(filter: $filter, first: $first, after: $after) {
      pageInfo { endCursor hasNextPage }
      nodes { id name sectors { name } region { slug } partnerships(first: 3) { nodes { title } } } }`;
  let after: string | null = null;
  while (!done()) {
    const alias = `a${random(100_000)}`;
    const query = `query($filter: OrganizationFilter, $first: Int, $after: String) { ${alias}: ${page} }`;
    const filter = random(2) ? { regions: [one(REGIONS)] } : null;
    const data: any = await post('queries', query, { filter, first: 1 + random(30), after: filter ? null : after });
    after = data?.[alias]?.pageInfo.hasNextPage ? data[alias].pageInfo.endCursor : null;
    const short = `?query=${encodeURIComponent(`{ regions { slug statistics { organizationCount } } talents(first: ${random(20)}) { nodes { displayName } } }`)}`;
    await request('queries by GET', 'data', { method: 'GET' }, short);
    await pause(20);
  }
}

async function searches() {
  while (!done()) {
    const word = one(WORDS);
    const typed = word.slice(0, 2 + random(word.length));
    await post('suggestions', 'query($q: String!) { suggest(prefix: $q) { text } }', { q: typed });
    const search = 'query($q: String!) { search(query: $q, facets: [REGION]) { estimatedTotalCount edges { node { __typename } } facets { values { count } } } }';
    await post('searches', search, { q: `${typed} ${random(10) ? '' : one(WORDS)}` });
    await pause(50);
  }
}

/** Changes one organization repeatedly. Every tenth time, creates and deletes another. */
async function mutations(region: string) {
  let token = '';
  let until = 0;
  const id = await someOrganization(region);
  const change = 'mutation($id: ID!, $input: OrganizationInput!) { updateOrganization(id: $id, input: $input) { userErrors { message } } }';
  const create = 'mutation($input: OrganizationInput!) { createOrganization(input: $input) { organization { id } userErrors { message } } }';
  const remove = 'mutation($id: ID!) { deleteOrganization(id: $id) { userErrors { message } } }';
  for (let number = 0; !done(); number += 1) {
    if (Date.now() > until) {
      token = await signedIn('EDITOR', region);
      until = Date.now() + 240_000;
    }
    await post('mutations', change, { id, input: { acronym: `S${number}` } }, token);
    if (number % 10 === 0) {
      const input = { name: `Endurance ${region} ${number}`, kind: 'animation-studio', region };
      const made = await post('mutations', create, { input }, token);
      const organization = made?.createOrganization.organization?.id;
      if (organization) await post('mutations', remove, { id: organization }, token);
      else fault('nothing was made', made);
    }
    await pause(100);
  }
}

/** Sockets that are opened, used, and closed properly or dropped. */
async function sockets() {
  const url = endpoint.replace(/^http/, 'ws');
  while (!done()) {
    const polite = random(2) === 0;
    const client = createSockets({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
    for await (const answer of client.iterate<any>({ query: '{ regions { slug } }' })) {
      if (answer.errors) fault('a query over a socket is refused', answer.errors);
    }
    const changes = client.iterate<any>({ query: 'subscription { changes { cursor record { id } } }' });
    for (let item = 0; item < 1 + random(20); item += 1) {
      const { value } = await changes.next();
      if (value?.errors) fault('a subscription is refused', value.errors);
    }
    if (polite) {
      await changes.return?.();
      await client.dispose();
    } else {
      // The subscription ends with an error.
      client.terminate();
      await changes.next().catch(() => {});
    }
    count(polite ? 'sockets' : 'sockets dropped');
    await pause(50);
  }
}

/** Subscriptions over both transports that receive changes for a while. */
async function followers() {
  const url = endpoint.replace(/^http/, 'ws');
  while (!done()) {
    const variables = { after: await logEnd() };
    const query = 'subscription($after: ChangeCursor) { changes(after: $after, types: [ORGANIZATION]) { cursor operation record { ... on Organization { name } } } }';
    const client = random(2)
      ? createSockets({ url, webSocketImpl: WebSocket, retryAttempts: 0 })
      : createEvents({ url: `${endpoint}/stream`, retryAttempts: 0 });
    const changes = client.iterate<any>({ query, variables });
    const until = Date.now() + 5000 + random(20_000);
    while (!done() && Date.now() < until) {
      const next = await Promise.race([changes.next().catch((error: unknown) => fault('a stream ends', error)), pause(20_000)]);
      if (!next) break;
      if ((next as any).value?.errors) fault('who follows is refused', (next as any).value.errors);
      count('changes followed');
    }
    // The pending wait for a change ends with an error.
    changes.return?.().catch(() => {});
    await client.dispose();
  }
}

const doubling = `{ ...F0 } ${Array.from({ length: 28 }, (_, n) => `fragment F${n} on Query { ${n < 27 ? `...F${n + 1} ...F${n + 1}` : '__typename'} }`).join(' ')}`;

/** Requests that are refused, and bytes that are not valid requests. */
async function hostiles() {
  const wrong: (() => Promise<unknown>)[] = [
    () => refused({ query: doubling }),
    () => refused({ query: `{ ${Array.from({ length: 1000 }, (_, n) => `a${n}: __typename`).join(' ')} }` }),
    () => refused({ query: '{ sectors { children '.repeat(300) }),
    () => refused({ query: `{ nodes(ids: ${'['.repeat(5000)}${']'.repeat(5000)}) { id } }` }),
    () => refused({ query: '{ organizations(first: 100) { nodes { partnerships(first: 100) { nodes { id } } } } }' }),
    () => refused({ query: `query(${Array.from({ length: 400 }, (_, n) => `$v${n}: Nothing${random(1000)}`).join(' ')}) { __typename }` }),
    () => refused({ query: `{ nothing${random(1_000_000)} }` }),
    () => refused({ query: 'x'.repeat(40_000) }),
    () => refused({ query: '{ __typename }', x: 'x'.repeat(4_200_000) }),
    () => refused([]),
    () => request('refusals', 'errors', { method: 'POST', body: '{"query":' }),
    () => request('refusals', 'errors', { method: 'PUT', body: '{}' }),
    () => request('refusals', 'errors', { method: 'POST', body: '{"query":"{ __typename }"}', headers: { authorization: `Bearer x${random(1000)}` } }),
    () => request('refusals', 'errors', { method: 'GET' }, `?query=${encodeURIComponent('mutation { __typename }')}`),
    () => cut(`POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"query":"`),
    () => cut('GET /graphql?query=' + 'x'.repeat(random(100_000))),
    () => cut('\u0000\u0001\u0002'),
    () => cut('GET /sync/snapshot HTTP/1.1\r\nHost: x\r\n\r\n'),
    () => cut(`POST /graphql/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n{"query":"subscription { changes { cursor } }"}     `),
  ];
  const refused = (body: object) => request('refusals', 'errors', { method: 'POST', body: JSON.stringify(body) });
  while (!done()) {
    await one(wrong)();
    await pause(30);
  }
}

/** Sends these bytes and closes the connection, whatever the response. */
function cut(bytes: string): Promise<void> {
  const { hostname, port } = new URL(server);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(bytes);
      setTimeout(() => socket.destroy(), random(200));
    });
    socket.on('error', () => {});
    socket.on('data', () => {});
    socket.on('close', () => {
      count('connections cut');
      resolve();
    });
  });
}

interface Sample {
  /** Seconds since the start. */
  at: number;
  /** In KiB: all resident memory, and the part that is not backed by files. */
  resident: number;
  anonymous: number;
  files: number;
  threads: number;
}

async function sample(): Promise<Sample> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    at: Math.round((Date.now() - begun) / 1000),
    resident: field('VmRSS'),
    anonymous: field('RssAnon'),
    threads: field('Threads'),
    files: (await readdir(`/proc/${pid}/fd`)).length,
  };
}

const mebibytes = (kibibytes: number) => `${(kibibytes / 1024).toFixed(1)} MiB`;
const mean = (of: number[]) => of.reduce((sum, value) => sum + value, 0) / of.length;

const before = await sample();
const load = [
  ...Array.from({ length: 3 }, queries),
  ...Array.from({ length: 2 }, searches),
  ...['wallonie', 'flandre'].map(mutations),
  ...Array.from({ length: 2 }, sockets),
  ...Array.from({ length: 4 }, followers),
  ...Array.from({ length: 2 }, hostiles),
];
// A failing load is reported as a fault at once.
const running = Promise.all(load.map((loop) => loop.catch((error: unknown) => fault('the load fails', error))));

const samples: Sample[] = [];
let said = 0;
while (Date.now() - begun < seconds * 1000) {
  await pause(2000);
  const now = await sample().catch(() => undefined);
  if (!now) {
    fault('the server is gone');
    break;
  }
  samples.push(now);
  if (now.at - said >= 30) {
    said = now.at;
    const all = [...counts.values()].reduce((sum, value) => sum + value, 0);
    console.log(`${now.at} s: ${mebibytes(now.resident)} resident, ${mebibytes(now.anonymous)} of them no files, ${now.files} files, ${now.threads} threads, ${all} requests, ${counts.get('faults') ?? 0} faults`);
  }
}
stopping.abort();
await Promise.race([running, pause(30_000)]);
// The server notices dropped connections within a ping interval.
await pause(15_000);
const after = await sample();

const warm = samples.filter((one) => one.at >= seconds * WARM_UP);
const quarter = Math.max(1, Math.floor(warm.length / 4));
const [first, last] = [warm.slice(0, quarter), warm.slice(-quarter)];
const grown = (of: (one: Sample) => number): [number, number] => [mean(first.map(of)), mean(last.map(of))];
console.log(Object.fromEntries([...counts].sort()));
for (const [name, of] of [['resident', (one: Sample) => one.resident], ['no files', (one: Sample) => one.anonymous]] as const) {
  const [from, to] = grown(of);
  console.log(`${name}: ${mebibytes(of(before))} before, ${mebibytes(from)} when warm, ${mebibytes(to)} at the end, ${mebibytes(Math.max(...samples.map(of)))} at most`);
}
console.log(`files: ${before.files} before, ${Math.max(...samples.map((one) => one.files))} at most, ${after.files} after`);
for (const one of faults) console.error(one);
assert.equal(counts.get('faults') ?? 0, 0, 'the server has failed');
for (const kind of ['queries', 'searches', 'suggestions', 'mutations', 'sockets', 'sockets dropped', 'changes followed', 'refusals', 'connections cut']) {
  assert.ok((counts.get(kind) ?? 0) >= Math.min(10, seconds / 6), `there were hardly any ${kind}`);
}
for (const of of [(one: Sample) => one.resident, (one: Sample) => one.anonymous]) {
  const [from, to] = grown(of);
  assert.ok(to <= from * GROWTH + SLACK, `memory has grown from ${mebibytes(from)} to ${mebibytes(to)}`);
}
// The database pool may have grown, but nothing else may stay open.
assert.ok(after.files <= before.files + 20, `${after.files} files are open, ${before.files} were`);
assert.deepEqual((await ask('{ __typename }')).data, { __typename: 'Query' });
console.log('memory and files are flat');
process.exit(0);
