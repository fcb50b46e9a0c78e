/**
 * The shape of responses: their keys in order, objects, lists and nulls.
 *
 * graphql-js executes the same operation over the server's own data. A twin of the operation, which also selects each
 * object's type, fetches the data, so that graphql-js can resolve fragments.
 */

import { Kind, execute, parse, print, visit, type ExecutionResult, type GraphQLSchema, type SelectionNode } from 'graphql';

import type { Operation } from './wire.js';

/** The key of each object's type in the twin. No other field can have it, and it needs no alias. */
const TYPE = '__typename';

/** The operation with each object's type selected last. Not at the root of a subscription, where it is not allowed. */
export function twin(document: string, { root }: { root: boolean } = { root: true }): string {
  const type: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: TYPE } };
  let depth = 0;
  const changed = visit(parse(document), {
    Field: { enter: () => void depth++, leave: () => void depth-- },
    SelectionSet: { leave: (set) => (root || depth > 0 ? { ...set, selections: [...set.selections, type] } : undefined) },
  });
  return print(changed);
}

/** The response of graphql-js, with the twin's response as data. */
export function executed(schema: GraphQLSchema, operation: Operation, data: unknown): ExecutionResult {
  const result = execute({
    schema,
    document: parse(operation.document),
    rootValue: data,
    variableValues: JSON.parse(operation.variables ?? '{}') as Record<string, unknown>,
    operationName: operation.operationName ?? null,
    fieldResolver: (source: Record<string, unknown>, _, __, { path }) => source[path.key],
    typeResolver: (source: Record<string, unknown>) => source[TYPE] as string,
  });
  if (result instanceof Promise) throw new Error('nothing here waits');
  return result;
}

/** A response reduced to its shape: keys in order, lists and nulls. */
export function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shape(member)]));
  return value === null || value === undefined ? null : '·';
}
