/**
 * Trusted documents: the server executes only those in the manifest of graphql-codegen (`persisted-documents.json` of
 * the client preset).
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cacheExchange, Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { getIntrospectionQuery, type DocumentNode } from 'graphql';

import { OrganizationPageDocument, SignInDocument } from './gql/graphql.js';
import { account, ask, endpoint, type Answer } from './server.js';

/** The hash that the client preset stores in the document. */
function hash(document: object): string {
  const { __meta__ } = document as { __meta__?: { hash?: string } };
  assert.match(__meta__?.hash ?? '', /^[0-9a-f]{64}$/);
  return __meta__!.hash!;
}
const id = (document: object) => `sha256:${hash(document)}`;

async function send(body: object): Promise<[number, Answer]> {
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(body) });
  return [response.status, (await response.json()) as Answer];
}

async function get(parameters: Record<string, string>): Promise<[number, Answer]> {
  const headers = { accept: 'application/graphql-response+json' };
  const response = await fetch(`${endpoint}?${new URLSearchParams(parameters)}`, { headers });
  return [response.status, (await response.json()) as Answer];
}

test('a trusted document is executed by its id, with POST and with GET', async () => {
  const variables = { first: 3 };
  const documentId = id(OrganizationPageDocument);
  const [status, answer] = await send({ documentId, variables });
  assert.deepEqual([status, answer.errors], [200, undefined]);
  assert.equal(answer.data?.organizations.nodes.length, 3);
  const [again, same] = await get({ documentId, variables: JSON.stringify(variables) });
  assert.deepEqual([again, same.data], [200, answer.data]);
});

test('a cache may ask whether the answer to a trusted document is still good', async () => {
  const parameters = new URLSearchParams({ documentId: id(OrganizationPageDocument), variables: '{"first":1}' });
  const headers = { accept: 'application/graphql-response+json' };
  const first = await fetch(`${endpoint}?${parameters}`, { headers });
  await first.text();
  const etag = first.headers.get('etag');
  assert.ok(etag && first.headers.get('cache-control'), JSON.stringify([...first.headers]));
  const again = await fetch(`${endpoint}?${parameters}`, { headers: { ...headers, 'if-none-match': etag } });
  assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', etag]);
});

test('a trusted mutation is executed by its id, and not by GET', async () => {
  const { email, password } = await account('MEMBER', 'wallonie');
  const documentId = id(SignInDocument);
  const variables = { input: { email, password } };
  const [, answer] = await send({ documentId, variables });
  assert.equal(typeof answer.data?.signIn.accessToken, 'string');
  const [status] = await get({ documentId, variables: JSON.stringify(variables) });
  assert.equal(status, 405);
});

test('nothing else is executed', async () => {
  for (const query of ['{ __typename }', getIntrospectionQuery()]) {
    const answer = await ask(query);
    assert.deepEqual([answer.data, answer.errors?.[0]?.extensions?.code], [undefined, 'FORBIDDEN']);
  }
  const [, unknown] = await send({ documentId: `sha256:${'0'.repeat(64)}` });
  assert.equal(unknown.errors?.[0]?.extensions?.code, 'PERSISTED_QUERY_NOT_FOUND');
});

test('urql sends hashes instead of texts', async () => {
  const sent: string[] = [];
  const client = new Client({
    url: endpoint,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      persistedExchange({
        enforcePersistedQueries: true,
        enableForMutation: true,
        preferGetForPersistedQueries: false,
        generateHash: async (_, document: DocumentNode) => hash(document),
      }),
      fetchExchange,
    ],
    fetch: async (url, init) => {
      sent.push(String(init?.body));
      return fetch(url, init);
    },
  });
  const { data, error } = await client.query(OrganizationPageDocument, { first: 2 }).toPromise();
  assert.equal(error, undefined);
  assert.equal(data?.organizations.nodes.length, 2);
  assert.equal(sent.length, 1);
  assert.ok(!sent[0]!.includes('organizations('), sent[0]);
});
