/** Relay's runtime, without React, executes the compiled operations over several pages. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  createOperationDescriptor,
  Environment,
  fetchQuery,
  getSelector,
  Network,
  RecordSource,
  Store,
  type ConcreteRequest,
  type ReaderFragment,
} from 'relay-runtime';

import nodeQuery from './__generated__/documentsNodeQuery.graphql';
import organizationsPage from './__generated__/documentsOrganizationsPaginationQuery.graphql';
import partnershipsPage from './__generated__/documentsPartnershipsPaginationQuery.graphql';
import query from './__generated__/documentsQuery.graphql';
import card from './__generated__/documents_card.graphql';
import organizations, { type documents_organizations$data } from './__generated__/documents_organizations.graphql';
import partnerships, { type documents_partnerships$data } from './__generated__/documents_partnerships.graphql';

const server = process.env.SERVER_URL;
assert.ok(server, 'SERVER_URL is not set: start the tests with tests/clients/run');

function environment(): Environment {
  const network = Network.create(async ({ text }, variables) => {
    const response = await fetch(`${server}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query: text, variables }),
    });
    const answer: any = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  });
  return new Environment({ network, store: new Store(new RecordSource()) });
}

/** The data of a component that spreads this fragment. */
function read<Data>(of: Environment, fragment: ReaderFragment, from: unknown): Data {
  const selector = getSelector(fragment, from as never);
  assert.ok(selector && selector.kind === 'SingularReaderSelector');
  const snapshot = of.lookup(selector);
  assert.equal(snapshot.isMissingData, false);
  return snapshot.data as Data;
}

async function run(of: Environment, request: ConcreteRequest, variables: object): Promise<any> {
  return fetchQuery(of, request as never, variables as never).toPromise();
}

test('a list is paged into one connection', async () => {
  const relay = environment();
  const data = await run(relay, query, { first: 5 });
  const list = () => read<documents_organizations$data>(relay, organizations, data).organizations;
  assert.equal(list().edges.length, 5);
  for (const count of [10, 15]) {
    const after = list().pageInfo.endCursor;
    assert.ok(list().pageInfo.hasNextPage && after);
    await run(relay, organizationsPage, { first: 5, after });
    assert.equal(list().edges.length, count);
  }
  const ids = list().edges.map((edge) => edge.node.id);
  assert.equal(new Set(ids).size, 15);
  // The same as a list of fifteen, in the same order.
  const other = environment();
  const whole = await run(other, query, { first: 15 });
  const expected = read<documents_organizations$data>(other, organizations, whole).organizations.edges;
  assert.deepEqual(ids, expected.map((edge) => edge.node.id));
  const first = read<{ name: string; region: { slug: string } }>(relay, card, list().edges[0]!.node);
  assert.ok(first.name && first.region.slug);
});

test('a list of a node is fetched again by the id of the node', async () => {
  const relay = environment();
  const lookup = await fetch(`${server}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ organization(by: {slug: "crrav"}) { id partnerships { totalCount } } }' }),
  });
  const { id, partnerships: all }: any = ((await lookup.json()) as any).data.organization;
  assert.ok(all.totalCount > 2);
  // The compiled query and its variables, retained as a component would.
  const operation = createOperationDescriptor(nodeQuery, { id });
  relay.retain(operation);
  const data = await run(relay, nodeQuery, { id });
  const list = () => read<documents_partnerships$data>(relay, partnerships, data.node.partnerships).partnerships;
  while (list().pageInfo.hasNextPage) {
    await run(relay, partnershipsPage, { id, first: 2, after: list().pageInfo.endCursor });
  }
  assert.equal(list().edges.length, all.totalCount);
  assert.equal(new Set(list().edges.map((edge) => edge.node.id)).size, all.totalCount);
});
