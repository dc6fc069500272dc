import { createProducer } from '../../producer/index.ts';
import { recorded } from '../../shared/actions/audit.ts';
import { type ActorFlags, recorderOf } from '../context/actor.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';

type CancelOptions = JsonOption & ActorFlags;

/** `cancel ID`: ends a message that is not being sent. */
export async function cancel(
  context: CommandContext,
  id: string,
  { json, by, reason }: CancelOptions,
): Promise<ExitCode> {
  const config = loadSite(context);
  // It stores nothing, so it needs no encryption keys.
  await using producer = createProducer({ ...config, requireEncryption: false });
  const result = await recorded(
    recorderOf(context, config, { action: 'cancel', ids: [id], by, reason }),
    async () => await producer.cancelMessage(id),
    (made) => ({ result: made }),
  );
  if (json) jsonLine(context.stdout, { id, result });
  else {
    line(
      context.stdout,
      textTable([
        ['id', 'result'],
        [id, result],
      ]),
    );
  }
  if (result === 'cancelled') return exitCodes.done;
  line(context.stderr, `${id} is not cancelled: ${reasons[result]}`);
  return exitCodes.notFullyDone;
}

const reasons = {
  'too-late': 'it is being sent or has ended; see "kitechat-sender message" with its id',
  'not-found':
    'it is unknown: the id is wrong, the message was delivered some time ago, or it was sent again under a new id',
} as const;
