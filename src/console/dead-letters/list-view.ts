import { html } from 'hono/html';
import { may } from '../http/permission.ts';
import type { DeadLetterCounts, DeadLetterEntry, DeadLetterFilter } from '../../dead-letters/index.ts';
import { deadReasons } from '../../shared/model/dead-letter.ts';
import { counted, formatCount } from '../html/format.ts';
import type { DeskContext, Html } from '../html/layout.ts';
import { letterTable } from '../html/letter-table.ts';
import { filterFields, isNarrowed } from './filter.ts';
import { query } from '../html/links.ts';
import { type Column, csrfField, hiddenFields, id, idLink, notice, table, textField } from '../html/parts.ts';

export interface LetterList {
  filter: DeadLetterFilter;
  problems: readonly string[];
  letters: readonly DeadLetterEntry[];
  hasMore: boolean;
  isFirstPage: boolean;
  /** `null` if counting would mean reading every entry. */
  matching: number | null;
  counts: DeadLetterCounts;
}

const MAX_SHOWN_PAGES = 10;

export function letterListView(context: DeskContext, list: LetterList): Html {
  const { counts, problems, filter } = list;
  return html`${problems.map((problem) => notice('bad', `${problem} This field is ignored.`))}
  ${counts.total === 0 && counts.byPage.length === 0 ? '' : html`<div class="columns">${reasonTable(counts, filter)} ${pageTable(counts, filter)}</div>`}
  ${filterForm(filter)} ${entries(context, list)}`;
}

function reasonTable({ total, byReason }: DeadLetterCounts, filter: DeadLetterFilter): Html {
  const rows = deadReasons.filter((reason) => byReason[reason] > 0);
  const columns: Column<(typeof deadReasons)[number]>[] = [
    { name: 'Reason', cell: (reason) => idLink(reason, linkTo({ ...filter, reason })), isHeader: true },
    { name: 'Dead letters', cell: (reason) => byReason[reason], isNumber: true },
  ];
  return table(`By reason, ${formatCount(total)} in all`, columns, rows, '');
}

function pageTable({ byPage }: DeadLetterCounts, filter: DeadLetterFilter): Html {
  const columns: Column<DeadLetterCounts['byPage'][number]>[] = [
    {
      name: 'Page',
      cell: ({ pageId }) => (pageId === null ? id(null) : idLink(pageId, linkTo({ ...filter, pageId }), 32)),
      isHeader: true,
    },
    { name: 'Dead letters', cell: ({ count }) => count, isNumber: true },
  ];
  if (byPage.length === 0) return html``;
  return table('By page, most dead letters first', columns, byPage.slice(0, MAX_SHOWN_PAGES), '');
}

function linkTo(filter: DeadLetterFilter): string {
  return `/dead-letters?${query(filterFields(filter))}`;
}

function filterForm(filter: DeadLetterFilter): Html {
  const { reason, pageId, conversationId, label, since, until } = filter;
  const minute = (time: Date | undefined): string => time?.toISOString().slice(0, 16) ?? '';
  return html`<form class="card" method="get" action="/dead-letters" role="search" aria-label="Filter the dead letters">
    <div class="fields filter">
      <div class="field">
        <label for="filter-reason">Reason</label>
        <select id="filter-reason" name="reason">
          <option value="">any</option>
          ${deadReasons.map(
            (one) => html`<option value="${one}" ${one === reason ? html`selected` : ''}>${one}</option>`,
          )}
        </select>
      </div>
      ${textField({ fieldId: 'filter-page', name: 'page', label: 'Page', value: pageId })}
      ${textField({ fieldId: 'filter-conversation', name: 'conversation', label: 'Conversation', value: conversationId })}
      ${textField({ fieldId: 'filter-label', name: 'label', label: 'Label', value: label })}
      <div class="field wide">
        <label for="filter-since">Died since (UTC)</label>
        <input id="filter-since" name="since" type="datetime-local" value="${minute(since)}" />
      </div>
      <div class="field wide">
        <label for="filter-until">Died before (UTC)</label>
        <input id="filter-until" name="until" type="datetime-local" value="${minute(until)}" />
      </div>
      <div class="actions">
        <button type="submit">Filter</button>
        ${isNarrowed(filter) ? html`<a class="button" href="/dead-letters">Show all</a>` : ''}
      </div>
    </div>
  </form>`;
}

function entries(context: DeskContext, list: LetterList): Html {
  const { filter, letters, matching, isFirstPage, hasMore } = list;
  const narrowed = isNarrowed(filter);
  const empty = narrowed ? 'No dead letter matches this filter.' : 'There are no dead letters.';
  if (letters.length === 0) {
    return html`<p class="empty">${isFirstPage ? empty : 'No more dead letters.'}</p>`;
  }
  const all = matching === null ? 'all that match' : counted(matching, 'dead letter');
  const caption = `${isFirstPage ? 'The newest' : 'The next'} ${formatCount(letters.length)} of ${all}`;
  const last = letters.at(-1);
  const canAct = may(context, 'replay', 'none');
  return html`<form class="stack" method="post" action="/dead-letters/confirm">
      ${csrfField(context)} ${hiddenFields(filterFields(filter))} ${canAct ? bulkButtons(context, narrowed) : ''}
      ${letterTable(caption, letters, empty, canAct ? [selectColumn] : [])}
    </form>
    <nav class="actions" aria-label="Pages of the list">
      ${isFirstPage ? '' : html`<a class="button" href="${linkTo(filter)}">Newest</a>`}
      ${
        hasMore && last !== undefined
          ? html`<a
              class="button"
              rel="next"
              href="/dead-letters?${query({ ...filterFields(filter), after: last.id, at: last.deadAt })}"
              >Older</a
            >`
          : ''
      }
    </nav>`;
}

function bulkButtons(context: DeskContext, narrowed: boolean): Html {
  return html`<div class="card">
    <div class="actions">
      <label class="choice" hidden><input type="checkbox" id="select-all" /> Select all on this page</label>
      <button type="submit" name="do" value="replay-selected">Replay selected…</button>
      <button type="submit" name="do" value="discard-selected">Discard selected…</button>
      <button type="submit" name="do" value="replay-matching">Replay ${narrowed ? 'all that match' : 'all'}…</button>
      ${
        may(context, 'discard all', 'none')
          ? html`<button type="submit" name="do" value="discard-matching">
              Discard ${narrowed ? 'all that match' : 'all'}…
            </button>`
          : ''
      }
    </div>
    <p class="hint">Nothing happens until you confirm it on the next page.</p>
  </div>`;
}

const selectColumn: Column<DeadLetterEntry> = {
  name: 'Select',
  isControl: true,
  cell: (letter) => html`<input type="checkbox" name="id" value="${letter.id}" aria-label="Select ${letter.id}" />`,
};
