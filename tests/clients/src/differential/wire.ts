/** Requests over persistent connections, for thousands of small requests. */

import { Agent, request as http } from 'node:http';

import { endpoint, type Answer } from '../server.js';

/** The number of concurrent requests. */
const AT_ONCE = 8;
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

/** An operation. The variables are JSON text, as `2.0` and `2` differ on the wire but not in JavaScript. */
export interface Operation {
  document: string;
  variables?: string;
  operationName?: string;
}

export interface Sending {
  /** Requests only the cost: the server validates the operation without executing it. */
  costOnly?: boolean;
  /** The access token of the caller. */
  token?: string;
}

/** Sends an operation, and returns the response. */
export function send(operation: Operation, { costOnly = false, token }: Sending = {}): Promise<Answer> {
  const members = [`"query":${JSON.stringify(operation.document)}`];
  if (operation.variables !== undefined) members.push(`"variables":${operation.variables}`);
  if (operation.operationName !== undefined) members.push(`"operationName":${JSON.stringify(operation.operationName)}`);
  const body = Buffer.from(`{${members.join(',')}}`);
  const headers: Record<string, string | number> = {
    accept: 'application/graphql-response+json',
    'content-type': 'application/json',
    'content-length': body.length,
  };
  if (costOnly) headers['x-cost'] = 'only';
  if (token) headers.authorization = `Bearer ${token}`;
  return new Promise((resolve, reject) => {
    const sent = http(endpoint, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()) as Answer);
        } catch (error) {
          reject(error);
        }
      });
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Calls `work` for each item, several at once. Items are generated on demand. */
export async function each<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
