/** Valid documents over the schema, of every shape. The reference decides whether a document really is valid. */

import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';

import type { Random } from './random.js';
import { Values, type Names, type Place } from './values.js';

/** Below the server's limits of aliases, directives and selections. */
const ALIASES = 25;
const DIRECTIVES = 40;
const SELECTIONS = 60;
/** The greatest depth of fields. */
const DEEPEST = 7;

/** Root fields that return abstract types, or objects with fields that do. */
const ABSTRACT: ReadonlySet<string> = new Set(['node', 'nodes', 'search', 'suggest']);

const isOneOf = (type: GraphQLInputType): boolean => {
  const named = getNamedType(type);
  return isInputObjectType(named) && named.isOneOf;
};

export type Root = 'query' | 'mutation' | 'subscription';

export interface Made {
  document: string;
  variables: Record<string, unknown>;
  operationName?: string;
}

export interface Wish {
  root: Root;
  /** Names that exist on the server, so that documents execute without errors. */
  names?: Names;
  /** Fields to avoid, as `Type.field`. */
  without?: ReadonlySet<string>;
  /** Arguments to avoid, by name. */
  withoutArguments?: ReadonlySet<string>;
  /** The probability that a selection has `@skip` or `@include`. */
  conditions?: number;
  /** Whether a document may have several operations. */
  several?: boolean;
}

/** The variables of one operation. */
interface Scope {
  definitions: Map<string, string>;
  values: Record<string, unknown>;
}

interface Fragment {
  name: string;
  on: GraphQLCompositeType;
}

/** The type conditions that are valid within a type. */
const CONDITIONS = new WeakMap<GraphQLCompositeType, GraphQLCompositeType[]>();

export class Maker {
  private readonly values: Values;
  private fragments: string[] = [];
  private spreadable: Fragment[] = [];
  private scope: Scope | null = null;
  private aliases = 0;
  private directives = 0;
  private selections = 0;
  private numbers = 0;
  /** The arguments of a field without an alias: always the same, so that its selections can be merged. */
  private readonly given = new Map<string, string>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly random: Random,
    private readonly wish: Wish,
  ) {
    this.values = new Values(random, wish.names);
  }

  /** A document with the values of its variables. */
  make(): Made {
    const { random, wish } = this;
    const count = wish.several && random.chance(0.15) ? 2 + random.below(2) : 1;
    const operations: string[] = [];
    let meant: { name: string | null; scope: Scope } | null = null;
    const chosen = random.below(count);
    for (let index = 0; index < count; index++) {
      const name = count > 1 || random.chance(0.5) ? random.one(['Q', 'query', 'on', 'null', 'fragment', '_']) + index : null;
      const root = index === chosen ? wish.root : 'query';
      const scope: Scope = { definitions: new Map(), values: {} };
      this.scope = scope;
      // A fragment may use only the variables of its own operation.
      this.spreadable = [];
      operations.push(this.operation(root, name));
      if (index === chosen) meant = { name, scope };
    }
    const description = () => (random.chance(0.06) ? `${random.one(['"What it is for"', '"""\n  What it is for,\n  in two lines\n"""', '""'])} ` : '');
    const parts = random.shuffled([...operations, ...this.fragments]).map((part) => (part.startsWith('{') ? part : description() + part));
    const made: Made = { document: parts.join('\n'), variables: meant!.scope.values };
    if (meant!.name !== null && (count > 1 || random.chance(0.3))) made.operationName = meant!.name;
    return made;
  }

  private operation(root: Root, name: string | null): string {
    const { random, schema } = this;
    const type = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() }[root]!;
    const set = root === 'subscription' ? this.subscription(type) : this.set(type, 0, root === 'mutation' ? 2 : 3);
    const definitions = [...this.scope!.definitions.values()];
    if (root === 'query' && name === null && definitions.length === 0 && random.chance(0.8)) return set;
    const variables = definitions.length > 0 ? `(${random.shuffled(definitions).join(random.one([', ', '\n']))})` : '';
    return `${root}${name === null ? '' : ` ${name}`}${variables} ${set}`;
  }

  /** A subscription has one root field, possibly within fragments, and possibly twice. */
  private subscription(type: GraphQLCompositeType): string {
    const { random } = this;
    if (!isObjectType(type)) throw new Error('a root is an object');
    const field = random.one(Object.values(type.getFields()));
    const one = () => this.field(type, field, 0, false);
    const wrap = (inner: string): string => {
      switch (random.below(6)) {
        case 0:
          return `... { ${inner} }`;
        case 1:
          return `... on ${type.name} { ${inner} }`;
        case 2: {
          const name = `F${this.numbers++}`;
          this.fragments.push(`fragment ${name} on ${type.name} { ${inner} }`);
          return `...${name}`;
        }
        default:
          return inner;
      }
    };
    return `{ ${wrap(one())}${random.chance(0.2) ? ` ${wrap(one())}` : ''} }`;
  }

  private set(type: GraphQLCompositeType, depth: number, most: number): string {
    const { random } = this;
    const count = 1 + random.below(most);
    const parts: string[] = [];
    for (let index = 0; index < count; index++) parts.push(this.selection(type, depth));
    return `{ ${parts.join(random.one([' ', '\n', ', ']))} }`;
  }

  private selection(type: GraphQLCompositeType, depth: number): string {
    const { random } = this;
    this.selections++;
    const full = this.selections > SELECTIONS || depth >= DEEPEST;
    if (!full) {
      const choice = random.next();
      if (choice < 0.1) return this.inline(type, depth);
      if (choice < 0.2) return this.spread(type, depth);
      if (isAbstractType(type) && choice < 0.55) return this.inline(type, depth);
    }
    if (isUnionType(type)) return this.typename();
    const fields = Object.values(type.getFields()).filter((field) => !this.wish.without?.has(`${type.name}.${field.name}`));
    const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
    // Lookups by one of several names and abstract types are rare among the root fields, so they are preferred at
    // times.
    const rare = depth === 0 && random.chance(0.2) ? fields.filter(({ name, args }) => ABSTRACT.has(name) || args.some((argument) => isOneOf(argument.type))) : [];
    if (rare.length > 0) return this.field(type, random.one(rare), depth, true);
    const candidates = full ? leaves : random.chance(0.45) && leaves.length > 0 ? leaves : fields;
    // At the root of a mutation, fields are preferred to `__typename`.
    if (candidates.length === 0 || (random.chance(0.06) && type !== this.schema.getMutationType())) return this.typename();
    return this.field(type, random.one(candidates), depth, true);
  }

  private typename(): string {
    return `${this.alias(0.2)}__typename${this.conditions()}`;
  }

  private alias(chance: number): string {
    if (this.aliases >= ALIASES || !this.random.chance(chance)) return '';
    this.aliases++;
    return `${this.random.one(['a', 'type', 'true', 'query', '_'])}${this.numbers++}: `;
  }

  private field(parent: GraphQLCompositeType, field: GraphQLField<unknown, unknown>, depth: number, mayBeSkipped: boolean): string {
    const { random } = this;
    let alias = this.alias(0.15);
    let given: string;
    const key = `${parent.name}.${field.name}`;
    if (alias) {
      given = this.arguments(field.args);
    } else {
      given = this.given.get(key) ?? this.arguments(field.args);
      // Variables belong to one operation, so the arguments cannot be reused in others.
      if (!given.includes('$')) this.given.set(key, given);
      else if (this.aliases < ALIASES) {
        this.aliases++;
        alias = `a${this.numbers++}: `;
      }
    }
    const named = getNamedType(field.type);
    const set = isCompositeType(named) ? ` ${this.set(named, depth + 1, isObjectType(named) || isInterfaceType(named) ? 4 : 3)}` : '';
    return `${alias}${field.name}${given}${mayBeSkipped ? this.conditions() : ''}${set}`;
  }

  private arguments(all: readonly GraphQLArgument[]): string {
    const { random } = this;
    const chosen = all.filter((argument) => isRequiredArgument(argument) || (random.chance(0.25) && !this.wish.withoutArguments?.has(argument.name)));
    if (chosen.length === 0) return '';
    const written = random.shuffled(chosen).map((argument) => {
      const value = this.values.literal(argument, (place, inOneOf) => (random.chance(0.25) ? this.variable(place, inOneOf, argument.defaultValue !== undefined && place === argument) : null));
      return `${argument.name}: ${value}`;
    });
    return `(${written.join(random.one([', ', ' ']))})`;
  }

  /** A variable that is allowed at a place: of its type, of a stricter type, or with a default. */
  private variable({ type, name }: Place, inOneOf: boolean, hasDefault: boolean): string | null {
    const { random, scope } = this;
    if (!scope) return null;
    const nullable: GraphQLInputType = isNonNullType(type) ? type.ofType : type;
    const mustBeThere = isNonNullType(type) || inOneOf;
    for (const [known, definition] of scope.definitions) {
      if (random.chance(0.5) && definition.includes(`: ${nullable}!`) && !definition.includes('[')) return `$${known}`;
    }
    const variable = `${random.one(['v', 'input', 'true', 'on'])}${this.numbers++}`;
    const strict = inOneOf || (mustBeThere ? random.chance(0.7) : random.chance(0.3));
    let value: string | null = null;
    if (!strict && mustBeThere && !hasDefault) {
      // A default other than null makes the nullable type fit.
      value = this.values.literal({ type, name });
      if (value === 'null') value = null;
    } else if (random.chance(0.3)) {
      value = this.values.literal({ type: strict ? type : nullable, name });
      if (value === 'null' && strict) value = null;
    }
    const declaredStrict = strict || (mustBeThere && value === null);
    const declared = `${nullable}${declaredStrict ? '!' : ''}`;
    const description = random.chance(0.05) ? '"what it is" ' : '';
    scope.definitions.set(variable, `${description}$${variable}: ${declared}${value === null ? '' : ` = ${value}`}`);
    const mayBeMissing = value !== null || !declaredStrict;
    if (!mayBeMissing || random.chance(0.7)) {
      // An explicit null at a non-null place fails the field, despite a default.
      let json = this.values.json({ type: nullable, name });
      for (let tries = 0; json === null && (declaredStrict || mustBeThere) && tries < 50; tries++) json = this.values.json({ type: nullable, name });
      scope.values[variable] = json;
    }
    return `$${variable}`;
  }

  private conditions(): string {
    const { random } = this;
    if (this.directives >= DIRECTIVES || !random.chance(this.wish.conditions ?? 0.1)) return '';
    const names = random.chance(0.15) ? random.shuffled(['skip', 'include']) : [random.one(['skip', 'include'])];
    this.directives += names.length;
    return names.map((name) => ` @${name}(if: ${this.condition(name === 'include')})`).join('');
  }

  private condition(shown: boolean): string {
    const { random, scope } = this;
    const value = random.chance(0.6) ? shown : !shown;
    if (!scope || random.chance(0.4)) return String(value);
    const name = `c${this.numbers++}`;
    switch (random.below(4)) {
      case 0:
        scope.definitions.set(name, `$${name}: Boolean!`);
        scope.values[name] = value;
        break;
      case 1:
        scope.definitions.set(name, `$${name}: Boolean = ${value}`);
        break;
      case 2:
        scope.definitions.set(name, `$${name}: Boolean! = ${!value}`);
        scope.values[name] = value;
        break;
      default:
        scope.definitions.set(name, `$${name}: Boolean! = ${value}`);
    }
    return `$${name}`;
  }

  /** A valid type condition within `type`: the type itself, one of its types, or one that includes it. */
  private typeCondition(type: GraphQLCompositeType): GraphQLCompositeType {
    const known = CONDITIONS.get(type) ?? this.typeConditions(type);
    CONDITIONS.set(type, known);
    return this.random.one(known);
  }

  private typeConditions(type: GraphQLCompositeType): GraphQLCompositeType[] {
    const { schema } = this;
    const others: GraphQLCompositeType[] = [type];
    if (isAbstractType(type)) others.push(...schema.getPossibleTypes(type), ...schema.getPossibleTypes(type));
    const own = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
    for (const other of Object.values(schema.getTypeMap())) {
      if (isAbstractType(other) && other !== type && schema.getPossibleTypes(other).some((one) => own.includes(one))) others.push(other);
    }
    return others;
  }

  private inline(type: GraphQLCompositeType, depth: number): string {
    const { random } = this;
    const on = random.chance(0.2) ? null : this.typeCondition(type);
    return `...${on ? ` on ${on.name}` : ''}${this.conditions()} ${this.set(on ?? type, depth + (isAbstractType(type) ? 0 : 1), 3)}`;
  }

  private spread(type: GraphQLCompositeType, depth: number): string {
    const { random, schema } = this;
    const types = (one: GraphQLCompositeType) => (isAbstractType(one) ? schema.getPossibleTypes(one) : [one]);
    const fitting = this.spreadable.filter((fragment) => types(fragment.on).some((one) => types(type).includes(one)));
    if (fitting.length > 0 && random.chance(0.5)) return `...${random.one(fitting).name}${this.conditions()}`;
    const on = this.typeCondition(type);
    const name = `${random.one(['F', 'fragment', 'true', 'query'])}${this.numbers++}`;
    this.fragments.push(`fragment ${name} on ${on.name} ${this.set(on, depth + 1, 3)}`);
    // It can be spread from here on, but not within itself.
    this.spreadable.push({ name, on });
    return `...${name}${this.conditions()}`;
  }
}

