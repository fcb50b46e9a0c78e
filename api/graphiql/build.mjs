// Bundles GraphiQL into dist/graphiql.js and dist/graphiql.css, for the Cargo feature `bundled-graphiql`.

import { build } from 'esbuild';

await build({
  entryPoints: { graphiql: 'graphiql.js' },
  inject: ['globals.mjs'],
  outdir: 'dist',
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl' },
  legalComments: 'inline',
  logLevel: 'info',
});
