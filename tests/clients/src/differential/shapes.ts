/**
 * The shape of answers: which keys, in which order, objects and lists and null.
 *
 * graphql-js executes the same operation over the server's own data. A twin of the operation, which selects the type of
 * each object besides, gives the data, so that graphql-js knows which fragments are meant.
 */

import { Kind, execute, parse, print, visit, type ExecutionResult, type GraphQLSchema, type SelectionNode } from 'graphql';

import type { Operation } from './wire.js';

/** The key of the type of each object in the twin: no other field can have it, and it needs no alias. */
const TYPE = '__typename';

/** The operation with the type of each object selected, after all else; that of a root that is a subscription cannot be. */
export function twin(document: string, { root }: { root: boolean } = { root: true }): string {
  const type: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: TYPE } };
  let depth = 0;
  const changed = visit(parse(document), {
    Field: { enter: () => void depth++, leave: () => void depth-- },
    SelectionSet: { leave: (set) => (root || depth > 0 ? { ...set, selections: [...set.selections, type] } : undefined) },
  });
  return print(changed);
}

/** What graphql-js answers, if `data` is what the twin was answered. */
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

/** An answer in which only the shape is left: its keys in their order, lists, and what is null. */
export function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shape(member)]));
  return value === null || value === undefined ? null : '·';
}
