import { recorded } from '../../shared/actions/audit.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import type { Config } from '../../shared/config/config.ts';
import { deadlineIn } from '../../shared/redis/deadline.ts';
import {
  limitInForce,
  type LimitInForce,
  type LimitName,
  readLimits,
  type StoredLimits,
  writeLimits,
} from '../../shared/lanes/fleet/limits.ts';
import type { Shard } from '../../shared/lanes/shard.ts';
import { createSession } from '../../shared/session/session.ts';
import { DEFAULT_LIMIT } from '../context/arguments.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite, tellIfUnused } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';

type LimitsInForce = Record<LimitName, LimitInForce>;

/** `limits show`: prints the limits in force. */
export async function showLimits(context: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const config = loadSite(context);
  const limits = await reachLimits(config, {});
  print(context, json, limits);
  if (!limits.rate.inForce) await tellIfUnused(context, config);
  return exitCodes.done;
}

export interface LimitFlags extends ActorFlags {
  /** A text for `KITECHAT_RATE_LIMIT`, `none` or `default`. */
  rate?: string;
  pageRate?: string;
  json?: boolean;
}

/** `limits set`: sets limits for all workers, whatever their variables say. */
export async function setLimits(
  context: CommandContext,
  { json, by, reason, ...flags }: LimitFlags,
): Promise<ExitCode> {
  const config = loadSite(context);
  const selection = Object.entries(flags)
    .map(([name, text]) => `${name} ${text}`)
    .join(', ');
  const changes = Object.fromEntries(
    Object.entries(flags).map(([name, text]) => [name, text === DEFAULT_LIMIT ? null : text]),
  );
  const limits = await recorded(
    recorderOf(context, config, { action: 'limits', selection, by, reason }),
    async () => await reachLimits(config, changes),
    () => ({ result: 'done' }),
  );
  print(context, json, limits);
  line(context.stderr, 'The limits are set; the workers apply them within seconds.');
  return exitCodes.done;
}

/** Makes the changes, if any. @returns the limits in force after them. */
async function reachLimits(config: Config, changes: Partial<StoredLimits>): Promise<LimitsInForce> {
  const session = createSession(config);
  try {
    const deadline = deadlineIn(config.enqueueTimeoutMs);
    const write = async ({ redis }: Shard): Promise<void> => await writeLimits(redis, config.namespace, changes);
    const texts = Object.values(changes);
    if (texts.some((text) => text !== null)) await session.change(0, deadline, write);
    else if (texts.length > 0) await session.changeStored(0, deadline, undefined, write);
    const stored = await session.read(0, deadline, ({ redis }) => readLimits(redis, config.namespace));
    return {
      rate: limitInForce(stored, 'rate', config.rateLimit),
      pageRate: limitInForce(stored, 'pageRate', config.pageRateLimit),
    };
  } finally {
    await session.close();
  }
}

function print({ stdout, stderr }: CommandContext, json: boolean | undefined, limits: LimitsInForce): void {
  const { rate, pageRate } = limits;
  if (json) jsonLine(stdout, limits);
  else {
    line(
      stdout,
      textTable([
        ['', 'limit', 'from'],
        ['the whole fleet', rate.limit ?? 'none', describeSource(rate, 'KITECHAT_RATE_LIMIT')],
        ['each page', pageRate.limit ?? 'none', describeSource(pageRate, 'KITECHAT_PAGE_RATE_LIMIT')],
      ]),
    );
  }
  if (!rate.inForce || !pageRate.inForce) {
    line(
      stderr,
      'No worker has reported its limits yet. Limits that are not set at run time are shown from the variables of this command.',
    );
  }
}

function describeSource({ from, inForce }: LimitInForce, variable: string): string {
  switch (from) {
    case 'run-time':
      return 'set at run time';
    case 'variable':
      return inForce ? `${variable} of the workers` : `${variable}, as set here`;
    case 'default':
      return 'not set';
  }
}
