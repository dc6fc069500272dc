import { createProducer } from '../../producer/index.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line, type JsonOption } from '../context/context.ts';
import { loadSite } from '../context/site.ts';
import { textTable } from '../terminal/table.ts';

/** `cancel ID`: ends a message that is not being sent. */
export async function cancel(context: CommandContext, id: string, { json }: JsonOption): Promise<ExitCode> {
  // It stores nothing, so it needs no encryption keys.
  await using producer = createProducer({ ...loadSite(context), requireEncryption: false });
  const result = await producer.cancelMessage(id);
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
