import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import { formatCount, formatRelative, shortened } from './format.ts';
import { CSRF_FIELD } from '../http/forms.ts';
import type { DeskContext, Html } from './layout.ts';

/** A moment, relative to now, with the exact one as its title. */
export function time(iso: string | null, nowMs = Date.now()): Html {
  if (iso === null) return html`<span class="none">–</span>`;
  return html`<time datetime="${iso}" title="${iso}">${formatRelative(Date.parse(iso), nowMs)}</time>`;
}

/** An id: never broken in the middle of a table's column, whole in its title. */
export function id(text: string | null, max = 48): Html {
  if (text === null) return html`<span class="none">not known</span>`;
  return html`<bdi class="id" title="${text}">${shortened(text, max)}</bdi>`;
}

/** A link to what an id names. */
export function idLink(text: string, href: string, max = 48): Html {
  return html`<a class="id" href="${href}" title="${text}"><bdi>${shortened(text, max)}</bdi></a>`;
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet';

const SIGNS: Record<Tone, string> = { good: '✓', bad: '✗', warn: '!', quiet: '·' };

/** A word with a sign and a colour: none of them stands alone. */
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
  /** It holds what can be pressed or ticked, and needs no name beside it. */
  isControl?: boolean;
}

/** A table with a caption; `empty` says what it means that there are no rows. */
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

/** Where a table is too wide, its rows stand as blocks, in which each cell says its column. */
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

/** Facts with their names. */
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
  /** Where it is posted to. */
  action: string;
  label: string;
  fields?: Readonly<Record<string, string | undefined>>;
  /** Names the button apart from others with the same label, and keeps its focus when the page refreshes itself. */
  about: string;
  /** What to know before; the button comes after it has been opened. */
  warning?: string;
  /** The label of the second button. */
  confirm?: string;
}

/** A button that changes something; one that can't be undone asks first. */
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

/** What is refreshed keeps the focus of an element that has an id; ids of messages and pages can't be used as they are. */
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
