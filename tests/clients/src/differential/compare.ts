/** Compares the server's results of operations with those of the reference. */

import { Kind, parse, print, visit, BREAK, type ASTNode, type DocumentNode, type GraphQLSchema } from 'graphql';

import { EXCEPTIONS } from './exceptions.js';
import { tokens } from './lexical.js';
import { SEED } from './random.js';
import { judge, type Outcome, type Verdict } from './reference.js';
import { each, send, type Operation, type Sending } from './wire.js';

/** The most failures that are printed. */
const MOST_PRINTED = 20;
/** The most requests spent on minimising one failure. */
const MOST_TRIES = 300;

/** The outcome of an operation by its first error code. `limit` means that a limit of the server refused it. */
const OUTCOMES: Record<string, Outcome> = {
  GRAPHQL_PARSE_FAILED: 'syntax',
  GRAPHQL_VALIDATION_FAILED: 'validity',
  OPERATION_RESOLUTION_FAILURE: 'operation',
  BAD_USER_INPUT: 'variables',
  QUERY_TOO_COMPLEX: 'limit',
};

interface Observed {
  outcome: Outcome | string;
  /** The errors in the server's words. */
  why: string;
}

/** Sends an operation, and returns its outcome. */
export async function observe(operation: Operation, sending: Sending = {}): Promise<Observed> {
  const answer = await send(operation, sending);
  const errors = answer.errors ?? [];
  const why = errors.map(({ message, extensions, ...rest }) => `${String(extensions?.code)}: ${message} ${JSON.stringify(rest)}`).join(' | ');
  // Without `data` the operation was not executed.
  if ('data' in answer) return { outcome: 'executed', why };
  const code = String(errors[0]?.extensions?.code);
  return { outcome: OUTCOMES[code] ?? code, why };
}

export type Difference = 'false refusal' | 'false acceptance' | 'other kind of refusal' | 'fault';

/** The difference between the server and the reference, if any. */
export function difference(expected: Verdict, observed: Observed): Difference | null {
  if (!(Object.values(OUTCOMES) as string[]).includes(observed.outcome) && observed.outcome !== 'executed') return 'fault';
  // Limits are the server's own, and are checked before everything else.
  if (observed.outcome === expected.outcome || observed.outcome === 'limit') return null;
  if (observed.outcome === 'variables' && expected.texts) return null;
  if (observed.outcome === 'executed') return 'false acceptance';
  if (expected.outcome === 'executed') return 'false refusal';
  return expected.outcome === 'limit' ? null : 'other kind of refusal';
}

interface Failure {
  kind: Difference;
  operation: Operation;
  expected: Verdict;
  observed: Observed;
  sending: Sending;
}

/** An operation to compare, with the verdict of graphql-js. */
export interface Task {
  operation: Operation;
  sending: Sending;
  expected: Verdict;
}

/** A running comparison. */
export class Comparison {
  readonly counts = new Map<string, number>();
  readonly excepted = new Map<string, number>();
  readonly failures: Failure[] = [];
  asked = 0;

  constructor(readonly schema: GraphQLSchema) {}

  /** Sends an operation, and records a difference. */
  private async check(operation: Operation, sending: Sending, expected: Verdict): Promise<void> {
    this.asked++;
    const observed = await observe(operation, sending);
    const count = (what: string) => this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    count(expected.outcome);
    if (observed.outcome === 'limit') count('beyond a limit of the server');
    const kind = difference(expected, observed);
    if (kind === null) return;
    const exception = EXCEPTIONS.find((one) => one.applies(operation, expected, observed.outcome, this.schema));
    if (exception) {
      this.excepted.set(exception.name, (this.excepted.get(exception.name) ?? 0) + 1);
      return;
    }
    count(kind);
    this.failures.push({ kind, operation, expected, observed, sending });
  }

  /** Checks several operations at once. */
  async all(tasks: Iterable<Task>): Promise<void> {
    await each(tasks, ({ operation, sending, expected }) => this.check(operation, sending, expected));
  }

  /** The counts in one line. */
  summary(): string {
    const counts = [...this.counts].map(([what, count]) => `${what}: ${count}`);
    const excepted = [...this.excepted].map(([what, count]) => `excepted (${what}): ${count}`);
    return `${this.asked} asked with SEED=${SEED}; ${[...counts, ...excepted].join(', ')}`;
  }

  /** Describes the failures, each with a minimised document. */
  async report(): Promise<string> {
    const told: string[] = [this.summary()];
    // Many failures share one cause, so two of each wording are enough.
    const seen = new Map<string, number>();
    const chosen = this.failures.filter(({ kind, expected, observed }) => {
      const worded = `${kind} ${wording(expected)} ${wording(observed)}`;
      seen.set(worded, (seen.get(worded) ?? 0) + 1);
      return seen.get(worded)! <= 2;
    });
    for (const failure of chosen.slice(0, MOST_PRINTED)) {
      const small = await minimised(failure, this.schema);
      told.push(
        `--- ${failure.kind}`,
        small.document,
        ...(small.variables && small.variables !== '{}' ? [`variables: ${small.variables}`] : []),
        ...(small.operationName === undefined ? [] : [`operationName: ${small.operationName}`]),
        `graphql-js: ${show(judge(this.schema, small))}`,
        `the server: ${show(await observe(small, failure.sending))}`,
      );
    }
    return told.join('\n');
  }
}

/** The first message, without its variable parts. */
const wording = ({ why }: Observed) =>
  why
    .split(' | ')[0]!
    .replace(/"[^"]*"|\d+|`[^`]*`/g, '_')
    .slice(0, 45);

const show = ({ outcome, why }: Observed) => `${outcome} ${why.slice(0, 600)}`;

const REMOVABLE: ReadonlySet<string> = new Set([
  Kind.OPERATION_DEFINITION,
  Kind.FRAGMENT_DEFINITION,
  Kind.FIELD,
  Kind.INLINE_FRAGMENT,
  Kind.FRAGMENT_SPREAD,
  Kind.DIRECTIVE,
  Kind.ARGUMENT,
  Kind.VARIABLE_DEFINITION,
  Kind.OBJECT_FIELD,
]);

/** The smallest operation found that fails in the same way. */
async function minimised({ kind, operation, sending, expected, observed }: Failure, schema: GraphQLSchema): Promise<Operation> {
  let best = operation;
  let tries = 0;
  const fails = async (candidate: Operation): Promise<boolean> => {
    if (tries >= MOST_TRIES) return false;
    const verdict = judge(schema, candidate);
    // A different fault does not count.
    if (verdict.outcome !== expected.outcome || wording(verdict) !== wording(expected) || tries++ >= MOST_TRIES) return false;
    const now = await observe(candidate, sending);
    return now.outcome === observed.outcome && wording(now) === wording(observed) && difference(verdict, now) === kind;
  };
  const attempt = async (document: string): Promise<boolean> => {
    const candidate = { ...best, document };
    if (document.length >= best.document.length || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  const parsed = (text: string): DocumentNode | null => {
    try {
      return parse(text);
    } catch {
      return null;
    }
  };
  // Removes one definition, selection, argument, directive, variable or object field at a time.
  let document = parsed(best.document);
  if (document && !(await fails({ ...best, document: print(document) }))) document = null;
  for (let index = 0; document; ) {
    let at = 0;
    let found: ASTNode | null = null;
    visit(document, {
      enter(node) {
        if (!REMOVABLE.has(node.kind) || at++ !== index) return undefined;
        found = node;
        return BREAK;
      },
    });
    if (!found) break;
    const without = visit(document, { enter: (node) => (node === found ? null : undefined) }) as DocumentNode;
    if (await attempt(print(without))) document = parsed(best.document);
    else index++;
  }
  // Removes tokens, in case the fault is in the spelling.
  for (let size = 128; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; ; ) {
      let starts: number[];
      try {
        starts = [...tokens(best.document).map(({ start }) => start), best.document.length];
      } catch {
        break;
      }
      if (from >= starts.length - 1) break;
      const until = starts[Math.min(from + size, starts.length - 1)]!;
      if (!(await attempt(best.document.slice(0, starts[from]!) + best.document.slice(until)))) from += size;
    }
  }
  if (best.variables && best.variables !== '{}') {
    const values = JSON.parse(best.variables) as Record<string, unknown>;
    for (const name of Object.keys(values)) {
      const { [name]: _, ...rest } = JSON.parse(best.variables!) as Record<string, unknown>;
      const candidate = { ...best, variables: JSON.stringify(rest) };
      if (await fails(candidate)) best = candidate;
    }
  }
  return best;
}
