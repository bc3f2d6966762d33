// A text with line numbers, and with marks and words at its lines. The text itself is a plain
// `textarea`, so that keyboards, screen readers and undo work as everywhere; Tab leaves it.

import { element } from './dom.js';

const LINE = 20;
const TOP = 6;

export class Editor {
  // `onChange()` after each change of a person; `onLine(line, isCaret)` with the line, from 1, that is
  // pointed at or holds the caret, and `undefined` when there is none any more.
  constructor(root, titleId, spotsId, { onChange, onLine }) {
    this.numbers = element('div');
    this.marks = element('div', { class: 'marks' });
    this.area = element('textarea', {
      'aria-labelledby': titleId,
      'aria-describedby': spotsId,
      spellcheck: 'false',
      autocomplete: 'off',
      autocapitalize: 'off',
      wrap: 'off',
    });
    root.append(
      element('div', { class: 'numbers', 'aria-hidden': 'true' }, this.numbers),
      element('div', { class: 'sheet' }, this.marks, this.area),
    );
    this.spots = [];
    this.linked = [];
    this.area.addEventListener('input', () => { this.draw(); onChange(); });
    this.area.addEventListener('scroll', () => this.follow());
    this.area.addEventListener('mousemove', (event) => onLine(this.lineAt(event), false));
    this.area.addEventListener('mouseleave', () => onLine(undefined, false));
    for (const name of ['keyup', 'click']) {
      this.area.addEventListener(name, () => onLine(this.caretLine(), true));
    }
    this.area.addEventListener('blur', () => onLine(undefined, false));
  }

  get text() { return this.area.value; }

  set text(text) {
    if (text === this.area.value) return;
    this.area.value = text;
    this.area.scrollTop = 0;
    this.area.scrollLeft = 0;
    this.spots = [];
    this.draw();
  }

  // What is told at lines: `{line, isError, message}`.
  tell(spots) {
    this.spots = spots;
    this.area.setAttribute('aria-invalid', String(spots.some((spot) => spot.isError)));
    this.draw();
  }

  // Lights up lines, and brings the first of them into view.
  link(lines, bringsIntoView) {
    this.linked = lines;
    this.draw();
    if (bringsIntoView && lines.length > 0) this.show(Math.min(...lines));
  }

  show(line) {
    const top = TOP + (line - 1) * LINE;
    const { scrollTop, clientHeight } = this.area;
    if (top < scrollTop || top + LINE > scrollTop + clientHeight) {
      this.area.scrollTop = Math.max(0, top - clientHeight / 3);
    }
  }

  // Puts the caret at a place.
  go(line, column) {
    const before = this.area.value.split('\n').slice(0, line - 1);
    const at = before.reduce((sum, text) => sum + text.length + 1, 0) + Math.max(0, column - 1);
    this.area.focus();
    this.area.setSelectionRange(at, at);
    this.show(line);
  }

  lineAt(event) {
    const line = Math.floor((event.offsetY + this.area.scrollTop - TOP) / LINE) + 1;
    return line >= 1 && line <= this.area.value.split('\n').length ? line : undefined;
  }

  caretLine() {
    return this.area.value.slice(0, this.area.selectionStart).split('\n').length;
  }

  draw() {
    const lines = this.area.value.split('\n');
    const worst = new Map();
    for (const spot of this.spots) {
      const known = worst.get(spot.line);
      if (!known || (spot.isError && !known.isError)) worst.set(spot.line, spot);
    }
    const kind = (spot) => spot && (spot.isError ? 'error' : 'warning');
    this.numbers.replaceChildren(...lines.map((_, index) =>
      element('span', { class: kind(worst.get(index + 1)) }, String(index + 1))));
    const marks = this.linked.map((line) => this.mark(line, 'linked'));
    for (const [line, spot] of worst) {
      const mark = this.mark(line, kind(spot));
      const words = element('span', { class: 'words' }, spot.message);
      words.style.left = `${(lines[line - 1] ?? '').length + 2}ch`;
      mark.append(words);
      marks.push(mark);
    }
    this.marks.replaceChildren(...marks);
    this.follow();
  }

  mark(line, kind) {
    const mark = element('div', { class: kind, 'data-line': line });
    mark.style.top = `${TOP + (line - 1) * LINE}px`;
    return mark;
  }

  follow() {
    const { scrollTop, scrollLeft } = this.area;
    this.numbers.style.transform = `translateY(${-scrollTop}px)`;
    this.marks.style.transform = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
  }
}

// The list below an editor: every error and finding, each leading to its place.
export function list(root, spots, editor) {
  root.replaceChildren(...spots.map((spot) => {
    const place = element('button', { type: 'button', onclick: () => editor.go(spot.line, spot.column) },
      `Line ${spot.line}`);
    const said = [spot.code, spot.field, spot.message].filter(Boolean).join(': ');
    const help = spot.help && element('span', { class: 'help' }, spot.help);
    return element('li', { class: spot.isError ? 'error' : 'warning' }, place, ` ${said}`, help);
  }));
}
