/** Running subscriptions: events also follow CollectFields, and errors come before any event. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createClient } from 'graphql-sse';

import { server } from '../server.js';
import { judge, readSchema } from './reference.js';
import { executed, shape, twin } from './shapes.js';
import type { Operation } from './wire.js';

/** The first event. The log is followed from its beginning, so the event is always the same. */
async function first({ document, variables }: Operation): Promise<any> {
  const client = createClient({ url: `${server}/graphql/stream`, retryAttempts: 0 });
  try {
    for await (const answer of client.iterate({ query: document, variables: JSON.parse(variables ?? '{}') })) return answer;
  } finally {
    client.dispose();
  }
}

const VALID: [string, string?][] = [
  ['subscription { changes { cursor recordId } }'],
  ['subscription { ...F } fragment F on Subscription { changes { cursor recordId } }'],
  ['subscription { ... { ... on Subscription { changes { cursor } } } }'],
  ['subscription { changes { recordId } ...F changes { record { id } } } fragment F on Subscription { changes { cursor record { ... on Organization { slug id } ... on Talent { slug } __typename } } }'],
  ['subscription { a: changes { recordId } a: changes { cursor } }'],
  ['subscription($s: Boolean = true) { changes { recordId @skip(if: $s) region { slug @skip(if: $s) } cursor @include(if: $s) } }'],
  ['subscription($s: Boolean! = true) { changes { recordId @skip(if: $s) } }'],
  ['subscription($t: [RecordType!]) { changes(types: $t) { recordType __typename } }', '{"t":"ORGANIZATION"}'],
  ['"What it is for" subscription S { changes { record { ... on Node { id } } record { ... on Record { revision } } } }'],
];

for (const [document, variables] of VALID) {
  test(`an event of ${document}`, async () => {
    const schema = await readSchema();
    const operation: Operation = { document, ...(variables === undefined ? {} : { variables }) };
    const verdict = judge(schema, operation);
    assert.equal(verdict.outcome, 'executed', verdict.why);
    const whole = await first({ ...operation, document: twin(document, { root: false }) });
    assert.ok(whole.data, JSON.stringify(whole));
    const answer = await first(operation);
    assert.equal(JSON.stringify(shape(answer.data)), JSON.stringify(shape(executed(schema, operation, whole.data).data)), JSON.stringify(answer));
  });
}

const REFUSED: [string, string, string?][] = [
  ['subscription { __typename }', 'GRAPHQL_VALIDATION_FAILED'],
  ['subscription { ... { changes { cursor } b: changes { cursor } } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['subscription { ...F @skip(if: false) } fragment F on Subscription { changes { cursor } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['subscription { changes { nothing } }', 'GRAPHQL_VALIDATION_FAILED'],
  ['subscription($t: [RecordType!]) { changes(types: $t) { cursor } }', 'BAD_USER_INPUT', '{"t":["NOTHING"]}'],
  ['subscription($t: [String!]) { changes(types: $t) { cursor } }', 'GRAPHQL_VALIDATION_FAILED'],
];

for (const [document, code, variables] of REFUSED) {
  test(`no event of ${document}`, async () => {
    const answer = await first({ document, ...(variables === undefined ? {} : { variables }) });
    assert.equal(answer.errors?.[0]?.extensions?.code, code, JSON.stringify(answer));
    assert.ok(!('data' in answer), JSON.stringify(answer));
  });
}
