/** Values of every kind at every position of the schema, as literals and as variables. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Comparison, observe, type Task } from './compare.js';
import { operations, positions } from './positions.js';
import { Random, SEED } from './random.js';
import { judge, readSchema } from './reference.js';
import { ask, signedIn } from '../server.js';

/** The number of values tried at each position. `VALUES=all` tries all. */
const VALUES = process.env.VALUES === 'all' ? Infinity : Number(process.env.VALUES || 10);

/** One in this many valid operations is executed. `RUN=all` executes all. */
const RUN_EACH = process.env.RUN === 'all' ? 1 : 8;

test('each place takes the values that graphql-js takes', async () => {
  const schema = await readSchema();
  const random = new Random(SEED);
  const comparison = new Comparison(schema);
  const all = positions(schema);
  assert.ok(all.length > 400, `${all.length} places`);
  function* tasks(): Iterable<Task> {
    let count = 0;
    for (const position of all) {
      for (const operation of random.some(operations(position), VALUES)) {
        const expected = judge(schema, operation);
        // Invalid operations are executed anonymously, and one in eight valid ones. For the others only the cost is
        // requested.
        const run = expected.outcome !== 'executed' || count++ % RUN_EACH === 0;
        yield { operation, expected, sending: { costOnly: operation.document.startsWith('subscription') || !run } };
      }
    }
  }
  await comparison.all(tasks());
  console.log(`${all.length} places: ${comparison.summary()}`);
  if (comparison.failures.length > 0) assert.fail(await comparison.report());
  assert.ok((comparison.counts.get('executed') ?? 0) > comparison.asked / 6, comparison.summary());
});

test('a text that a scalar does not take is refused by a query, and told by a mutation with all else that is wrong', async () => {
  const fields = [
    ['organizations(filter: {updatedSince: $v}) { totalCount }', 'DateTime', 'filter.updatedSince'],
    ['partnerships(filter: {activeOn: $v}) { totalCount }', 'Date', 'filter.activeOn'],
    ['talents(filter: {availableBy: $v}) { totalCount }', 'Date', 'filter.availableBy'],
  ] as const;
  for (const [field, type, argument] of fields) {
    const literal = await ask(`{ ${field.replace('$v', '"yesterday"')} }`);
    const variable = await ask(`query($v: ${type}) { ${field} }`, { v: 'yesterday' });
    for (const answer of [literal, variable]) {
      assert.equal(answer.errors?.length, 1, JSON.stringify(answer));
      assert.equal(answer.errors[0]?.extensions?.code, 'BAD_USER_INPUT', JSON.stringify(answer));
      assert.equal(answer.errors[0]?.extensions?.argument, argument, JSON.stringify(answer));
    }
    // A skipped field is not checked.
    const skipped = await ask(`query($v: ${type} = "yesterday") { __typename ${field.replace(') {', ') @skip(if: true) {')} }`);
    assert.deepEqual(skipped, { data: { __typename: 'Query' } });
  }
  const token = await signedIn('EDITOR', 'wallonie');
  const input = { name: '', region: 'wallonie', kind: 'nothing', website: 'no address', email: 'nobody', foundedOn: 'once' };
  const create = 'mutation($input: OrganizationInput!) { createOrganization(input: $input) { organization { id } userErrors { path code } } }';
  const answer = await ask(create, { input }, token);
  const paths = answer.data?.createOrganization.userErrors.map(({ path }: { path: string[] }) => path.join('.')).sort();
  assert.deepEqual(paths, ['input.email', 'input.foundedOn', 'input.kind', 'input.name', 'input.website'], JSON.stringify(answer));
  assert.equal(answer.data?.createOrganization.organization, null);
  // A value of another JSON type fails before the scalar is checked.
  const outcomes = await Promise.all(['1', 'true', '["https://example.org/"]', '{}'].map((website) => observe({ document: create, variables: `{"input":{"website":${website}}}` }, { token })));
  assert.deepEqual(outcomes.map(({ outcome }) => outcome), outcomes.map(() => 'variables'), JSON.stringify(outcomes));
});
