import type { DeadWebhook } from '../../notify/index.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';
import { withDeadWebhooks } from './with-dead-webhooks.ts';

export interface ListFlags {
  group: string;
  limit: number;
  json?: boolean;
}

/** `webhooks list`: the newest events that the receiver did not accept. */
export async function listWebhooks(context: CommandContext, { group, limit, json }: ListFlags): Promise<ExitCode> {
  const config = loadSite(context);
  const all = await withDeadWebhooks(config, group, async (dead) => await dead.list());
  const shown = all.toReversed().slice(0, limit);
  if (json) for (const entry of shown) jsonLine(context.stdout, entry);
  else if (shown.length > 0) line(context.stdout, describe(shown));
  line(context.stderr, `${shown.length} shown, ${all.length} in all`);
  if (all.length === 0) await tellIfUnused(context, config);
  return exitCodes.done;
}

function describe(entries: readonly DeadWebhook[]): string {
  return textTable([
    ['id', 'dead at', 'attempts', 'last answer', 'page', 'conversation'],
    ...entries.map(({ event, deadAt, attempts, status, failure }) => [
      event.id,
      deadAt,
      attempts,
      status === null ? failure : String(status),
      event.type === 'gap' ? null : event.pageId,
      event.type === 'gap' ? null : event.conversationId,
    ]),
  ]);
}
