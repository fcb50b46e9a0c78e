/** An urql client whose types graphql-codegen has made: what is selected is what TypeScript knows. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cacheExchange, Client, fetchExchange, subscriptionExchange, type AnyVariables, type DocumentInput } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { createClient } from 'graphql-ws';
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printType, type GraphQLSchema } from 'graphql';
import WebSocket from 'ws';

import { readFragment } from './gql/fragment-masking.js';
import * as documents from './gql/graphql.js';
import { OneOrganizationDocument as LiveDocument, type OneOrganizationQuery as LiveQuery } from './live/graphql.js';
import { logEnd, someOrganization } from './records.js';
import { account, ask, endpoint, server, signedIn } from './server.js';

function client(token?: string, preferGetMethod: boolean | 'force' = false): Client {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const url = endpoint;
  return new Client({
    url,
    preferGetMethod,
    requestPolicy: 'network-only',
    exchanges: [cacheExchange, fetchExchange],
    fetchOptions: { headers: { 'accept-language': 'nl', ...headers } },
  });
}

/** The data of an answer that has no errors. */
async function data<Data, Variables extends AnyVariables>(
  of: Client,
  document: DocumentInput<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const { data, error } = await of.query(document, variables).toPromise();
  assert.equal(error, undefined);
  assert.ok(data);
  return data;
}

for (const [way, get] of [['POST', false], ['GET', 'force']] as const) {
  test(`pages follow one another, by ${way}`, async () => {
    const reading = client(undefined, get);
    const names: string[] = [];
    let after: string | null = null;
    for (let page = 0; page < 3; page += 1) {
      const { organizations }: documents.OrganizationPageQuery = await data(reading, documents.OrganizationPageDocument, {
        first: 7,
        after,
        filter: { regions: ['wallonie'] },
      });
      assert.equal(organizations.nodes.length, 7);
      assert.ok(organizations.totalCount > 14);
      for (const node of organizations.nodes) {
        const card = readFragment(documents.OrganizationCardFragmentDoc, node);
        const sectors: string[] = card.sectors.map((one) => readFragment(documents.SectorNameFragmentDoc, one).name);
        assert.ok(sectors.every((name) => name.length > 0));
        assert.match(card.updatedAt, /^\d{4}-\d{2}-\d{2}T.*Z$/);
        names.push(card.name);
      }
      assert.equal(organizations.pageInfo.hasNextPage, true);
      after = organizations.pageInfo.endCursor ?? null;
    }
    assert.equal(new Set(names).size, 21);
  });
}

test('an argument of which exactly one field is given', async () => {
  const { organization } = await data(client(), documents.OneOrganizationDocument, { by: { slug: 'crrav' } });
  const card = readFragment(documents.OrganizationCardFragmentDoc, organization);
  assert.equal(card?.slug, 'crrav');
  // @ts-expect-error: two at once are none that may be given.
  const both: documents.OneOrganizationQueryVariables = { by: { slug: 'crrav', id: 'x' } };
  const { error } = await client().query(documents.OneOrganizationDocument, both).toPromise();
  assert.equal(error?.graphQLErrors[0]?.extensions?.code, 'BAD_USER_INPUT');
  const nothing = await data(client(), documents.OneOrganizationDocument, { by: { slug: 'nothing' } });
  assert.equal(nothing.organization, null);
});

test('types of a union are told apart', async () => {
  const { search } = await data(client(), documents.FindDocument, { query: 'pictanovo' });
  const names = search.edges.map(({ node }) => {
    switch (node.__typename) {
      case 'Organization':
        return readFragment(documents.OrganizationCardFragmentDoc, node).name;
      case 'Talent':
        return node.displayName;
      case 'Partnership':
        return node.title;
      default:
        return undefined;
    }
  });
  assert.ok(names.includes('Pictanovo'), names.join());
  const id = await someOrganization('wallonie');
  const { node } = await data(client(), documents.AnyNodeDocument, { id });
  assert.deepEqual([node?.__typename, node?.id], ['Organization', id]);
});

test('somebody signs in and writes, and is told in their language what is wrong', async () => {
  const { email, password } = await account('EDITOR', 'nord-pas-de-calais');
  const anonymous = client();
  const wrong = await anonymous.mutation(documents.SignInDocument, { input: { email, password: 'x' } }).toPromise();
  assert.equal(wrong.error, undefined);
  assert.equal(wrong.data?.signIn.accessToken, null);
  assert.equal(wrong.data?.signIn.userErrors.length, 1);

  const right = await anonymous.mutation(documents.SignInDocument, { input: { email, password } }).toPromise();
  const { accessToken, expiresAt, userErrors } = right.data!.signIn;
  assert.deepEqual(userErrors, []);
  assert.ok(accessToken && expiresAt && Date.parse(expiresAt) > Date.now() - 60_000);

  const signed = client(accessToken);
  const { viewer } = await data(signed, documents.WhoCallsDocument, {});
  assert.deepEqual(viewer.roles.map(({ role, region }) => [role, region?.slug]), [['EDITOR', 'nord-pas-de-calais']]);

  const id = await someOrganization('nord-pas-de-calais');
  const change = (variables: documents.ChangeOrganizationMutationVariables) =>
    signed.mutation(documents.ChangeOrganizationDocument, variables).toPromise();
  const written = await change({ id, input: { acronym: 'URQL' } });
  const { organization } = written.data!.updateOrganization;
  assert.equal(organization?.acronym, 'URQL');

  // All that is wrong at once, with code, path, and words in Dutch.
  const refused = await change({ id, input: { name: '', sectors: ['nothing'] } });
  const errors = refused.data!.updateOrganization.userErrors;
  assert.deepEqual(errors.map((one) => one.path.slice(0, 2)).sort(), [['input', 'name'], ['input', 'sectors']]);
  const english = await ask(
    'mutation($id: ID!) { updateOrganization(id: $id, input: {name: "", sectors: ["nothing"]}) { userErrors { message } } }',
    { id },
    accessToken,
  );
  const said = english.data!.updateOrganization.userErrors.map((one: { message: string }) => one.message);
  assert.notDeepEqual(errors.map((one) => one.message), said);

  const stale = await change({ id, baseRevision: organization!.revision - 1, input: { acronym: 'NO' } });
  assert.deepEqual(stale.data?.updateOrganization.userErrors.map((one) => one.code), [documents.UserErrorCode.Conflict]);
  assert.equal(stale.data?.updateOrganization.organization?.acronym, 'URQL');
});

test('errors are told by their code', async () => {
  const code = async (of: Client, query: string, variables: AnyVariables = {}) => {
    const { error } = await of.query(query, variables).toPromise();
    return error?.graphQLErrors[0]?.extensions?.code;
  };
  assert.equal(await code(client(), '{ nothing }'), 'GRAPHQL_VALIDATION_FAILED');
  assert.equal(await code(client(), 'query($id: ID!) { node(id: $id) { id } }', { id: 1.5 }), 'BAD_USER_INPUT');
  assert.equal(await code(client(), '{ organizations(first: 101) { totalCount } }'), 'BAD_USER_INPUT');
  assert.equal(
    await code(client(), '{ organizations(first: 100) { nodes { partnerships(first: 100) { nodes { id } } } } }'),
    'QUERY_TOO_COMPLEX',
  );
  assert.equal(await code(client('x'), '{ __typename }'), 'UNAUTHENTICATED');
});

test('documents are registered by their hash, and then sent by it', async () => {
  // Another one each time: the server has never seen it.
  const query = `query Hashed { alias${Date.now()}: __typename }`;
  const sent: boolean[] = [];
  const hashing = () =>
    new Client({
      url: endpoint,
      preferGetMethod: false,
      exchanges: [persistedExchange({ preferGetForPersistedQueries: 'within-url-limit' }), fetchExchange],
      fetch: async (url, init) => {
        sent.push(String(url).includes('query=') || String(init?.body ?? '').includes('"query"'));
        return fetch(url, init);
      },
    });
  for (let time = 0; time < 2; time += 1) {
    const { data, error } = await hashing().query(query, {}).toPromise();
    assert.equal(error, undefined);
    assert.deepEqual(Object.values(data), ['Query']);
  }
  // The hash, the hash with the text, and from then on the hash alone.
  assert.deepEqual(sent, [false, true, false]);
});

test('a subscription runs beside queries', async () => {
  const token = await signedIn('EDITOR', 'region-sud');
  const id = await someOrganization('region-sud');
  const sockets = createClient({ url: endpoint.replace(/^http/, 'ws'), webSocketImpl: WebSocket });
  const both = new Client({
    url: endpoint,
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query: query!, variables }, sink as never) }),
        }),
      }),
    ],
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
  });
  const after = await logEnd();
  // Another one each time: what changes nothing is not told.
  const acronym = `SUB${Date.now() % 1_000_000}`;
  const told = new Promise<documents.FollowSubscription | undefined>((resolve) => {
    const { unsubscribe } = both.subscription(documents.FollowDocument, { after }).subscribe((result) => {
      resolve(result.data);
      queueMicrotask(() => unsubscribe());
    });
  });
  const written = await both.mutation(documents.ChangeOrganizationDocument, { id, input: { acronym } }).toPromise();
  assert.deepEqual(written.data?.updateOrganization.userErrors, []);
  assert.equal((await told)?.changes.recordId, id);
  await sockets.dispose();
});

test('the types that come from introspection serve as well', async () => {
  const { organization }: LiveQuery = await data(client(), LiveDocument, { by: { slug: 'crrav' } });
  assert.equal(typeof organization?.revision, 'number');
});

test('introspection and /schema.graphql are one schema', async () => {
  const everything = {
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  };
  const introspected = await ask(getIntrospectionQuery(everything));
  assert.equal(introspected.errors, undefined);
  const text = await (await fetch(`${server}/schema.graphql`)).text();
  const printed = (schema: GraphQLSchema) => {
    const types = Object.values(lexicographicSortSchema(schema).getTypeMap());
    return new Map(types.filter((type) => !type.name.startsWith('__')).map((type) => [type.name, printType(type).split('\n')]));
  };
  const [told, written] = [printed(buildClientSchema(introspected.data as never)), printed(buildSchema(text))];
  assert.deepEqual([...told.keys()].sort(), [...written.keys()].sort());
  for (const [name, lines] of written) {
    const other = told.get(name)!;
    const at = lines.findIndex((line, number) => line !== other[number]);
    assert.ok(at < 0 && lines.length === other.length, `${name}: ${lines[at]} | ${other[at]}`);
  }
});
