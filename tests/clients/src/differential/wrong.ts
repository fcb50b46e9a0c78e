/** Invalid values of variables. */

import {
  Kind,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  parse,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';

import type { Made } from './documents.js';
import type { Random } from './random.js';

/** JSON texts that are invalid for a type, or valid in an unusual form. The reference decides. */
export function oddJson(type: GraphQLInputType): string[] {
  const odd = ['null', '[]', '{}', '[null]', '[[]]', '{"a":1}', 'true', '"text"', '""', '-1'];
  const named = getNamedType(type);
  // JavaScript reads 2.0 as 2, which ids and decimals accept, and 1e20 as an integer.
  const floats = named.name !== 'ID' && named.name !== 'Decimal';
  odd.push('1.5', '2147483647', '2147483648', '-2147483649', '9007199254740993');
  if (floats) odd.push('2.0', '-0.0', '1e2', '1.0e1', '99999999999999999999', '1e300', '2147483648.0');
  if (isEnumType(named)) odd.push(`"${named.getValues()[0]!.name}"`, `"${named.getValues()[0]!.name.toLowerCase()}"`, `["${named.getValues()[0]!.name}"]`, '"NOTHING"', '0');
  if (isInputObjectType(named)) odd.push('{"nothing":1}', '{"nothing":null}', '{"id":"a","slug":"b"}', '{"slug":null}', '{"id":"a","slug":null}', '[{}]', '{"__proto__":1}', '{"slug":"a"}');
  if (isListType(isNonNullType(type) ? type.ofType : type)) odd.push('["a"]', '[1]', '"a"', '1', '[["a"]]', '["a",null]', '[1,"a"]', '[true]');
  return odd;
}

/** The values of the variables with one fault, as JSON text. */
export function wrongVariables(schema: GraphQLSchema, random: Random, { document, variables, operationName }: Made): string | undefined {
  const operations = parse(document).definitions.filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION);
  const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0]!;
  const definitions = operation.variableDefinitions ?? [];
  const written = new Map(Object.entries(variables).filter(([, value]) => value !== undefined).map(([name, value]) => [name, JSON.stringify(value)]));
  if (definitions.length > 0) {
    const { variable, type: node } = random.one(definitions);
    const name = variable.name.value;
    const type = typeFromAST(schema, node as never) as GraphQLInputType | undefined;
    const current = variables[name];
    if (random.chance(0.2)) written.delete(name);
    else if (type && isInputType(type)) {
      if (current !== null && typeof current === 'object' && random.chance(0.6)) written.set(name, within(type, current, random));
      else written.set(name, random.one(oddJson(type)));
    }
  }
  // Undeclared variables are ignored.
  if (random.chance(0.1)) written.set('undeclared', '[{"a":[1]}]');
  if (written.size === 0) return undefined;
  return `{${[...written].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

/** A value with an unusual part deep inside. */
function within(type: GraphQLInputType, value: unknown, random: Random): string {
  const nullable = isNonNullType(type) ? type.ofType : type;
  if (isListType(nullable) && Array.isArray(value) && value.length > 0 && random.chance(0.85)) {
    const index = random.below(value.length);
    return `[${value.map((item, at) => (at === index ? within(nullable.ofType, item, random) : JSON.stringify(item ?? null))).join(',')}]`;
  }
  if (isInputObjectType(nullable) && value !== null && typeof value === 'object' && !Array.isArray(value) && random.chance(0.85)) {
    const fields = nullable.getFields();
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    if (random.chance(0.2)) members.push([random.one(['nothing', 'Name', '_', 'id', 'slug']), null]);
    if (random.chance(0.2) && members.length > 0) members.splice(random.below(members.length), 1);
    const chosen = members.length > 0 ? random.one(members)[0] : null;
    return `{${members.map(([name, member]) => `"${name}":${name === chosen && fields[name] ? within(fields[name].type, member, random) : JSON.stringify(member)}`).join(',')}}`;
  }
  return random.one(oddJson(type));
}
