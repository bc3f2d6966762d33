// A pod's life as a table of steps, and its amounts as bars.

import { element } from './dom.js';

const ROLES = { init: 'init container', sidecar: 'sidecar', app: 'app container' };

export function timeLine(line, title) {
  const head = element('tr', {}, element('th', { scope: 'col' }, 'Container'),
    line.steps.map((step) => element('th', { scope: 'col' }, step)),
    element('th', { scope: 'col' }, 'Starts and ends'));
  const rows = line.containers.map((lane) => element('tr', { class: lane.addedBy ? 'ours' : undefined },
    element('th', { scope: 'row' }, lane.name, element('br'),
      element('small', {}, ROLES[lane.role] + (lane.addedBy ? ` of ${lane.addedBy}` : ''))),
    lane.first > 0 ? element('td', { colspan: lane.first }) : undefined,
    element('td', { class: 'bar', colspan: lane.last - lane.first + 1 },
      element('span', { role: 'img', 'aria-label': `from “${line.steps[lane.first]}” to “${line.steps[lane.last]}”` })),
    lane.last + 1 < line.steps.length
      ? element('td', { colspan: line.steps.length - lane.last - 1 }) : undefined,
    element('td', { class: 'when' }, `Starts ${lane.starts}; ends ${lane.ends}.`)));
  return element('div', { class: 'scrolling', tabindex: '0', role: 'region', 'aria-label': title },
    element('table', { class: 'life' }, element('thead', {}, head), element('tbody', {}, rows)));
}

export function bars(amounts) {
  const parts = amounts.flatMap((amount) => {
    const most = Math.max(amount.before?.number ?? 0, amount.after?.number ?? 0);
    const bar = (when, size, kind) => {
      const fill = element('div', { class: kind });
      fill.style.width = `${most > 0 && size ? (100 * size.number) / most : 0}%`;
      return [element('span', {}, when), element('div', { class: 'track' }, fill),
        element('span', {}, size?.text ?? 'not set')];
    };
    return [element('span', { class: 'name' }, amount.name),
      ...bar('before', amount.before), ...bar('after', amount.after, 'ours')];
  });
  return element('div', { class: 'bars' }, parts);
}
