import type { Guide } from './error-guide.ts';
import type { exitCodes } from '../../src/cli/context/context.ts';

/** The text of docs/errors.md about each exit code; the type ensures that none is missing. */
export const exitCodeGuide: Readonly<Record<keyof typeof exitCodes, Guide>> = {
  done: {
    cause: 'The command did everything that was asked. A `worker` has drained, `notify` has stopped.',
    cure: 'Nothing.',
  },
  notFullyDone: {
    cause:
      'Part of the work was not done: a line was refused, an id is unknown, it was too late to cancel, the queue is full, an entry was skipped, the receiver of `notify` wants no more events (410). Or an internal error, which stderr reports.',
    cure: 'stderr says what was not done; stdout (with `--json`, one object per line) says what was done. Repeat only the rest.',
  },
  usage: {
    cause:
      "Wrong usage or configuration: an unknown command or flag, a missing argument, a variable that can't work, Node that is too old.",
    cure: 'stderr names the mistake; `--help` shows the options of a command. Correct it first: a worker that exited with 2 exits again when it is restarted.',
  },
  redisUnreachable: {
    cause:
      'Redis could not be reached, refused the call, or did not answer in time. `worker` and `notify` never exit with 3: they wait for Redis.',
    cure: 'Check `REDIS_URL`, that Redis runs, and that it accepts the login. Then run the command again; after `send`, first read what stderr says about each line.',
  },
  interrupted: {
    cause: 'Ctrl-C or SIGTERM stopped the command before it was done.',
    cure: 'Run it again: a replay or a discard with the same filter continues with the rest. Give `send` only the lines whose number was not printed, unless all lines have an `idempotencyKey`.',
  },
};
