// The parameters as a form. What is typed here is set beside the manifest, as `--set` does it.

import { element } from './dom.js';

export class ParameterForm {
  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.set = {};
    this.controls = new Map();
    this.shape = '';
    root.addEventListener('submit', (event) => event.preventDefault());
  }

  // Shows these fields. A form of the same shape keeps its controls, and so the focus.
  show(fields) {
    const shape = JSON.stringify(fields.map(({ value, from, ...rest }) => rest));
    if (shape !== this.shape) {
      this.shape = shape;
      this.controls.clear();
      this.root.replaceChildren(...fields.map((field, index) => this.field(field, index)));
      if (fields.length === 0) {
        this.root.append(element('p', { class: 'about' }, 'The template has no parameters.'));
      }
    }
    for (const field of fields) this.update(field);
  }

  field(field, index) {
    const id = `field-${index}`;
    const control = this.control(field, id);
    const reset = element('button', {
      type: 'button', title: `Unset ${field.key}`, 'aria-label': `Unset ${field.key}`,
      onclick: () => { this.take(field, undefined); this.onChange(); control.focus(); },
    }, '×');
    const from = element('p', { class: 'about', id: `${id}-from` });
    const about = [field.description, field.allowed.length > 0 ? `Allowed: ${field.allowed.join(', ')}` : ''];
    if (!field.byPod) about.push('A pod may not set it');
    this.controls.set(field.key, { control, reset, from, field });
    control.addEventListener('input', () => { this.take(field, control.value); this.onChange(); });
    return element('div', { class: 'field' },
      element('label', { for: id }, `${field.key} `,
        element('span', { class: 'type' }, `${field.type}${field.required ? ', required' : ''}`)),
      element('div', { class: 'row' }, control, reset),
      element('p', { class: 'about', id: `${id}-about` }, about.filter(Boolean).map((sentence) => `${sentence}. `)),
      from);
  }

  control(field, id) {
    const common = {
      id, disabled: !field.byPod, 'aria-describedby': `${id}-about ${id}-from`,
    };
    if (field.input === 'choice') {
      const options = field.choices.map((choice) => element('option', { value: choice }, choice));
      return element('select', common, element('option', { value: '' }, '(not set)'), options);
    }
    if (field.input === 'lines' || field.input === 'entries') {
      const placeholder = field.input === 'entries' ? 'key=value' : field.default;
      return element('textarea', { ...common, rows: 2, placeholder, spellcheck: 'false' });
    }
    return element('input', {
      ...common, type: 'text', placeholder: field.default, spellcheck: 'false', autocomplete: 'off',
      inputmode: field.input === 'number' ? 'decimal' : 'text',
    });
  }

  // Keeps a value; `undefined` takes it back.
  take(field, value) {
    if (field.input !== 'entries') {
      if (value === undefined || (field.input === 'choice' && value === '')) delete this.set[field.key];
      else this.set[field.key] = value;
      return;
    }
    for (const key of Object.keys(this.set)) {
      if (key.startsWith(`${field.key}.`)) delete this.set[key];
    }
    for (const line of (value ?? '').split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) this.set[`${field.key}.${line.slice(0, at).trim()}`] = line.slice(at + 1);
    }
  }

  update(field) {
    const { control, reset, from } = this.controls.get(field.key);
    const isSet = field.key in this.set
      || (field.input === 'entries' && Object.keys(this.set).some((key) => key.startsWith(`${field.key}.`)));
    control.classList.toggle('is-set', isSet);
    reset.hidden = !isSet;
    from.textContent = isSet ? 'Set here.' : field.from ? `Value from: ${field.from}.` : '';
    if (document.activeElement === control) return;
    control.value = this.set[field.key] ?? field.value ?? '';
  }
}
