/**
 * Differences from graphql-js in which the server is right, with reasons.
 *
 * Each exception has an example that the tests run. An obsolete exception must be removed.
 */

import { Kind, parse, print, visit, type GraphQLSchema } from 'graphql';

import { judge, type Outcome, type Verdict } from './reference.js';
import type { Operation } from './wire.js';

export interface Exception {
  name: string;
  reason: string;
  /** An operation to which it applies. */
  example: Operation;
  applies(operation: Operation, expected: Verdict, observed: Outcome | string, schema: GraphQLSchema): boolean;
}

/** The kinds of definitions of a document that parses. */
const kinds = ({ document }: Operation): string[] => parse(document).definitions.map(({ kind }) => kind);
const EXECUTABLE: readonly string[] = [Kind.OPERATION_DEFINITION, Kind.FRAGMENT_DEFINITION];

export const EXCEPTIONS: readonly Exception[] = [
  {
    name: 'a document that cannot be executed is no document',
    reason:
      'A document with definitions of types, or without an operation, is refused by both. To graphql-js it parses and is not ' +
      'valid; to the server, whose grammar is that of ExecutableDocument, it does not parse.',
    example: { document: '{ __typename } type Added { a: Int }' },
    applies: (operation, expected, observed) => {
      if (expected.outcome !== 'validity' || observed !== 'syntax') return false;
      const found = kinds(operation);
      return !found.includes(Kind.OPERATION_DEFINITION) || found.some((kind) => !EXECUTABLE.includes(kind));
    },
  },
  {
    name: 'the operation is chosen before the document is validated',
    reason:
      'Where a document is not valid, and it is not said which of its operations is meant either, both refuse it. The server says ' +
      'the latter first, as the method of the request is judged by the operation.',
    example: { document: 'query A { nothing } query B { __typename }', operationName: 'C' },
    applies: (_, expected, observed) => expected.outcome === 'validity' && observed === 'operation',
  },
  {
    name: 'a text in two spellings',
    reason:
      'Two selections of one key have the same arguments where their values are the same. graphql-js compares how they are written, and ' +
      'takes "a" and """a""" for two.',
    example: { document: '{ sector(slug: "a") { slug } sector(slug: """a""") { slug } }' },
    applies: (operation, expected, observed, schema) => {
      if (expected.outcome !== 'validity' || !expected.why.includes('differing arguments')) return false;
      const one = visit(parse(operation.document), { StringValue: (node) => ({ ...node, block: false }) });
      return judge(schema, { ...operation, document: print(one) }).outcome === observed;
    },
  },
  {
    name: 'null for a condition',
    reason:
      'A nullable variable with a default may stand in @skip and @include, and may be null all the same. graphql-js finds that while ' +
      'it executes, and answers null for all data; the server refuses it as a wrong value before anything is run.',
    example: { document: 'query($s: Boolean = true) { __typename @skip(if: $s) }', variables: '{"s":null}' },
    applies: (operation, expected, observed) => {
      if (expected.outcome !== 'executed' || observed !== 'variables') return false;
      const values = JSON.parse(operation.variables ?? '{}') as Record<string, unknown>;
      const conditions = [...operation.document.matchAll(/\$\s*(\w+)/g)].map(([, name]) => name!);
      return /@[\s,]*(skip|include)/.test(operation.document) && conditions.some((name) => values[name] === null);
    },
  },
];
