import {
  conversationOf,
  type DeadWebhook,
  type DeadWebhooks,
  type Receiver,
  resultOf,
  webhookOf,
} from '../../notify/index.ts';
import { isUncertain } from '../../shared/actions/audit.ts';
import { createLogger } from '../../shared/logging/logger.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';
import { type ChosenFlags, chosenOf, describeChoice } from './chosen.ts';
import { openReceiver, type ReceiverFlags } from './open-receiver.ts';
import { withDeadWebhooks } from './with-dead-webhooks.ts';

export interface ReplayWebhooksFlags extends ChosenFlags, ReceiverFlags, Pick<ActorFlags, 'by' | 'why'> {
  group: string;
  json?: boolean;
}

interface Outcome {
  matched: number;
  done: number;
  failed: { id: string; why: string }[];
}

/** `webhooks replay`: sends events again. */
export async function replayWebhooks(context: CommandContext, flags: ReplayWebhooksFlags): Promise<ExitCode> {
  const { group, json, by, why: reason } = flags;
  const config = loadSite(context);
  const logger = createLogger({ level: config.logLevel, destination: context.stderr });
  const receiver = openReceiver(flags, { config, connections: 1, logger });
  const record = recorderOf(context, config, {
    action: 'replay webhooks',
    ...describeChoice(flags, group),
    by,
    reason,
  });
  const outcome: Outcome = { matched: 0, done: 0, failed: [] };
  try {
    await withDeadWebhooks(config, group, async (dead) => {
      const { chosen, missing } = chosenOf(await dead.list(), flags);
      outcome.matched = chosen.length + missing.length;
      outcome.failed.push(...missing.map((id) => ({ id, why: 'no such event' })));
      await sendEach(chosen, outcome, { dead, receiver, interrupted: context.interrupted });
    });
    const result = context.interrupted.aborted ? 'stopped' : 'done';
    if (outcome.matched > 0) await record({ matched: outcome.matched, done: outcome.done, result });
  } catch (error) {
    if (outcome.done > 0 || isUncertain(error)) await record({ done: outcome.done, result: 'failed' });
    throw error;
  } finally {
    await receiver.close();
  }
  if (outcome.matched === 0) await tellIfUnused(context, config);
  return tell(context, outcome, json);
}

interface Means {
  dead: Pick<DeadWebhooks, 'remove'>;
  receiver: Receiver;
  interrupted: AbortSignal;
}

/** Sends one event after the other. After one that fails, those of its conversation are left out, so that they stay in order. */
async function sendEach(entries: readonly DeadWebhook[], outcome: Outcome, means: Means): Promise<void> {
  const { dead, receiver, interrupted } = means;
  const failed = new Set<string>();
  for (const { event } of entries) {
    if (interrupted.aborted) return;
    const conversation = conversationOf(event);
    if (failed.has(conversation)) {
      outcome.failed.push({ id: event.id, why: 'an earlier event of its conversation was not accepted' });
      continue;
    }
    const answer = await receiver.post(webhookOf(event));
    const result = resultOf(answer);
    if (result === 'accepted') {
      await dead.remove([event.id]);
      outcome.done += 1;
      continue;
    }
    failed.add(conversation);
    outcome.failed.push({ id: event.id, why: `not accepted: ${answer.status ?? answer.failure}` });
    // The others would fail alike.
    if (result === 'gone' || result === 'unreachable' || result === 'later') return;
  }
}

function tell({ stdout, stderr, interrupted }: CommandContext, outcome: Outcome, json: boolean | undefined): ExitCode {
  const { matched, done, failed } = outcome;
  if (json) jsonLine(stdout, outcome);
  else {
    line(
      stdout,
      textTable([
        ['matched', 'done', 'left'],
        [matched, done, matched - done],
      ]),
    );
  }
  for (const { id, why } of failed) line(stderr, `${id}: ${why}`);
  if (interrupted.aborted) return exitCodes.interrupted;
  return done === matched ? exitCodes.done : exitCodes.notFullyDone;
}
