// The right side: what came of it.

import { byId, counted, element } from './dom.js';
import { bars, timeLine } from './time-line.js';

// Lines of the manifest that stay and are shown around a change.
const AROUND = 3;

export class Result {
  // `onLink(lines)` with the lines of the template that belong to what is pointed at.
  constructor(onLink) {
    this.onLink = onLink;
    this.list = byId('difference');
    this.byResult = new Map();
    this.byTemplate = new Map();
    this.list.addEventListener('keydown', (event) => this.move(event));
    this.list.addEventListener('blur', () => this.point(undefined));
    this.list.addEventListener('mouseover', (event) => this.point(event.target.closest('li')));
    this.list.addEventListener('mouseleave', () => this.point(undefined));
  }

  show(answer, templateFile) {
    this.index(answer, templateFile);
    this.showVerdict(answer);
    this.showDifference(answer.difference);
    byId('pods').replaceChildren(...answer.pods.map((pod) => this.pod(pod, templateFile)),
      ...answer.leftOut > 0 ? [element('p', {}, `${counted(answer.leftOut, 'more pod')} in the manifest: `
        + 'the lines above have them, the sections do not.')] : []);
    byId('command').textContent = answer.command;
    byId('case').textContent = answer.case?.text ?? '';
    byId('case-path').textContent = answer.case ? `Belongs into ${answer.case.path}.`
      : `There is none: ${answer.noCase ?? 'the manifest cannot be read'}.`;
    byId('save-case').disabled = !answer.case;
  }

  // Which lines of the template and of the result belong together.
  index(answer, templateFile) {
    this.byResult.clear();
    this.byTemplate.clear();
    const add = (map, key, value) => map.set(key, (map.get(key) ?? new Set()).add(value));
    for (const field of answer.pods.flatMap((pod) => pod.added)) {
      if (field.file !== templateFile || !field.line || !field.from) continue;
      add(this.byResult, field.line, field.from);
      add(this.byTemplate, field.from, field.line);
    }
  }

  showVerdict(answer) {
    const pods = answer.pods.map(({ object, explanation }) => {
      const { verdict, reason, message, stoppedBy, gates } = explanation;
      const isCalled = gates.call === 'Called' || gates.call === 'Unknown';
      return element('div', { class: `verdict ${verdict}` },
        element('strong', {}, `${verdict} (${reason})`), ` ${object}`,
        element('p', {}, message),
        stoppedBy?.change ? element('p', {}, `To change it: ${stoppedBy.change}`) : undefined,
        isCalled ? undefined : element('p', {}, 'In a cluster the API server would not call Pillion for this pod.'));
    });
    const none = element('div', { class: 'verdict' },
      answer.manifest.length > 0 ? 'The manifest cannot be read.' : 'The manifest holds no pod.');
    const hints = answer.report.split('\n').map((line) => line.trim())
      .filter((line) => line.startsWith('hint: '))
      .map((line) => element('div', { class: 'verdict Skipped' }, line));
    byId('verdict').replaceChildren(...pods.length > 0 ? pods : [none], ...hints);
  }

  showDifference(lines) {
    const near = lines.map(() => false);
    lines.forEach((line, index) => {
      if (line.change === 'kept') return;
      for (let at = index - AROUND; at <= index + AROUND; at += 1) if (at in near) near[at] = true;
    });
    const isWhole = !lines.some((line) => line.change !== 'kept');
    const parts = [];
    let hidden = [];
    const flush = () => {
      if (hidden.length === 0) return;
      const kept = hidden;
      const item = element('li', { role: 'option', class: 'gap', 'aria-selected': 'false' });
      const open = () => item.replaceWith(...kept.map((line) => this.line(line)));
      item.append(element('span'), element('span'), element('span', { class: 'content' },
        `… ${counted(kept.length, 'line')} as before`));
      item.addEventListener('click', open);
      item.open = open;
      parts.push(item);
      hidden = [];
    };
    lines.forEach((line, index) => {
      if (isWhole || near[index]) { flush(); parts.push(this.line(line)); } else hidden.push(line);
    });
    flush();
    this.list.removeAttribute('aria-activedescendant');
    this.list.replaceChildren(...parts);
  }

  line(line) {
    const from = [...this.byResult.get(line.after) ?? []].sort((a, b) => a - b);
    const sign = { kept: ' ', added: '+', removed: '-' }[line.change];
    const content = { kept: 'span', added: 'ins', removed: 'del' }[line.change];
    return element('li', {
      role: 'option', 'aria-selected': 'false', class: line.change,
      id: line.after ? `result-${line.after}` : `before-${line.before}`,
      'data-from': from.length > 0 ? from.join(' ') : undefined,
    }, element('span', {}, String(line.after ?? line.before)), element('span', {}, sign),
    element(content, { class: 'content' }, line.text),
    from.length > 0 ? element('span', { class: 'origin' }, element('span', { class: 'at' }, `template ${from[0]}`)) : undefined);
  }

  // Arrow keys go through the lines; Enter opens what is folded.
  move(event) {
    const items = [...this.list.children];
    const current = items.findIndex((item) => item.classList.contains('current'));
    const target = { ArrowDown: current + 1, ArrowUp: Math.max(current - 1, 0), Home: 0, End: items.length - 1 }[event.key];
    if (event.key === 'Enter') items[current]?.open?.();
    if (target === undefined || !items[target]) return;
    event.preventDefault();
    items[current]?.classList.remove('current');
    items[current]?.setAttribute('aria-selected', 'false');
    const item = items[target];
    item.id ||= `gap-${target}`;
    item.classList.add('current');
    item.setAttribute('aria-selected', 'true');
    this.list.setAttribute('aria-activedescendant', item.id);
    item.scrollIntoView({ block: 'nearest' });
    this.point(item);
  }

  point(item) {
    const from = item?.dataset?.from;
    this.light(item && from ? [item] : []);
    this.onLink(from ? from.split(' ').map(Number) : []);
  }

  // Lights up what comes from a line of the template.
  lightFrom(line, bringsIntoView) {
    const lines = [...this.byTemplate.get(line) ?? []];
    const items = lines.map((at) => byId(`result-${at}`)).filter(Boolean);
    this.light(items);
    if (bringsIntoView) items[0]?.scrollIntoView({ block: 'nearest' });
    for (const row of document.querySelectorAll('tr[data-from]')) {
      row.classList.toggle('linked', line !== undefined && row.dataset.from === String(line));
    }
  }

  light(items) {
    for (const item of this.list.querySelectorAll('.linked')) item.classList.remove('linked');
    for (const item of items) item.classList.add('linked');
  }

  pod(pod, templateFile) {
    const { explanation } = pod;
    const findings = explanation.templates.flatMap((template) =>
      template.findings.map((finding) => ({ ...finding, template: template.name })))
      .concat(explanation.findings);
    const section = (title, ...content) => [element('h3', {}, title), ...content];
    return element('section', { 'aria-label': pod.object },
      element('h2', {}, pod.object),
      ...section('Findings', this.findings(findings)),
      ...section('Start and stop',
        element('p', { class: 'hint' }, element('span', { class: 'key' }), 'the user’s own ',
          element('span', { class: 'key ours' }), 'added by a template'),
        timeLine(pod.timeLine, `When the containers of ${pod.object} start and stop`)),
      ...section('Requests and limits', pod.resources.length > 0 ? bars(pod.resources)
        : element('p', { class: 'hint' }, 'Nothing is added that requests or limits anything.')),
      element('details', {}, element('summary', {}, `Added fields (${pod.added.length})`),
        this.fields(pod, templateFile)),
      element('details', {}, element('summary', {}, 'Why'), this.why(explanation)),
      element('details', {}, element('summary', {}, 'Patch (RFC 6902)'),
        element('pre', { tabindex: '0', role: 'region', 'aria-label': `Patch of ${pod.object}` },
          JSON.stringify(pod.patch ?? [], null, 2))));
  }

  findings(findings) {
    const told = findings.filter((finding) => finding.policy !== 'Ignore');
    if (told.length === 0) return element('p', { class: 'hint' }, 'None.');
    return element('ul', { class: 'findings' }, told.map((finding) =>
      element('li', { class: finding.severity },
        element('strong', {}, `${finding.code} (${finding.policy})`), ` ${finding.path}: ${finding.message}`,
        element('span', { class: 'remedy' }, `Remedy: ${finding.help}`))));
  }

  fields(pod, templateFile) {
    const rows = pod.added.map((field) => {
      const isOwn = field.file === templateFile;
      const from = isOwn && field.from
        ? element('button', { type: 'button',
          onfocus: () => this.onLink([field.from]), onmouseenter: () => this.onLink([field.from]),
          onblur: () => this.onLink([]), onmouseleave: () => this.onLink([]) }, `line ${field.from}`)
        : `${field.file ?? field.template}${field.from ? `:${field.from}` : ''}`;
      return element('tr', { 'data-from': isOwn ? field.from : undefined },
        element('td', {}, field.path), element('td', {}, JSON.stringify(field.value)),
        element('td', {}, from));
    });
    return element('div', { class: 'scrolling', tabindex: '0', role: 'region', 'aria-label': `Fields added to ${pod.object}` },
      element('table', { class: 'fields' },
        element('thead', {}, element('tr', {}, ['Field', 'Value', 'Template'].map((name) =>
          element('th', { scope: 'col' }, name)))),
        element('tbody', {}, rows)));
  }

  why(explanation) {
    const items = explanation.templates.flatMap((template) => [
      element('li', {}, `${template.name} ${template.revision}: ${template.verdict} (${template.reason}): ${template.message}`),
      ...[...template.matchConditions, ...template.validations].map((condition) =>
        element('li', {}, `${condition.name ?? 'validation'} (line ${condition.line}): `,
          element('code', {}, condition.expression),
          ` ${condition.evaluated ? String(condition.holds ?? 'failed') : 'not reached'}`)),
    ]);
    if (items.length === 0) items.push(element('li', {}, explanation.message));
    return element('ul', {}, items);
  }
}
