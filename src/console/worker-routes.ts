import { html } from 'hono/html';
import { describeVersions } from '../shared/fleet-versions.ts';
import type { WorkerStatus } from '../shared/shard-status.ts';
import type { DeskApp } from './desk.ts';
import type { DeskDeps } from './desk-deps.ts';
import { counted } from './format.ts';
import { show } from './layout.ts';
import { id, type Column, table, time } from './parts.ts';
import { readDeskStatus } from './reading.ts';

const columns: Column<WorkerStatus>[] = [
  { name: 'Worker', cell: (worker) => id(worker.id), isHeader: true },
  { name: 'Version', cell: ({ version }) => version },
  { name: 'Running since', cell: ({ since }) => time(since) },
  { name: 'In flight', cell: ({ sending }) => sending, isNumber: true },
  { name: 'At most', cell: ({ concurrency }) => concurrency, isNumber: true },
];

export function addWorkerRoutes(app: DeskApp, deps: DeskDeps): void {
  app.get('/workers', async (context) => {
    const { workers } = await readDeskStatus(deps);
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
          A worker that was silent for ten seconds is gone from this list; another one takes over its messages.
        </p>`,
    });
  });
}
