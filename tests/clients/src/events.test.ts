/** `graphql-sse`, a client of server-sent events, in distinct connections mode. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { print } from 'graphql';
import { createClient, type Client, type ClientOptions } from 'graphql-sse';

import { FollowDocument, type FollowSubscription } from './gql/graphql.js';
import { changed, logEnd, someOrganization } from './records.js';
import { server, signedIn } from './server.js';

const clients: Client[] = [];
after(() => clients.forEach((client) => client.dispose()));

function client(options: Partial<ClientOptions<false>> = {}): Client {
  const made = createClient({ url: `${server}/graphql/stream`, retryAttempts: 0, ...options });
  clients.push(made);
  return made;
}

async function all(of: Client, query: string, variables: Record<string, unknown> = {}) {
  const answers = [];
  for await (const answer of of.iterate<any>({ query, variables })) answers.push(answer);
  return answers;
}

test('a query is one event', async () => {
  const answers = await all(client(), '{ __typename }');
  assert.deepEqual(answers, [{ data: { __typename: 'Query' } }]);
});

test('who calls is said in a header', async () => {
  const token = await signedIn('MEMBER', 'wallonie');
  const signed = client({ headers: async () => ({ authorization: `Bearer ${token}` }) });
  assert.deepEqual(await all(signed, '{ viewer { authenticated } }'), [{ data: { viewer: { authenticated: true } } }]);
  await assert.rejects(all(client({ headers: { authorization: 'Bearer x' } }), '{ __typename }'));
});

test('what is wrong with an operation is an event', async () => {
  const wrong: [string, string][] = [
    ['{', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription { changes(after: "x") { cursor } }', 'CURSOR_INVALID'],
  ];
  for (const [query, code] of wrong) {
    const answers = await all(client(), query);
    assert.equal(answers.length, 1);
    assert.equal((answers[0]?.errors?.[0] as any).extensions.code, code, query);
    assert.ok(!('data' in answers[0]!));
  }
});

test('changes are told as they are written', async () => {
  const token = await signedIn('EDITOR', 'flandre');
  const organization = await someOrganization('flandre');
  const changes = client().iterate<FollowSubscription>({ query: print(FollowDocument), variables: { after: await logEnd() } });
  for (const acronym of ['SSE1', 'SSE2']) {
    await changed(organization, acronym, token);
    const { value } = await changes.next();
    assert.deepEqual(value.data?.changes.record, { id: organization, acronym });
  }
  await changes.return?.();
});

test('the log is followed from the beginning', async () => {
  const changes = client().iterate<FollowSubscription>({ query: print(FollowDocument) });
  const seen = new Set<string>();
  while (seen.size < 50) {
    const { value } = await changes.next();
    seen.add(value.data!.changes.cursor);
  }
  await changes.return?.();
});
