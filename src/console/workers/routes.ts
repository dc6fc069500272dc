import { html } from 'hono/html';
import { describeVersions, type WorkerStatus } from '../../shared/reading/shard-status.ts';
import type { DeskApp, DeskDeps } from '../facts/deps.ts';
import { counted } from '../html/format.ts';
import { show } from '../html/layout.ts';
import { type Column, id, table, time } from '../html/parts.ts';
import { readDeskStatus } from '../facts/reading.ts';

const columns: Column<WorkerStatus>[] = [
  { name: 'Worker', cell: (worker) => id(worker.id), isHeader: true },
  { name: 'Version', cell: ({ version }) => version },
  { name: 'Running since', cell: ({ since }) => time(since) },
  { name: 'In flight', cell: ({ sending }) => sending, isNumber: true },
  { name: 'Limit', cell: ({ concurrency }) => concurrency, isNumber: true },
];

export function addWorkerRoutes(app: DeskApp, deps: DeskDeps): void {
  app.get('/workers', async (context) => {
    const { status } = await readDeskStatus(deps);
    const { workers } = status;
    const versions = describeVersions(workers);
    return await show(context, {
      title: 'Workers',
      section: 'Workers',
      summary: `${counted(workers.length, 'worker runs', 'workers run')}.${versions === null ? '' : ` They run different versions: ${versions}.`}`,
      live: html`${table(
          counted(workers.length, 'worker'),
          columns,
          workers,
          'No worker is running: nothing is sent. Start one with "kitechat-sender worker".',
        )}
        <p class="hint">
          A worker without a heartbeat for ten seconds is removed from this list; other workers take over its messages.
        </p>`,
    });
  });
}
