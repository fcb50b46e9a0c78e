/**
 * Where the server is right not to answer as graphql-js does, each with its reason.
 *
 * An exception has an example, which the tests ask for: one that is none any more has to go.
 */

import type { Outcome, Verdict } from './reference.js';
import type { Operation } from './wire.js';

export interface Exception {
  name: string;
  reason: string;
  /** An operation to which it applies. */
  example: Operation;
  applies(operation: Operation, expected: Verdict, observed: Outcome | string): boolean;
}

export const EXCEPTIONS: readonly Exception[] = [];
