/**
 * The input of Relay's compiler. The tests import its output (`__generated__`). This file is compiled but never run,
 * as a bundler's plugin would replace these texts.
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

// The form that usePaginationFragment requires.
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

// Within a node, which is refetched by its id.
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
