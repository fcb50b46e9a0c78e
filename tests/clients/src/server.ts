/** The running server and its demo accounts. `tests/clients/run` starts it. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the tests with tests/clients/run`);
  return value;
}

/** The base URL of the server, without a slash at the end. */
export const server = setting('SERVER_URL').replace(/\/$/, '');
/** The GraphQL endpoint. */
export const endpoint = `${server}/graphql`;

export interface Account {
  email: string;
  password: string;
  role: string;
  region: string | null;
}

/** The demo account with this role, and this region if the role has one. */
export async function account(role: string, region: string | null = null): Promise<Account> {
  const file = path.join(setting('SERVER_DATA'), 'demo-accounts.json');
  const accounts = JSON.parse(await readFile(file, 'utf8')) as Account[];
  const found = accounts.find((one) => one.role === role && one.region === region);
  if (!found) throw new Error(`${file} has no ${role} of ${region ?? 'no region'}`);
  return found;
}

export interface GraphqlError {
  message: string;
  locations?: { line: number; column: number }[];
  path?: (string | number)[];
  extensions?: Record<string, unknown>;
}

/** The body of a response. */
export interface Answer {
  data?: Record<string, any> | null;
  errors?: GraphqlError[];
  extensions?: Record<string, any>;
}

/** Sends a document without a client library. */
export async function ask(query: string, variables: object = {}, token?: string): Promise<Answer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

/** An access token of the demo account with this role. */
export async function signedIn(role: string, region: string | null = null): Promise<string> {
  const { email, password } = await account(role, region);
  const query = 'mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { message } } }';
  const answer = await ask(query, { input: { email, password } });
  const token = answer.data?.signIn?.accessToken;
  if (typeof token !== 'string') throw new Error(`nobody signs in: ${JSON.stringify(answer)}`);
  return token;
}
