/** The features of documents, so that tests can check that all were used. */

import { Kind, TypeInfo, isInputObjectType, isInterfaceType, isUnionType, parse, visit, visitWithTypeInfo, type GraphQLSchema, type SelectionSetNode } from 'graphql';

/** All features that documents may have. */
export const FEATURES = [
  'alias',
  'block string',
  'comment',
  'default of a variable',
  'description of a fragment',
  'description of a variable',
  'description of an operation',
  'directive with a literal',
  'directive with a variable',
  'escape with braces',
  'field twice under one key',
  'fragment in a fragment',
  'fragment on a union',
  'fragment on an interface',
  'fragment spread',
  'fragment spread twice',
  'inline fragment with a type',
  'inline fragment without a type',
  'input object',
  'input object within another',
  'list',
  'mutation',
  'null',
  'OneOf input object',
  'query without a name',
  'several operations',
  'subscription',
  'surrogate pair',
  'two directives',
  'variable',
  'variable in a list',
  'variable in an input object',
] as const;

export type Feature = (typeof FEATURES)[number];

/** The features of a valid document. */
export function featuresOf(schema: GraphQLSchema, text: string): Set<Feature> {
  const found = new Set<Feature>();
  const when = (holds: unknown, feature: Feature) => void (holds && found.add(feature));
  const document = parse(text);
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  when(operations.length > 1, 'several operations');
  when(text.includes('#'), 'comment');
  when(/\\u\{/.test(text), 'escape with braces');
  when(/\\u[dD][89abAB]/.test(text), 'surrogate pair');
  const info = new TypeInfo(schema);
  const spread = new Map<string, number>();
  let inFragment = false;
  let objects = 0;
  visit(
    document,
    visitWithTypeInfo(info, {
      OperationDefinition(node) {
        when(node.description, 'description of an operation');
        when(!node.name, 'query without a name');
        when(node.operation === 'mutation', 'mutation');
        when(node.operation === 'subscription', 'subscription');
      },
      FragmentDefinition: {
        enter(node) {
          inFragment = true;
          when(node.description, 'description of a fragment');
          when(isInterfaceType(info.getType()), 'fragment on an interface');
          when(isUnionType(info.getType()), 'fragment on a union');
        },
        leave: () => void (inFragment = false),
      },
      VariableDefinition(node) {
        when(node.description, 'description of a variable');
        when(node.defaultValue, 'default of a variable');
      },
      SelectionSet: (node) => when(hasTwice(node), 'field twice under one key'),
      Field(node) {
        when(node.alias, 'alias');
        when((node.directives?.length ?? 0) > 1, 'two directives');
      },
      FragmentSpread(node) {
        const { value } = node.name;
        spread.set(value, (spread.get(value) ?? 0) + 1);
        when(spread.get(value)! > 1, 'fragment spread twice');
        when(inFragment, 'fragment in a fragment');
        found.add('fragment spread');
      },
      InlineFragment(node) {
        when(node.typeCondition, 'inline fragment with a type');
        when(!node.typeCondition, 'inline fragment without a type');
        when(isInterfaceType(info.getType()), 'fragment on an interface');
        when(isUnionType(info.getType()), 'fragment on a union');
      },
      Directive(node) {
        const value = node.arguments?.[0]?.value;
        when(value?.kind === Kind.VARIABLE, 'directive with a variable');
        when(value?.kind === Kind.BOOLEAN, 'directive with a literal');
      },
      Argument: (node) => when(node.value.kind === Kind.VARIABLE, 'variable'),
      ListValue(node) {
        found.add('list');
        when(node.values.some(({ kind }) => kind === Kind.VARIABLE), 'variable in a list');
      },
      ObjectValue: {
        enter(node) {
          found.add('input object');
          when(objects++ > 0, 'input object within another');
          const type = info.getInputType();
          when(isInputObjectType(type) && type.isOneOf, 'OneOf input object');
          when(node.fields.some(({ value }) => value.kind === Kind.VARIABLE), 'variable in an input object');
        },
        leave: () => void objects--,
      },
      StringValue: (node) => when(node.block, 'block string'),
      NullValue: () => void found.add('null'),
    }),
  );
  return found;
}

function hasTwice(set: SelectionSetNode): boolean {
  const keys = set.selections.flatMap((selection) => (selection.kind === Kind.FIELD ? [(selection.alias ?? selection.name).value] : []));
  return new Set(keys).size < keys.length;
}
