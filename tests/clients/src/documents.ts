/** The operations of the client. graphql-codegen generates their types and the manifest of trusted documents. */

import { graphql } from './gql/gql.js';

export const OrganizationCard = graphql(/* GraphQL */ `
  fragment OrganizationCard on Organization {
    id
    slug
    name
    description(language: NL)
    foundedOn
    updatedAt
    website
    region {
      slug
      name
    }
    sectors {
      ...SectorName
    }
  }
`);

export const SectorName = graphql(/* GraphQL */ `
  fragment SectorName on Sector {
    slug
    name
  }
`);

export const OrganizationPage = graphql(/* GraphQL */ `
  query OrganizationPage($filter: OrganizationFilter, $first: Int!, $after: String) {
    organizations(filter: $filter, first: $first, after: $after) {
      totalCount
      nodes {
        ...OrganizationCard
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const OneOrganization = graphql(/* GraphQL */ `
  query OneOrganization($by: OrganizationBy!) {
    organization(by: $by) {
      ...OrganizationCard
      revision
      acronym
    }
  }
`);

export const AnyNode = graphql(/* GraphQL */ `
  query AnyNode($id: ID!) {
    node(id: $id) {
      id
      __typename
      ... on Organization {
        name
      }
      ... on Talent {
        displayName
      }
    }
  }
`);

export const Find = graphql(/* GraphQL */ `
  query Find($query: String!) {
    search(query: $query, first: 5) {
      degraded
      edges {
        node {
          __typename
          ... on Organization {
            ...OrganizationCard
          }
          ... on Talent {
            displayName
          }
          ... on Partnership {
            title
          }
        }
        highlights {
          field
          snippet
        }
      }
    }
  }
`);

export const SignIn = graphql(/* GraphQL */ `
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      accessToken
      refreshToken
      expiresAt
      userErrors {
        code
        reason
        message
      }
    }
  }
`);

export const WhoCalls = graphql(/* GraphQL */ `
  query WhoCalls {
    viewer {
      authenticated
      roles {
        role
        region {
          slug
        }
      }
    }
  }
`);

export const ChangeOrganization = graphql(/* GraphQL */ `
  mutation ChangeOrganization($id: ID!, $baseRevision: Int, $input: OrganizationInput!) {
    updateOrganization(id: $id, baseRevision: $baseRevision, input: $input) {
      organization {
        id
        revision
        acronym
      }
      userErrors {
        code
        reason
        path
        message
      }
    }
  }
`);

export const LogEnd = graphql(/* GraphQL */ `
  query LogEnd($after: ChangeCursor) {
    changes(first: 500, after: $after, types: [ORGANIZATION]) {
      cursor
      hasMore
    }
  }
`);

export const Follow = graphql(/* GraphQL */ `
  subscription Follow($after: ChangeCursor) {
    changes(after: $after, types: [ORGANIZATION]) {
      cursor
      operation
      recordId
      record {
        ... on Organization {
          id
          acronym
        }
      }
    }
  }
`);
