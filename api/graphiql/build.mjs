// Bundles GraphiQL into dist/, whose files are committed and compiled into the program: `npm ci && npm run build`.
// With --check it writes nothing, and fails where the committed files are not what it would write.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { build } from 'esbuild';

// What the bundle is made of. Other files below node_modules follow from the lock file.
const SOURCES = ['build.mjs', 'main.js', 'package-lock.json', 'package.json'];

const bundle = await build({
  entryPoints: { graphiql: 'main.js' },
  outdir: 'dist',
  write: false,
  metafile: true,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2022',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl' },
  // All licences are in dist/LICENSES.txt.
  legalComments: 'none',
  logLevel: 'error',
});

const files = new Map(bundle.outputFiles.map((file) => [path.basename(file.path), Buffer.from(file.contents)]));
files.set('LICENSES.txt', Buffer.from(licences(Object.keys(bundle.metafile.inputs))));
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');
const sum = (name, bytes) => `${hash(bytes)}  ${name}\n`;
files.set(
  'SHA256SUMS',
  Buffer.from(
    SOURCES.map((name) => sum(name, readFileSync(name))).join('') +
      [...files].map(([name, bytes]) => sum(`dist/${name}`, bytes)).join(''),
  ),
);

if (process.argv.includes('--check')) {
  const committed = new Set(readdirSync('dist'));
  const wrong = [...files].filter(([name, bytes]) => !committed.has(name) || !readFileSync(`dist/${name}`).equals(bytes));
  const names = [...wrong.map(([name]) => name), ...[...committed].filter((name) => !files.has(name))];
  if (names.length > 0) {
    console.error(`error: api/graphiql/dist is not what \`npm run build\` makes: ${names.join(', ')}`);
    process.exitCode = 1;
  }
} else {
  rmSync('dist', { recursive: true, force: true });
  mkdirSync('dist');
  for (const [name, bytes] of files) {
    writeFileSync(`dist/${name}`, bytes);
    console.log(`dist/${name} ${bytes.length} bytes`);
  }
}

/** The licences of the packages that these files belong to. */
function licences(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
    if (found) folders.add(found[0]);
  }
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
      const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
      const text = file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : '(The package has no file with its text.)';
      return `${name} ${version}: ${license}\n\n${text.replaceAll('\r\n', '\n')}\n`;
    })
    .join('\n----\n\n');
}
