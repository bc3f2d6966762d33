// The page: two texts and a form on the left, the answer on the right, and one request between them.

import { byId, element } from './dom.js';
import { Editor, list } from './editor.js';
import { ParameterForm } from './form.js';
import { pack, save, unpack } from './links.js';
import { Result } from './result.js';

// The name that the program gives the template of the page.
const TEMPLATE_FILE = 'template.yaml';
const DEFAULT_EXAMPLE = 'pgbouncer';
const PAUSE = 150;
const VERSIONS = ['', ...Array.from({ length: 12 }, (_, index) => `1.${37 - index}`)];

let examples = [];
let answer;
let waiting;
let request;

const template = new Editor(byId('template'), 'template-title', 'template-spots', {
  onChange: soon,
  onLine: (line, isCaret) => {
    result.lightFrom(line, isCaret);
    template.link(line !== undefined && result.byTemplate.has(line) ? [line] : [], false);
  },
});
const manifest = new Editor(byId('manifest'), 'manifest-title', 'manifest-spots', {
  onChange: soon, onLine: () => {},
});
const form = new ParameterForm(byId('form'), soon);
const result = new Result((lines) => template.link(lines, true));

function notice(text, isFailed = false) {
  byId('notice').textContent = text;
  byId('notice').classList.toggle('failed', isFailed);
}

const state = () => ({
  template: template.text, manifest: manifest.text, set: form.set,
  kubernetes: byId('kubernetes').value || undefined,
});

function restore(kept) {
  template.text = kept.template;
  manifest.text = kept.manifest;
  form.set = { ...kept.set };
  byId('kubernetes').value = kept.kubernetes ?? '';
  ask();
}

// Asks when nothing was typed for a moment.
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(ask, PAUSE);
}

async function ask() {
  clearTimeout(waiting);
  request?.abort();
  const own = new AbortController();
  request = own;
  document.body.dataset.state = 'asking';
  try {
    const response = await fetch('/api/answer', {
      method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify(state()), signal: own.signal,
    });
    if (!response.ok) throw new Error((await response.text()).trim());
    answer = await response.json();
    show();
    notice('');
    history.replaceState(null, '', `#${await pack(state())}`);
  } catch (error) {
    if (own.signal.aborted) return;
    const isGone = error instanceof TypeError;
    notice(isGone ? 'No answer: is `pillion playground` still running?' : error.message, true);
  }
  if (request === own) document.body.dataset.state = 'answered';
}

function show() {
  const spots = (found) => found.map((spot) => ({ ...spot, isError: !spot.code }))
    .sort((one, other) => one.line - other.line || one.column - other.column);
  const ofTemplate = spots(answer.template);
  template.tell(ofTemplate);
  list(byId('template-spots'), ofTemplate, template);
  const ofManifest = spots(answer.manifest);
  manifest.tell(ofManifest);
  list(byId('manifest-spots'), ofManifest, manifest);
  // While a template does not compile it has no parameters to show: those from before stay.
  const isBroken = ofTemplate.some((spot) => spot.isError);
  if (!isBroken || answer.parameters.length > 0) form.show(answer.parameters);
  result.show(answer, TEMPLATE_FILE);
}

function choose(name) {
  const example = examples.find((one) => one.name === name);
  if (example) restore({ template: example.template, manifest: example.manifest, set: {} });
}

async function start() {
  byId('kubernetes').append(...VERSIONS.map((version) =>
    element('option', { value: version }, version || 'as the flags say')));
  byId('example').append(element('option', { value: '' }, '(own)'));
  const response = await fetch('/api/examples');
  examples = await response.json();
  byId('example').append(...examples.map((example) =>
    element('option', { value: example.name, title: example.description }, `${example.name} (${example.pattern})`)));
  byId('example').addEventListener('change', (event) => choose(event.target.value));
  byId('kubernetes').addEventListener('change', ask);
  byId('copy-link').addEventListener('click', copyLink);
  byId('save-case').addEventListener('click', () => save('playground.yaml', answer.case.text));
  addEventListener('hashchange', () => open(location.hash.slice(1)));
  await open(location.hash.slice(1));
}

async function open(hash) {
  const kept = hash && await unpack(hash);
  if (kept) {
    restore(kept);
    return;
  }
  if (hash) notice('The link cannot be read: it may have been cut.', true);
  const first = examples.find((one) => one.name === DEFAULT_EXAMPLE) ?? examples[0];
  byId('example').value = first?.name ?? '';
  if (first) choose(first.name);
}

async function copyLink() {
  const link = `${location.origin}/#${await pack(state())}`;
  history.replaceState(null, '', link);
  try {
    await navigator.clipboard.writeText(link);
    notice('The link is copied: it holds everything on this page.');
  } catch {
    notice('The link is in the address bar: it holds everything on this page.');
  }
}

start().catch((error) => notice(`The page could not start: ${error.message}`, true));
