// What graphiql.js expects to find by name; esbuild puts it in where the names are used.

import { createGraphiQLFetcher, createLocalStorage } from '@graphiql/toolkit';
import { GraphiQL as Component } from 'graphiql';
import 'graphiql/graphiql.css';

export * as React from 'react';
export * as ReactDOM from 'react-dom/client';
export const GraphiQL = Object.assign(Component, {
  createFetcher: createGraphiQLFetcher,
  createLocalStorage,
});
