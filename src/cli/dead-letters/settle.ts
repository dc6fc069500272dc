import { openDeadLetters } from '../../dead-letters/index.ts';
import { recorded } from '../../shared/actions/audit.ts';
import { type ActorFlags, actorName, recorderOf } from '../context/actor.ts';
import { type CommandContext, type ExitCode, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { tellOutcome } from './outcome.ts';

export interface SettleFlags extends Pick<ActorFlags, 'by' | 'why'> {
  delivered?: true;
  notDelivered?: true;
  json?: boolean;
}

/** `dead-letters settle ID`: notes what became of a message that may have arrived. */
export async function settleDeadLetter(
  context: CommandContext,
  id: string,
  { delivered, json, by: givenName, why }: SettleFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  await using deadLetters = openDeadLetters(config);
  const outcome = delivered ? 'delivered' : 'not-delivered';
  const by = actorName(givenName);
  const record = recorderOf(context, config, { action: `settle as ${outcome}`, ids: [id], by, reason: why });
  const result = await recorded(
    record,
    async () => await deadLetters.settle({ id, outcome, by }),
    ({ done, skipped }) => ({ result: done === 1 ? 'done' : (skipped[0]?.why ?? 'nothing to do') }),
  );
  if (result.matched === 0) await tellIfUnused(context, config);
  const exitCode = tellOutcome(context, result, { past: 'settled', dryRun: false, json });
  if (result.done === 1) line(context.stderr, noted[outcome](id));
  return exitCode;
}

const noted = {
  delivered: (id: string) => `${id} is settled as delivered, and is a dead letter no longer`,
  'not-delivered': (id: string) => `${id} is settled as not delivered: a replay of it needs no --force`,
} as const;
