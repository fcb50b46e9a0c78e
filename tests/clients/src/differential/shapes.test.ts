/** Response keys and their order follow CollectFields: repeated selections are merged, skipped ones left out. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { GraphQLSchema } from 'graphql';

import { Maker } from './documents.js';
import { Random, SEED } from './random.js';
import { judge, readSchema } from './reference.js';
import { executed, shape, twin } from './shapes.js';
import type { Names } from './values.js';
import { each, send, type Operation } from './wire.js';
import { readNames } from './world.js';

/** The number of operations to execute. */
const SHAPES = Number(process.env.SHAPES || 300);
const MOST_PRINTED = 20;

/** Fields whose values depend on the caller, the number of calls, or the time. */
const WITHOUT: ReadonlySet<string> = new Set([
  ...['accounts', 'apiKeys', 'invitations', 'proposals', 'history', 'erasureStatus', 'syncStatus', 'syncDigest', 'syncBucket', 'myDataExport', 'sources', 'changes'].map((field) => `Query.${field}`),
  ...['viewer', 'matchOrganizations', 'consentText', 'territory'].map((field) => `Query.${field}`),
  // Their ids are of one type, which random ids are not. Lists have the same types.
  ...['compareCalls', 'callForProjects', 'event'].map((field) => `Query.${field}`),
  'SearchConnection.indexedThrough',
]);
/** Arguments for which random values are rarely valid. */
const WITHOUT_ARGUMENTS: ReadonlySet<string> = new Set(['after', 'before', 'first', 'last', 'filter', 'notBefore', 'maxNodes', 'facets']);

/** Compares a response with that of graphql-js for the same data. Describes the difference. */
async function differs(schema: GraphQLSchema, operation: Operation): Promise<{ why: string | null; erred: boolean }> {
  const document = twin(operation.document);
  const [answer, whole] = await Promise.all([send(operation), send({ ...operation, document })]);
  const erred = answer.errors !== undefined || whole.errors !== undefined;
  if (!('data' in answer && 'data' in whole)) return { why: `nothing is executed: ${JSON.stringify(answer.errors ?? whole.errors)}`, erred };
  if (!answer.data || !whole.data) return { why: erred ? null : 'there is no data', erred };
  const text = (value: unknown) => JSON.stringify(value);
  for (const [one, data] of [
    [{ ...operation, document }, whole.data],
    [operation, answer.data],
  ] as const) {
    const expected = executed(schema, one, whole.data);
    const difference = `${one === operation ? '' : `asked as ${one.document}\n`}graphql-js: ${text(shape(expected.data))} ${text(expected.errors ?? [])}\nthe server: ${text(shape(data))} ${text(answer.errors ?? [])}`;
    // A null from an error is expected if graphql-js also has errors there.
    if (text(shape(expected.data)) !== text(shape(data)) || (expected.errors !== undefined && !erred)) return { why: difference, erred };
  }
  return { why: null, erred };
}

const told = ({ document, variables }: Operation, why: string) => `${document}\n${variables ?? ''}\n${why}`;

test('answers to documents of all shapes have the shape that graphql-js gives them', async () => {
  const schema = await readSchema();
  const names: Names = await readNames();
  const random = new Random(SEED);
  const operations: Operation[] = [];
  while (operations.length < SHAPES) {
    const { document, variables, operationName } = new Maker(schema, random, { root: 'query', names, without: WITHOUT, withoutArguments: WITHOUT_ARGUMENTS, conditions: random.one([0, 0.1, 0.4]) }).make();
    const operation: Operation = { document, variables: JSON.stringify(variables), ...(operationName === undefined ? {} : { operationName }) };
    if (judge(schema, operation).outcome !== 'executed') continue;
    const cost = await send(operation, { costOnly: true });
    if ((cost.extensions?.cost.requestedQueryCost ?? 0) < 1500) operations.push(operation);
  }
  const failures: string[] = [];
  let erred = 0;
  await each(operations, async (operation) => {
    const found = await differs(schema, operation);
    if (found.erred) erred++;
    if (found.why !== null) failures.push(told(operation, found.why));
  });
  console.log(`${operations.length} executed with SEED=${SEED}, ${failures.length} differ, ${erred} with errors`);
  failures.sort((one, other) => one.length - other.length);
  assert.equal(failures.length, 0, `${failures.length} of ${SHAPES} differ, SEED=${SEED}:\n${failures.slice(0, MOST_PRINTED).join('\n---\n')}`);
  assert.ok(erred < SHAPES / 10, `${erred} of ${SHAPES} operations have errors: they compare less`);
});

/** Selections to merge, or that select nothing. */
const SHAPED: (string | [string, object])[] = [
  // Repeated keys: directly, through fragments, and through both in another order.
  '{ regions { slug } regions { id } regions { slug name } }',
  '{ regions { id } ...F } fragment F on Query { regions { slug id } }',
  '{ ...F regions { id } } fragment F on Query { regions { slug } }',
  '{ ...F ...F ... { regions { name } } } fragment F on Query { regions { slug } }',
  '{ a: regions { slug } b: regions { id } a: regions { id } }',
  '{ regions { territories { slug } slug territories { id region { slug } } } regions { territories { region { id } } } }',
  '{ regions { slug ...F id } } fragment F on Region { name id slug country }',
  '{ organizations(first: 2) { nodes { slug } edges { cursor } nodes { id } pageInfo { hasNextPage } edges { node { id } } } }',
  '{ organizations(first: 2) { nodes { region { slug } } nodes { region { id } ... on Node { id } ... on Record { revision region { name } } } } }',
  // Per concrete type.
  '{ search(query: "animation", first: 8) { nodes { ... on Organization { id slug kind { slug } } ... on Talent { slug id } ... on Partnership { kind { id: slug } slug } ... on Node { id } ... on Record { revision id region { slug } } __typename } } }',
  '{ search(query: "film") { nodes { ... on Organization { x: name region { slug } } ... on Record { region { id } } ... on Talent { x: displayName region { name } } } } }',
  '{ search(query: "film") { nodes { ... on Node { ... on Record { ... on Talent { skills } slug } } ... on SearchResult { ... on Organization { slug otherNames } } } } }',
  '{ search(query: "film") { nodes { ... on Partnership { slug } } } }',
  '{ search(query: "studio") { nodes { ... on Organization { languages } ... on Talent { spoken: languages { language } } } } }',
  '{ search(query: "film") { nodes { ... on Node { id } } edges { node { ... on Record { slug region { slug } } __typename } } } }',
  '{ suggest(prefix: "an") { node { ...F ... on Node { id } } text } } fragment F on Record { slug ... on Node { id } ... on SearchResult { ... on Record { revision } } }',
  '{ search(query: "film") { nodes { ... on Organization { id } ... on Talent { id } ... on Partnership { id } } } }',
  '{ region: node(id: "REGION") { id ... on Region { slug } ... on Organization { name } } organization: node(id: "ORGANIZATION") { ... on Region { slug } ... on Organization { name id } } }',
  '{ nodes(ids: ["REGION", "ORGANIZATION", "TALENT", "region_00000000000000000000000000"]) { ... on Talent { displayName } ... on Organization { name } id ... on Region { slug } } }',
  // Skipped by literals, variables and defaults.
  '{ regions { slug @skip(if: true) id } sectors @include(if: false) { slug } }',
  ['query($s: Boolean!) { regions { slug @skip(if: $s) id @include(if: $s) } sectors @skip(if: $s) { slug } }', { s: true }],
  ['query($s: Boolean!) { regions { slug @skip(if: $s) id @include(if: $s) } sectors @skip(if: $s) { slug } }', { s: false }],
  'query($s: Boolean = true) { regions { slug @skip(if: $s) id @include(if: $s) } sectors @skip(if: $s) { slug } }',
  'query($s: Boolean! = false) { regions { slug @skip(if: $s) id @include(if: $s) } ...F @include(if: $s) } fragment F on Query { sectors { slug } }',
  ['query($s: Boolean = true) { regions { slug @skip(if: $s) id @include(if: $s) } }', { s: false }],
  ['query($s: Boolean!, $i: Boolean = true) { __typename @include(if: $s) regions { a: slug @skip(if: $s) @include(if: $i) b: slug @skip(if: $i) @include(if: $s) } }', { s: false }],
  '{ regions { ...F @skip(if: true) ...F slug @skip(if: true) } } fragment F on Region { slug id }',
  '{ regions { ...F @skip(if: true) id } } fragment F on Region { slug id }',
  '{ regions { slug @skip(if: true) id slug } }',
  '{ regions @skip(if: true) { id } regions { slug } }',
  '{ ... @skip(if: true) { regions { id } } ... @include(if: true) { regions { slug } } }',
  '{ ... @include(if: false) { ... @include(if: true) { regions { id } } } __typename }',
  'query($s: Boolean = true) { organization(by: {slug: "ankama"}) { ... on Record @skip(if: $s) { slug } ... on Node @include(if: $s) { id } } }',
  // Empty objects, also in lists, and an empty response.
  '{ organization(by: {slug: "ankama"}) { slug @include(if: false) } }',
  '{ organization(by: {slug: "ankama"}) { ... @include(if: false) { slug } } }',
  '{ organization(by: {slug: "ankama"}) { ... on Record { ... on Talent { slug } } } }',
  '{ organization(by: {slug: "nobody"}) { slug @include(if: false) } }',
  '{ organization(by: {slug: "ankama"}) { region { slug @skip(if: true) } address { city @skip(if: true) } successor { slug @skip(if: true) } } }',
  '{ regions { slug @skip(if: true) } }',
  '{ regions { territories { id @skip(if: true) } } }',
  '{ organizations(first: 3) { nodes { sectors { slug @skip(if: true) } sources { title @include(if: false) } } pageInfo { hasNextPage @skip(if: true) } edges { node { id @skip(if: true) } } } }',
  '{ __typename @skip(if: true) }',
  '{ regions @skip(if: true) { slug } }',
  'query($s: Boolean! = true) { ...F @skip(if: $s) } fragment F on Query { regions { slug } }',
  ['query($s: Boolean!) { __typename @include(if: $s) }', { s: true }],
  ['query($s: Boolean!) { __typename @include(if: $s) }', { s: false }],
  '{ search(query: "film") { nodes { __typename @skip(if: true) } } }',
  '{ search(query: "film") { nodes { ... on Talent { id } ... on Partnership { id } } edges { node { ... on Talent { id @skip(if: true) } } cursor @skip(if: true) } } }',
  '{ nodes(ids: ["REGION", "TALENT"]) { ... on Talent { slug @skip(if: true) } } }',
  '{ node(id: "REGION") { id @skip(if: true) } nothing: node(id: "region_00000000000000000000000000") { id @skip(if: true) } }',
  // `__typename`: aliases, position, and repetitions.
  '{ __typename a: __typename regions { b: __typename slug __typename } __typename }',
  '{ node(id: "REGION") { __typename ... on Region { __typename slug } type: __typename } }',
  '{ regions { slug __typename @skip(if: true) } ... on Query { q: __typename } }',
  // Arguments by variables and defaults, and in other spellings.
  ['query($n: Int, $l: Language = FR) { organizations(first: $n) { nodes { kind { name(language: $l) } } } organizations(first: $n) { nodes { kind { name(language: $l) slug } } } }', { n: 2.0 }],
  '{ organizations(first: 2, orderBy: {field: NAME, direction: ASC}) { nodes { slug } } organizations(orderBy: {field: NAME, direction: ASC}, first: 2) { nodes { id } } }',
];

test('selections that are merged, skipped, or leave nothing have the shape that graphql-js gives them', async () => {
  const schema = await readSchema();
  const names = await readNames();
  const id = (type: string) => names.get('id')!.find((one) => one.startsWith(`${type}_`))!;
  const ids: Record<string, string> = { REGION: id('region'), ORGANIZATION: id('organization'), TALENT: id('talent') };
  const failures: string[] = [];
  await each(SHAPED, async (row) => {
    const [text, variables] = typeof row === 'string' ? [row, undefined] : row;
    const operation: Operation = { document: text.replace(/\b(REGION|ORGANIZATION|TALENT)\b/g, (name) => ids[name]!), ...(variables ? { variables: JSON.stringify(variables) } : {}) };
    const verdict = judge(schema, operation);
    assert.equal(verdict.outcome, 'executed', `${text}: ${verdict.why}`);
    const found = await differs(schema, operation);
    const answer = await send(operation);
    const why = found.why ?? (answer.data ? null : JSON.stringify(answer));
    if (why !== null) failures.push(told(operation, why));
  });
  assert.equal(failures.length, 0, `${failures.length} of ${SHAPED.length} differ:\n${failures.slice(0, MOST_PRINTED).join('\n---\n')}`);
});
