import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import { formatCount, formatRelative, shortened } from './format.ts';
import { CSRF_FIELD } from '../http/forms.ts';
import type { DeskContext, Html } from './layout.ts';

/** A time relative to now, with the exact time as its title. */
export function time(iso: string | null, nowMs = Date.now()): Html {
  if (iso === null) return html`<span class="none">–</span>`;
  return html`<time datetime="${iso}" title="${iso}">${formatRelative(Date.parse(iso), nowMs)}</time>`;
}

/** A shortened id that never wraps in a table, with the whole id as its title. */
export function id(text: string | null, max = 48): Html {
  if (text === null) return html`<span class="none">not known</span>`;
  return html`<bdi class="id" title="${text}">${shortened(text, max)}</bdi>`;
}

/** A shortened id as a link. */
export function idLink(text: string, href: string, max = 48): Html {
  return html`<a class="id" href="${href}" title="${text}"><bdi>${shortened(text, max)}</bdi></a>`;
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet';

const SIGNS: Record<Tone, string> = { good: '✓', bad: '✗', warn: '!', quiet: '·' };

/** A word with a sign and a colour, so that the colour alone never carries the meaning. */
export function badge(text: string, tone: Tone): Html {
  return html`<span class="badge ${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${text}</span>`;
}

/** A sentence in a box. */
export function notice(tone: Tone, text: Html | string): Html {
  return html`<p class="notice ${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${text}</p>`;
}

export interface Column<Row> {
  name: string;
  cell: (row: Row) => Html | string | number;
  isNumber?: boolean;
  /** The column that names the row. */
  isHeader?: boolean;
  /** Whether the column holds controls, which need no column name beside them. */
  isControl?: boolean;
}

/** A table with a caption. @param empty the text if there are no rows */
export function table<Row>(
  caption: string,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  empty: Html | string,
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0">
    <table role="table">
      <caption>
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map(({ name, isNumber }) => html`<th scope="col" role="columnheader" class="${isNumber ? 'number' : ''}">${name}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) =>
            html`<tr role="row">
              ${columns.map((column) => cell(column, row))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** Where a table is too wide, each row becomes a block whose cells show the names of their columns. */
function cell<Row>(column: Column<Row>, row: Row): Html {
  const { name, isHeader } = column;
  const value = column.cell(row);
  const shown = typeof value === 'number' ? formatCount(value) : value;
  const kind = kindOf(column);
  return isHeader
    ? html`<th scope="row" role="rowheader" class="${kind}">${shown}</th>`
    : html`<td role="cell" class="${kind}" data-column="${name}">${shown}</td>`;
}

function kindOf<Row>({ isNumber = false, isControl = false }: Column<Row>): string {
  if (isControl) return 'control';
  return isNumber ? 'number' : '';
}

/** A list of named facts. */
export function facts(entries: readonly (readonly [name: string, value: Html | string | number] | null)[]): Html {
  return html`<dl class="facts">
    ${entries.map((entry) =>
      entry === null
        ? ''
        : html`<div>
            <dt>${entry[0]}</dt>
            <dd>${typeof entry[1] === 'number' ? formatCount(entry[1]) : entry[1]}</dd>
          </div>`,
    )}
  </dl>`;
}

export interface TextField {
  fieldId: string;
  name: string;
  label: string;
  value: string | undefined;
  isRequired?: boolean;
}

/** A field for what others have named: a message, a page, a conversation, a label. */
export function textField({ fieldId, name, label, value = '', isRequired = false }: TextField): Html {
  return html`<div class="field">
    <label for="${fieldId}">${label}</label>
    <input
      id="${fieldId}"
      name="${name}"
      value="${value}"
      ${isRequired ? 'required' : ''}
      maxlength="512"
      autocomplete="off"
      spellcheck="false"
    />
  </div>`;
}

export interface Action {
  /** The path that the form is posted to. */
  action: string;
  label: string;
  fields?: Readonly<Record<string, string | undefined>>;
  /** Distinguishes the button from others with the same label, and keeps its focus when the page refreshes. */
  about: string;
  /** A warning that has to be opened before the second button appears. */
  warning?: string;
  /** The label of the second button. */
  confirm?: string;
}

/** A button that changes something; with a warning it asks first. */
export function actionButton(context: DeskContext, action: Action): Html {
  const { label, about, warning, confirm = label } = action;
  const key = elementId(`${action.action} ${label} ${about}`);
  if (warning === undefined) return actionForm(context, action, { label, key });
  return html`<details class="ask">
    <summary id="${key}-ask">${label}…<span class="visually-hidden"> ${about}</span></summary>
    <div class="card">
      <p>${warning}</p>
      ${actionForm(context, action, { label: confirm, key })}
    </div>
  </details>`;
}

function actionForm(
  context: DeskContext,
  { action, fields = {}, about }: Action,
  button: { label: string; key: string },
): Html {
  return html`<form class="inline" method="post" action="${action}">
    ${csrfField(context)} ${hiddenFields(fields)}
    <button type="submit" id="${button.key}">${button.label}<span class="visually-hidden"> ${about}</span></button>
  </form>`;
}

/** An id for a button, which keeps its focus after a refresh. A hash, since ids of messages and pages can't be used unchanged. */
function elementId(text: string): string {
  return `b-${createHash('sha256').update(text).digest('base64url').slice(0, 12)}`;
}

export function csrfField(context: DeskContext): Html {
  return html`<input type="hidden" name="${CSRF_FIELD}" value="${context.var.visitor.csrfToken ?? ''}" />`;
}

export function hiddenFields(fields: Readonly<Record<string, string | undefined>>): Html {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return html`${given.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}`;
}
