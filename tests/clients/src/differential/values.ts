/** Values of input types, valid and unusual, as literals and as JSON. */

import {
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNullableType,
} from 'graphql';

import type { Random } from './random.js';

/** The greatest depth of input objects. */
const DEEPEST = 3;

/** Texts with all characters that strings must or may escape. */
export const TEXTS = [
  '',
  'ankama',
  'été à Liège',
  '日本語',
  '🎬',
  '𝄞🎬🏴',
  'clé 𝄞 et 👩‍👩‍👧',
  'a "quoted" word',
  'back\\slash \\u0041',
  'two\nlines',
  '  indented\n    more\n\n  less',
  'tab\there',
  '\u0000\u0007\u001f\u007f',
  '# no comment',
  '""" three quotes',
  '\u2028\ufeff\uffff',
  '/ \b\f\r',
  '{ } ( ) [ ] : = @ $ & | ! ...',
];

/** Texts that custom scalars accept. */
export const SAMPLES: Record<string, string[]> = {
  ChangeCursor: ['', 'x'],
  Date: ['2026-11-21', '1999-12-31'],
  DateTime: ['2026-11-21T10:00:00Z', '2026-01-01T00:00:00.5+02:00'],
  Decimal: ['12.50', '-3', '0'],
  EmailAddress: ['name@example.org'],
  PartialDate: ['2009', '2009-07', '2009-07-03'],
  URL: ['https://example.org/', 'http://example.org/a?b=c'],
};

/** Names that exist on the server, by argument or field: `slug`, or for one type `TalentBy.slug`. */
export type Names = ReadonlyMap<string, readonly string[]>;

/** An input position: its type, and its name, prefixed by that of its input object. */
export interface Place {
  type: GraphQLInputType;
  name: string;
}

/** A text as a literal: JSON escapes are valid in GraphQL. */
export const quoted = (text: string): string => JSON.stringify(text);

export class Values {
  constructor(
    private readonly random: Random,
    private readonly names: Names = new Map(),
  ) {}

  /**
   * A literal for a position. `variable` may supply a variable instead, where one is allowed.
   */
  literal(place: Place, variable: (place: Place, inOneOf: boolean) => string | null = () => null, depth = 0, inOneOf = false): string {
    const { random } = this;
    const { type, name } = place;
    const written = variable(place, inOneOf);
    if (written !== null) return written;
    if (isNonNullType(type)) return this.present({ type: type.ofType, name }, variable, depth);
    if (!inOneOf && random.chance(0.08)) return 'null';
    return this.present(place, variable, depth);
  }

  /** A literal that is not null. */
  private present({ type, name }: Place, variable: (place: Place, inOneOf: boolean) => string | null, depth: number): string {
    const { random } = this;
    if (isNonNullType(type)) return this.present({ type: type.ofType, name }, variable, depth);
    if (isListType(type)) {
      const item: Place = { type: type.ofType, name };
      // A single value is coerced to a list.
      if (random.chance(0.2)) return this.present(item, variable, depth);
      return `[${Array.from({ length: random.below(4) }, () => this.literal(item, variable, depth)).join(random.one([', ', ' ']))}]`;
    }
    if (isInputObjectType(type)) {
      const chosen = this.fields(type.getFields(), type.isOneOf, depth);
      const members = chosen.map((field) => `${field.name}: ${this.literal({ type: field.type, name: `${type.name}.${field.name}` }, variable, depth + 1, type.isOneOf)}`);
      return `{${members.join(random.one([', ', ' ']))}}`;
    }
    if (isEnumType(type)) return random.one(type.getValues()).name;
    const json = this.scalar(type.name, name);
    if (typeof json === 'string') return quoted(json);
    if (type.name === 'Float' && random.chance(0.3)) return random.one(['0.0', '-1.5e3', '1e-2', '2E+1', '50.25']);
    return String(json);
  }

  private fields(fields: Record<string, GraphQLInputField>, isOneOf: boolean, depth: number): GraphQLInputField[] {
    const { random } = this;
    const all = Object.values(fields);
    if (isOneOf) {
      const flat = all.filter(({ type }) => !isInputObjectType(type));
      return [random.one(depth < DEEPEST ? all : flat)];
    }
    const required = all.filter(isRequiredInputField);
    const optional = all.filter((field) => !isRequiredInputField(field));
    return random.shuffled([...required, ...(depth < DEEPEST ? random.some(optional, random.below(4)) : [])]);
  }

  private scalar(type: string, name: string): unknown {
    const { random } = this;
    const known = this.names.get(name) ?? this.names.get(name.slice(name.indexOf('.') + 1));
    switch (type) {
      case 'Boolean':
        return random.chance(0.5);
      case 'Int':
        // Large values would make the feed wait.
        return name === 'waitSeconds' ? random.one([0, 51]) : random.one([0, 1, 2, 3, 5, 20, -1, 2147483647, -2147483648]);
      case 'Float':
        return random.one([0, 1, 4.35, 50.5, -3.25, 1e300, 100000000000]);
      case 'ID':
        if (known) return random.one(known);
        return random.one(['x', 'organization_01h455vb4pex5vsknk084sn02q', '7', 7, -1, 2147483648]);
      case 'String':
        return random.one(known ?? TEXTS);
      default: {
        const samples = SAMPLES[type];
        if (!samples) throw new Error(`there is no sample of ${type}`);
        return random.one(samples);
      }
    }
  }

  /** A JSON value for a position. `undefined` leaves the member out. */
  json({ type, name }: Place, depth = 0): unknown {
    const { random } = this;
    if (isNonNullType(type)) return this.given({ type: type.ofType, name }, depth);
    return random.chance(0.08) ? null : this.given({ type, name }, depth);
  }

  private given({ type, name }: { type: GraphQLNullableType & GraphQLInputType; name: string }, depth: number): unknown {
    const { random } = this;
    if (isListType(type)) {
      const item: Place = { type: type.ofType, name };
      if (random.chance(0.2)) return this.json(item, depth) ?? [];
      return Array.from({ length: random.below(4) }, () => this.json(item, depth));
    }
    if (isInputObjectType(type)) {
      const chosen = this.fields(type.getFields(), type.isOneOf, depth);
      return Object.fromEntries(
        chosen.map((field) => {
          const name = `${type.name}.${field.name}`;
          const inner = type.isOneOf && !isNonNullType(field.type) ? this.given({ type: field.type, name }, depth + 1) : this.json({ type: field.type, name }, depth + 1);
          return [field.name, inner];
        }),
      );
    }
    if (isEnumType(type)) return random.one(type.getValues()).name;
    return this.scalar(type.name, name);
  }
}
