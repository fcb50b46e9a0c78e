/** Every input position of the schema, with a document around it. */

import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

import { oddJson } from './wrong.js';
import { wrongLiterals } from './breakage.js';
import { SAMPLES } from './values.js';
import type { Operation } from './wire.js';

export interface Position {
  /** `Type.field(argument)`, or `InputType.field`. */
  name: string;
  type: GraphQLInputType;
  /** A document with these variable definitions and this value at the position. */
  document(variables: string, value: string): string;
}

/** The shortest valid literal of a type. */
export function least(type: GraphQLInputType): string {
  if (isNonNullType(type)) return least(type.ofType);
  if (isListType(type)) return '[]';
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    if (type.isOneOf) {
      const simple = fields.find((field) => !isInputObjectType(field.type)) ?? fields[0]!;
      return `{${simple.name}: ${least(simple.type)}}`;
    }
    return `{${fields.filter(isRequiredInputField).map((field) => `${field.name}: ${least(field.type)}`).join(', ')}}`;
  }
  if ('getValues' in type) return type.getValues()[0]!.name;
  const sample = SAMPLES[type.name];
  if (sample) return JSON.stringify(sample[0]);
  return { Int: '1', Float: '1', Boolean: 'false', ID: '"x"', String: '"x"' }[type.name]!;
}

const required = (field: { args: readonly GraphQLArgument[] }, but?: GraphQLArgument): string[] =>
  field.args.filter((argument) => argument !== but && isRequiredArgument(argument)).map((argument) => `${argument.name}: ${least(argument.type)}`);
const call = (written: readonly string[]): string => (written.length > 0 ? `(${written.join(', ')})` : '');

/** Shortest selections that lead from a root to each object type. */
function paths(schema: GraphQLSchema): Map<string, (inner: string) => [string, string]> {
  const found = new Map<string, (inner: string) => [string, string]>();
  const queue: GraphQLObjectType[] = [];
  const roots = { query: schema.getQueryType()!, mutation: schema.getMutationType()!, subscription: schema.getSubscriptionType()! };
  for (const [operation, type] of Object.entries(roots)) {
    found.set(type.name, (inner) => [operation, inner]);
    queue.push(type);
  }
  for (let type = queue.shift(); type; type = queue.shift()) {
    const around = found.get(type.name)!;
    for (const field of Object.values(type.getFields())) {
      const named = getNamedType(field.type);
      if (!isCompositeType(named)) continue;
      for (const object of isAbstractType(named) ? schema.getPossibleTypes(named) : [named]) {
        if (found.has(object.name)) continue;
        const on = isAbstractType(named) ? (inner: string) => `... on ${object.name} { ${inner} }` : (inner: string) => inner;
        found.set(object.name, (inner) => around(`${field.name}${call(required(field))} { ${on(inner)} }`));
        queue.push(object);
      }
    }
  }
  return found;
}

/** All positions: each argument of each field, `if` of the directives, and each field of each input object. */
export function positions(schema: GraphQLSchema): Position[] {
  const all: Position[] = [];
  const inputs = new Set<string>();
  /** Adds the fields of an input object. */
  const below = (type: GraphQLInputType, document: Position['document']): void => {
    const named = getNamedType(type);
    if (!isInputObjectType(named) || inputs.has(named.name)) return;
    inputs.add(named.name);
    const fields = Object.values(named.getFields());
    for (const field of fields) {
      const others = named.isOneOf ? [] : fields.filter((other) => other !== field && isRequiredInputField(other)).map((other) => `${other.name}: ${least(other.type)}`);
      const inner: Position['document'] = (variables, value) => document(variables, `{${[...others, `${field.name}: ${value}`].join(', ')}}`);
      // A variable in a field of a OneOf input object must be non-null.
      const strict = named.isOneOf && !isNonNullType(field.type);
      all.push({ name: `${named.name}.${field.name}`, type: field.type, document: strict ? (variables, value) => inner(variables.replace(/: ([^=]*?)\)$/, ': $1!)'), value) : inner });
      below(field.type, inner);
    }
  };
  for (const [name, around] of paths(schema)) {
    for (const field of Object.values((schema.getType(name) as GraphQLObjectType).getFields()) as GraphQLField<unknown, unknown>[]) {
      const set = isCompositeType(getNamedType(field.type)) ? ' { __typename }' : '';
      for (const argument of field.args) {
        const document: Position['document'] = (variables, value) => {
          const [operation, inner] = around(`${field.name}${call([...required(field, argument), `${argument.name}: ${value}`])}${set}`);
          return `${operation}${variables} { ${inner} }`;
        };
        all.push({ name: `${name}.${field.name}(${argument.name})`, type: argument.type, document });
        below(argument.type, document);
      }
    }
  }
  for (const directive of schema.getDirectives().filter((one) => ['skip', 'include'].includes(one.name))) {
    for (const argument of directive.args) {
      const document: Position['document'] = (variables, value) => `query${variables} { __typename @${directive.name}(${argument.name}: ${value}) }`;
      all.push({ name: `@${directive.name}(${argument.name})`, type: argument.type, document });
    }
  }
  return all;
}

/** Operations with all kinds of values at a position, as literals and as variables. */
export function operations({ type, document, name }: Position): Operation[] {
  const made: Operation[] = [];
  const fitting = least(type);
  // Large values would make the feed wait.
  const waits = name.endsWith('(waitSeconds)');
  const literals = new Set([
    ...wrongLiterals(type),
    fitting,
    'null',
    `[${fitting}]`,
    `[[${fitting}]]`,
    `[null]`,
    '"text"',
    '"""block"""',
    '"1"',
    'true',
    '0',
    '-1',
    '1',
    ...(waits ? [] : ['2147483647', '-2147483648']),
    '2147483648',
    '9007199254740993',
    '2.0',
    '1.5',
    '1e2',
    'FR',
    '"FR"',
    '{}',
    '{nothing: 1}',
  ]);
  for (const literal of literals) made.push({ document: document('', literal) });
  const declared = `($v: ${type})`;
  const asked = document(declared, '$v');
  made.push({ document: asked }, { document: asked, variables: '{}' });
  for (const json of new Set([...oddJson(type), toJson(fitting), `[${toJson(fitting)}]`, `[[${toJson(fitting)}]]`])) {
    if (waits && json === '2147483647') continue;
    made.push({ document: asked, variables: `{"v":${json}}` });
  }
  // Variables of other types, or with a default.
  const nullable = isNonNullType(type) ? type.ofType : type;
  for (const other of [`${nullable}`, `${nullable}!`, `[${getNamedType(type).name}]`, `[${getNamedType(type).name}!]!`, 'String!', 'Int', `${nullable} = null`, `${nullable} = ${fitting}`, `${nullable}! = ${fitting}`]) {
    made.push({ document: document(`($v: ${other})`, '$v'), variables: `{"v":${other.startsWith('[') ? '[]' : toJson(fitting)}}` });
  }
  made.push({ document: document(`($v: ${nullable} = ${fitting})`, '$v') }, { document: document(`($v: ${nullable}! = ${fitting})`, '$v'), variables: '{"v":null}' });
  return made;
}

/** A literal in the form of `least`, as JSON. */
function toJson(literal: string): string {
  return literal.replace(/([{,]\s*)([A-Za-z]\w*):/g, '$1"$2":').replace(/(^|[:[,]\s*)([A-Z][A-Z_]+)\b/g, '$1"$2"');
}
