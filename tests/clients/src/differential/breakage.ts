/**
 * Ways to break a valid document, by rule.
 *
 * Each changes a freshly parsed document, and returns whether it found a place for its fault. The reference decides
 * whether the rule is broken.
 */

import {
  Kind,
  TypeInfo,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredInputField,
  parse,
  parseValue,
  print,
  visit,
  visitWithTypeInfo,
  type ArgumentNode,
  type ConstDirectiveNode,
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type ObjectValueNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  type VariableDefinitionNode,
} from 'graphql';

import { tokens } from './lexical.js';
import type { Random } from './random.js';
import { Values } from './values.js';

/** A node whose fields can be assigned. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] | undefined ? I[] : T[K] };

interface SetSite {
  set: Mutable<SelectionSetNode>;
  type: GraphQLCompositeType;
  operation: Mutable<OperationDefinitionNode> | null;
}
interface FieldSite {
  field: Mutable<FieldNode>;
  definition: GraphQLField<unknown, unknown>;
  parent: GraphQLCompositeType;
  operation: Mutable<OperationDefinitionNode> | null;
}
interface ValueSite {
  value: ValueNode;
  type: GraphQLInputType;
  operation: Mutable<OperationDefinitionNode> | null;
  replace(value: ValueNode): void;
  inDefault: boolean;
  /** Whether it is the value of a field of a OneOf input object. */
  inOneOf: boolean;
}
type Conditional = Mutable<FieldNode> | Mutable<InlineFragmentNode> | Mutable<FragmentSpreadNode>;

/** A document to be broken, with the places that can be changed. */
export class Subject {
  readonly document: { definitions: DefinitionNode[] };
  readonly sets: SetSite[] = [];
  readonly fields: FieldSite[] = [];
  readonly values: ValueSite[] = [];
  readonly objects: { object: Mutable<ObjectValueNode>; type: GraphQLInputType }[] = [];
  readonly conditionals: Conditional[] = [];
  readonly operations: Mutable<OperationDefinitionNode>[] = [];
  readonly fragments: Mutable<FragmentDefinitionNode>[] = [];

  constructor(
    readonly schema: GraphQLSchema,
    readonly random: Random,
    readonly text: string,
  ) {
    const document = parse(text);
    this.document = document as unknown as { definitions: DefinitionNode[] };
    const info = new TypeInfo(schema);
    let operation: Mutable<OperationDefinitionNode> | null = null;
    let inDefault = false;
    const value = (node: ValueNode, parent: unknown, key: string | number | undefined) => {
      const type = info.getInputType();
      if (!type) return;
      const holder = parent as Record<string | number, ValueNode>;
      const within = info.getParentInputType();
      const object = within && getNamedType(within);
      const inOneOf = isInputObjectType(object) && object.isOneOf;
      this.values.push({ value: node, type, operation, inDefault, inOneOf, replace: (other) => void (holder[key!] = other) });
    };
    visit(
      document,
      visitWithTypeInfo(info, {
        enter: (node, key, parent) => {
          switch (node.kind) {
            case Kind.OPERATION_DEFINITION:
              operation = node as Mutable<OperationDefinitionNode>;
              this.operations.push(operation);
              break;
            case Kind.FRAGMENT_DEFINITION:
              operation = null;
              this.fragments.push(node as Mutable<FragmentDefinitionNode>);
              break;
            case Kind.VARIABLE_DEFINITION:
              inDefault = true;
              break;
            case Kind.SELECTION_SET: {
              const type = info.getParentType();
              if (type) this.sets.push({ set: node as Mutable<SelectionSetNode>, type, operation });
              break;
            }
            case Kind.FIELD: {
              const definition = info.getFieldDef();
              const within = info.getParentType();
              this.conditionals.push(node as Mutable<FieldNode>);
              if (definition && within) this.fields.push({ field: node as Mutable<FieldNode>, definition, parent: within, operation });
              break;
            }
            case Kind.INLINE_FRAGMENT:
            case Kind.FRAGMENT_SPREAD:
              this.conditionals.push(node as Conditional);
              break;
            case Kind.OBJECT: {
              const type = info.getInputType();
              if (type) this.objects.push({ object: node as Mutable<ObjectValueNode>, type });
              value(node, parent, key);
              break;
            }
            case Kind.INT:
            case Kind.FLOAT:
            case Kind.STRING:
            case Kind.BOOLEAN:
            case Kind.NULL:
            case Kind.ENUM:
            case Kind.LIST:
              value(node, parent, key);
              break;
            case Kind.VARIABLE:
              if (!inDefault) value(node, parent, key);
              break;
          }
        },
        leave: (node) => {
          if (node.kind === Kind.VARIABLE_DEFINITION) inDefault = false;
        },
      }),
    );
  }

  /** The changed document as text. */
  print(): string {
    return print(this.document as unknown as DocumentNode);
  }

  /** Adds selections at a random position of a selection set. */
  select(site: { set: { selections: readonly SelectionNode[] } }, text: string): void {
    const { selections } = site.set;
    (selections as SelectionNode[]).splice(this.random.below(selections.length + 1), 0, ...selectionsOf(text));
  }

  /** Adds a definition before or after the others. */
  define(text: string): void {
    const made = parse(text).definitions;
    if (this.random.chance(0.5)) this.document.definitions.push(...made);
    else this.document.definitions.unshift(...made);
  }

  /** A random item, or `null` if there is none. */
  pick<T>(of: readonly T[]): T | null {
    return of.length > 0 ? this.random.one(of) : null;
  }

  /** Declares a variable of an operation. */
  declare(operation: Mutable<OperationDefinitionNode>, text: string): void {
    const made = parse(`query(${text}) { a }`).definitions[0] as OperationDefinitionNode;
    operation.variableDefinitions = [...(operation.variableDefinitions ?? []), ...made.variableDefinitions!];
  }

  get sitesOfObjects(): SetSite[] {
    return this.sets.filter(({ type }) => isObjectType(type));
  }

  get isQuery(): boolean {
    return this.operations.every(({ operation }) => operation === 'query');
  }
}

const selectionsOf = (text: string): readonly SelectionNode[] => (parse(`{ ${text} }`).definitions[0] as OperationDefinitionNode).selectionSet.selections;
const directiveOf = (text: string): DirectiveNode => (selectionsOf(`a ${text}`)[0] as FieldNode).directives![0]!;
const argumentOf = (text: string): ArgumentNode => (selectionsOf(`a(${text})`)[0] as FieldNode).arguments![0]!;

/** Gives a node these directives. */
const setDirectives = (node: object, directives: readonly DirectiveNode[]): void => void Object.assign(node, { directives });
/** Gives a node these arguments. */
const setArguments = (node: object, all: readonly ArgumentNode[]): void => void Object.assign(node, { arguments: all });

export interface Breakage {
  /** The graphql-js rule that it breaks. */
  rule: string;
  /** Makes the fault. Returns `false` if the document has no place for it. A returned string replaces the document. */
  apply: (subject: Subject) => boolean | string;
}

const ALL: Breakage[] = [];
/** Ways to break one rule. */
function breaks(rule: string, ...ways: Breakage['apply'][]): void {
  for (const apply of ways) ALL.push({ rule, apply });
}

/** Applies a change at one random place. */
function at<T>(of: (subject: Subject) => readonly T[], change: (subject: Subject, site: T) => boolean | void): Breakage['apply'] {
  return (subject) => {
    const site = subject.pick(of(subject));
    return site !== null && change(subject, site) !== false;
  };
}

const types = (schema: GraphQLSchema, fits: (name: string) => boolean): string[] => Object.keys(schema.getTypeMap()).filter(fits);
const leafOf = (type: GraphQLCompositeType): string => {
  if (!('getFields' in type)) return '__typename';
  const leaf = Object.values(type.getFields()).find((field) => isLeafType(getNamedType(field.type)) && field.args.length === 0);
  return leaf?.name ?? '__typename';
};
const unknownFields = ['nothing', 'slugs', 'Id', '_id', '__type', '__schema', '__typeName', 'name1', 'on', 'query'];

breaks(
  'ExecutableDefinitionsRule',
  ...[
    'type Added { a: Int }',
    'extend type Query { added: Int }',
    'scalar Added',
    'enum Added { A }',
    'input Added { a: Int = 1 }',
    'interface Added { a: Int }',
    'union Added = Region | Sector',
    'directive @added(a: Int) repeatable on FIELD | QUERY',
    'schema { query: Query }',
    'extend schema @skip(if: true)',
    '"described" type Added implements Node & Record @cost(weight: "1") { "a" a(b: [Int!]! = [1]): [Int!]! }',
  ].map((text): Breakage['apply'] => (subject) => {
    subject.define(text);
    return true;
  }),
);

breaks(
  'UniqueOperationNamesRule',
  at(
    (subject) => subject.operations.filter(({ name }) => name),
    (subject, { name }) => subject.define(`${subject.random.one(['query', 'query', 'mutation'])} ${name!.value} { __typename }`),
  ),
  (subject) => {
    subject.define('query Twice { __typename }');
    subject.define('query Twice { __typename }');
    return subject.operations.every(({ name }) => name);
  },
);

breaks(
  'LoneAnonymousOperationRule',
  (subject) => {
    subject.define(subject.random.one(['{ __typename }', 'query { __typename }', 'mutation { __typename }', 'query Other { __typename } { __typename }']));
    return true;
  },
  (subject) => {
    subject.define('query Other { __typename }');
    return subject.operations.some(({ name }) => !name);
  },
);

breaks(
  'SingleFieldSubscriptionsRule',
  ...[
    'subscription { changes { cursor } other: changes { cursor } }',
    'subscription { __typename }',
    'subscription S { a: __typename changes { cursor } }',
    'subscription { changes { cursor } ...F } fragment F on Subscription { b: changes { recordId } }',
    'subscription { ...F ...G } fragment F on Subscription { changes { cursor } } fragment G on Subscription { g: changes { cursor } }',
    'subscription { ... { changes { cursor } } ... on Subscription { b: changes { cursor } } }',
    'subscription { ... on Subscription { __typename } }',
    'subscription { ...F } fragment F on Subscription { ... { changes { cursor } a: changes { cursor } } }',
    'subscription { __schema { queryType { name } } }',
  ].map((text): Breakage['apply'] => (subject) => {
    if (subject.random.chance(0.5)) return text;
    return `${text} query Other { __typename }`.replace('subscription {', 'subscription Named {');
  }),
);

breaks(
  'SubscriptionRootDirectivesRule',
  ...[
    'subscription { changes @include(if: true) { cursor } }',
    'subscription($b: Boolean!) { changes @skip(if: $b) { cursor } }',
    'subscription { ...F @skip(if: false) } fragment F on Subscription { changes { cursor } }',
    'subscription { ...F } fragment F on Subscription { changes @skip(if: false) { cursor } }',
    'subscription { ... @include(if: true) { changes { cursor } } }',
    'subscription($b: Boolean = false) { ... on Subscription { ... @skip(if: $b) { changes { cursor } } } }',
    'subscription { changes { cursor } changes @skip(if: true) { cursor } }',
  ].map((text): Breakage['apply'] => () => text),
);

breaks(
  'KnownTypeNamesRule',
  at(
    (subject) => subject.sets,
    (subject, site) => subject.select(site, `... on ${subject.random.one(['Nothing', 'organization', 'Organisation', '_Entity', 'Int2'])} { __typename }`),
  ),
  at(
    (subject) => subject.sets,
    (subject, site) => {
      subject.select(site, '...Unknown');
      subject.define(`fragment Unknown on ${subject.random.one(['Nothing', 'region', 'Any'])} { __typename }`);
    },
  ),
  at(
    (subject) => subject.operations,
    (subject, operation) => {
      subject.declare(operation, `$unknown: ${subject.random.one(['Nothing', '[nothing!]', 'int', 'UUID!', 'JSON'])}`);
      operation.selectionSet = { ...operation.selectionSet, selections: [...operation.selectionSet.selections, ...selectionsOf('t: __typename @include(if: $unknown)')] };
      return operation.operation !== 'subscription';
    },
  ),
);

breaks(
  'FragmentsOnCompositeTypesRule',
  at(
    (subject) => subject.sets,
    (subject, site) => subject.select(site, `... on ${subject.random.one(['String', 'Language', 'OrganizationInput', 'URL', 'Boolean', 'TalentBy'])} { __typename }`),
  ),
  at(
    (subject) => subject.sets,
    (subject, site) => {
      subject.select(site, '...OnLeaf');
      subject.define(`fragment OnLeaf on ${subject.random.one(['Int', 'ID', 'Visibility', 'NearInput', 'Date'])} { ${subject.random.one(['__typename', 'a'])} }`);
    },
  ),
);

breaks(
  'VariablesAreInputTypesRule',
  at(
    (subject) => subject.operations,
    (subject, operation) => subject.declare(operation, `$output: ${subject.random.one(['Region', '[Organization!]!', 'Node', 'SearchResult', 'Query', '[[PageInfo]]', 'Money!'])}`),
  ),
);

breaks(
  'ScalarLeafsRule',
  at(
    (subject) => subject.fields.filter(({ definition }) => isLeafType(getNamedType(definition.type))),
    (subject, { field }) => {
      field.selectionSet = { kind: Kind.SELECTION_SET, selections: selectionsOf(subject.random.one(['__typename', 'length', 'name', '... { a }'])) };
    },
  ),
  at(
    (subject) => subject.fields.filter(({ field }) => field.selectionSet),
    (_, { field }) => {
      delete (field as { selectionSet?: unknown }).selectionSet;
    },
  ),
  at(
    (subject) => subject.sets,
    (subject, site) => subject.select(site, subject.random.one(['t: __typename { name }', 't: __typename { __typename }'])),
  ),
  at(
    (subject) => subject.sitesOfObjects,
    (subject, site) => {
      const field = Object.values((site.type as { getFields(): Record<string, GraphQLField<unknown, unknown>> }).getFields()).find(
        ({ type, args }) => isCompositeType(getNamedType(type)) && args.every((argument) => !isNonNullType(argument.type)),
      );
      if (!field) return false;
      subject.select(site, `leaf: ${field.name}`);
    },
  ),
);

breaks(
  'FieldsOnCorrectTypeRule',
  at(
    (subject) => subject.sets,
    (subject, site) => subject.select(site, subject.random.one(unknownFields)),
  ),
  at(
    (subject) => subject.sets.filter(({ type }) => isAbstractType(type)),
    (subject, site) => subject.select(site, subject.random.one(['name', 'displayName', 'title', 'nodes', 'x: employeeCount'])),
  ),
  at(
    (subject) => subject.fields,
    (subject, { field }) => {
      field.name = { kind: Kind.NAME, value: subject.random.one([`${field.name.value}s`, field.name.value.toUpperCase(), field.name.value.slice(0, -1) || 'x']) };
    },
  ),
  at(
    (subject) => subject.fields.filter(({ field }) => field.selectionSet),
    (subject, { field }) => {
      field.name = { kind: Kind.NAME, value: subject.random.one(['nothing', 'x']) };
    },
  ),
  at(
    (subject) => subject.sets.filter(({ type }) => type.name !== 'Query'),
    (subject, site) => subject.select(site, subject.random.one(['__schema { types { name } }', '__type(name: "Region") { name }'])),
  ),
);

breaks(
  'UniqueFragmentNamesRule',
  at(
    (subject) => subject.fragments,
    (subject, { name, typeCondition }) => subject.define(`fragment ${name.value} on ${subject.random.one([typeCondition.name.value, 'Region'])} { __typename }`),
  ),
  at(
    (subject) => subject.sets,
    (subject, site) => {
      subject.select(site, '...Twice');
      for (let count = 0; count < 2; count++) subject.define(`fragment Twice on ${site.type.name} { __typename }`);
    },
  ),
);

breaks(
  'KnownFragmentNamesRule',
  at(
    (subject) => subject.sets,
    (subject, site) => subject.select(site, `...${subject.random.one(['Missing', 'Region', 'f0', 'Q0'])}`),
  ),
  at(
    (subject) => subject.fragments,
    (subject, fragment) => void subject.document.definitions.splice(subject.document.definitions.indexOf(fragment as DefinitionNode), 1),
  ),
);

breaks(
  'NoUnusedFragmentsRule',
  (subject) => {
    subject.define(`fragment Unused on ${subject.random.one(['Query', 'Region', 'Node', 'SearchResult'])} { __typename }`);
    return true;
  },
  (subject) => {
    subject.define('fragment Unused on Region { ...UnusedToo } fragment UnusedToo on Region { slug }');
    return true;
  },
  (subject) => {
    const used = subject.pick(subject.fragments);
    subject.define(`fragment Unused on ${used?.typeCondition.name.value ?? 'Query'} { ...${used?.name.value ?? 'Unused'} }`);
    return true;
  },
);

breaks(
  'PossibleFragmentSpreadsRule',
  at(
    (subject) => subject.sets,
    (subject, site) => {
      const other = stranger(subject, site.type);
      if (!other) return false;
      subject.select(site, `... on ${other} { __typename }`);
    },
  ),
  at(
    (subject) => subject.sets,
    (subject, site) => {
      const other = stranger(subject, site.type);
      if (!other) return false;
      subject.select(site, '...Strange');
      subject.define(`fragment Strange on ${other} { __typename }`);
    },
  ),
);

/** A type that shares no object type with this one. */
function stranger({ schema, random }: Subject, type: GraphQLCompositeType): string | null {
  const possible = (one: GraphQLCompositeType) => (isAbstractType(one) ? schema.getPossibleTypes(one) : [one]);
  const own = possible(type);
  const others = Object.values(schema.getTypeMap()).filter((one) => isCompositeType(one) && !one.name.startsWith('__') && !possible(one).some((object) => own.includes(object)));
  return others.length > 0 ? random.one(others).name : null;
}

breaks(
  'NoFragmentCyclesRule',
  at(
    (subject) => subject.sets,
    (subject, site) => {
      subject.select(site, '...Round');
      const on = site.type.name;
      subject.define(
        subject.random.one([
          `fragment Round on ${on} { ...Round }`,
          `fragment Round on ${on} { __typename ... { ... on ${on} { ...Round } } }`,
          `fragment Round on ${on} { ...Round2 } fragment Round2 on ${on} { ...Round }`,
          `fragment Round on ${on} { ...Round2 } fragment Round2 on ${on} { ...Round3 } fragment Round3 on ${on} { __typename ...Round2 }`,
        ]),
      );
    },
  ),
  at(
    (subject) => subject.sets.filter(({ type }) => ['Region', 'Sector', 'Territory', 'Organization'].includes(type.name)),
    (subject, site) => {
      subject.select(site, '...Round');
      const field = { Region: 'successor', Sector: 'parent', Territory: 'parent', Organization: 'successor' }[site.type.name]!;
      subject.define(`fragment Round on ${site.type.name} { id ${field} { ...Round } }`);
    },
  ),
  at(
    (subject) => subject.fragments,
    (subject, fragment) => {
      subject.select({ set: fragment.selectionSet }, `...${fragment.name.value}`);
    },
  ),
);

breaks(
  'UniqueVariableNamesRule',
  at(
    (subject) => subject.operations.filter(({ variableDefinitions }) => variableDefinitions?.length),
    (subject, operation) => {
      const definition = subject.random.one(operation.variableDefinitions!);
      operation.variableDefinitions = [...operation.variableDefinitions!, definition];
    },
  ),
  at(
    (subject) => subject.operations.filter(({ operation }) => operation !== 'subscription'),
    (subject, operation) => {
      subject.declare(operation, '$twice: Boolean!, $twice: Boolean!');
      subject.select({ set: operation.selectionSet }, 't: __typename @skip(if: $twice)');
    },
  ),
);

breaks(
  'NoUndefinedVariablesRule',
  at(
    (subject) => subject.values.filter(({ inDefault }) => !inDefault),
    (_, site) => site.replace({ kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: 'undefined' } }),
  ),
  at(
    (subject) => subject.operations.filter(({ variableDefinitions }) => variableDefinitions?.length),
    (subject, operation) => {
      operation.variableDefinitions = subject.random.shuffled(operation.variableDefinitions!).slice(1);
    },
  ),
  at(
    (subject) => subject.conditionals.filter(({ directives }) => directives?.length === 0),
    (subject, node) => {
      setDirectives(node, [directiveOf(`@${subject.random.one(['skip', 'include'])}(if: $undefined)`)]);
    },
  ),
  // A fragment uses a variable that one of two operations does not declare.
  (subject) =>
    subject.random.one([
      'query A($s: String!) { ...F } query B { ...F } fragment F on Query { region(slug: $s) { slug } }',
      'query A($s: String!) { ...F } query B { ...G } fragment G on Query { ...F } fragment F on Query { region(slug: $s) { slug } }',
    ]),
);

breaks(
  'NoUnusedVariablesRule',
  at(
    (subject) => subject.operations,
    (subject, operation) => subject.declare(operation, `$unused: ${subject.random.one(['Int', '[String!]!', 'OrganizationInput', 'Boolean = true', 'Language! = FR'])}`),
  ),
  (subject) =>
    subject.random.one([
      'query A($s: String!) { ...F } query B($s: String!) { __typename } fragment F on Query { region(slug: $s) { slug } }',
      'query($a: String!, $b: String!) { region(slug: $a) { slug } }',
    ]),
);

const SOME_DIRECTIVES = ['@nothing', '@defer', '@stream', '@Skip(if: true)', '@client(a: 1)', '@deprecated', '@specifiedBy(url: "x")', '@oneOf', '@cost(weight: "1")', '@listSize(assumedSize: 1)'];
breaks(
  'KnownDirectivesRule',
  at(
    (subject) => subject.conditionals,
    (subject, node) => {
      setDirectives(node, [...(node.directives ?? []), directiveOf(subject.random.one(SOME_DIRECTIVES))]);
    },
  ),
  at(
    (subject) => [...subject.operations, ...subject.fragments],
    (subject, node) => {
      setDirectives(node, [directiveOf(subject.random.one([...SOME_DIRECTIVES, '@skip(if: false)', '@include(if: true)']))]);
    },
  ),
  at(
    (subject) => subject.operations.flatMap(({ variableDefinitions }) => variableDefinitions ?? []),
    (subject, definition) => {
      (definition as Mutable<VariableDefinitionNode>).directives = [directiveOf(subject.random.one([...SOME_DIRECTIVES, '@skip(if: false)'])) as ConstDirectiveNode];
    },
  ),
  at(
    (subject) => subject.sets.filter(({ operation }) => operation?.operation !== 'subscription'),
    (subject, site) => subject.select(site, `t: __typename ${subject.random.one(SOME_DIRECTIVES)}`),
  ),
);

breaks(
  'UniqueDirectivesPerLocationRule',
  at(
    (subject) => subject.conditionals,
    (subject, node) => {
      const name = subject.random.one(['skip', 'include']);
      const value = () => subject.random.chance(0.5);
      const added = [directiveOf(`@${name}(if: ${value()})`), directiveOf(`@${name}(if: ${value()})`)];
      setDirectives(node, subject.random.shuffled([...(node.directives ?? []), ...added]));
    },
  ),
  at(
    (subject) => subject.sets.filter(({ operation }) => operation?.operation !== 'subscription'),
    (subject, site) => subject.select(site, subject.random.one(['t: __typename @skip(if: true) @skip(if: true)', '... @include(if: true) @skip(if: false) @include(if: true) { __typename }'])),
  ),
);

breaks(
  'KnownArgumentNamesRule',
  at(
    (subject) => subject.fields,
    (subject, { field }) => {
      setArguments(field, [...(field.arguments ?? []), argumentOf(subject.random.one(['nothing: 1', 'First: 1', 'ids: []', 'lang: FR', 'limit: null', 'on: {a: [1]}']))]);
    },
  ),
  at(
    (subject) => subject.sets,
    (subject, site) => subject.select(site, subject.random.one(['t: __typename(a: 1)', 't: __typename(language: FR)', 't: __typename(if: true)'])),
  ),
  at(
    (subject) => subject.conditionals.filter(({ directives }) => directives?.length === 0),
    (subject, node) => {
      setDirectives(node, [directiveOf(subject.random.one(['@skip(if: false, unless: true)', '@include(if: true, If: true)', '@include(label: "a", if: true)']))]);
    },
  ),
);

breaks(
  'UniqueArgumentNamesRule',
  at(
    (subject) => subject.fields.filter(({ field }) => field.arguments?.length),
    (subject, { field }) => {
      const all = field.arguments as ArgumentNode[];
      setArguments(field, subject.random.shuffled([...all, subject.random.one(all)]));
    },
  ),
  at(
    (subject) => subject.fields.filter(({ definition }) => definition.args.some(({ name }) => name === 'language')),
    (_, { field }) => {
      setArguments(field, [argumentOf('language: FR'), argumentOf('language: NL')]);
    },
  ),
  at(
    (subject) => subject.conditionals.filter(({ directives }) => directives?.length === 0),
    (subject, node) => {
      setDirectives(node, [directiveOf(subject.random.one(['@skip(if: false, if: false)', '@include(if: true if: false)']))]);
    },
  ),
);

/** Literals that are invalid for a type. */
export function wrongLiterals(type: GraphQLInputType): string[] {
  const wrong: string[] = [];
  if (isNonNullType(type)) wrong.push('null');
  const nullable = isNonNullType(type) ? type.ofType : type;
  if (isListType(nullable)) {
    for (const item of wrongLiterals(nullable.ofType)) wrong.push(`[${item}]`);
    // A list of lists never fits, as no list of the schema has lists in it.
    wrong.push('[[]]', '[{}, []]');
    return [...wrong, ...wrongLiterals(nullable.ofType).filter((item) => item !== 'null' && item !== '[]')];
  }
  if (isInputObjectType(nullable)) {
    wrong.push('1', '"text"', 'true', 'ENUM', '[]', '[{}]', '{nothing: 1}', '{nothing: null, NOTHING: {}}');
    const fields = Object.values(nullable.getFields());
    if (fields.some(isRequiredInputField)) wrong.push('{}');
    if (nullable.isOneOf) wrong.push('{}', '{slug: null}', '{id: "a", slug: "b"}', '{id: "a", slug: null}', '{id: null, slug: "a"}');
    return wrong;
  }
  wrong.push('[]', '{}', '{a: 1}', '[null, null]');
  if (isEnumType(nullable)) return [...wrong, '"FR"', `"${nullable.getValues()[0]!.name}"`, 'NOTHING', nullable.getValues()[0]!.name.toLowerCase(), '1', 'true', '1.5'];
  switch (nullable.name) {
    case 'Int':
      return [...wrong, '2.0', '1.5', '1e2', '2147483648', '-2147483649', '99999999999999999999', '"1"', 'true', 'ONE'];
    case 'Float':
      return [...wrong, '"1.5"', 'true', 'NaN', 'Infinity'];
    case 'Boolean':
      return [...wrong, '"true"', '1', '0', 'TRUE', 'yes', '0.0'];
    case 'ID':
      return [...wrong, 'true', '1.0', 'ENUM'];
    case 'Decimal':
      return [...wrong, 'true', '1.5', 'ENUM'];
    default:
      return [...wrong, '1', '1.5', 'true', 'ENUM'];
  }
}

breaks(
  'ValuesOfCorrectTypeRule',
  ...Array.from({ length: 6 }, () =>
    at(
      (subject: Subject) => subject.values,
      (subject, site) => site.replace(parseValue(subject.random.one(wrongLiterals(site.type)))),
    ),
  ),
  at(
    (subject) => subject.objects,
    (subject, { object }) => {
      const [field] = (parseValue(`{${subject.random.one(['nothing: 1', 'Name: "a"', 'ID: "a"', '_: null'])}}`) as ObjectValueNode).fields;
      object.fields = subject.random.shuffled([...object.fields, field!]);
    },
  ),
  at(
    (subject) => subject.objects.filter(({ object }) => object.fields.length > 0),
    (subject, { object }) => {
      object.fields = subject.random.shuffled(object.fields).slice(1);
    },
  ),
  at(
    (subject) => subject.conditionals.filter(({ directives }) => directives?.length === 0),
    (subject, node) => {
      setDirectives(node, [directiveOf(`@${subject.random.one(['skip', 'include'])}(if: ${subject.random.one(['null', '"true"', '1', '[true]', '{}', 'TRUE', 'skip'])})`)]);
    },
  ),
  at(
    (subject) => subject.operations.flatMap(({ variableDefinitions }) => variableDefinitions ?? []),
    (subject, definition) => {
      const type = inputType(subject.schema, definition);
      if (!type) return false;
      (definition as { defaultValue: unknown }).defaultValue = parseValue(subject.random.one(wrongLiterals(type)), {});
    },
  ),
);

/** The type of a variable. */
function inputType(schema: GraphQLSchema, definition: VariableDefinitionNode): GraphQLInputType | null {
  const info = new TypeInfo(schema);
  let found: GraphQLInputType | null = null;
  visit(definition, visitWithTypeInfo(info, { Variable: () => void (found = info.getInputType() ?? null) }));
  return found;
}

breaks(
  'ProvidedRequiredArgumentsRule',
  at(
    (subject) => subject.fields.filter(({ definition, field }) => definition.args.some((argument) => isRequired(argument) && field.arguments?.some(({ name }) => name.value === argument.name))),
    (subject, { field, definition }) => {
      const required = subject.random.one(definition.args.filter(isRequired)).name;
      setArguments(field, field.arguments!.filter(({ name }) => name.value !== required) as ArgumentNode[]);
    },
  ),
  at(
    (subject) => subject.conditionals.filter(({ directives }) => directives?.length === 0),
    (subject, node) => {
      setDirectives(node, [directiveOf(subject.random.one(['@skip', '@include']))]);
    },
  ),
  at(
    (subject) => subject.sets.filter(({ operation }) => operation?.operation !== 'subscription'),
    (subject, site) => subject.select(site, subject.random.one(['t: __typename @skip', '... @include { __typename }'])),
  ),
);
const isRequired = (argument: GraphQLArgument) => isNonNullType(argument.type) && argument.defaultValue === undefined;

/** Variable declarations that are invalid at a place of this type. */
function misfits(type: GraphQLInputType): string[] {
  const named = getNamedType(type).name;
  const other = { Int: 'Float', Float: 'String', String: 'ID', ID: 'String', Boolean: 'Int' }[named] ?? (named === 'Language' ? 'Visibility' : 'Language');
  const found = [other, `${other}!`, `[${other}!]!`, `[[${named}!]!]!`];
  const nullable = isNonNullType(type) ? type.ofType : type;
  if (isNonNullType(type)) found.push(String(nullable), `${nullable} = null`);
  if (isListType(nullable)) {
    found.push(named, `${named}!`);
    if (isNonNullType(nullable.ofType)) found.push(`[${named}]`, `[${named}]!`);
  } else {
    found.push(`[${named}]`, `[${named}!]!`);
  }
  return found;
}

breaks(
  'VariablesInAllowedPositionRule',
  ...Array.from({ length: 4 }, () =>
    at(
      (subject: Subject) => subject.values.filter(({ inDefault, operation }) => !inDefault && operation !== null),
      (subject, site) => {
        subject.declare(site.operation!, `$misfit: ${subject.random.one(misfits(site.type))}`);
        site.replace({ kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: 'misfit' } });
      },
    ),
  ),
  at(
    (subject) => subject.operations.filter(({ operation }) => operation !== 'subscription'),
    (subject, operation) => {
      subject.declare(operation, `$misfit: ${subject.random.one(['Boolean', 'Boolean = null', '[Boolean!]!', 'String!', 'Int!'])}`);
      const directive = `@${subject.random.one(['skip', 'include'])}(if: $misfit)`;
      subject.select({ set: operation.selectionSet }, subject.random.one([`t: __typename ${directive}`, `... ${directive} { __typename }`]));
    },
  ),
  // Variables within lists and objects, in fragments, and in OneOf input objects.
  (subject) =>
    subject.random.one([
      'query($i: ID) { nodes(ids: [$i]) { id } }',
      'query($i: [ID!]) { nodes(ids: $i) { id } }',
      'query($i: ID!) { nodes(ids: $i) { id } }',
      'query($i: [ID!]!) { nodes(ids: [$i]) { id } }',
      'query($i: [ID]! = []) { nodes(ids: $i) { id } }',
      'query($l: Float) { organizations(filter: {near: {latitude: $l, longitude: 1, radiusKm: 1}}) { totalCount } }',
      'query($l: Int!) { organizations(filter: {near: {latitude: $l, longitude: 1, radiusKm: 1}}) { totalCount } }',
      'query($f: OrganizationOrderField) { organizations(orderBy: {field: $f}) { totalCount } }',
      'query($d: OrderDirection = null) { regions { ...F } } fragment F on Region { organizations(orderBy: {field: NAME, direction: $d}) { totalCount } talents(orderBy: {field: $d}) { totalCount } }',
      'query($s: String) { ...F } fragment F on Query { ...G } fragment G on Query { region(slug: $s) { slug } }',
      'query A($s: String!) { ...F } query B($s: String) { ...F } fragment F on Query { region(slug: $s) { slug } }',
      'query($s: [String]) { organizations(filter: {kinds: $s}) { totalCount } }',
      'query($s: String) { organizations(filter: {kinds: [$s, "a"]}) { totalCount } }',
      'mutation($l: String) { createOrganization(input: {descriptions: [{language: FR, text: $l}]}) { userErrors { code } } }',
      'mutation($t: TalentInput!) { createOrganization(input: $t) { userErrors { code } } }',
      'mutation($b: Boolean) { createOrganization(input: {claims: [{field: "a", source: {}, value: "b", preferred: $b}]}) { userErrors { code } } deleteTalent(id: $b) { deletedId } }',
    ]),
);

breaks(
  'VariablesInOneOfRule',
  at(
    (subject) => subject.values.filter(({ inDefault, operation, inOneOf }) => !inDefault && operation !== null && inOneOf),
    (subject, site) => {
      const type = String(isNonNullType(site.type) ? site.type.ofType : site.type);
      subject.declare(site.operation!, `$misfit: ${type}${subject.random.chance(0.3) ? ' = null' : ''}`);
      site.replace({ kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: 'misfit' } });
    },
  ),
  (subject) =>
    subject.random.one([
      'query($s: String) { organization(by: {slug: $s}) { slug } }',
      'query($s: String = null) { organization(by: {slug: $s}) { slug } }',
      'query($e: ExternalIdInput) { talent(by: {externalId: $e}) { slug } }',
      'query($i: IdentifierInput) { ...F } fragment F on Query { organization(by: {identifier: $i}) { slug } }',
      'query($i: ID) { partnership(by: {id: $i}) { slug } node(id: "x") { id } }',
    ]),
);

breaks(
  'OverlappingFieldsCanBeMergedRule',
  // Another field with the same response key.
  at(
    (subject) => subject.fields.filter(({ parent }) => 'getFields' in parent),
    (subject, site) => {
      const set = subject.sets.find(({ set: one }) => one.selections.includes(site.field as SelectionNode));
      const key = site.field.alias?.value ?? site.field.name.value;
      if (!set) return false;
      const other = Object.values((site.parent as { getFields(): Record<string, GraphQLField<unknown, unknown>> }).getFields()).find(
        ({ name, type, args }) => name !== site.field.name.value && isLeafType(getNamedType(type)) && !args.some(isRequired),
      );
      const text = `${key}: ${other && key !== other.name ? other.name : '__typename'}`;
      if (subject.random.chance(0.5)) subject.select(set, text);
      else if (subject.random.chance(0.5)) subject.select(set, `... ${subject.random.chance(0.5) ? `on ${set.type.name} ` : ''}{ ${text} }`);
      else {
        subject.select(set, '...Clash');
        subject.define(`fragment Clash on ${set.type.name} { ${text} }`);
      }
    },
  ),
  // Other arguments with the same response key.
  at(
    (subject) => subject.fields.filter(({ definition }) => definition.args.some(({ type }) => !isInputObjectType(getNamedType(type)))),
    (subject, site) => {
      const set = subject.sets.find(({ set: one }) => one.selections.includes(site.field as SelectionNode));
      if (!set) return false;
      const argument = subject.random.one(site.definition.args.filter(({ type }) => !isInputObjectType(getNamedType(type))));
      const copy = structuredClone(site.field) as Mutable<FieldNode>;
      const value = parseValue(new Values(subject.random).literal(argument));
      setArguments(copy, [
        ...((copy.arguments ?? []) as ArgumentNode[]).filter(({ name }) => name.value !== argument.name),
        ...(isRequired(argument) || subject.random.chance(0.7) ? [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: argument.name }, value } as ArgumentNode] : []),
      ]);
      (set.set.selections as SelectionNode[]).push(copy as unknown as SelectionNode);
    },
  ),
  // Conflicting types with the same response key, on types without common objects.
  at(
    (subject) => subject.sets.filter(({ type }) => ['Node', 'SearchResult', 'Record'].includes(type.name)),
    (subject, site) =>
      subject.select(
        site,
        subject.random.one([
          '... on Organization { clash: name } ... on Talent { clash: givenName }',
          '... on Organization { clash: languages } ... on Talent { clash: skills }',
          '... on Organization { clash: id } ... on Partnership { clash: kind { slug } }',
          '... on Organization { clash: region { x: slug } } ... on Talent { clash: region { x: nutsCode } }',
          '... on Organization { clash: sectors { slug } } ... on Talent { clash: region { slug } }',
          '... on Organization { clash: sectors { a: slug } } ... on Talent { clash: occupations { a: iscoCode } }',
          '... on Organization { clash: createdAt } ... on Talent { clash: slug }',
          '... on Organization { clash: employeeCount } ... on Talent { clash: revision }',
          '... on Organization { ...ClashA } ... on Talent { clash: claimed } ... on Partnership { __typename }',
        ].map((text) => text.replace('...ClashA', 'clash: slug')),
      ),
    ),
  ),
  // Conflicts below the first level, from merging two selections of a field.
  (subject) =>
    subject.random.one([
      '{ regions { n: name } regions { n: slug } }',
      '{ regions { name(language: FR) } ... { regions { name } } }',
      '{ ...A ...B } fragment A on Query { regions { territories { n: name } } } fragment B on Query { regions { territories { n: slug } } }',
      'query($l: Language) { regions { name(language: $l) } regions { name(language: FR) } }',
      'query($a: Language, $b: Language) { regions { name(language: $a) name(language: $b) } }',
      '{ organizations(first: 1) { nodes { slug } } organizations(first: 2) { nodes { slug } } }',
      '{ organizations(first: 1) { nodes { slug } } organizations { nodes { slug } } }',
      '{ organizations(filter: {kinds: ["a"], regions: []}) { totalCount } organizations(filter: {regions: [], kinds: ["b"]}) { totalCount } }',
      '{ node(id: "a") { id ... on Region { x: slug } ...F } } fragment F on Node { ... on Sector { x: naceCodes } }',
      '{ search(query: "a") { nodes { ... on Organization { kind { a: slug } } ... on Partnership { kind { a: definition } } } } }',
      'mutation { deleteTalent(id: "a") { deletedId } deleteTalent(id: "b") { deletedId } }',
      'mutation { x: deleteTalent(id: "a") { deletedId } x: eraseTalent(id: "a") { deletedId } }',
      '{ a: __typename a: regions { slug } }',
    ]),
);

breaks(
  'UniqueInputFieldNamesRule',
  at(
    (subject) => subject.objects.filter(({ object }) => object.fields.length > 0),
    (subject, { object }) => {
      object.fields = subject.random.shuffled([...object.fields, subject.random.one(object.fields)]);
    },
  ),
  (subject) =>
    subject.random.one([
      '{ organization(by: {slug: "a", slug: "b"}) { slug } }',
      '{ organization(by: {slug: "a", slug: "a"}) { slug } }',
      '{ organizations(filter: {near: {latitude: 1, longitude: 1, radiusKm: 1, latitude: 2}}) { totalCount } }',
      'query($f: OrganizationFilter = {kinds: [], kinds: []}) { organizations(filter: $f) { totalCount } }',
      'mutation { createTalent(input: {headlines: [{language: FR, text: "a", language: NL}]}) { userErrors { code } } }',
    ]),
);

breaks(
  'MaxIntrospectionDepthRule',
  ...[
    '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
    '{ __type(name: "Region") { fields { type { interfaces { possibleTypes { name } } } } } }',
    '{ __schema { types { inputFields { type { inputFields { type { inputFields { name } } } } } } } }',
    '{ __schema { types { ...T } } } fragment T on __Type { fields { type { ...U } } } fragment U on __Type { fields { type { fields { name } } } }',
  ].map((text): Breakage['apply'] => () => text),
);

/** Not a rule, but the grammar. */
export const SYNTAX = 'Syntax';
const BAD_STRINGS = ['"\\x"', '"\\u12"', '"\\uD83D"', '"\\uDE00\\uD83D"', '"\\u{110000}"', '"\\u{}"', '"\\u{D83D}"', '"\\u{12"', '"\\u{-1}"', '"a\nb"', '"a', '"""a', "'a'", '"\\"', '"\\u{1F600"', '"""\\"""'];
const BAD_NUMBERS = ['01', '00', '-', '-01', '1.', '.5', '1.e3', '1e', '1e+', '+1', '0x1F', '1_000', '1a', '1.5.2', '1.0f', '- 1', '1..2'];
breaks(
  SYNTAX,
  ...Array.from({ length: 5 }, (): Breakage['apply'] => (subject) => {
    // A token is removed, doubled, replaced or moved.
    const { random, text } = subject;
    const all = tokens(text).map(({ start, end }) => text.slice(start, end));
    const index = random.below(all.length);
    const any = ['{', '}', '(', ')', '[', ']', ':', '=', '!', '$', '@', '&', '|', '...', 'on', 'fragment', 'query', 'name', '1', '1.5', '""', '"a"', 'null', '$v', '@skip(if: true)', '()', '{}', '.', '..', '?', '%', '~', '\\', ';', '<', '\u00a0', '\u200b', '\u0001', 'é'];
    switch (random.below(5)) {
      case 0:
        all.splice(index, 1);
        break;
      case 1:
        all.splice(index, 0, random.one(any));
        break;
      case 2:
        all[index] = random.one(any);
        break;
      case 3:
        all.splice(index, 0, all[index]!);
        break;
      default:
        all.splice(random.below(all.length), 0, ...all.splice(index, 1));
    }
    return all.join(' ');
  }),
  (subject) => {
    const { random, text } = subject;
    const found = tokens(text).filter(({ kind }) => ['String', 'Int', 'Float', 'BlockString'].includes(kind));
    const token = subject.pick(found);
    const bad = random.one(random.chance(0.5) ? BAD_STRINGS : BAD_NUMBERS);
    if (!token) return `{ sector(slug: ${bad}) { slug } }`;
    return text.slice(0, token.start) + bad + text.slice(token.end);
  },
  // The sign before or after a name is missing or replaced.
  ...Array.from({ length: 2 }, (): Breakage['apply'] => ({ random, text }) => {
    const signs = tokens(text).filter(({ kind }) => [':', '$', '@', '=', '!', '...'].includes(kind));
    if (signs.length === 0) return false;
    const { start, end } = random.one(signs);
    return `${text.slice(0, start)} ${random.one(['', 'on', '1', 'null', '{', '"a"', '$', '!', ','])} ${text.slice(end)}`;
  }),
  (subject) => {
    const all = tokens(subject.text);
    return subject.text.slice(0, all[subject.random.below(all.length)]!.start);
  },
  (subject) =>
    subject.random.one([
      '',
      ' ',
      '# nothing',
      '{',
      '{ }',
      'query',
      'query Q',
      'query() { __typename }',
      'query($a) { __typename }',
      'query($a: ) { __typename }',
      'query($a: Int = $b, $b: Int) { consentText(version: $a) { text } }',
      'query($a: [Int = []) { __typename }',
      'query($a: Int!!) { __typename }',
      'fragment on on Query { __typename } { ...on }',
      '{ ... on { __typename } }',
      '{ ...on }',
      '{ a: b: __typename }',
      '{ a: }',
      '{ regions() { slug } }',
      '{ region(slug "a") { slug } }',
      '{ region(slug: ) { slug } }',
      '{ __typename @ }',
      '{ __typename @skip() }',
      '"described" { __typename }',
      '{ "described" __typename }',
      'subscription { }',
      'query Q @ { __typename }',
      '{ organizations(filter: {kinds: [}) { totalCount } }',
      '{ organizations(filter: {kinds}) { totalCount } }',
      'query Q { __typename } }',
      'Query { __typename }',
      'fragment F($a: Int) on Query { __typename } { ...F }',
      'fragment F { __typename }',
      '{ __typename } "trailing"',
      'query ($a: Int @skip(if: $a)) { __typename }',
    ]),
);

export const BREAKAGES: readonly Breakage[] = ALL;
