/** `graphql-ws`, the standard client of graphql-transport-ws, unmodified. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { print } from 'graphql';
import { CloseCode, createClient, type Client, type ClientOptions } from 'graphql-ws';
import WebSocket from 'ws';

import { FollowDocument, OrganizationPageDocument, type FollowSubscription, type OrganizationPageQuery } from './gql/graphql.js';
import { changed, logEnd, someOrganization } from './records.js';
import { endpoint, signedIn } from './server.js';

const url = endpoint.replace(/^http/, 'ws');
const clients: Client[] = [];
after(() => Promise.all(clients.map((client) => client.dispose())));

function client(options: Partial<ClientOptions> = {}): Client {
  const made = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, ...options });
  clients.push(made);
  return made;
}

/** All results of an operation. */
async function all<T>(of: Client, query: string, variables: Record<string, unknown> = {}) {
  const answers = [];
  for await (const answer of of.iterate<T>({ query, variables })) answers.push(answer);
  return answers;
}

test('a query is answered once', async () => {
  const answers = await all<OrganizationPageQuery>(client(), print(OrganizationPageDocument), { first: 3 });
  assert.equal(answers.length, 1);
  assert.equal(answers[0]?.data?.organizations.nodes.length, 3);
});

test('a mutation is answered as who calls', async () => {
  const token = await signedIn('EDITOR', 'wallonie');
  const signed = client({ connectionParams: { Authorization: `Bearer ${token}` } });
  const [who] = await all<any>(signed, '{ viewer { authenticated roles { role } } }');
  assert.deepEqual(who?.data, { viewer: { authenticated: true, roles: [{ role: 'EDITOR' }] } });
  const create = 'mutation { createOrganization(input: {name: "x", kind: "animation-studio", region: "flandre"}) { userErrors { code } } }';
  const [refused] = await all<any>(signed, create);
  assert.deepEqual(refused?.data, { createOrganization: { userErrors: [{ code: 'FORBIDDEN' }] } });
});

test('changes are told as they are written', async () => {
  const token = await signedIn('EDITOR', 'wallonie');
  const organization = await someOrganization('wallonie');
  const changes = client().iterate<FollowSubscription>({
    query: print(FollowDocument),
    variables: { after: await logEnd() },
  });
  for (const acronym of ['WS1', 'WS2']) {
    await changed(organization, acronym, token);
    const { value } = await changes.next();
    assert.deepEqual(value.data?.changes.record, { id: organization, acronym });
    assert.equal(value.data?.changes.operation, 'UPSERT');
  }
  await changes.return?.();
});

test('a subscription that ends leaves the others alone', async () => {
  const shared = client({ lazyCloseTimeout: 1000 });
  const one = shared.iterate<any>({ query: 'subscription { changes { cursor } }' });
  const other = shared.iterate<any>({ query: 'subscription { changes { recordId } }' });
  await one.next();
  await one.return?.();
  for (let count = 0; count < 20; count += 1) {
    const { value } = await other.next();
    assert.equal(typeof value.data.changes.recordId, 'string');
  }
  const [answer] = await all<any>(shared, '{ __typename }');
  assert.deepEqual(answer?.data, { __typename: 'Query' });
  await other.return?.();
});

test('what is wrong with an operation ends that operation, with the codes of HTTP', async () => {
  const shared = client({ lazyCloseTimeout: 1000 });
  const wrong: [string, string][] = [
    ['{', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['query($slug: String!) { region(slug: $slug) { slug } }', 'BAD_USER_INPUT'],
    ['subscription { changes(after: "x") { cursor } }', 'CURSOR_INVALID'],
  ];
  for (const [query, code] of wrong) {
    await assert.rejects(all(shared, query), (errors: any) => {
      assert.equal(errors[0].extensions.code, code, query);
      return true;
    });
  }
  const [partial] = await all<any>(shared, '{ __typename organization(by: {id: "x"}) { id } }');
  assert.equal(partial?.data?.__typename, 'Query');
  assert.equal((partial?.errors?.[0] as any).extensions.code, 'BAD_USER_INPUT');
});

test('pings are answered, and the server sends its own', async () => {
  let closed: unknown;
  const pings: string[] = [];
  const pinging = client({
    lazy: false,
    keepAlive: 50,
    on: {
      ping: (received) => pings.push(received ? 'received' : 'sent'),
      pong: (received) => pings.push(received ? 'answered' : 'pong'),
      closed: (event) => (closed = event),
    },
  });
  await all(pinging, '{ __typename }');
  while (closed === undefined && pings.filter((what) => what === 'answered').length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(closed, undefined);
});

/** The close code after sending these messages. */
function ending(...says: (string | object)[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    socket.on('open', () => {
      for (const one of says) socket.send(typeof one === 'string' ? one : JSON.stringify(one));
    });
    socket.on('close', resolve);
    socket.on('error', reject);
  });
}

test('the close codes are those that the client knows', async () => {
  const init = { type: 'connection_init' };
  const forever = { id: '1', type: 'subscribe', payload: { query: 'subscription { changes { cursor } }' } };
  const codes = await Promise.all([
    ending('x'),
    ending(forever),
    ending({ ...init, payload: { Authorization: 'Bearer x' } }),
    ending(),
    ending(init, forever, forever),
    ending(init, init),
  ]);
  assert.deepEqual(codes, [
    CloseCode.BadRequest,
    CloseCode.Unauthorized,
    CloseCode.Forbidden,
    CloseCode.ConnectionInitialisationTimeout,
    CloseCode.SubscriberAlreadyExists,
    CloseCode.TooManyInitialisationRequests,
  ]);
  const other = new WebSocket(url, 'graphql-ws');
  const code = await new Promise((resolve) => other.on('close', resolve).on('error', () => resolve('error')));
  assert.ok(code === CloseCode.SubprotocolNotAcceptable || code === 'error', String(code));
});
