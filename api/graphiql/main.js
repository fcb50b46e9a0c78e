// Starts GraphiQL in the page. `npm run build` bundles this file and what it imports into dist/.

import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import 'graphiql/graphiql.css';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

const container = document.getElementById('graphiql');
document.body.style.margin = '0';
container.style.height = '100dvh';

const fetcher = createGraphiQLFetcher({
  url: location.pathname,
  headers: { Accept: 'application/graphql-response+json, application/json;q=0.9' },
  enableIncrementalDelivery: false,
});

createRoot(container).render(
  createElement(GraphiQL, {
    fetcher,
    // Shown on a first visit; after that, the tabs are as the visitor left them.
    defaultTabs: JSON.parse(document.getElementById('examples').textContent),
    // Headers carry tokens: they end with the page.
    shouldPersistHeaders: false,
    // Apart from any other GraphiQL on this host and port.
    storage: createLocalStorage({ namespace: 'passerelle' }),
  }),
);
