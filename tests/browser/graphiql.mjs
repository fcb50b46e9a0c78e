/**
 * Opens GraphiQL of the running server in a headless Chromium without access to other hosts, runs the first example,
 * and checks the displayed response: `node graphiql.mjs SCREENSHOT`, with SERVER_URL set.
 *
 * CHROMIUM sets another browser.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { chromium } from 'playwright-core';

const server = process.env.SERVER_URL?.replace(/\/$/, '');
const [screenshot] = process.argv.slice(2);
assert.ok(server && screenshot, 'set SERVER_URL, and say where the screenshot goes');

const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = candidates.find((file) => file && existsSync(file));
if (!executablePath) {
  console.error('error: there is no Chromium. On Debian: apt-get install chromium. Elsewhere: CHROMIUM=/path/of/it');
  process.exit(1);
}

/** The time-out of every step: a slow machine is no failure. */
const PATIENCE = 180_000;
const host = new URL(server).hostname;
const profile = await mkdtemp(path.join(tmpdir(), 'passerelle-browser-'));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  timeout: PATIENCE,
  viewport: { width: 1400, height: 900 },
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // Other host names do not resolve.
    `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${host}`,
  ],
});

try {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const wrong = [];
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('requestfailed', (request) => wrong.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400) wrong.push(`${response.url()}: status ${response.status()}`);
  });
  page.on('pageerror', (error) => wrong.push(`the page fails: ${error}`));
  // Violations of the Content-Security-Policy are console messages.
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(`the page says: ${message.text()}`);
  });

  const opened = await page.goto(`${server}/graphql`);
  assert.equal(opened?.status(), 200);
  const run = page.locator('.graphiql-execute-button');
  try {
    await run.waitFor();
  } catch {
    await page.screenshot({ path: screenshot });
    const text = await page.locator('body').innerText();
    assert.fail(`GraphiQL does not come up (${screenshot}): ${text.slice(0, 300)} ${wrong.join('; ')}`);
  }

  const editor = (of) => page.evaluate((selector) => document.querySelector(selector)?.CodeMirror?.getValue() ?? '', of);
  const query = await editor('.graphiql-query-editor .CodeMirror');
  assert.match(query, /query Regions/, 'the first tab holds the first example');
  assert.ok((await page.locator('.graphiql-tab').count()) >= 9, 'each example has a tab');
  await run.click();
  const shown = page.locator('.graphiql-response .CodeMirror-code');
  await shown.getByText('"regions"').first().waitFor();

  // The displayed response is complete: it equals the one over HTTP.
  const answer = JSON.parse(await editor('.graphiql-response .CodeMirror'));
  const languages = await page.evaluate(() => navigator.languages.join(','));
  const response = await fetch(`${server}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-language': languages },
    body: JSON.stringify({ query }),
  });
  const expected = await response.json();
  assert.deepEqual(answer.data, expected.data);
  assert.ok(answer.errors === undefined && answer.data.regions.length > 3);
  assert.match(await shown.innerText(), new RegExp(answer.data.regions[0].slug));

  // The schema was loaded by introspection: its documentation opens.
  await page.getByRole('button', { name: /documentation/i }).first().click();
  await page.locator('.graphiql-doc-explorer-content').getByText('Query', { exact: true }).first().waitFor();

  await page.screenshot({ path: screenshot });
  const elsewhere = asked.filter((url) => !url.startsWith(`${server}/`) && !url.startsWith('data:'));
  assert.deepEqual(elsewhere, [], 'the page asks no other host');
  assert.deepEqual(wrong, []);
  console.log(`GraphiQL shows the answer of its first example: ${screenshot}`);
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
