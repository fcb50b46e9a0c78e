/** Names in the sample for arguments, so that documents execute without errors. */

import { ask } from '../server.js';
import type { Names } from './values.js';

/** The names that exist, by argument or input field. */
export async function readNames(): Promise<Names> {
  const { data } = await ask(`{
    organizations(first: 5) { nodes { id slug kind { slug } identifiers { scheme value } } }
    talents(first: 3) { nodes { id slug } }
    partnerships(first: 3) { nodes { id slug } }
    regions { id slug }
    sectors { id slug }
    occupations { id slug }
  }`);
  const all = (list: { id: string; slug: string }[]) => list.slice(0, 5);
  const { organizations, talents, partnerships, regions, sectors, occupations } = data!;
  const records = [...all(organizations.nodes), ...all(talents.nodes), ...all(partnerships.nodes)];
  const ids = [...records, ...all(regions), ...all(sectors), ...all(occupations)].map(({ id }) => id);
  const slugs = (list: { slug: string }[]) => list.map(({ slug }) => slug).slice(0, 6);
  return new Map<string, string[]>([
    ['id', ids],
    ['OrganizationBy.id', organizations.nodes.map(({ id }: { id: string }) => id)],
    ['TalentBy.id', talents.nodes.map(({ id }: { id: string }) => id)],
    ['RecordBy.id', partnerships.nodes.map(({ id }: { id: string }) => id)],
    ['ids', ids],
    ['organization', organizations.nodes.map(({ id }: { id: string }) => id)],
    ['memberOf', organizations.nodes.map(({ id }: { id: string }) => id)],
    ['organizations', organizations.nodes.map(({ id }: { id: string }) => id)],
    ['slug', [...slugs(records), ...slugs(regions), ...slugs(sectors), ...slugs(occupations), 'nobody']],
    ['regions', slugs(regions)],
    ['region', slugs(regions)],
    ['sectors', slugs(sectors)],
    ['occupations', slugs(occupations)],
    ['kinds', organizations.nodes.map(({ kind }: { kind: { slug: string } }) => kind.slug)],
    ['query', ['animation', 'film', 'studio']],
    ['prefix', ['an', 'lil']],
    ['name', ['Ankama', 'Studio', 'Arenberg']],
    ['field', ['name', 'foundedOn']],
  ]);
}
