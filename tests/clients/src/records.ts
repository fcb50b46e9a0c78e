/** Functions for records, shared by several tests. */

import assert from 'node:assert/strict';

import { ask } from './server.js';

/** The cursor at the end of the log of organizations: a subscription from it gets only new changes. */
export async function logEnd(): Promise<string> {
  let cursor: string | null = null;
  for (;;) {
    const query = 'query($after: ChangeCursor) { changes(first: 500, after: $after, types: [ORGANIZATION]) { cursor hasMore } }';
    const changes: { cursor: string; hasMore: boolean } = (await ask(query, { after: cursor })).data?.changes;
    cursor = changes.cursor;
    if (!changes.hasMore) return cursor;
  }
}

/** The id of an organization of this region. */
export async function someOrganization(region: string): Promise<string> {
  const query = 'query($regions: [String!]) { organizations(first: 50, filter: {regions: $regions}) { nodes { id region { slug } } } }';
  const nodes: { id: string; region: { slug: string } }[] = (await ask(query, { regions: [region] })).data?.organizations.nodes;
  const found = nodes.find((one) => one.region.slug === region);
  assert.ok(found, `the sample has an organization of ${region}`);
  return found.id;
}

/** Changes the acronym of an organization. */
export async function changed(id: string, acronym: string, token: string): Promise<void> {
  const query = 'mutation($id: ID!, $input: OrganizationInput!) { updateOrganization(id: $id, input: $input) { userErrors { message } } }';
  const answer = await ask(query, { id, input: { acronym } }, token);
  assert.deepEqual(answer, { data: { updateOrganization: { userErrors: [] } } });
}
