/** The grammar, token by token, over documents that use all of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Comparison, type Task } from './compare.js';
import { tokens } from './lexical.js';
import { Random, SEED } from './random.js';
import { judge, readSchema } from './reference.js';

/** The number of changed documents. `TOKENS=all` tries all changes. */
const TOKENS = process.env.TOKENS === 'all' ? Infinity : Number(process.env.TOKENS || 600);

const DOCUMENTS = [
  `"operation" query Q("variable" $a: Boolean! = true, $b: [String!]! = ["x"], $n: OrganizationFilter = {kinds: [], near: {latitude: 1, longitude: -2.5e1, radiusKm: 3.0}}) {
    r: regions @skip(if: $a) { ...F @include(if: true) ... on Node @skip(if: false) { id } ... @include(if: $a) { a: name(language: FR) } }
    o: organizations(first: 2, filter: {kinds: $b, near: {latitude: -1.5e3, longitude: 2, radiusKm: 1}, languages: [FR, NL]}) { totalCount }
    p: organizations(filter: $n) { totalCount } sector(slug: """block""") { slug } __typename
  } "fragment" fragment F on Region { slug name(language: null) }`,
  `mutation($i: TalentInput! = {displayName: "x", links: [{label: "a", url: "https://example.org"}]}) {
    createTalent(input: $i, idempotencyKey: "k") { talent { id ... on Record { slug } } userErrors { path code } }
    m: deleteTalent(id: 5, baseRevision: 1) @include(if: false) { deletedId }
  }`,
  'subscription S($t: [RecordType!] = [TALENT]) { ... on Subscription { ...C } } fragment C on Subscription { changes(types: $t, after: null) { cursor record { ... on Organization { name } } } }',
];
const IGNORED = [',', ' , ', '\ufeff', '# comment\n', '\r', '\r\n', '\t', '# comment\r'];
const OTHERS = ['{', '}', '(', ')', '[', ']', ':', '=', '!', '$', '@', '&', '|', '...', 'on', 'name', 'fragment', '1', '1.5', '""', '"""a"""', 'null', 'true', '$v', '..', '.', '?', '-', '#'];

test('what is ignored may stand between any two tokens', async () => {
  const schema = await readSchema();
  const random = new Random(SEED);
  const comparison = new Comparison(schema);
  function* tasks(): Iterable<Task> {
    for (const text of DOCUMENTS) {
      for (const { start } of tokens(text).slice(1)) {
        for (const ignored of TOKENS === Infinity ? IGNORED : random.some(IGNORED, 3)) {
          const operation = { document: text.slice(0, start) + ignored + text.slice(start) };
          const expected = judge(schema, operation);
          assert.equal(expected.outcome, 'executed', expected.why);
          yield { operation, expected, sending: { costOnly: true } };
        }
      }
    }
  }
  await comparison.all(tasks());
  console.log(comparison.summary());
  if (comparison.failures.length > 0) assert.fail(await comparison.report());
});

test('a token too many, too few, or in the place of another', async () => {
  const schema = await readSchema();
  const random = new Random(SEED);
  const comparison = new Comparison(schema);
  const changed: string[] = [];
  for (const text of DOCUMENTS) {
    const words = tokens(text).map(({ start, end }) => text.slice(start, end));
    const replaced = (index: number, ...by: string[]) => changed.push([...words.slice(0, index), ...by, ...words.slice(index + 1)].join(' '));
    for (const [index, word] of words.entries()) {
      replaced(index);
      replaced(index, word, word);
      for (const other of OTHERS) {
        replaced(index, other);
        replaced(index, other, word);
      }
    }
  }
  function* tasks(): Iterable<Task> {
    for (const document of random.some(changed, TOKENS)) {
      const operation = { document };
      yield { operation, expected: judge(schema, operation), sending: { costOnly: true } };
    }
  }
  await comparison.all(tasks());
  console.log(comparison.summary());
  if (comparison.failures.length > 0) assert.fail(await comparison.report());
});
