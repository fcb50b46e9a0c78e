/** The effects of mutations: a field selected twice runs once, and a skipped or refused one does not run. */

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { signedIn, type Answer } from '../server.js';
import { send } from './wire.js';

let token = '';
before(async () => {
  token = await signedIn('EDITOR', 'wallonie');
});

let numbers = 0;
/** A name that no record has. */
const fresh = () => `Différentiel ${process.pid} ${numbers++}`;
const input = (name: string, more: object = {}) => ({ name, kind: 'animation-studio', region: 'wallonie', ...more });

async function run(document: string, variables: object = {}): Promise<Answer> {
  return send({ document, variables: JSON.stringify(variables) }, { token });
}

/** The newest organizations with this name. */
async function written(name: string): Promise<{ id: string; slug: string }[]> {
  const newest = '{ organizations(first: 20, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { id slug name } } }';
  const nodes: { id: string; slug: string; name: string }[] = (await run(newest)).data?.organizations.nodes;
  return nodes.filter((one) => one.name === name).map(({ id, slug }) => ({ id, slug }));
}

/** Documents that select `createOrganization` several times with one response key. */
const TWICE: Record<string, string> = {
  'beside itself': 'mutation($i: OrganizationInput!) { createOrganization(input: $i) { organization { slug } } createOrganization(input: $i) { organization { id } } }',
  'in a fragment': 'mutation($i: OrganizationInput!) { createOrganization(input: $i) { organization { slug } } ...F } fragment F on Mutation { createOrganization(input: $i) { organization { id } } }',
  'before, in a fragment': 'mutation($i: OrganizationInput!) { ...F createOrganization(input: $i) { organization { id } } } fragment F on Mutation { createOrganization(input: $i) { organization { slug } } }',
  'in one fragment that is spread twice': 'mutation($i: OrganizationInput!) { ...F ...F } fragment F on Mutation { createOrganization(input: $i) { organization { slug id } } }',
  'in two fragments': 'mutation($i: OrganizationInput!) { ...F ...G } fragment F on Mutation { createOrganization(input: $i) { organization { slug } } } fragment G on Mutation { ...F createOrganization(input: $i) { organization { id } } }',
  'in an inline fragment': 'mutation($i: OrganizationInput!) { createOrganization(input: $i) { organization { slug } } ... { createOrganization(input: $i) { organization { id } } } }',
  'in inline fragments with a type': 'mutation($i: OrganizationInput!) { ... on Mutation { createOrganization(input: $i) { organization { slug } } ... on Mutation { createOrganization(input: $i) { organization { id } } } } }',
  'with a condition': 'mutation($i: OrganizationInput!, $b: Boolean = true) { createOrganization(input: $i) @include(if: $b) { organization { slug } } ... @skip(if: false) { createOrganization(input: $i) { organization { id } } } }',
  'under an alias': 'mutation($i: OrganizationInput!) { made: createOrganization(input: $i) { organization { slug } } made: createOrganization(input: $i) { organization { id } } }',
  'under its own name as an alias': 'mutation($i: OrganizationInput!) { createOrganization: createOrganization(input: $i) { organization { slug } } createOrganization(input: $i) { organization { id } } }',
  'five times': `mutation($i: OrganizationInput!) { ${'createOrganization(input: $i) { organization { slug } } '.repeat(4)} createOrganization(input: $i) { organization { id } userErrors { code } } }`,
};

for (const [how, document] of Object.entries(TWICE)) {
  test(`a mutation that is selected ${how} runs once`, async () => {
    const name = fresh();
    const answer = await run(document, { i: input(name) });
    const made = await written(name);
    assert.equal(made.length, 1, `${made.length} organizations are made: ${JSON.stringify(answer)}`);
    assert.equal(answer.errors, undefined, JSON.stringify(answer));
    const [key] = Object.keys(answer.data!);
    // Both selections are of one record, with the keys in the order of selection.
    assert.deepEqual(Object.keys(answer.data!), [how === 'under an alias' ? 'made' : 'createOrganization']);
    assert.deepEqual(answer.data![key!].organization, made[0]);
    assert.deepEqual(Object.keys(answer.data![key!].organization), ['slug', 'id']);
  });
}

test('two keys are two mutations, in their order', async () => {
  const [one, two] = [fresh(), fresh()];
  const answer = await run(
    'mutation($a: OrganizationInput!, $b: OrganizationInput!) { b: createOrganization(input: $a) { organization { name } } a: createOrganization(input: $b) { organization { name } } }',
    { a: input(one), b: input(two) },
  );
  assert.deepEqual(answer, { data: { b: { organization: { name: one } }, a: { organization: { name: two } } } });
  assert.deepEqual(Object.keys(answer.data!), ['b', 'a']);
  assert.deepEqual([(await written(one)).length, (await written(two)).length], [1, 1]);
});

test('a mutation that is refused for its input is refused once', async () => {
  const answer = await run('mutation($i: OrganizationInput!) { createOrganization(input: $i) { userErrors { path } } createOrganization(input: $i) { organization { id } userErrors { path } } }', {
    i: { name: fresh(), region: 'wallonie', kind: 'nothing' },
  });
  assert.deepEqual(answer, { data: { createOrganization: { userErrors: [{ path: ['input', 'kind'] }], organization: null } } });
});

/** Mutations skipped by literals, variables and defaults. */
const SKIPPED: [string, object?][] = [
  ['mutation($i: OrganizationInput!, $dryRun: Boolean = true) { createOrganization(input: $i) @skip(if: $dryRun) { organization { id } } }'],
  ['mutation($i: OrganizationInput!, $dryRun: Boolean! = true) { createOrganization(input: $i) @skip(if: $dryRun) { organization { id } } }'],
  ['mutation($i: OrganizationInput!, $really: Boolean = false) { createOrganization(input: $i) @include(if: $really) { organization { id } } }'],
  ['mutation($i: OrganizationInput!, $really: Boolean = false) { ... @include(if: $really) { createOrganization(input: $i) { organization { id } } } }'],
  ['mutation($i: OrganizationInput!, $really: Boolean = false) { ...F @include(if: $really) } fragment F on Mutation { createOrganization(input: $i) { organization { id } } }'],
  ['mutation($i: OrganizationInput!, $really: Boolean = true) { createOrganization(input: $i) @include(if: $really) { organization { id } } }', { really: false }],
  ['mutation($i: OrganizationInput!, $a: Boolean = true, $b: Boolean!) { createOrganization(input: $i) @include(if: $a) @skip(if: $b) { organization { id } } }', { b: true }],
  ['mutation($i: OrganizationInput!) { createOrganization(input: $i) @skip(if: true) { organization { id } } }'],
];

for (const [document, variables] of SKIPPED) {
  test(`nothing is written by ${document}`, async () => {
    const name = fresh();
    const answer = await run(document, { i: input(name), ...variables });
    assert.deepEqual([await written(name), answer], [[], { data: {} }]);
  });
}

test('nothing is deleted by a mutation that a default skips', async () => {
  const name = fresh();
  const id = (await run('mutation($i: OrganizationInput!) { createOrganization(input: $i) { organization { id } } }', { i: input(name) })).data?.createOrganization.organization.id;
  const document = 'mutation($id: ID!, $dryRun: Boolean = true) { deleteOrganization(id: $id) @skip(if: $dryRun) { deletedId } }';
  assert.deepEqual(await run(document, { id }), { data: {} });
  assert.equal((await written(name)).length, 1);
  // The same document deletes if the variable says so.
  assert.deepEqual(await run(document, { id, dryRun: false }), { data: { deleteOrganization: { deletedId: id } } });
  assert.deepEqual(await written(name), []);
});

test('a mutation is written though nothing of its answer is selected', async () => {
  const name = fresh();
  const answer = await run('mutation($i: OrganizationInput!) { createOrganization(input: $i) { organization @skip(if: true) { slug } } }', { i: input(name) });
  assert.deepEqual(answer, { data: { createOrganization: {} } });
  assert.equal((await written(name)).length, 1);
});

/** Invalid inputs of the second mutation: the first one must not be executed either. */
const WRONG: Record<string, unknown> = {
  'an unknown field': { name: 'x', nothing: 1 },
  'a number for a text': { name: 1 },
  'a wrong value of an enum': { name: 'x', visibility: 'EVERYBODY' },
  'a wrong item of a list': { name: 'x', languages: ['FR', 'XX'] },
  'null in a list': { name: 'x', sectors: [null] },
  'a number that is no integer': { name: 'x', employeeCount: 1.5 },
  'a number of more than 32 bits': { name: 'x', employeeCount: 2147483648 },
  'a number for an address': { name: 'x', website: 1 },
  'a missing field deep within it': { name: 'x', identifiers: [{ scheme: 'SIREN' }] },
  'null where none may be': { name: 'x', claims: [{ field: 'name', value: 'x', source: { title: 'y' }, qualifier: null }] },
  'a list': [[]],
  'null': null,
  'nothing': undefined,
};

for (const [what, wrong] of Object.entries(WRONG)) {
  test(`nothing is written where the second mutation gets ${what}`, async () => {
    const name = fresh();
    const answer = await run(
      'mutation($a: OrganizationInput!, $b: OrganizationInput!) { a: createOrganization(input: $a) { organization { id } } b: createOrganization(input: $b) { organization { id } userErrors { code } } }',
      { a: input(name), b: wrong },
    );
    assert.deepEqual(await written(name), [], JSON.stringify(answer));
    assert.ok(!('data' in answer), JSON.stringify(answer));
    assert.equal(answer.errors?.[0]?.extensions?.code, 'BAD_USER_INPUT', JSON.stringify(answer));
  });
}

test('nothing is written where the second mutation has a wrong literal', async () => {
  for (const literal of ['{name: 1}', '{name: "x", visibility: "PUBLIC"}', '{name: "x", employeeCount: 2147483648}', '{name: "x", name: "y"}', '{name: "x", nothing: 1}', '{name: "x", website: 1}', '[]']) {
    const name = fresh();
    const answer = await run(`mutation($a: OrganizationInput!) { a: createOrganization(input: $a) { organization { id } } b: createOrganization(input: ${literal}) { organization { id } } }`, { a: input(name) });
    assert.deepEqual(await written(name), [], `${literal}: ${JSON.stringify(answer)}`);
    assert.equal(answer.errors?.[0]?.extensions?.code, 'GRAPHQL_VALIDATION_FAILED', `${literal}: ${JSON.stringify(answer)}`);
  }
});

test('a whole number in another spelling is a whole number', async () => {
  for (const count of ['12.0', '1.2e1', '12']) {
    const name = fresh();
    const document = 'mutation($i: OrganizationInput!) { createOrganization(input: $i) { organization { employeeCount } userErrors { code } } }';
    const answer = await send({ document, variables: `{"i":{"name":"${name}","kind":"animation-studio","region":"wallonie","employeeCount":${count}}}` }, { token });
    assert.deepEqual(answer, { data: { createOrganization: { organization: { employeeCount: 12 }, userErrors: [] } } });
  }
});

test('what is skipped costs nothing, and what is not skipped is counted', async () => {
  const cost = async (document: string, variables: object = {}) =>
    (await send({ document, variables: JSON.stringify(variables) }, { costOnly: true })).extensions?.cost.requestedQueryCost;
  const large = 'organizations(first: 100) { nodes { slug } }';
  const whole = await cost(`{ ${large} }`);
  assert.ok(whole > 50, `${whole} points`);
  for (const [document, variables, expected] of [
    [`{ __typename ${large.replace(' {', ' @skip(if: true) {')} }`, {}, 0],
    [`query($s: Boolean = true) { __typename ${large.replace(' {', ' @skip(if: $s) {')} }`, {}, 0],
    [`query($s: Boolean = true) { __typename ${large.replace(' {', ' @skip(if: $s) {')} }`, { s: false }, whole],
    [`query($s: Boolean = true) { ... @include(if: $s) { ${large} } }`, {}, whole],
    [`query($s: Boolean! = false) { ...F @skip(if: $s) } fragment F on Query { ${large} }`, {}, whole],
    [`query($n: Int = 100) { ${large.replace('100', '$n')} }`, {}, whole],
    [`query($n: Int) { ${large.replace('100', '$n')} }`, { n: 100 }, whole],
    // Merged selections are executed and charged once.
    [`{ ${large} ${large} }`, {}, whole],
    [`{ ${large} ...F ... { ${large} } } fragment F on Query { ${large} }`, {}, whole],
  ] as const) {
    assert.equal(await cost(document, variables), expected, `${document} ${JSON.stringify(variables)}`);
  }
  const spelled = await send({ document: `query($n: Int) { ${large.replace('100', '$n')} }`, variables: '{"n":1.0e2}' }, { costOnly: true });
  assert.equal(spelled.extensions?.cost.requestedQueryCost, whole);
});
