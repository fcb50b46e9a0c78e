/** Readable documents that were once judged differently. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EXCEPTIONS } from './exceptions.js';
import { difference, observe } from './compare.js';
import { judge, placeOf, readSchema, type Outcome } from './reference.js';
import { send, type Operation } from './wire.js';

type Row = [document: string, variables?: string, operationName?: string];

/** Documents by expected outcome. */
const ROWS: Record<Exclude<Outcome, 'limit'>, Row[]> = {
  executed: [
    // A variable used only by `__typename` or a fragment at the root.
    ['query($s: Boolean!) { __typename @include(if: $s) }', '{"s":true}'],
    ['query($s: Boolean!) { ... @skip(if: $s) { __typename } }', '{"s":true}'],
    // Strings.
    ['{ sector(slug: "\\uD83D\\uDE00") { slug } }'],
    ['{ sector(slug: "\\u{1F600} \\u{000041}") { slug } }'],
    ['{ sector(slug: """a\\"""b""") { slug } }'],
    ['{ sector(slug: """\n    a\n      b\n  """) { slug } }'],
    ['\ufeff{ __typename }'],
    ['{ __typename # "comment" { \n }'],
    ['{,,,__typename,\n,}'],
    // Commas are allowed anywhere.
    ['{ a , : __typename }'],
    ['{ ... , F , } fragment F on Query { __typename }'],
    ['{ ... , on , Query , { , __typename , } ... , { __typename } }'],
    ['"d" , query Q("e" , $a : Boolean ! = true , ) { __typename @ , skip ( , if , : , $ , a , ) }'],
    ['"d" , fragment F on Query { __typename } { ...F }'],
    ['query ( $a : Boolean ! = true , ) { __typename @ skip ( if : $ a ) }'],
    ['{ region(slug: "\u{1f3ac}") { slug } }'],
    // Subscriptions whose only field is in a fragment, or selected twice.
    ['subscription { ...F } fragment F on Subscription { changes { cursor } }'],
    ['subscription { ... { ... on Subscription { changes { cursor } } } }'],
    ['subscription { changes { cursor } changes { recordId } }'],
    ['subscription { changes { cursor } ...F } fragment F on Subscription { changes { recordId } }'],
    // Descriptions.
    ['"What it is for" query Q { __typename }'],
    ['"""\nWhat it is for\n""" query($a: Boolean!) { ...F } "what it holds" fragment F on Query { __typename @skip(if: $a) }', '{"a":false}'],
    ['query("whether" $a: Boolean = true) { __typename @skip(if: $a) }'],
    // Names that are keywords.
    ['query query { fragment: __typename, on: __typename, true: __typename, null: __typename }'],
    ['query null { ...null } fragment null on Query { __typename }', undefined, 'null'],
    ['query($true: Int, $on: Int, $null: Int) { a: consentText(version: $true) { text } b: consentText(version: $on) { text } c: consentText(version: $null) { text } }'],
    // Numbers.
    ['query($n: Int) { organizations(first: $n) { totalCount } }', '{"n":2.0}'],
    ['query($n: Int) { organizations(first: $n) { totalCount } }', '{"n":1e1}'],
    ['query($f: OrganizationFilter) { organizations(filter: $f, first: 1) { totalCount } }', '{"f":{"near":{"latitude":50,"longitude":4,"radiusKm":10}}}'],
    ['{ organizations(first: 1, filter: {near: {latitude: 50, longitude: -4.0e0, radiusKm: 10}}) { totalCount } }'],
    ['{ node(id: 5) { id } }'],
    ['{ node(id: 99999999999999999999) { id } }'],
    // A single value for a list, also within objects and variables, and null for a list.
    ['{ nodes(ids: "x") { id } }'],
    ['query($i: [ID!]!) { nodes(ids: $i) { id } }', '{"i":"x"}'],
    ['{ organizations(first: 1, filter: {kinds: "x", languages: FR, sectors: null}) { totalCount } }'],
    ['query($k: String!) { organizations(first: 1, filter: {kinds: [$k, "b"]}) { totalCount } }', '{"k":"a"}'],
    ['query($f: OrganizationFilter) { organizations(first: 1, filter: $f) { totalCount } }', '{"f":{"kinds":"x","languages":"FR"}}'],
    // Optional variables at a position with a default.
    ['query($d: OrderDirection) { organizations(first: 1, orderBy: {field: NAME, direction: $d}) { totalCount } }'],
    ['query($d: OrderDirection = DESC) { organizations(first: 1, orderBy: {field: NAME, direction: $d}) { totalCount } }'],
    ['query($s: String = "wallonie") { region(slug: $s) { slug } }'],
    ['query($n: Int = null) { organizations(first: $n) { totalCount } }'],
    ['query($s: String!) { organization(by: {slug: $s}) { slug } }', '{"s":"x"}'],
    ['query($s: String = "x") { organization(by: {slug: $s}) { slug } }'],
    ['query($by: OrganizationBy!) { organization(by: $by) { slug } }', '{"by":{"slug":"x"}}'],
    // Undeclared variables are ignored.
    ['{ __typename }', '{"nothing":[1]}'],
    // Conflicting fields on types without common objects.
    ['{ node(id: "x") { ... on Region { x: slug } ... on Organization { x: name } } }'],
    ['{ search(query: "a") { nodes { ... on Organization { x: region { slug } } ... on Talent { x: region { id } } } } }'],
    ['{ regions { name(language: FR) ... { name(language: FR) } } }'],
    ['{ organizations(first: 1, filter: {kinds: ["a"], sectors: []}) { totalCount } organizations(filter: {kinds: ["a"], sectors: []}, first: 1) { totalCount } }'],
    ['{ node(id: "x") { ... on Record { ... on SearchResult { ... on Node { id } } } } }'],
    ['{ regions { slug @skip(if: true) @include(if: false) } }'],
    // Unselected operations may have required variables.
    ['query A { __typename } query B($s: String!) { region(slug: $s) { slug } }', undefined, 'A'],
  ],
  syntax: [
    [''],
    ['{ }'],
    ['{ regions { } }'],
    ['query($a: Int = $b, $b: Int) { consentText(version: $a) { text } }'],
    ['"described" { __typename }'],
    ['{ sector(slug: "\\uD83D") { slug } }'],
    ['{ sector(slug: "\\u{110000}") { slug } }'],
    ['{ sector(slug: "\\u{D83D}\\u{DE00}") { slug } }'],
    ['{ sector(slug: "\\x") { slug } }'],
    ['{ organizations(first: 01) { totalCount } }'],
    ['{ organizations(first: 1a) { totalCount } }'],
    ['{ organizations(first: 1.) { totalCount } }'],
    // A name without a value, and a variable without its `$`.
    ['{ organizations(filter) { totalCount } }'],
    ['{ regions { name(language FR) } }'],
    ['{ regions { name(language: FR on) } }'],
    ['{ organizations(filter: {kinds}) { totalCount } }'],
    ['{ organizations(filter: {kinds on}) { totalCount } }'],
    ['{ __typename @include(if true) }'],
    ['{ __typename @include(if: true null) }'],
    ['query("v" on a: Boolean! = true) { __typename @skip(if: $a) }'],
    ['query("v" {a: Boolean! = true) { __typename @skip(if: $a) }'],
    ['fragment on on Query { __typename } { ...on }'],
    ['fragment F($a: Int) on Query { __typename } { ...F }'],
    ['{ __typename \u00a0 }'],
  ],
  validity: [
    // Values.
    ['{ organization(by: 0) { slug } }'],
    ['{ organizations(first: 2147483648) { totalCount } }'],
    ['{ organizations(first: 2.0) { totalCount } }'],
    ['{ consentText(language: "FR") { text } }'],
    ['{ organization(by: {slug: "a", slug: "b"}) { slug } }'],
    ['{ organization(by: {slug: "a", id: null}) { slug } }'],
    ['{ organization(by: {slug: null}) { slug } }'],
    ['{ organization(by: {}) { slug } }'],
    ['{ nodes(ids: [["x"]]) { id } }'],
    ['{ nodes(ids: ["x", null]) { id } }'],
    ['{ organizations(orderBy: {field: NAME, direction: null}) { totalCount } }'],
    ['{ organizations(filter: {updatedSince: 5}) { totalCount } }'],
    ['{ consentText(version: "1") { text } }'],
    ['query($n: Int! = null) { organizations(first: $n) { totalCount } }'],
    ['query($l: Language = "FR") { consentText(language: $l) { text } }'],
    ['query($f: OrganizationFilter = {nothing: 1}) { organizations(filter: $f) { totalCount } }'],
    // Variables at positions of another type.
    ['query($s: Int!) { region(slug: $s) { slug } }', '{"s":1}'],
    ['query($s: String) { region(slug: $s) { slug } }', '{"s":"x"}'],
    ['query($s: String = null) { region(slug: $s) { slug } }', '{"s":"x"}'],
    ['query($s: String) { organization(by: {slug: $s}) { slug } }', '{"s":"x"}'],
    ['query($s: String = null) { organization(by: {slug: $s}) { slug } }', '{"s":"x"}'],
    ['query($s: String) { organizations(filter: {kinds: [$s]}) { totalCount } }', '{"s":"x"}'],
    ['query($s: String!) { organizations(filter: {kinds: $s}) { totalCount } }', '{"s":"x"}'],
    ['query($s: [String]) { organizations(filter: {kinds: $s}) { totalCount } }', '{"s":["x"]}'],
    ['query($s: Boolean) { __typename @skip(if: $s) }', '{"s":true}'],
    ['query($d: OrderDirection = null, $f: OrganizationOrderField) { organizations(orderBy: {field: $f, direction: $d}) { totalCount } }', '{"f":"NAME"}'],
    ['query($l: Visibility) { regions { name(language: $l) } }'],
    ['query A($s: String!) { ...F } query B($s: String) { ...F } fragment F on Query { region(slug: $s) { slug } }', '{"s":"x"}', 'A'],
    // Conflicting selections with one response key.
    ['{ regions { n: name n: slug } }'],
    ['{ regions { n: name } regions { n: slug } }'],
    ['{ regions { name(language: FR) } ... { regions { name } } }'],
    ['query($a: Language, $b: Language) { regions { name(language: $a) name(language: $b) } }'],
    ['{ node(id: "x") { ... on Region { x: nutsCode } ... on Organization { x: name } } }'],
    ['{ node(id: "x") { ... on Organization { languages } ... on Talent { languages { level } } } }'],
    ['{ search(query: "a") { nodes { ... on Organization { kind { a: slug } } ... on Partnership { kind { a: definition } } } } }'],
    // `__typename`.
    ['{ __typename(a: 1) }'],
    ['{ __typename { a } }'],
    ['{ __typename @nothing }'],
    ['{ __typename @skip }'],
    ['{ __typename @skip(if: true) @skip(if: true) }'],
    ['{ __typename @skip(if: "true") }'],
    ['{ a: __typename a: regions { slug } }'],
    ['{ __typename __typename: regions { slug } }'],
    // Directives.
    ['query($x: Boolean! @skip(if: true)) { __typename @skip(if: $x) }', '{"x":true}'],
    ['query($x: Boolean! @nothing) { __typename @skip(if: $x) }', '{"x":true}'],
    ['query @skip(if: true) { __typename }'],
    ['{ ...F } fragment F on Query @include(if: true) { __typename }'],
    ['{ __typename @deprecated }'],
    // Definitions that are duplicated, unused or misused.
    ['{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }'],
    ['{ __typename } fragment F on Query { __typename }'],
    ['query Q { __typename } query Q { __typename }', undefined, 'Q'],
    ['{ __typename } query Q { __typename }', undefined, 'Q'],
    ['{ node(id: "x") { ... on Language { id } } }'],
    ['{ regions { ... on Organization { slug } } }'],
    ['query($r: Region) { __typename }'],
    // Roots of subscriptions.
    ['subscription { __typename }'],
    ['subscription { ... { changes { cursor } a: changes { cursor } } }'],
    ['subscription { changes @skip(if: false) { cursor } }'],
    ['subscription($b: Boolean!) { ...F @include(if: $b) } fragment F on Subscription { changes { cursor } }', '{"b":true}'],
    // Validation comes before the values of variables.
    ['query($s: String!) { nothing(slug: $s) }'],
  ],
  operation: [
    ['query A { __typename } query B { __typename }'],
    ['query A { __typename } query B { __typename }', undefined, 'C'],
    ['{ __typename }', undefined, 'A'],
    ['query A($s: String!) { region(slug: $s) { slug } } query B { __typename }', '{"s":1}', 'C'],
  ],
  variables: [
    ['query($s: String!) { region(slug: $s) { slug } }'],
    ['query($s: String!) { region(slug: $s) { slug } }', '{"s":null}'],
    ['query($s: String!) { region(slug: $s) { slug } }', '{"s":1}'],
    ['query($n: Int) { organizations(first: $n) { totalCount } }', '{"n":1.5}'],
    ['query($n: Int) { organizations(first: $n) { totalCount } }', '{"n":2147483648}'],
    ['query($n: Int) { organizations(first: $n) { totalCount } }', '{"n":"1"}'],
    ['query($l: Language) { consentText(language: $l) { text } }', '{"l":"fr"}'],
    ['query($i: [ID!]!) { nodes(ids: $i) { id } }', '{"i":["x",null]}'],
    ['query($i: [ID!]!) { nodes(ids: $i) { id } }', '{"i":[["x"]]}'],
    ['query($by: OrganizationBy!) { organization(by: $by) { slug } }', '{"by":{"slug":"x","id":"y"}}'],
    ['query($by: OrganizationBy!) { organization(by: $by) { slug } }', '{"by":{"slug":"x","id":null}}'],
    ['query($by: OrganizationBy!) { organization(by: $by) { slug } }', '{"by":{"slug":null}}'],
    ['query($by: OrganizationBy!) { organization(by: $by) { slug } }', '{"by":{}}'],
    ['query($by: OrganizationBy!) { organization(by: $by) { slug } }', '{"by":{"nothing":1}}'],
    ['query($f: OrganizationFilter) { organizations(filter: $f) { totalCount } }', '{"f":{"near":{"latitude":1,"longitude":2}}}'],
    ['query($o: OrganizationOrder) { organizations(orderBy: $o) { totalCount } }', '{"o":{"field":"NAME","direction":null}}'],
    ['query($d: DateTime) { organizations(filter: {updatedSince: $d}) { totalCount } }', '{"d":5}'],
    // Even if the field that uses it is skipped.
    ['query($n: Int) { organizations(first: $n) @skip(if: true) { totalCount } }', '{"n":"1"}'],
    ['mutation($a: OrganizationInput!) { createOrganization(input: $a) { userErrors { code } } }', '{"a":{"nothing":1}}'],
  ],
};

const schema = readSchema();
for (const [outcome, rows] of Object.entries(ROWS) as [Outcome, Row[]][]) {
  for (const [document, variables, operationName] of rows) {
    const operation: Operation = { document, ...(variables === undefined ? {} : { variables }), ...(operationName === undefined ? {} : { operationName }) };
    test(`${outcome}: ${JSON.stringify(document)} ${variables ?? ''}`, async () => {
      const expected = judge(await schema, operation);
      assert.equal(expected.outcome, outcome, `graphql-js says: ${expected.why}`);
      // Both when it is executed and when only its cost is requested.
      for (const costOnly of document.includes('subscription') ? [true] : [true, false]) {
        const observed = await observe(operation, { costOnly });
        assert.equal(observed.outcome, outcome, `the server says: ${observed.why}`);
      }
    });
  }
}

/** Documents with one error. Its location counts characters, with the line ends of the specification. */
const PLACES = [
  '{ nothing }',
  '{ sector(slug: "été à Liège") { slug } nothing }',
  '{ sector(slug: "\u2028\u2029\u0085") { slug } nothing }',
  '{\r  __typename\r\n  nothing\n}',
  '# été\n{ __typename,,, nothing }',
  '\ufeff{ nothing }',
  '{ sector(slug: """été\n\u2028\r\nà""") { slug } nothing }',
  '{ sector(slug: "été") { slug } consentText(versions: 1) { text } }',
  '{ sector(slug: "été") { slug } ! }',
  '{ sector(slug: "\u2028") { slug }\n !',
  'query Q($a: String! = "été", $unused: Int) { sector(slug: $a) { slug } }',
];

for (const document of PLACES) {
  test(`the place of the fault in ${JSON.stringify(document)}`, async () => {
    const { errors } = await send({ document });
    const observed = errors?.[0]?.locations;
    assert.deepEqual(observed?.slice(0, 1), placeOf(await schema, document), JSON.stringify(errors));
  });
}

for (const { name, example, reason } of EXCEPTIONS) {
  test(`the exception is still one: ${name}`, async () => {
    const expected = judge(await schema, example);
    const observed = await observe(example, { costOnly: true });
    assert.ok(difference(expected, observed) !== null, `${reason} Now graphql-js and the server agree: take the exception away`);
  });
}
