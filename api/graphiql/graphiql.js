// Starts GraphiQL in the page. index.html has loaded React, ReactDOM and GraphiQL as globals before;
// build.mjs puts the same names in from npm packages (see globals.mjs).

(() => {
  const container = document.getElementById('graphiql');
  document.body.style.margin = '0';
  container.style.height = '100dvh';

  const fetcher = GraphiQL.createFetcher({
    url: location.pathname,
    headers: { Accept: 'application/graphql-response+json, application/json;q=0.9' },
    enableIncrementalDelivery: false,
  });

  ReactDOM.createRoot(container).render(
    React.createElement(GraphiQL, {
      fetcher,
      // Shown on a first visit; after that, the tabs are as the visitor left them.
      defaultTabs: JSON.parse(document.getElementById('examples').textContent),
      // Headers carry tokens: they end with the page.
      shouldPersistHeaders: false,
      // Apart from any other GraphiQL on this host and port.
      storage: GraphiQL.createLocalStorage({ namespace: 'passerelle' }),
    }),
  );
})();
