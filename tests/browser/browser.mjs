// A headless Chromium, driven by its DevTools protocol over a pipe: no package is needed for that.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE = 20_000;

export class Browser {
  static async start(program) {
    const browser = new Browser();
    browser.profile = await mkdtemp(join(tmpdir(), 'pillion-browser-'));
    browser.process = spawn(program, [
      '--headless=new', '--remote-debugging-pipe', '--no-first-run', '--disable-gpu',
      '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update',
      '--force-color-profile=srgb', '--hide-scrollbars', '--font-render-hinting=none',
      // As root, as CI is, Chromium has no sandbox; it opens nothing but the page of this test.
      ...process.getuid?.() === 0 ? ['--no-sandbox'] : [],
      `--user-data-dir=${browser.profile}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.calls = new Map();
    browser.listeners = new Set();
    browser.next = 1;
    let rest = '';
    browser.process.stdio[4].setEncoding('utf8').on('data', (chunk) => {
      const messages = (rest + chunk).split('\0');
      rest = messages.pop();
      for (const message of messages) browser.receive(JSON.parse(message));
    });
    browser.process.on('exit', (code) => {
      for (const { reject } of browser.calls.values()) reject(new Error(`Chromium ended with ${code}`));
    });
    return browser;
  }

  receive(message) {
    const call = this.calls.get(message.id);
    if (!call) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    this.calls.delete(message.id);
    if (message.error) call.reject(new Error(`${call.method}: ${message.error.message}`));
    else call.resolve(message.result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.next;
    this.next += 1;
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject, method });
      this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async page(url) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    await page.send('Page.navigate', { url });
    await page.until('document.body?.dataset.state === "answered"');
    return page;
  }

  async end() {
    await this.send('Browser.close').catch(() => {});
    await sleep(200);
    this.process.kill('SIGKILL');
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  constructor(browser, targetId, sessionId) {
    Object.assign(this, { browser, targetId, sessionId });
    // Everything that a person would see in red in the console, and every request.
    this.problems = [];
    this.requests = [];
    browser.listeners.add((message) => {
      if (message.sessionId !== sessionId) return;
      const { method, params } = message;
      if (method === 'Runtime.exceptionThrown') {
        this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
      } else if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type)) {
        this.problems.push(params.args.map((argument) => argument.value ?? argument.description).join(' '));
      } else if (method === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level)) {
        this.problems.push(`${params.entry.text} ${params.entry.url ?? ''}`);
      } else if (method === 'Network.requestWillBeSent') {
        this.requests.push(params.request.url);
      }
    });
  }

  send(method, params) { return this.browser.send(method, params, this.sessionId); }

  // The value of an expression in the page; of a promise what it resolves to.
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression) {
    const end = Date.now() + PATIENCE;
    while (!await this.evaluate(expression)) {
      if (Date.now() > end) throw new Error(`never true within ${PATIENCE} ms: ${expression}`);
      await sleep(20);
    }
  }

  // Does something that changes the page, and waits for the answer to it.
  async answered(change) {
    await this.evaluate('document.body.dataset.state = "changed"');
    await change();
    await this.until('document.body.dataset.state === "answered"');
  }

  async type(text) { await this.send('Input.insertText', { text }); }

  async press(key) {
    for (const type of ['rawKeyDown', 'keyUp']) {
      await this.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: KEYS[key] });
    }
  }

  // Points at the middle of an element.
  async point(selector) {
    const { x, y } = await this.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({block: 'center'});
      const box = element.getBoundingClientRect();
      return {x: box.x + box.width / 2, y: box.y + box.height / 2};
    })()`);
    await this.pointAt(x, y);
  }

  async pointAt(x, y) { await this.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y }); }

  async look({ width = 1440, height = 1000, scheme = 'light' }) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await this.send('Emulation.setEmulatedMedia', { features: [
      { name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' },
    ] });
  }

  async screenshot() {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }

  async close() { await this.browser.send('Target.closeTarget', { targetId: this.targetId }); }
}

const KEYS = { ArrowDown: 40, ArrowUp: 38, Enter: 13, Tab: 9, Home: 36, End: 35 };
