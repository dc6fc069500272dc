import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig } from '../../shared/config/config.ts';
import { QueueUnavailableError } from '../../shared/errors/errors.ts';
import { createSession } from '../../shared/session/session.ts';
import { type CommandContext, type ExitCode, exitCodes, type JsonOption } from '../context/context.ts';
import { siteOf } from '../context/site.ts';
import { failureOf } from '../terminal/failure.ts';
import { createLooks } from './look.ts';
import { createView } from './views.ts';

const LOOK_EVERY_MS = 1000;

/** `status --watch`: shows the status every second until it is interrupted, which is not a failure. It survives an outage of Redis. */
export async function watchStatus(context: CommandContext, { json = false }: JsonOption): Promise<ExitCode> {
  const { env, interrupted } = context;
  const config = loadConfig(env);
  const session = createSession(config);
  const look = createLooks(session, config, siteOf(env, config));
  const view = createView(context, json ? config : null);
  const ended = interrupted.aborted ? Promise.resolve() : once(interrupted, 'abort');
  let awaySince: Date | null = null;

  async function lookOnce(): Promise<void> {
    try {
      const found = await look();
      if (interrupted.aborted) return;
      view.show(found);
      awaySince = null;
    } catch (error) {
      if (!(error instanceof QueueUnavailableError) || error.isInternal) throw error;
      if (interrupted.aborted) return;
      awaySince ??= new Date();
      view.showAway(failureOf(error, env)?.message ?? error.message, awaySince);
    }
  }

  try {
    let dueAt = performance.now();
    while (!interrupted.aborted) {
      await Promise.race([lookOnce(), ended]);
      const nowMs = performance.now();
      dueAt = Math.max(dueAt + LOOK_EVERY_MS, nowMs);
      await delay(dueAt - nowMs, undefined, { signal: interrupted }).catch(() => {});
    }
    return exitCodes.done;
  } finally {
    view.end();
    await session.close();
  }
}
