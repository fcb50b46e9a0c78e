/** Other spellings of a document: different text between tokens, and other forms of strings. */

import { Lexer, Source, TokenKind, parseValue, type Token } from 'graphql';

import type { Random } from './random.js';

const WORDS: ReadonlySet<TokenKind> = new Set([TokenKind.NAME, TokenKind.INT, TokenKind.FLOAT]);
const TEXTS: ReadonlySet<TokenKind> = new Set([TokenKind.STRING, TokenKind.BLOCK_STRING]);
const BETWEEN = [' ', ' ', ' ', ',', '\n', '\r\n', '\r', '\t', ' , ', '# what "follows" { is } a comment\n', '#\u00e9\u{1f3ac}\r\n', '\ufeff', '  \n\t'];

/** The tokens of a document. */
export function tokens(text: string): Token[] {
  const lexer = new Lexer(new Source(text));
  const found: Token[] = [];
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) found.push(token);
  return found;
}

/** Whether two tokens need a separator. */
const stick = (left: Token, right: Token): boolean =>
  (WORDS.has(left.kind) && (WORDS.has(right.kind) || right.kind === TokenKind.SPREAD)) || (TEXTS.has(left.kind) && TEXTS.has(right.kind));

/** The same string in another form. */
function text(value: string, random: Random): string {
  const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0');
  const escaped = (character: string): string => {
    const code = character.codePointAt(0)!;
    switch (random.below(3)) {
      case 0:
        return `\\u{${random.chance(0.3) ? '000' : ''}${hex(code, 1)}}`;
      case 1:
        // Surrogate pairs, or the single unit.
        return [...Array(character.length).keys()].map((at) => `\\u${random.chance(0.5) ? hex(character.charCodeAt(at), 4) : hex(character.charCodeAt(at), 4).toUpperCase()}`).join('');
      default:
        return JSON.stringify(character).slice(1, -1);
    }
  };
  if (random.chance(0.3)) {
    const block = `"""${random.chance(0.3) ? '\n  ' : ''}${value.replaceAll('"""', '\\"""').replaceAll('\n', random.one(['\n', '\n  ']))}${random.chance(0.3) ? '\n  ' : ''}"""`;
    try {
      const read = parseValue(block);
      if (read.kind === 'StringValue' && read.value === value) return block;
    } catch {
      // For example, a string that ends in a quote has no block form.
    }
  }
  const often = random.one([0, 0.2, 1, 1]);
  return `"${[...value].map((character) => (random.chance(often) ? escaped(character) : JSON.stringify(character).slice(1, -1))).join('')}"`;
}

/** The same document in another spelling. Returned unchanged if it cannot be tokenized. */
export function respelled(document: string, random: Random): string {
  let all: Token[];
  try {
    all = tokens(document);
  } catch {
    return document;
  }
  const often = random.one([0.02, 0.1, 0.5]);
  let written = random.chance(0.05) ? '\ufeff' : '';
  all.forEach((token, index) => {
    const previous = all[index - 1];
    if (previous) {
      if (random.chance(often)) written += random.one(BETWEEN);
      else if (stick(previous, token) || random.chance(0.6)) written += ' ';
    }
    const isText = TEXTS.has(token.kind);
    written += isText && random.chance(0.7) ? text(token.value, random) : document.slice(token.start, token.end);
  });
  return written + (random.chance(0.1) ? random.one(BETWEEN) : '');
}
