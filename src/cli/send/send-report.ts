import { EnqueueUncertainError, InvalidMessageError, type KitechatSenderError } from '../../shared/errors/errors.ts';
import type { Receipt } from '../../producer/index.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';
import { failureOf } from '../terminal/failure.ts';
import { createRefusedLines, describeLines } from './refused-lines.ts';

/** Reports the result of each line, and a summary. */
export interface SendReport {
  tell(number: number, end: Receipt | KitechatSenderError): void;
  /** Whether a line failed because of Redis: the next ones would fail, too. */
  redisFailed(): boolean;
  /** @param leftEarly whether reading stopped before the end of the input */
  end(lastRead: number, leftEarly: boolean): ExitCode;
}

export function createSendReport({ env, stdout, stderr, interrupted }: CommandContext): SendReport {
  let stored = 0;
  let duplicates = 0;
  let refused = 0;
  let uncertain = 0;
  let exitCodeOfRedis: ExitCode = exitCodes.redisUnreachable;
  const notStored: number[] = [];
  let whyNotStored = '';
  const refusedLines = createRefusedLines((text) => line(stderr, text));

  return {
    tell(number, end) {
      if (!(end instanceof Error)) {
        if (end.duplicate) duplicates += 1;
        else stored += 1;
        jsonLine(stdout, { line: number, id: end.id, duplicate: end.duplicate });
        return;
      }
      const failure = failureOf(end, env);
      if (end instanceof EnqueueUncertainError) {
        uncertain += 1;
        exitCodeOfRedis = failure?.exitCode ?? exitCodeOfRedis;
        refusedLines.flush();
        line(stderr, `line ${number}: ${failure?.message ?? end.message}`);
      } else if (failure?.exitCode === exitCodes.redisUnreachable) {
        // Reported once for all such lines, in `end`.
        notStored.push(number);
        whyNotStored = failure.message;
      } else {
        refused += 1;
        refusedLines.tell(number, problemsOf(end));
      }
    },
    redisFailed: () => uncertain + notStored.length > 0,
    end(lastRead, leftEarly) {
      refusedLines.flush();
      if (notStored.length > 0) line(stderr, `${describeLines(notStored)} not stored: ${whyNotStored}`);
      const counts = [
        `stored ${stored}`,
        `already stored ${duplicates}`,
        `refused ${refused}`,
        ...(notStored.length > 0 ? [`not stored ${notStored.length}`] : []),
        ...(uncertain > 0 ? [`uncertain ${uncertain}`] : []),
        ...(leftEarly ? [`not read: all${lastRead === 0 ? '' : ` after line ${lastRead}`}`] : []),
      ];
      line(stderr, counts.join(', '));
      if (interrupted.aborted) return exitCodes.interrupted;
      if (uncertain + notStored.length > 0) return exitCodeOfRedis;
      return refused > 0 ? exitCodes.notFullyDone : exitCodes.done;
    },
  };
}

function problemsOf(error: KitechatSenderError): string[] {
  if (!(error instanceof InvalidMessageError)) return [error.message];
  // In a line the options stand beside the fields of the request, without a prefix.
  return error.issues.map(({ path, message }) => `${path.replace(/^options\.?/, '')} ${message}`.trim());
}
