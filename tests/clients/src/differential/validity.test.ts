/** Random documents: the server executes those that graphql-js executes, and refuses others for the same kind of reason. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse } from 'graphql';

import { BREAKAGES, SYNTAX, Subject } from './breakage.js';
import { Comparison, type Task } from './compare.js';
import { Maker, type Made, type Root } from './documents.js';
import { FEATURES, featuresOf, type Feature } from './features.js';
import { respelled } from './lexical.js';
import { Random, SEED } from './random.js';
import { RULES, errorsOf, judge, readSchema } from './reference.js';
import { wrongVariables } from './wrong.js';
import type { Operation } from './wire.js';

/** The number of documents. */
const DOCUMENTS = Number(process.env.DOCUMENTS || 5000);
/** The shares of operations that are broken: in the document, in variable values, and in the operation name. */
const BROKEN = 0.55;
const WRONG_VARIABLES = 0.12;
const WRONG_NAME = 0.02;
/** The share that is spelled unlike a printer's output. */
const RESPELLED = 0.35;
/** One in this many valid operations is executed. For the others only the cost is requested. `RUN=all` executes all. */
const RUN_EACH = process.env.RUN === 'all' ? 1 : 8;

test('documents are executed or refused as graphql-js says', async () => {
  const schema = await readSchema();
  const random = new Random(SEED);
  const comparison = new Comparison(schema);
  const broken = new Map<string, number>();
  const features = new Map<Feature, number>();
  // Rules with many cases are tried more often.
  const intricate = ['ValuesOfCorrectTypeRule', 'VariablesInAllowedPositionRule', 'OverlappingFieldsCanBeMergedRule', SYNTAX];
  const rules = [...new Set(BREAKAGES.map(({ rule }) => rule)), ...intricate, ...intricate, ...intricate];
  const byRule = rules.map((rule) => BREAKAGES.filter((one) => one.rule === rule));
  const roots: Root[] = ['query', 'query', 'query', 'query', 'mutation', 'mutation', 'subscription'];
  /** An operation, valid or broken. `null` if the document has no place for the fault. */
  function make(turn: number): Operation | null {
    const made = new Maker(schema, random, { root: random.one(roots), several: true }).make();
    const choice = random.next();
    let operation = operationOf(made);
    if (choice < BROKEN) {
      // Rules take turns.
      const { rule, apply } = random.one(byRule[turn % byRule.length]!);
      const subject = new Subject(schema, random, made.document);
      const done = apply(subject);
      if (done === false) return null;
      const document = typeof done === 'string' ? done : subject.print();
      operation = typeof done === 'string' ? { document } : { ...operation, document };
      if (breaks(rule, document)) broken.set(rule, (broken.get(rule) ?? 0) + 1);
    } else if (choice < BROKEN + WRONG_VARIABLES) {
      const variables = wrongVariables(schema, random, made);
      if (variables !== undefined) operation.variables = variables;
    } else if (choice < BROKEN + WRONG_VARIABLES + WRONG_NAME) {
      if (random.chance(0.5)) operation.operationName = 'Missing';
      else delete operation.operationName;
    }
    if (random.chance(RESPELLED)) operation.document = respelled(operation.document, random);
    return operation;
  }
  function* tasks(): Iterable<Task> {
    for (let turn = 0, count = 0; count < DOCUMENTS; turn++) {
      const operation = make(turn);
      if (!operation) continue;
      const expected = judge(schema, operation);
      if (expected.outcome === 'executed') {
        for (const feature of featuresOf(schema, operation.document)) features.set(feature, (features.get(feature) ?? 0) + 1);
      }
      // Invalid operations are executed too, anonymously: a refusal must not depend on the header.
      const isStream = /subscription/.test(operation.document);
      const run = expected.outcome === 'executed' ? count % RUN_EACH === 0 : count % RUN_EACH !== 1;
      yield { operation, expected, sending: { costOnly: isStream || !run } };
      count++;
    }
  }
  function breaks(rule: string, document: string): boolean {
    try {
      const parsed = parse(document);
      const found = RULES.find(({ name }) => name === rule);
      return found !== undefined && errorsOf(schema, parsed, [found]).length > 0;
    } catch {
      return rule === SYNTAX;
    }
  }

  await comparison.all(tasks());
  console.log(comparison.summary());
  if (comparison.failures.length > 0) assert.fail(await comparison.report());
  for (const { name } of [...RULES, { name: SYNTAX }]) {
    const count = broken.get(name) ?? 0;
    assert.ok(count >= DOCUMENTS / 200, `${name} is broken ${count} times of ${DOCUMENTS}`);
  }
  for (const feature of FEATURES) {
    const count = features.get(feature) ?? 0;
    assert.ok(count >= DOCUMENTS / 400, `valid documents have "${feature}" ${count} times of ${DOCUMENTS}`);
  }
  assert.ok((comparison.counts.get('executed') ?? 0) > DOCUMENTS / 4, `${comparison.counts.get('executed')} of ${DOCUMENTS} documents are valid`);
  assert.ok((comparison.counts.get('variables') ?? 0) > DOCUMENTS / 50, `${comparison.counts.get('variables')} of ${DOCUMENTS} have wrong values`);
  const limited = comparison.counts.get('beyond a limit of the server') ?? 0;
  assert.ok(limited < DOCUMENTS / 20, `${limited} of ${DOCUMENTS} documents are beyond limits: they compare nothing`);
});

function operationOf({ document, variables, operationName }: Made): Operation {
  const operation: Operation = { document };
  if (Object.keys(variables).length > 0) operation.variables = JSON.stringify(variables);
  if (operationName !== undefined) operation.operationName = operationName;
  return operation;
}
