// The playground as a person has it: in a browser, with mouse, keyboard and a screen reader's eyes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Browser } from './browser.mjs';

const IMAGES = new URL('../../docs/images/', import.meta.url);
const TEMPLATE = '#template textarea';

let server;
let address;
let browser;
let page;

before(async () => {
  server = spawn(process.env.PILLION, ['playground', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  address = await new Promise((resolve, reject) => {
    server.stdout.once('data', (data) => resolve(String(data).split('\n')[0]));
    server.once('exit', (code) => reject(new Error(`pillion playground ended with ${code}`)));
  });
  browser = await Browser.start(process.env.CHROMIUM);
});

after(async () => {
  await browser?.end();
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  assert.equal(await ended, 0, 'Ctrl-C ends the server well');
});

beforeEach(async () => {
  page = await browser.page(address);
  await page.look({});
});

afterEach(async () => {
  const { problems, requests } = page;
  await page.close();
  assert.deepEqual(problems, []);
  const foreign = requests.filter((url) => !url.startsWith(address) && !url.startsWith('blob:'));
  assert.deepEqual(foreign, []);
});

const text = (selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`);
const count = (selector) => page.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
const focus = (selector) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).focus()`);

// Chooses an example, as its select would.
const choose = (name) => page.answered(() => page.evaluate(`(() => {
  const select = document.getElementById('example');
  select.value = ${JSON.stringify(name)};
  select.dispatchEvent(new Event('change'));
})()`));

// Selects the first occurrence of a text in an editor, so that typing replaces it.
const select = (area, words) => page.evaluate(`(() => {
  const area = document.querySelector(${JSON.stringify(area)});
  const at = area.value.indexOf(${JSON.stringify(words)});
  area.focus();
  area.setSelectionRange(at, at + ${words.length});
  return area.value.slice(0, at).split('\\n').length;
})()`);

// Sets the field of a parameter by typing.
async function fill(key, value) {
  await page.evaluate(`(() => {
    const label = [...document.querySelectorAll('#form label')].find((one) => one.firstChild.data.trim() === ${JSON.stringify(key)});
    const control = document.getElementById(label.htmlFor);
    control.focus();
    control.select();
  })()`);
  await page.answered(() => page.type(value));
}

async function faults() {
  await page.evaluate(await readFile(process.env.AXE, 'utf8'));
  const { passed, found } = await page.evaluate(`axe.run(document).then(({passes, violations}) => ({
    passed: passes.map(({id}) => id),
    found: violations.map(({id, impact, nodes}) => id + ' (' + impact + '): ' + nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join('; ')),
  }))`);
  for (const rule of ['color-contrast', 'label', 'aria-required-parent', 'region']) assert.ok(passed.includes(rule), rule);
  return found;
}

test('every example renders, injects and has its sections', { timeout: 120_000 }, async () => {
  const names = await page.evaluate('[...document.querySelectorAll("#example option")].map((one) => one.value).filter(Boolean)');
  assert.ok(names.length > 30, `${names.length} examples`);
  for (const name of names) {
    await choose(name);
    assert.match(await text('.verdict strong'), /^Injected \(/, name);
    assert.equal(await count('#template-spots li'), 0, name);
    assert.ok(await count('#difference .added') > 1, name);
    assert.ok(await count('table.life tbody tr') > 0, name);
    assert.equal(await text('#notice'), '', name);
    assert.deepEqual(page.problems, [], name);
  }
});

test('a mistake is told at its line while it is typed, and goes when it is mended', async () => {
  const line = await select(TEMPLATE, 'readinessProbe');
  await page.answered(() => page.type('readinesProbe'));
  assert.match(await text(`#template .marks [data-line="${line}"]`), /did you mean `readinessProbe`\?/);
  assert.match(await text('#template-spots'), new RegExp(`Line ${line} .*did you mean`));
  const numbers = await page.evaluate('[...document.querySelectorAll("#template .numbers .error")].map((one) => one.textContent)');
  assert.ok(numbers.includes(String(line)), `${numbers}`);
  assert.equal(await page.evaluate(`document.querySelector('${TEMPLATE}').getAttribute('aria-invalid')`), 'true');
  assert.match(await text('.verdict strong'), /^Denied/);
  assert.ok(await count('#form .field') > 0, 'the form stays while the template is broken');
  await page.evaluate(`[...document.querySelectorAll('#template-spots button')].find((one) => one.textContent === 'Line ${line}').click()`);
  const caret = await page.evaluate(`(() => { const area = document.querySelector('${TEMPLATE}');
    return document.activeElement === area && area.value.slice(0, area.selectionStart).split('\\n').length; })()`);
  assert.equal(caret, line, 'the button leads to the line');
  await select(TEMPLATE, 'readinesProbe');
  await page.answered(() => page.type('readinessProbe'));
  assert.equal(await count('#template-spots li'), 0);
  assert.match(await text('.verdict strong'), /^Injected/);
});

test('a mistake in the manifest is told at its line', async () => {
  const line = await select('#manifest textarea', 'spec:');
  await page.answered(() => page.type('  spec'));
  assert.match(await text('#manifest-spots'), /Line \d+/);
  assert.ok(line > 1);
  assert.match(await text('.verdict'), /cannot be read/);
});

test('a hint of inject is told', async () => {
  await select('#manifest textarea', 'pillion.dev/inject');
  await page.answered(() => page.type('pillion.dev/injects'));
  assert.match(await text('.verdict strong'), /^Unchanged/);
  assert.match(await text('#verdict'), /hint: .*did you mean `pillion\.dev\/inject`\?/);
});

test('the form changes the difference, and can be taken back', async () => {
  await fill('pgbouncer.port', '5433');
  assert.match(await text('#difference'), /port=5433/);
  assert.match(await text('#command'), /--set pgbouncer\.port=5433/);
  assert.equal(await count('#form .is-set'), 1);
  await fill('pgbouncer.port', 'x');
  assert.match(await text('.verdict strong'), /^Denied \(/);
  await page.answered(() => page.evaluate('document.querySelector("#form button:not([hidden])").click()'));
  assert.match(await text('.verdict strong'), /^Injected/);
  assert.doesNotMatch(await text('#difference'), /port=5433/);
});

test('the link holds the whole state', async () => {
  await fill('pgbouncer.port', '5433');
  await page.until('location.hash.length > 100');
  await sleep(100);
  const link = await page.evaluate('location.href');
  const difference = await text('#difference');
  const other = await browser.page(link);
  assert.equal(await other.evaluate('document.getElementById("difference").textContent'), difference);
  assert.equal(await other.evaluate('document.querySelector("#form .is-set").value'), '5433');
  await other.close();
  const broken = await browser.page(`${address}#broken`);
  assert.match(await broken.evaluate('document.querySelector(".verdict strong").textContent'), /^Injected/);
  await broken.close();
});

test('pointing at a line of the result lights up the template, and the other way', async () => {
  await page.point('#difference li[data-from] .content');
  const from = await page.evaluate('document.querySelector("#difference .linked").dataset.from');
  const lines = await page.evaluate('[...document.querySelectorAll("#template .marks .linked")].map((mark) => mark.dataset.line).join(" ")');
  assert.equal(lines, from);
  await page.pointAt(2, 2);
  assert.equal(await count('#template .marks .linked'), 0);
  const at = await page.evaluate(`(() => {
    const area = document.querySelector('${TEMPLATE}');
    area.scrollTop = (${Number(from.split(' ')[0])} - 3) * 20;
    const box = area.getBoundingClientRect();
    return {x: box.x + 60, y: box.y + 6 + (${Number(from.split(' ')[0])} - 1) * 20 - area.scrollTop + 10};
  })()`);
  await page.pointAt(at.x, at.y);
  assert.ok(await count('#difference .linked') > 0);
});

test('the keyboard alone reaches what the mouse does', async () => {
  await focus('#difference');
  for (let step = 0; step < 60 && await count('#difference .current[data-from]') === 0; step += 1) {
    await page.press('ArrowDown');
  }
  assert.equal(await count('#template .marks .linked') > 0, true);
  const active = await page.evaluate('document.getElementById(document.getElementById("difference").getAttribute("aria-activedescendant")).getAttribute("aria-selected")');
  assert.equal(active, 'true');
  await focus(TEMPLATE);
  await page.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9 });
  assert.equal(await page.evaluate(`document.activeElement !== document.querySelector('${TEMPLATE}')`), true, 'Tab leaves the editor');
});

test('the case file is what is saved, and the program takes it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pillion-case-'));
  try {
    await page.send('Page.setDownloadBehavior', { behavior: 'allow', downloadPath: folder });
    await page.evaluate('document.getElementById("save-case").click()');
    const path = join(folder, 'playground.yaml');
    let saved;
    for (let tries = 0; tries < 100 && !saved; tries += 1) {
      await sleep(50);
      saved = await readFile(path, 'utf8').catch(() => undefined);
    }
    assert.equal(saved, await text('#case'));
    assert.match(saved, /verdict: Injected/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('axe finds nothing, in light, dark and on a narrow screen', { timeout: 120_000 }, async () => {
  const looks = [{}, { scheme: 'dark' }, { width: 360, height: 740 }, { width: 360, height: 740, scheme: 'dark' }];
  const wrong = async () => {
    await select(TEMPLATE, 'readinessProbe');
    await page.answered(() => page.type('readinesProbe'));
  };
  for (const look of looks) {
    await choose('vault-agent');
    await page.look(look);
    await page.evaluate('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
    assert.deepEqual(await faults(), [], JSON.stringify(look));
    await choose('pgbouncer');
    await wrong();
    assert.deepEqual(await faults(), [], `${JSON.stringify(look)} with a mistake`);
  }
});

test('a narrow screen needs no scrolling sideways', async () => {
  await page.look({ width: 360, height: 740 });
  for (const name of ['pgbouncer', 'log-shipper', 'vault-agent']) {
    await choose(name);
    const beyond = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    assert.ok(beyond <= 0, `${name}: ${beyond} px`);
  }
});

test('the pictures of the documents can be made', async () => {
  await choose('pgbouncer');
  for (const scheme of ['light', 'dark']) {
    await page.look({ width: 1440, height: 900, scheme });
    await page.evaluate('document.getElementById("result").scrollTop = 0');
    await page.point('#difference li[data-from] .content');
    await sleep(100);
    const picture = await page.screenshot();
    assert.ok(picture.length > 20_000, `${picture.length} bytes`);
    if (process.env.UPDATE === '1') await writeFile(new URL(`playground-${scheme}.png`, IMAGES), picture);
  }
});
