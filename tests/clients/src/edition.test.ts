/**
 * GraphQL over HTTP, edition of September 2026: rules that the audits do not cover.
 *
 * Each row is sent and its status compared. Every response must also follow the general rules: see `check`. The
 * statuses for `application/graphql-response+json` are those of the edition, except for partial data (a SHOULD),
 * which is 200 instead of 294. A client that accepts only `application/json` gets 200 for every well-formed request.
 */

import assert from 'node:assert/strict';
import { request as http } from 'node:http';
import { describe, test } from 'node:test';

import { ask, endpoint, server, signedIn } from './server.js';

const GRAPHQL = 'application/graphql-response+json';
const JSON_TYPE = 'application/json';

interface Sent {
  method?: string;
  accept?: string;
  type?: string | null;
  headers?: Record<string, string>;
  parameters?: Record<string, string>;
  /** Strings are sent unchanged, other values as JSON. */
  body?: unknown;
}

interface Received {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** Sends exactly these bytes and headers, which `fetch` does not. */
function send({ method = 'POST', accept, type = JSON_TYPE, headers = {}, parameters, body }: Sent): Promise<Received> {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(parameters ?? {})) url.searchParams.set(name, value);
  const bytes = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const all: Record<string, string> = { ...headers };
  if (accept !== undefined) all.accept = accept;
  if (bytes !== undefined && type !== null) all['content-type'] = type;
  if (bytes !== undefined) all['content-length'] = String(Buffer.byteLength(bytes));
  return new Promise((resolve, reject) => {
    const request = http(url, { method, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(bytes);
  });
}

/** The rules for all responses. */
function check(received: Received, media: string): Record<string, any> {
  const { status, headers, text } = received;
  const told = `${status} ${headers['content-type']} ${text}`;
  assert.equal(headers['content-type'], `${media}; charset=utf-8`, told);
  const body = JSON.parse(text) as Record<string, any>;
  assert.ok(body !== null && typeof body === 'object' && !Array.isArray(body), told);
  const members = Object.keys(body);
  assert.deepEqual(members.filter((name) => !['data', 'errors', 'extensions'].includes(name)), [], told);
  if ('errors' in body) {
    assert.ok(Array.isArray(body.errors) && body.errors.length > 0, `a list of errors is never empty: ${told}`);
    for (const error of body.errors) {
      assert.equal(typeof error.message, 'string', told);
      assert.equal(typeof error.extensions?.code, 'string', `every error has a code: ${told}`);
      for (const place of error.locations ?? []) assert.ok(place.line > 0 && place.column > 0, told);
    }
  }
  assert.ok('data' in body || 'errors' in body, `data or errors: ${told}`);
  if (body.data === null) assert.ok('errors' in body, `no data without an error: ${told}`);
  if (body.data !== undefined && body.data !== null) assert.ok(status >= 200 && status < 300, `MUST be 2xx: ${told}`);
  if ('data' in body && !('errors' in body)) assert.equal(status, 200, told);
  if (!('data' in body) && media === GRAPHQL) assert.ok(status >= 400 && status < 600, `MUST be 4xx or 5xx: ${told}`);
  if (status === 405) assert.match(String(headers.allow), /POST/, `405 MUST say what is allowed: ${told}`);
  return body;
}

/** A request with the expected status for both media types. */
interface Row {
  rule: string;
  sent: Sent;
  status: number;
  /** The status for `application/json`, if it differs. */
  legacy?: number;
  code?: string;
  data?: unknown;
}

const query = '{ __typename }';
const typename = { __typename: 'Query' };
const two = 'query A { a: __typename } query B { b: __typename }';
const one = 'query($slug: String!) { region(slug: $slug) { slug } }';
const wallonie = { region: { slug: 'wallonie' } };
const get = (parameters: Record<string, string>): Sent => ({ method: 'GET', parameters });
const post = (body: unknown): Sent => ({ body });

const PARSE = 'GRAPHQL_PARSE_FAILED';
const INVALID = 'GRAPHQL_VALIDATION_FAILED';
const OPERATION = 'OPERATION_RESOLUTION_FAILURE';
const INPUT = 'BAD_USER_INPUT';
const BAD = 'BAD_REQUEST';

const ROWS: Row[] = [
  // Requests that succeed.
  { rule: 'POST: a query', sent: post({ query }), status: 200, data: typename },
  { rule: 'POST: variables and the name of an operation', sent: post({ query: one, variables: { slug: 'wallonie' } }), status: 200, data: wallonie },
  { rule: 'POST: one of two operations', sent: post({ query: two, operationName: 'B' }), status: 200, data: { b: 'Query' } },
  { rule: 'POST: null counts as absent', sent: post({ query, operationName: null, variables: null, extensions: null }), status: 200, data: typename },
  { rule: 'POST: properties that are not understood are ignored', sent: post({ query, qeury: 1, onError: 'NULL', id: [{}], '': null }), status: 200, data: typename },
  { rule: 'POST: entries of extensions that are not understood are ignored', sent: post({ query, extensions: { 'example.org': { a: 1 } } }), status: 200, data: typename },
  { rule: 'POST: utf-8 is named', sent: { ...post({ query }), type: 'application/json; charset=utf-8' }, status: 200, data: typename },
  { rule: 'POST: utf-8 is named in quotes and capitals', sent: { ...post({ query }), type: 'Application/JSON;charset="UTF-8"' }, status: 200, data: typename },
  { rule: 'POST: no encoding is utf-8', sent: post({ query: '{ sector(slug: "é🎬") { slug } }' }), status: 200, data: { sector: null } },
  { rule: 'POST: parameters in the address are not read', sent: { ...post({ query }), parameters: { query: '{' } }, status: 200, data: typename },
  { rule: 'GET: a query', sent: get({ query }), status: 200, data: typename },
  { rule: 'GET: variables are JSON', sent: get({ query: one, variables: '{"slug":"wallonie"}' }), status: 200, data: wallonie },
  { rule: 'GET: one of two operations', sent: get({ query: two, operationName: 'A' }), status: 200, data: { a: 'Query' } },
  { rule: 'GET: operationName=null is the name "null"', sent: get({ query: 'query null { __typename }', operationName: 'null' }), status: 200, data: typename },
  { rule: 'GET: empty parameters count as absent', sent: get({ query, operationName: '', variables: '', extensions: '' }), status: 200, data: typename },
  { rule: 'GET: parameters that are not understood are ignored', sent: get({ query, qeury: '{', x: '' }), status: 200, data: typename },
  { rule: 'GET: a body is no part of it', sent: { ...get({ query }), body: '{' }, status: 200, data: typename },
  { rule: 'an error of a field is partial data', sent: post({ query: '{ __typename organization(by: {id: "x"}) { id } }' }), status: 200, code: INPUT, data: { __typename: 'Query', organization: null } },
  { rule: 'an error that leaves nothing is data: null', sent: post({ query: '{ organizations(first: 101) { totalCount } }' }), status: 200, code: INPUT, data: null },

  // Requests that are not well formed.
  { rule: 'POST: JSON that cannot be parsed is 400', sent: post('{"query":'), status: 400, legacy: 400, code: BAD },
  { rule: 'POST: NONSENSE is 400', sent: post('NONSENSE'), status: 400, legacy: 400, code: BAD },
  { rule: 'POST: no body is 400', sent: post(''), status: 400, legacy: 400, code: BAD },
  { rule: 'POST: what is no UTF-8 is 400', sent: post(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])), status: 400, legacy: 400, code: BAD },
  { rule: 'POST: a list is 422', sent: post([{ query }]), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: a text is 422', sent: post('"{ __typename }"'), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: null is 422', sent: post('null'), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: no query is 422', sent: post({ qeury: query }), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: a query that is no text is 422', sent: post({ query: { query } }), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: variables in a list are 422', sent: post({ query, variables: [7] }), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: variables in a text are 422', sent: post({ query, variables: '{}' }), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: operationName that is no text is 422', sent: post({ query, operationName: 1 }), status: 422, legacy: 422, code: BAD },
  { rule: 'POST: extensions that are no map are 422', sent: post({ query, extensions: 'x' }), status: 422, legacy: 422, code: BAD },
  { rule: 'GET: no query is 422', sent: get({}), status: 422, legacy: 422, code: BAD },
  { rule: 'GET: an empty query is 422', sent: get({ query: '' }), status: 422, legacy: 422, code: BAD },
  { rule: 'GET: variables that are no JSON are 400', sent: get({ query, variables: '{slug' }), status: 400, legacy: 400, code: BAD },
  { rule: 'GET: variables in a list are 422', sent: get({ query, variables: '[7]' }), status: 422, legacy: 422, code: BAD },
  { rule: 'GET: extensions that are no JSON are 400', sent: get({ query, extensions: 'x' }), status: 400, legacy: 400, code: BAD },

  // Documents that are not executed.
  { rule: 'a document that cannot be parsed is 400', sent: post({ query: '{' }), status: 400, legacy: 200, code: PARSE },
  { rule: 'an empty document is 400', sent: post({ query: '' }), status: 400, legacy: 200, code: PARSE },
  { rule: 'a document that is not valid is 422', sent: post({ query: '{ nothing }' }), status: 422, legacy: 200, code: INVALID },
  { rule: 'an argument of another type is 422', sent: post({ query: '{ region(slug: 1) { slug } }' }), status: 422, legacy: 200, code: INVALID },
  { rule: 'two operations and no name is 422', sent: post({ query: two }), status: 422, legacy: 200, code: OPERATION },
  { rule: 'an operation that is not there is 422', sent: post({ query: two, operationName: 'C' }), status: 422, legacy: 200, code: OPERATION },
  { rule: 'a variable that is missing is 422', sent: post({ query: one }), status: 422, legacy: 200, code: INPUT },
  { rule: 'a variable of another type is 422', sent: post({ query: one, variables: { slug: [1] } }), status: 422, legacy: 200, code: INPUT },
  { rule: 'GET: a document that cannot be parsed is 400', sent: get({ query: '{' }), status: 400, legacy: 200, code: PARSE },
  { rule: 'GET: a document that is not valid is 422', sent: get({ query: '{ nothing }' }), status: 422, legacy: 200, code: INVALID },

  // Media types, methods, sizes.
  { rule: 'POST: no Content-Type is 415', sent: { ...post({ query }), type: null }, status: 415, legacy: 415, code: BAD },
  { rule: 'POST: text/plain is 415', sent: { ...post({ query }), type: 'text/plain' }, status: 415, legacy: 415, code: BAD },
  { rule: 'POST: a form is 415', sent: { ...post('query=%7B__typename%7D'), type: 'application/x-www-form-urlencoded' }, status: 415, legacy: 415, code: BAD },
  { rule: 'POST: a form of parts is 415', sent: { ...post('--x--'), type: 'multipart/form-data; boundary=x' }, status: 415, legacy: 415, code: BAD },
  { rule: 'POST: application/graphql is 415', sent: { ...post(query), type: 'application/graphql' }, status: 415, legacy: 415, code: BAD },
  { rule: 'POST: another encoding is 415', sent: { ...post({ query }), type: 'application/json; charset=iso-8859-1' }, status: 415, legacy: 415, code: BAD },
  { rule: 'POST: a body that is too large is 413', sent: post({ query, x: 'x'.repeat(5_000_000) }), status: 413, legacy: 413, code: 'PAYLOAD_TOO_LARGE' },
  { rule: 'GET: a mutation is 405', sent: get({ query: 'mutation { __typename }' }), status: 405, legacy: 405, code: BAD },
  { rule: 'GET: a mutation among others is 405', sent: get({ query: 'query A { __typename } mutation B { __typename }', operationName: 'B' }), status: 405, legacy: 405, code: BAD },
  { rule: 'GET: a query beside a mutation is answered', sent: get({ query: 'query A { __typename } mutation B { __typename }', operationName: 'A' }), status: 200, data: typename },
  { rule: 'PUT is 405', sent: { ...post({ query }), method: 'PUT' }, status: 405, legacy: 405, code: BAD },
  { rule: 'PATCH is 405', sent: { ...post({ query }), method: 'PATCH' }, status: 405, legacy: 405, code: BAD },
  { rule: 'DELETE is 405', sent: { method: 'DELETE', parameters: { query } }, status: 405, legacy: 405, code: BAD },
];

for (const media of [GRAPHQL, JSON_TYPE]) {
  describe(`Accept: ${media}`, () => {
    for (const row of ROWS) {
      test(row.rule, async () => {
        const received = await send({ ...row.sent, accept: media });
        const status = media === GRAPHQL ? row.status : (row.legacy ?? row.status);
        assert.equal(received.status, status, received.text);
        const body = check(received, media);
        assert.equal(body.errors?.[0].extensions.code, row.code);
        assert.deepEqual('data' in row ? body.data : undefined, row.data);
        assert.equal('data' in body, 'data' in row, received.text);
      });
    }
  });
}

describe('Accept', () => {
  /** The `Accept` header and the resulting media type: the supported one with the highest priority, or 406. */
  const ACCEPTED: [string | undefined, string | 406][] = [
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    [GRAPHQL, GRAPHQL],
    [`${GRAPHQL}; charset=utf-8`, GRAPHQL],
    [`${GRAPHQL}; charset=utf-8, application/json; charset=utf-8`, GRAPHQL],
    [`${GRAPHQL}, application/graphql+json, application/json, text/event-stream, multipart/mixed`, GRAPHQL],
    [`${GRAPHQL};q=0.1, application/json;q=0.2`, JSON_TYPE],
    [`application/json;q=0.1, ${GRAPHQL};q=0.2`, GRAPHQL],
    [`application/json;q=0, */*`, GRAPHQL],
    [`image/png, ${GRAPHQL};q=0.001`, GRAPHQL],
    ['image/png', 406],
    ['text/*', 406],
    [`${GRAPHQL};q=0, application/json;q=0`, 406],
  ];
  for (const [accept, expected] of ACCEPTED) {
    test(accept ?? 'nothing', async () => {
      const received = await send({ accept, body: { query } });
      if (expected === 406) {
        assert.equal(received.status, 406);
        assert.ok(!('data' in check(received, JSON_TYPE)));
      } else {
        assert.deepEqual(check(received, expected), { data: typename });
      }
    });
  }
});

describe('What cannot be a row', () => {
  test('a mutation by GET is halted, not only refused', async () => {
    const token = await signedIn('EDITOR', 'wallonie');
    const name = `Par GET ${Date.now()}`;
    const mutation = `mutation { createOrganization(input: {name: "${name}", kind: "animation-studio", region: "wallonie"}) { organization { id } userErrors { message } } }`;
    const headers = { authorization: `Bearer ${token}` };
    const refused = await send({ method: 'GET', accept: GRAPHQL, headers, parameters: { query: mutation } });
    assert.equal(refused.status, 405);
    const count = `{ organizations(orderBy: {field: CREATED_AT, direction: DESC}, first: 1) { nodes { name } } }`;
    const newest = async () => (await ask(count)).data?.organizations.nodes[0].name;
    const before = await newest();
    assert.notEqual(before, name);
    // The same mutation succeeds by POST.
    const done = await send({ accept: GRAPHQL, headers, body: { query: mutation } });
    assert.deepEqual(check(done, GRAPHQL).data.createOrganization.userErrors, []);
    assert.equal(await newest(), name);
  });

  test('HEAD has the headers of GET and no body', async () => {
    const received = await send({ method: 'HEAD', accept: GRAPHQL, parameters: { query } });
    assert.deepEqual([received.status, received.text], [200, '']);
    assert.equal(received.headers['content-type'], `${GRAPHQL}; charset=utf-8`);
  });

  test('an address that is too long is 414, headers that are too many or too long are 431', async () => {
    const address = await send({ method: 'GET', accept: GRAPHQL, parameters: { query, x: 'x'.repeat(70_000) } });
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, number) => [`x-${number}`, 'x']));
    const headers = await send({ accept: GRAPHQL, headers: many, body: { query } });
    const long = await send({ accept: GRAPHQL, headers: { 'x-long': 'x'.repeat(1_000_000) }, body: { query } });
    assert.deepEqual([address.status, headers.status, long.status], [414, 431, 431]);
  });

  test('who may not ask is 401', async () => {
    for (const media of [GRAPHQL, JSON_TYPE]) {
      const received = await send({ accept: media, headers: { authorization: 'Bearer x' }, body: { query } });
      assert.equal(received.status, 401);
      assert.equal(check(received, media).errors[0].extensions.code, 'UNAUTHENTICATED');
      assert.match(String(received.headers['www-authenticate']), /^Bearer/);
    }
  });

  test('what is no answer of GraphQL does not say that it is one', async () => {
    for (const path of ['/healthz', '/readyz', '/schema.graphql', '/nothing', '/.well-known/jwks.json', '/graphql/graphiql.js']) {
      const response = await fetch(server + path, { headers: { accept: GRAPHQL } });
      await response.body?.cancel();
      assert.doesNotMatch(response.headers.get('content-type') ?? '', /graphql-response/, path);
    }
    const page = await send({ method: 'GET', accept: 'text/html' });
    assert.match(String(page.headers['content-type']), /^text\/html/);
  });
});
