/**
 * The reference: the verdict of graphql-js for an operation over the server's printed schema.
 *
 * graphql-js 16.15.0 implements the edition of September 2025 (descriptions in documents, OneOf input objects),
 * except for the rules in `SUPPLEMENTS`. Version 17 has one of them, but needs Node.js 22, and accepts empty
 * selections, which that edition lacks.
 */

import {
  GraphQLError,
  Kind,
  buildSchema,
  getNamedType,
  getVariableValues,
  isInputObjectType,
  parse,
  specifiedRules,
  validate,
  type ASTVisitor,
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
  type ValueNode,
} from 'graphql';

import { server } from '../server.js';
import { SAMPLES } from './values.js';
import type { Operation } from './wire.js';

/** Custom scalars with string values. Only the server knows which strings are valid. */
const STRINGS = ['ChangeCursor', 'Date', 'DateTime', 'EmailAddress', 'PartialDate', 'URL'];

/** Set when a scalar gets a text that is not one of its samples. Reset to `false` before each verdict. */
let odd = false;

/** The schema of the running server, with scalars that accept what the server accepts before execution. */
export async function readSchema(): Promise<GraphQLSchema> {
  const schema = buildSchema(await (await fetch(`${server}/schema.graphql`)).text());
  for (const type of Object.values(schema.getTypeMap())) {
    if (!('parseValue' in type) || !('parseLiteral' in type) || type.astNode?.kind !== Kind.SCALAR_TYPE_DEFINITION) continue;
    const { name } = type;
    // A new scalar must be described here first.
    if (!STRINGS.includes(name) && name !== 'Decimal') throw new Error(`the scalar ${name} is not described`);
    const refuse = (found: string): never => {
      throw new GraphQLError(`${name} cannot represent ${found}`);
    };
    const text = (value: string): string => {
      odd ||= name !== 'ChangeCursor' && !SAMPLES[name]!.includes(value);
      return value;
    };
    type.parseValue = (value: unknown) => {
      if (typeof value === 'string') return text(value);
      if (name === 'Decimal' && Number.isInteger(value)) return value;
      return refuse(JSON.stringify(value));
    };
    type.parseLiteral = (node: ValueNode) => {
      if (node.kind === Kind.STRING) return text(node.value);
      if (name === 'Decimal' && node.kind === Kind.INT) return node.value;
      return refuse(node.kind);
    };
  }
  return schema;
}

/** "Single Root Field" of September 2025 also forbids `@skip` and `@include` there. graphql-js checks that from 17 on. */
export function SubscriptionRootDirectivesRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      if (operation.operation !== 'subscription') return;
      const fragments = new Map<string, FragmentDefinitionNode>();
      for (const definition of context.getDocument().definitions) {
        if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
      }
      const seen = new Set<string>();
      const look = (set: SelectionSetNode): void => {
        for (const selection of set.selections) {
          const found = selection.directives?.find(({ name }) => ['skip', 'include'].includes(name.value));
          if (found) context.reportError(new GraphQLError(`@${found.name.value} at the root of a subscription`, { nodes: [found] }));
          if (selection.kind === Kind.INLINE_FRAGMENT) look(selection.selectionSet);
          if (selection.kind === Kind.FRAGMENT_SPREAD && !seen.has(selection.name.value)) {
            seen.add(selection.name.value);
            const fragment = fragments.get(selection.name.value);
            if (fragment) look(fragment.selectionSet);
          }
        }
      };
      look(operation.selectionSet);
    },
  };
}

/**
 * "All Variable Usages Are Allowed" treats the fields of a OneOf input object as non-null. graphql-js skips them if
 * the position of the object itself is non-null, as all of them are here.
 */
export function VariablesInOneOfRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      const definitions = new Map((operation.variableDefinitions ?? []).map((one) => [one.variable.name.value, one]));
      for (const { node, parentType } of context.getRecursiveVariableUsages(operation)) {
        const within = parentType && getNamedType(parentType);
        const definition = definitions.get(node.name.value);
        if (!isInputObjectType(within) || !within.isOneOf || !definition || definition.type.kind === Kind.NON_NULL_TYPE) continue;
        const { defaultValue } = definition;
        if (defaultValue && defaultValue.kind !== Kind.NULL) continue;
        context.reportError(new GraphQLError(`$${node.name.value} may be null, in a field of ${within.name}`, { nodes: [node] }));
      }
    },
  };
}

/** Rules of the specification that this version of graphql-js lacks. */
export const SUPPLEMENTS: readonly ValidationRule[] = [SubscriptionRootDirectivesRule, VariablesInOneOfRule];
/** All rules. */
export const RULES: readonly ValidationRule[] = [...specifiedRules, ...SUPPLEMENTS];
/** A rule that only graphql-js has, and the server implements as a limit. */
const DEEP_INTROSPECTION = 'MaxIntrospectionDepthRule';
const TOO_DEEP = 'Maximum introspection depth exceeded';
const WITHOUT_DEEP = RULES.filter((rule) => rule.name !== DEEP_INTROSPECTION);

/**
 * The outcome of an operation: executed, or refused for its syntax, its validity, the choice of the operation, or the
 * values of its variables. `limit` is a refusal outside the specification.
 */
export type Outcome = 'executed' | 'syntax' | 'validity' | 'operation' | 'variables' | 'limit';

export interface Verdict {
  outcome: Outcome;
  /** The reason in the words of graphql-js. */
  why: string;
  /**
   * Whether a query has a text that a custom scalar may refuse. The server refuses it before execution, or ignores it
   * in a skipped field. In mutations the write path reports it with the other errors.
   */
  texts?: boolean;
}

const messages = (errors: readonly { message: string }[]) => errors.map((error) => error.message).join(' | ');

/** The errors of these rules. A rule of graphql-js may throw on documents with other errors. */
export function errorsOf(schema: GraphQLSchema, document: DocumentNode, rules: readonly ValidationRule[]): readonly { message: string }[] {
  // Stack traces are not needed, and are slow for thousands of errors.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return validate(schema, document, rules);
  } catch (error) {
    return [error as Error];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The location of the first error of a document. */
export function placeOf(schema: GraphQLSchema, document: string): readonly { line: number; column: number }[] | undefined {
  try {
    const [first] = validate(schema, parse(document), RULES);
    return first?.locations?.slice(0, 1);
  } catch (error) {
    return (error as GraphQLError).locations?.slice(0, 1);
  }
}

/** The verdict of graphql-js for an operation. */
export function judge(schema: GraphQLSchema, operation: Operation): Verdict {
  odd = false;
  let document: DocumentNode;
  try {
    document = parse(operation.document);
  } catch (error) {
    return { outcome: 'syntax', why: (error as Error).message };
  }
  const errors = errorsOf(schema, document, RULES);
  if (errors.length > 0) {
    const deep = errors.some(({ message }) => message === TOO_DEEP) && errorsOf(schema, document, WITHOUT_DEEP).length === 0;
    return { outcome: deep ? 'limit' : 'validity', why: messages(errors) };
  }
  const operations = document.definitions.filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);
  const name = operation.operationName;
  const meant = name === undefined ? operations : operations.filter((one) => one.name?.value === name);
  if (meant.length !== 1) return { outcome: 'operation', why: `${meant.length} operations are meant` };
  const values = JSON.parse(operation.variables ?? '{}') as Record<string, unknown>;
  const coerced = getVariableValues(schema, meant[0]!.variableDefinitions ?? [], values, { maxErrors: 5 });
  if (coerced.errors) return { outcome: 'variables', why: messages(coerced.errors) };
  return { outcome: 'executed', why: '', texts: odd && meant[0]!.operation === 'query' };
}
