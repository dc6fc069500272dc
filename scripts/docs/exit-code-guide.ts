import type { Guide } from './error-guide.ts';
import type { exitCodes } from '../../src/cli/context/context.ts';

/** What the docs say of each exit code: docs/errors.md is made from it. The type makes sure that none is missing. */
export const exitCodeGuide: Readonly<Record<keyof typeof exitCodes, Guide>> = {
  done: {
    cause: 'What was asked for was done. A `worker` has drained.',
    cure: 'Nothing.',
  },
  notFullyDone: {
    cause:
      'Not all of it was done: a line was refused, an id is unknown, it was too late to cancel, the queue is full, an entry was skipped. Or a fault in this program, which stderr tells.',
    cure: 'stderr says what, and stdout (with `--json`, one object a line) what was done all the same. Do only the rest again.',
  },
  usage: {
    cause:
      "Wrong usage or configuration: an unknown command or flag, a missing argument, a variable that can't work, Node that is too old.",
    cure: 'stderr names it; `--help` shows what a command takes. A worker that ends with 2 ends again when it is restarted.',
  },
  redisUnreachable: {
    cause: 'Redis could not be reached, refused, or did not answer in time. A `worker` never ends with 3: it waits.',
    cure: 'Check `REDIS_URL`, that Redis runs and lets you in. Then run it again; after `send`, read what stderr says of each line first.',
  },
  interrupted: {
    cause: 'Ctrl-C or SIGTERM, before it was done.',
    cure: 'Run it again: a replay or a discard with the same filter goes on with the rest. After `send`, give it only the lines whose number was not printed, unless all have an `idempotencyKey`.',
  },
};
