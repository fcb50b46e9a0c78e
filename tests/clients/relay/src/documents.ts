/**
 * What Relay's compiler reads. The program imports what it has written of it (`__generated__`); this file is compiled
 * and never run, as a bundler's plugin would replace these texts.
 */

import { graphql } from 'relay-runtime';

graphql`
  fragment documents_card on Organization {
    id
    name
    foundedOn
    region {
      slug
    }
  }
`;

// As usePaginationFragment wants it.
graphql`
  fragment documents_organizations on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 5 }, after: { type: "String" })
  @refetchable(queryName: "documentsOrganizationsPaginationQuery") {
    organizations(first: $first, after: $after) @connection(key: "documents_organizations") {
      edges {
        cursor
        node {
          id
          ...documents_card
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

graphql`
  query documentsQuery($first: Int!) {
    ...documents_organizations @arguments(first: $first)
  }
`;

// Within a node: what is fetched again is found by the id.
graphql`
  fragment documents_partnerships on Organization
  @argumentDefinitions(first: { type: "Int", defaultValue: 2 }, after: { type: "String" })
  @refetchable(queryName: "documentsPartnershipsPaginationQuery") {
    partnerships(first: $first, after: $after) @connection(key: "documents_partnerships") {
      edges {
        node {
          id
          title
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

graphql`
  query documentsNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      ... on Organization {
        ...documents_partnerships @alias(as: "partnerships")
      }
    }
  }
`;
