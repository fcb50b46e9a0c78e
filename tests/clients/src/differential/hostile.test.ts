/** Expensive documents are answered or refused quickly and with little memory, while the server answers others. */

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';

import { send, type Operation } from './wire.js';

/** The allowed error codes. */
const CODES: ReadonlySet<unknown> = new Set(['QUERY_TOO_COMPLEX', 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT', 'BAD_REQUEST', 'PAYLOAD_TOO_LARGE']);
/** The size limit of errors in bytes: there are at most 20, with short messages. */
const MOST_BYTES = 64 * 1024;
/** The most CPU time of a document, which is sent twice, in seconds, without compiler optimization. */
const MOST_SECONDS = 4;
/** The allowed growth of peak memory in kB: bodies of 300,000 values are held three times. */
const MOST_MEMORY = 256 * 1024;

const times = (count: number, text: (index: number) => string): string => Array.from({ length: count }, (_, index) => text(index)).join(' ');
const nested = (depth: number, open: string, inner: string, close: string): string => open.repeat(depth) + inner + close.repeat(depth);
/** `text` nested twice within itself, to this depth. */
const doubled = (depth: number, around: (inner: string) => string, inner: string): string => (depth === 0 ? inner : around(doubled(depth - 1, around, inner)));

const HOSTILE: Record<string, Operation> = {};
const hostile = (name: string, document: string, variables?: string) => {
  HOSTILE[name] = variables === undefined ? { document } : { document, variables };
};

// Fields that overlap.
hostile('a leaf 1,900 times', `{ regions { ${'slug '.repeat(1900)} } }`);
hostile('a leaf 30,000 times', `{ regions { ${'id '.repeat(30_000)} } }`);
hostile('an object 450 times', `{ ${'regions { slug } '.repeat(450)} }`);
hostile('an object 450 times, each with another key below', `{ ${times(450, (index) => `regions { ${['slug', 'id', 'name', 'country'][index % 4]} }`)} }`);
hostile('objects twice, 9 levels deep', `{ regions { ${doubled(6, (inner) => `territories { region { ${inner} } } territories { region { ${inner} } }`, 'slug')} } }`);
hostile('lists twice, 5 levels deep', `{ ${doubled(5, (inner) => `regions { organizations { nodes { region { ${inner} } } } }`, 'slug')} }`);
hostile('arguments that differ 400 times', `{ ${times(400, (index) => `organizations(first: ${index}) { totalCount }`)} }`);
hostile('two meanings under one key, 400 times', `{ ${times(400, (index) => `a: ${index % 2 ? 'regions' : 'sectors'} { slug }`)} }`);
hostile('two meanings below one key, 300 times', `{ ${times(300, (index) => `regions { a: ${index % 2 ? 'slug' : 'name'} }`)} }`);
hostile('an object as an argument, 60 times, whose 20 fields differ in the last', `{ ${times(60, (index) => `organizations(filter: {kinds: ["a", "b", "c", "d", "e", "f", "g", "h"], sectors: ["${index}"]}) { totalCount }`)} }`);
// Fragments.
const doubling = (count: number, last: string, spread: (next: string) => string) =>
  `{ regions { ...F0 } } ${times(count, (index) => `fragment F${index} on Region { ${spread(`...F${index + 1}`)} }`)} fragment F${count} on Region { ${last} }`;
hostile('28 fragments that double', doubling(28, 'slug', (next) => `${next} ${next}`));
hostile('90 fragments that double', doubling(90, 'slug', (next) => `${next} ... { ${next} }`));
hostile('28 fragments that double below fields', doubling(28, 'slug', (next) => `a: successor { ${next} } b: successor { ${next} }`));
hostile('12 fragments that double below a field of one key', doubling(12, 'slug', (next) => `successor { ${next} } successor { ${next} }`));
hostile('5 fragments that double below a field of one key', doubling(5, 'slug', (next) => `successor { ${next} } successor { id ${next} }`));
hostile('a chain of 99 fragments', doubling(98, 'slug', (next) => next));
hostile('a chain of 1,000 fragments', doubling(1000, 'slug', (next) => next));
hostile('99 fragments in one set', `{ regions { ${times(99, (index) => `...F${index}`)} } } ${times(99, (index) => `fragment F${index} on Region { slug id name }`)}`);
hostile('99 fragments in each other', `{ regions { ...F0 } } ${times(99, (index) => `fragment F${index} on Region { slug ${times(Math.min(4, 98 - index), (more) => `...F${index + more + 1}`)} }`)}`);
hostile('40 fragments in one set with objects that differ deep within', `{ regions { ${times(40, (index) => `...F${index}`)} } } ${times(40, (index) => `fragment F${index} on Region { territories { parent { parent { a: ${index % 2 ? 'slug' : 'nutsCode'} } } } }`)}`);
hostile('40 fragments in fragments, each against each', `{ regions { ...A0 ...B0 } } ${times(40, (index) => `fragment A${index} on Region { slug ${index < 39 ? `...A${index + 1}` : ''} } fragment B${index} on Region { slug ${index < 39 ? `...B${index + 1}` : ''} }`)}`);
hostile('one fragment 400 times', `{ regions { ${'...F '.repeat(400)} } } fragment F on Region { slug id name country timeZone role nutsCode }`);
hostile('one fragment 900 times', `{ regions { ${'...F '.repeat(900)} } } fragment F on Region { slug id name country timeZone role nutsCode }`);
hostile('99 unused fragments', `{ __typename } ${times(99, (index) => `fragment F${index} on Region { slug ...F${(index + 1) % 99} }`)}`);
hostile('a cycle of 90 fragments', `{ regions { ...F0 } } ${times(90, (index) => `fragment F${index} on Region { successor { ...F${(index + 1) % 90} } }`)}`);
const TYPES = ['Organization', 'Talent', 'Partnership', 'Affiliation', 'Region', 'Sector', 'Occupation', 'Territory', 'Account'];
hostile('fragments on each type of an interface, 5 deep', `{ node(id: "x") { ${doubled(5, (inner) => times(3, (index) => `... on ${['Node', 'Record', 'Organization'][index]} { id ${inner} }`), '__typename')} } }`);
hostile('fragments on each type of an interface, 40 times', `{ node(id: "x") { ${times(40, () => times(9, (index) => `... on ${TYPES[index]} { id }`))} } }`);
// Depth.
hostile('inline fragments 5,000 deep', nested(5000, '{ ... ', '{ __typename }', ' }'));
hostile('inline fragments 30 deep, each twice', `{ regions ${doubled(9, (inner) => `{ ... ${inner} ... ${inner} }`, '{ slug }')} }`);
hostile('fields 12,000 deep', nested(12_000, '{a', '', '}'));
hostile('fields 60 deep', `{ regions ${nested(60, '{ successor ', '{ slug }', ' }')} }`);
hostile('a list 16,000 deep', `{ nodes(ids: ${nested(16_000, '[', '', ']')}) { id } }`);
hostile('a list 900 deep', `{ nodes(ids: ${nested(900, '[', '1', ']')}) { id } }`);
hostile('an object 8,000 deep', `{ organizations(filter: ${nested(8000, '{a:', '1', '}')}) { totalCount } }`);
hostile('an object 600 deep', `{ organizations(filter: ${nested(600, '{near:', '1', '}')}) { totalCount } }`);
hostile('a type 12,000 deep', `query($v: ${nested(12_000, '[', 'Int', ']')}) { __typename }`);
hostile('a type 600 deep', `query($v: ${nested(600, '[', 'Int', ']')}) { __typename @skip(if: $v) }`);
hostile('a default 8,000 deep', `query($v: [Int] = ${nested(8000, '[', '1', ']')}) { __typename }`);
hostile('a variable 100 deep', 'query($v: OrganizationFilter) { organizations(filter: $v) { totalCount } }', `{"v":${nested(100, '{"near":', '1', '}')}}`);
hostile('a variable 20,000 deep', 'query($v: [ID!]!) { nodes(ids: $v) { id } }', `{"v":${nested(20_000, '[', '1', ']')}}`);
hostile('brackets that are never closed', '{a('.repeat(10_000));
hostile('introspection 40 deep', `{ __schema { types ${nested(40, '{ fields { type ', '{ name }', ' } }')} } }`);
// Width.
hostile('1,000 aliases', `{ ${times(1000, (index) => `a${index}: __typename`)} }`);
hostile('30 aliases of dear fields', `{ ${times(30, (index) => `a${index}: organizations(first: 100) { nodes { members(first: 100) { nodes { slug } } } }`)} }`);
hostile('1,500 directives', `{ __typename ${'@skip(if: false) '.repeat(300)} ${times(300, (index) => `a${index}: __typename @include(if: true)`)} }`);
hostile('400 variables', `query(${times(400, (index) => `$v${index}: Int`)}) { __typename }`);
hostile('400 variables that are not declared', `{ ${times(400, (index) => `regions @skip(if: $v${index}) { slug }`)} }`);
hostile('a variable declared 400 times', `query(${'$v: Int '.repeat(400)}) { __typename }`);
hostile('900 unknown fields', `{ ${times(900, (index) => `unknown${index}`)} }`);
hostile('900 unknown arguments', `{ regions { name(${times(900, (index) => `a${index}: 1`)}) } }`);
hostile('900 keys of an input object', `{ organizations(filter: {${times(900, (index) => `a${index}: 1`)}}) { totalCount } }`);
hostile('a key of an input object 600 times', `{ organizations(filter: {${'kinds: [] '.repeat(480)}}) { totalCount } }`);
hostile('a name of 30,000 letters', `{ ${'a'.repeat(30_000)} }`);
hostile('unknown names of 300 letters, 100 times', `{ ${times(100, () => 'organization'.repeat(25))} }`);
hostile('an unknown type of 30,000 letters', `{ ... on ${'a'.repeat(30_000)} { __typename } }`);
hostile('unknown types of 300 letters, 100 times', `{ ${times(100, (index) => `... on ${'Organization'.repeat(24)}${index} { __typename }`)} }`);
hostile('variables of 380 unknown types', `query(${times(380, (index) => `$v${index}: Organizatio${index}`)}) { __typename }`);
hostile('an unknown directive of 30,000 letters', `{ __typename @${'a'.repeat(30_000)} }`);
hostile('a key of 3 MB in a variable', 'query($v: OrganizationFilter) { organizations(filter: $v) { totalCount } }', `{"v":{"${'F'.repeat(3_000_000)}":1}}`);
hostile('a value of an enum of 3 MB in a variable', 'query($v: [Language!]) { organizations(filter: {languages: $v}) { totalCount } }', `{"v":["${'F'.repeat(3_000_000)}"]}`);
hostile('a value of an enum of 30,000 letters', `{ consentText(language: ${'F'.repeat(30_000)}) { text } }`);
hostile('a list of 1,900 items', `{ nodes(ids: [${times(1900, (index) => `${index}`)}]) { id } }`);
hostile('a list of 100,000 items in a variable', 'query($v: [ID!]!) { nodes(ids: $v) { id } }', `{"v":[${Array(100_000).fill('"x"').join(',')}]}`);
hostile('a list of 250,000 wrong items in a variable', 'query($v: [ID!]!) { nodes(ids: $v) { id } }', `{"v":[${Array(250_000).fill('true').join(',')}]}`);
hostile('a list of 30,000 wrong objects in a variable', 'mutation($v: [LinkInput!]) { createTalent(input: {links: $v}) { userErrors { code } } }', `{"v":[${Array(30_000).fill('{"label":1,"url":true,"a":[]}').join(',')}]}`);
hostile('50,000 members of a variable', 'query($v: OrganizationFilter) { organizations(filter: $v) { totalCount } }', `{"v":{${Array.from({ length: 50_000 }, (_, index) => `"a${index}":1`).join(',')}}}`);
hostile('50,000 variables that are not declared', '{ __typename }', `{${Array.from({ length: 50_000 }, (_, index) => `"a${index}":1`).join(',')}}`);
hostile('a variable used 1,000 times', `query($v: [String!]) { ${times(280, (index) => `organizations(filter: {kinds: $v}) { totalCount }`)} }`, `{"v":[${Array(100).fill('"x"').join(',')}]}`);
hostile('a text of 3 MB in a variable', 'query($v: String!) { region(slug: $v) { slug } }', `{"v":"${'é'.repeat(1_500_000)}"}`);
hostile('a number of 100,000 digits', 'query($v: Int) { consentText(version: $v) { text } }', `{"v":${'9'.repeat(100_000)}}`);
hostile('a literal number of 30,000 digits', `{ consentText(version: ${'9'.repeat(30_000)}) { text } }`);
hostile('a document of 3 MB', `{ __typename ${'#'.repeat(3_000_000)}\n }`);
hostile('a document of commas', `{ __typename ${','.repeat(32_000)} }`);
hostile('a text of escapes', `{ region(slug: "${'\\u{1F600}'.repeat(3400)}") { slug } }`);
hostile('a block of 10,000 lines', `{ region(slug: """${'\n '.repeat(10_000)}""") { slug } }`);
hostile('200 operations', times(200, (index) => `query Q${index} { __typename }`));
hostile('a subscription with 900 fields', `subscription { ${'changes { cursor } '.repeat(450)} }`);
hostile('a mutation 400 times', `mutation { ${'deleteTalent(id: "x") { deletedId } '.repeat(150)} }`);

/** One document that is compiled once for each combination of its conditions. */
function combinations(): [string, Operation][] {
  const names = Array.from({ length: 20 }, (_, index) => `c${index}`);
  const document = `query(${names.map((name) => `$${name}: Boolean!`).join(' ')}) { ${names
    .map((name) => `... @include(if: $${name}) { regions { slug territories { id slug name nutsCode region { id slug name country } parent { id slug name } } } sectors { id slug } }`)
    .join(' ')} }`;
  return Array.from({ length: 200 }, (_, turn) => {
    const values = names.map((name, index) => `"${name}":${((turn * 2654435761) >>> index) % 2 === 1}`);
    return [`combination ${turn}`, { document, variables: `{${values.join(',')}}` }];
  });
}

const ofServer = (file: string) => `/proc/${process.env.SERVER_PID}/${file}`;

/** The peak memory of the server in kB. */
async function memory(): Promise<number> {
  return Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(ofServer('status'), 'utf8'))?.[1]);
}

/** The CPU time of the server in seconds. Wall-clock time would depend on other processes. */
async function work(): Promise<number> {
  const fields = (await readFile(ofServer('stat'), 'utf8')).replace(/^.*\) /s, '').split(' ');
  // utime and stime are fields 14 and 15 of the whole line, in hundredths of a second.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test('hostile documents are answered within the limits of the server, and others are answered meanwhile', async () => {
  // Resets the peak.
  await writeFile(ofServer('clear_refs'), '5');
  const before = await memory();
  let done = false;
  const others = (async () => {
    while (!done) {
      assert.deepEqual(await send({ document: '{ region(slug: "wallonie") { slug } }' }), { data: { region: { slug: 'wallonie' } } });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const faults: string[] = [];
  const longest = { name: '', seconds: 0 };
  await Promise.all([
    others,
    (async () => {
      for (const [name, operation] of [...Object.entries(HOSTILE), ...combinations()]) {
        const begun = await work();
        for (const answer of await Promise.all([send(operation, { costOnly: name.startsWith('combination') }), send(operation, { costOnly: true })])) {
          const codes = (answer.errors ?? []).map(({ extensions }) => extensions?.code);
          const size = Buffer.byteLength(JSON.stringify(answer.errors ?? []));
          if (!codes.every((code) => CODES.has(code))) faults.push(`${name}: ${JSON.stringify(answer).slice(0, 300)}`);
          if (size > MOST_BYTES || codes.length > 20) faults.push(`${name}: ${codes.length} errors of ${size} bytes`);
          if (!('data' in answer) && codes.length === 0) faults.push(`${name}: neither data nor errors`);
        }
        const seconds = (await work()) - begun;
        if (seconds > longest.seconds) Object.assign(longest, { name, seconds });
        if (seconds > MOST_SECONDS) faults.push(`${name}: ${seconds} seconds of the processor`);
      }
    })().finally(() => (done = true)),
  ]);
  const grown = (await memory()) - before;
  console.log(`${Object.keys(HOSTILE).length} hostile documents; the server's memory has grown by ${grown} kB at its highest, from ${before}; the longest took ${longest.seconds} s: ${longest.name}`);
  assert.deepEqual(faults, []);
  assert.ok(grown < MOST_MEMORY, `the server's memory has grown by ${grown} kB`);
});
