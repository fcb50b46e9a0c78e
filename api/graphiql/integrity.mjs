// Checks that index.html names, for every file from the delivery network, the version that is installed here
// and the hash of that very file. Run `npm ci` first.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const page = readFileSync('index.html', 'utf8');
const tags = [...page.matchAll(/"https:\/\/cdn\.jsdelivr\.net\/npm\/([^@"]+)@([^/"]+)\/([^"]+)" integrity="([^"]+)"/g)];
if (tags.length !== page.split('https://cdn.jsdelivr.net/').length - 1) {
  throw new Error('index.html loads a file without an integrity attribute');
}

for (const [, name, version, path, stated] of tags) {
  const installed = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version;
  const file = readFileSync(`node_modules/${name}/${path}`);
  const actual = `sha384-${createHash('sha384').update(file).digest('base64')}`;
  const right = installed === version && actual === stated;
  console.log(`${right ? 'ok   ' : 'WRONG'} ${name}@${installed}/${path} ${actual}`);
  if (!right) process.exitCode = 1;
}
