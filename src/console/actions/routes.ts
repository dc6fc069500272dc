import { html } from 'hono/html';
import { type AuditRecord, describeTarget, isAuditId, readActions } from '../../shared/actions/audit.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { soon } from '../facts/reading.ts';
import { show } from '../html/layout.ts';
import { query } from '../html/links.ts';
import { type Column, id, table, time } from '../html/parts.ts';
import { fieldOf } from '../http/forms.ts';
import { isSeen } from '../http/permission.ts';

const PAGE_SIZE = 50;

const columns: Column<AuditRecord>[] = [
  { name: 'When', cell: ({ at }) => time(at), isHeader: true },
  { name: 'Who', cell: ({ by, session }) => html`${id(by)}${session === undefined ? '' : ` (${session})`}` },
  { name: 'By way of', cell: ({ via }) => (via === 'cli' ? 'command line' : via) },
  { name: 'Action', cell: ({ action }) => action },
  { name: 'What', cell: (record) => id(describeTarget(record)) },
  { name: 'Matched', cell: ({ matched = '' }) => matched, isNumber: true },
  { name: 'Done', cell: ({ done = '' }) => done, isNumber: true },
  { name: 'Result', cell: ({ result }) => result },
  { name: 'Why', cell: ({ reason = '' }) => reason },
];

/** What operators did, the newest first. */
export function addActionRoutes(app: DeskApp, { config, session }: DeskDeps): void {
  app.get('/actions', async (context) => {
    const before = fieldOf(new URL(context.req.url).searchParams, 'before');
    const from = before !== undefined && isAuditId(before) ? { before } : {};
    const isWanted = ({ page }: AuditRecord): boolean => isSeen(context, page ?? null);
    // One more than is shown, to know whether there is another page.
    const found = await readActions(session, config, { ...from, limit: PAGE_SIZE + 1, isWanted }, soon());
    const records = found.slice(0, PAGE_SIZE);
    const last = records.at(-1);
    return await show(context, {
      title: 'Actions',
      section: 'Actions',
      after: html`${table(
          'before' in from ? 'Earlier actions' : 'The newest actions',
          columns,
          records,
          'before' in from ? 'No earlier actions.' : 'No action was made yet.',
        )}
        <nav class="actions" aria-label="Pages of the list">
          ${'before' in from ? html`<a class="button" href="/actions">Newest</a>` : ''}
          ${
            found.length > PAGE_SIZE && last !== undefined
              ? html`<a class="button" rel="next" href="/actions?${query({ before: last.id })}">Older</a>`
              : ''
          }
        </nav>
        <p class="hint">Actions of the console and the command line; the newest 10,000 are kept.</p>`,
    });
  });
}
